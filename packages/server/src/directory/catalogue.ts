import type { CatalogueFeed } from './directory.ts'

/** The feeds of one control topic, as it says them one after the other. */
export class Catalogue {
  readonly feeds = new Map<string, CatalogueFeed>()
  /** As far as the topic that is there now has said them. */
  readonly #revisions = new Map<string, number>()

  /** Of two that were written at the same time, the first in the log counts, for every reader. */
  take(feed: CatalogueFeed): void {
    if (feed.revision <= (this.#revisions.get(feed.feed) ?? -1)) return
    this.#revisions.set(feed.feed, feed.revision)
    this.feeds.set(feed.feed, feed)
  }

  remove(feed: string): void {
    this.feeds.delete(feed)
    this.#revisions.delete(feed)
  }

  /** The topic was made anew: what is known stays, and what is said from now on is newer, whatever revisions it counts. */
  beginAnew(): void {
    this.#revisions.clear()
  }

  forget(): void {
    this.beginAnew()
    this.feeds.clear()
  }
}
