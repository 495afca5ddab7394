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

  /** @param cost in messages. @returns false when it is too much. */
  take(nowMs: number, cost = 1): boolean {
    if (this.#perSecond === 0) return true
    this.#left = Math.min(this.#perSecond * BURST_S, this.#left + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }

  /** The last one does not count. */
  giveBack(): void {
    this.#left++
  }
}
