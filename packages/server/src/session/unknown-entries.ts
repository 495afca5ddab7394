import type { Entry, Hub } from '../hub/index.ts'

/**
 * Symbols of a session of which no record is known: names cost whoever makes them up nothing, so that only so many are
 * held. Nobody counts down when a record comes: those are found when there is no room, and that some are.
 */
export class UnknownEntries {
  readonly #hub: Hub
  /** `null` while there are none. */
  #entries: Set<Entry> | null = null
  /** How many symbols had appeared in all when it was last looked which of them have. */
  #lookedAt = -1

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** @returns false when there is no room for the entry. One with a record needs none. */
  hold(entry: Entry, max: number): boolean {
    if (entry.symbol.offset >= 0 || this.#entries?.has(entry) === true) return true
    if ((this.#entries?.size ?? 0) >= max) this.#look()
    if ((this.#entries?.size ?? 0) >= max) return false
    ;(this.#entries ??= new Set()).add(entry)
    return true
  }

  drop(entry: Entry): void {
    this.#entries?.delete(entry)
    if (this.#entries?.size === 0) this.#entries = null
  }

  #look(): void {
    const appeared = this.#hub.feeds.reduce((sum, feed) => sum + feed.appeared, 0)
    if (appeared === this.#lookedAt) return
    this.#lookedAt = appeared
    for (const entry of this.#entries ?? []) if (entry.symbol.offset >= 0) this.#entries?.delete(entry)
  }
}
