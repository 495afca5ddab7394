import type { Clock, Timer } from '../clock.ts'

/** After `welcome`: three questions within a second, so that one delayed answer does not spoil the estimate. */
const FIRST_DELAYS_MS = [0, 250, 750]
const INTERVAL_MS = 60_000
/** Estimates worse than this are improved soon, not in a minute. */
const ERROR_MAX_MS = 250
const RETRY_MS = 1_000

/** Asks the sender for its time now and then (protocol.md, `sync`). */
export class SyncSchedule {
  readonly #clock: Clock
  readonly #errorMs: () => number | undefined
  readonly #ask: (atMs: number) => void
  #asked = 0
  #timer: Timer | undefined

  /** @param errorMs bound of the present estimate's error, undefined while there is none. */
  constructor(clock: Clock, errorMs: () => number | undefined, ask: (atMs: number) => void) {
    this.#clock = clock
    this.#errorMs = errorMs
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
    const errorMs = this.#errorMs()
    return errorMs !== undefined && errorMs <= ERROR_MAX_MS ? INTERVAL_MS : RETRY_MS
  }
}
