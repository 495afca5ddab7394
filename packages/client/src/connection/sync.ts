import type { Clock, Timer } from '../clock.ts'

/** After `welcome`: three questions within a second, so that one delayed answer does not spoil the estimate. */
const FIRST_DELAYS_MS = [0, 250, 750]
const INTERVAL_MS = 60_000
/** An estimate that is not good is improved soon, not in a minute. */
const RETRY_MS = 1_000

/** Asks the sender for its time now and then (protocol.md, `sync`). */
export class SyncSchedule {
  readonly #clock: Clock
  readonly #isGood: () => boolean
  readonly #ask: (atMs: number) => void
  #asked = 0
  #timer: Timer | undefined

  /** @param isGood whether there is an estimate that is good enough. */
  constructor(clock: Clock, isGood: () => boolean, ask: (atMs: number) => void) {
    this.#clock = clock
    this.#isGood = isGood
    this.#ask = ask
  }

  /** Starts, or starts over because our clock made a step. */
  start(): void {
    this.stop()
    this.#asked = 0
    this.#next()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #next(): void {
    const delayMs = this.#delayMs()
    if (delayMs === 0) this.#fire()
    else this.#timer = this.#clock.after(delayMs, () => this.#fire())
  }

  #fire(): void {
    this.#asked++
    this.#ask(this.#clock.nowMs())
    this.#next()
  }

  #delayMs(): number {
    const first = FIRST_DELAYS_MS[this.#asked]
    if (first !== undefined) return first
    return this.#isGood() ? INTERVAL_MS : RETRY_MS
  }
}
