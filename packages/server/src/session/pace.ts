/** How many seconds' worth may come at once: a client that connects says a lot in a moment. */
const BURST_S = 10

/** So many in a second on average, a burst of some seconds' worth at once. */
export class Pace {
  readonly #perSecond: number
  #left: number
  #atMs: number

  /** @param perSecond 0: no limit. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#left = perSecond * BURST_S
    this.#atMs = nowMs
  }

  /** Counts one. @returns false when it is one too many. */
  take(nowMs: number): boolean {
    if (this.#perSecond === 0) return true
    this.#left = Math.min(this.#perSecond * BURST_S, this.#left + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  /** The last one does not count. */
  giveBack(): void {
    this.#left++
  }
}
