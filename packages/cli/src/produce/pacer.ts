import type { Clock } from '@pulsewire/server'

/** Behind by more than this, the rest is given up: a pause must not be followed by a burst. */
const CATCH_UP_MAX_MS = 1_000

/** Spreads records over time: `due` says how many may go now so that the rate holds over any span. */
export class Pacer {
  readonly #rate: number
  readonly #clock: Clock
  #startedMs: number
  #sent = 0
  /** Records given up because their time had passed. */
  skipped = 0

  /** @param rate records per second */
  constructor(rate: number, clock: Clock) {
    this.#rate = rate
    this.#clock = clock
    this.#startedMs = clock.nowMs()
  }

  /** How many records are due and not yet sent. */
  due(): number {
    const behind = Math.floor(((this.#clock.nowMs() - this.#startedMs) * this.#rate) / 1_000) + 1 - this.#sent
    const behindMax = Math.max(1, Math.ceil((this.#rate * CATCH_UP_MAX_MS) / 1_000))
    if (behind <= behindMax) return Math.max(0, behind)
    this.skipped += behind - behindMax
    this.#sent += behind - behindMax
    return behindMax
  }

  sent(count: number): void {
    this.#sent += count
  }

  /** Waits until the next record is due, or the signal. */
  async wait(signal: AbortSignal): Promise<void> {
    const dueAtMs = this.#startedMs + (this.#sent * 1_000) / this.#rate
    // Timers are whole milliseconds, and a wake-up per record would cost more than the record: at least 1 ms each.
    const delayMs = Math.max(1, Math.ceil(dueAtMs - this.#clock.nowMs()))
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(delayMs, resolve)
    const wake = (): void => resolve()
    signal.addEventListener('abort', wake, { once: true })
    await promise
    timer.cancel()
    signal.removeEventListener('abort', wake)
  }
}
