import type { Clock } from './clock.ts'

/**
 * Notices that this process stood still: stopped, suspended, or starved of its processor. Timers are the first to run when
 * it goes on, before anything is read of what came meanwhile, and whoever judges others by their silence just then
 * takes its own for theirs.
 */
export class Standstill {
  readonly #clock: Clock
  readonly #toleratedMs: number
  #tickedAtMs: number

  /** @param toleratedMs time between two ticks that is still taken for a busy process. */
  constructor(clock: Clock, toleratedMs: number) {
    this.#clock = clock
    this.#toleratedMs = toleratedMs
    this.#tickedAtMs = clock.nowMs()
  }

  /** To be called at a fixed interval. @returns whether it comes so late that nobody should be judged before the next. */
  tick(): boolean {
    const nowMs = this.#clock.nowMs()
    const stoodStill = nowMs - this.#tickedAtMs > this.#toleratedMs
    this.#tickedAtMs = nowMs
    return stoodStill
  }
}
