import type { CatalogueFeed } from './directory.ts'

/** Two who begin a catalogue within so long count alike, so that the first in the log has its way. */
const BEGUN_TOGETHER_MS = 60_000

/**
 * What a feed counts from that is not in the catalogue: its time, so that a catalogue which is begun where one was lost is
 * newer than the lost one, to a node that has been away all the while and still holds that.
 */
export function firstRevision(nowMs: number): number {
  return Math.floor(nowMs / BEGUN_TOGETHER_MS) * BEGUN_TOGETHER_MS
}

/** The feeds of one control topic, the newest revision of each that was said. */
export class Catalogue {
  readonly feeds = new Map<string, CatalogueFeed>()

  /**
   * Of two that were written at the same time, the first in the log counts, for every reader.
   * @returns whether it does.
   */
  take(feed: CatalogueFeed): boolean {
    if (feed.revision <= (this.feeds.get(feed.feed)?.revision ?? -1)) return false
    this.feeds.set(feed.feed, feed)
    return true
  }

  remove(feed: string): void {
    this.feeds.delete(feed)
  }

  forget(): void {
    this.feeds.clear()
  }
}
