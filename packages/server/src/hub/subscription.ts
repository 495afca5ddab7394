import type { FeedMode } from '@pulsewire/protocol'
import type { Entry, Subscriber } from './entry.ts'
import type { Feed } from './feed.ts'
import type { View } from './view.ts'

/** One `id` of one session: a feed with options, and the symbols that it brought. */
export class Subscription {
  readonly id: number
  readonly feed: Feed
  readonly view: View
  readonly delivery: FeedMode
  /** Milliseconds between two deliveries of a symbol; 0: no limit. */
  readonly periodMs: number
  readonly image: boolean
  readonly subscriber: Subscriber
  readonly entries = new Map<string, Entry>()
  readonly patterns = new Set<string>()

  constructor(
    subscriber: Subscriber,
    id: number,
    feed: Feed,
    options: { readonly view: View; readonly delivery: FeedMode; readonly periodMs: number; readonly image: boolean },
  ) {
    this.subscriber = subscriber
    this.id = id
    this.feed = feed
    this.view = options.view
    this.delivery = options.delivery
    this.periodMs = options.periodMs
    this.image = options.image
  }

  sameOptions(options: { view: View; delivery: FeedMode; periodMs: number; image: boolean }): boolean {
    return (
      this.view === options.view &&
      this.delivery === options.delivery &&
      this.periodMs === options.periodMs &&
      this.image === options.image
    )
  }
}
