import type { FeedMode } from '@pulsewire/protocol'
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
  readonly options: DeliveryOptions
  readonly subscriber: Subscriber
  readonly entries = new Map<string, Entry>()
  /** `null`: none. */
  patterns: Set<string> | null = null

  constructor(subscriber: Subscriber, id: number, feed: Feed, options: DeliveryOptions) {
    this.subscriber = subscriber
    this.id = id
    this.feed = feed
    this.options = options
  }

  get view(): View {
    return this.options.view
  }

  get delivery(): FeedMode {
    return this.options.delivery
  }

  get periodMs(): number {
    return this.options.periodMs
  }

  sameOptions(options: DeliveryOptions): boolean {
    const { view, delivery, periodMs, image, history } = this.options
    return (
      view === options.view &&
      delivery === options.delivery &&
      periodMs === options.periodMs &&
      image === options.image &&
      history === options.history
    )
  }
}
