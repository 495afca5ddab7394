import type { FeedMode } from '@pulsewire/protocol'
import { EntryBlocks } from './entry-block.ts'
import type { Entry, Subscriber } from './entry.ts'
import type { Feed } from './feed.ts'
import type { View } from './view.ts'

/** How a subscription's symbols are delivered. */
export interface DeliveryOptions {
  readonly view: View
  readonly delivery: FeedMode
  /** Milliseconds between two deliveries of a symbol; 0: no limit. */
  readonly periodMs: number
  /** Whether to begin with the image. */
  readonly image: boolean
  /** `every`: records to begin with, instead of the newest image alone. */
  readonly history: number
}

/** One `id` of one session: a feed with options, and the symbols that it brought. */
export class Subscription {
  readonly id: number
  readonly feed: Feed
  readonly subscriber: Subscriber
  // Of the options, side by side with the rest: they are looked at for each update.
  readonly view: View
  readonly delivery: FeedMode
  readonly isEvery: boolean
  readonly periodMs: number
  readonly image: boolean
  readonly history: number
  readonly entries = new Map<string, Entry>()
  /** The same entries, as they are looked through. */
  readonly blocks: EntryBlocks
  /** `null`: none. */
  patterns: Set<string> | null = null

  constructor(subscriber: Subscriber, id: number, feed: Feed, options: DeliveryOptions) {
    this.subscriber = subscriber
    this.id = id
    this.feed = feed
    this.view = options.view
    this.delivery = options.delivery
    this.isEvery = options.delivery === 'every'
    this.periodMs = options.periodMs
    this.image = options.image
    this.history = options.history
    this.blocks = new EntryBlocks(subscriber, options.periodMs > 0)
  }

  sameOptions(options: DeliveryOptions): boolean {
    return (
      this.view === options.view &&
      this.delivery === options.delivery &&
      this.periodMs === options.periodMs &&
      this.image === options.image &&
      this.history === options.history
    )
  }
}
