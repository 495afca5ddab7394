/** After so many vain trials the time between two grows no more. */
const DOUBLINGS_MAX = 6
const INTERVAL_MAX_MS = 60_000
/** Well for this long, a gateway has earned that its next trouble is taken for a new one. */
const WELL_MS = 60_000

/**
 * How often a client with old data looks whether another gateway has newer: soon at first, ever more seldom while it is
 * in vain, so that an outage that is the same everywhere moves nobody and costs little.
 */
export class TrialPace {
  readonly #firstMs: number
  readonly #random: () => number
  #trials = 0
  #notBeforeMs = -Infinity

  /** @param firstMs how long data has to be old before the first trial. */
  constructor(firstMs: number, random: () => number) {
    this.#firstMs = firstMs
    this.#random = random
  }

  /** When the next trial may begin, given that data is old since then. */
  nextAtMs(faultSinceMs: number): number {
    if (faultSinceMs - this.#notBeforeMs > WELL_MS) this.#trials = 0
    return Math.max(faultSinceMs + this.#firstMs, this.#notBeforeMs)
  }

  tried(nowMs: number): void {
    const intervalMs = Math.min(INTERVAL_MAX_MS, this.#firstMs * 2 ** Math.min(++this.#trials, DOUBLINGS_MAX))
    this.#notBeforeMs = nowMs + intervalMs * (0.5 + this.#random())
  }
}
