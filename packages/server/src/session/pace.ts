/** How many seconds' worth may come at once: a client that connects says a lot in a moment. */
const BURST_S = 10

/** All work of one message counts for this part of a burst at most. */
const WORK_PART = 4

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

  /**
   * @param messages how many have come.
   * @param work what else they cost, in messages; at a very low limit one pattern of a large feed must not be too much by itself.
   * @returns false when it is too much.
   */
  take(nowMs: number, messages = 1, work = 0): boolean {
    if (this.#perSecond === 0) return true
    const cost = messages + Math.min(work, (this.#perSecond * BURST_S) / WORK_PART)
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

/** So many names in a message take about as long as a message without any. */
const NAMES_PER_MESSAGE = 100
/** Looking at so many symbols for a pattern takes about as long as a message does. */
const LOOKS_PER_MESSAGE = 1000
/** So many rows for a pattern. */
const ROWS_PER_MESSAGE = 20
/** A pattern that nobody here has: upstream nodes look at all of their symbols for it. */
const ASKED_MESSAGES = 20

/** What the names and patterns of a receiver cost beside their bytes, in messages. */
export class Work {
  #messages = 0

  named(names: number): void {
    this.#messages += names / NAMES_PER_MESSAGE
  }

  lookedAt(symbols: number): void {
    this.#messages += symbols / LOOKS_PER_MESSAGE
  }

  brought(rows: number): void {
    this.#messages += rows / ROWS_PER_MESSAGE
  }

  asked(): void {
    this.#messages += ASKED_MESSAGES
  }

  take(): number {
    const messages = this.#messages
    this.#messages = 0
    return messages
  }
}
