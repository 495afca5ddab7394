import type { Entry } from '../hub/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'

/** Entries of one session and period that have changed and wait for the period's next tick. */
export interface Lane {
  periodMs: number
  dueAtMs: number
  entries: Entry[]
}

/** Who is told at a lane's tick. */
export interface LaneOwner {
  lanesDue(): void
}

/**
 * The clock of all rate lanes: ticks of one period fall at the same moments for every session, so that receivers with
 * the same `maxRate` hold the same states and share encoded frames.
 */
export class LaneClock {
  readonly #clock: Clock
  readonly #periods = new Map<number, { owners: Set<LaneOwner>; timer: Timer | null }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The next tick of the period. */
  nextTickMs(periodMs: number): number {
    return (Math.floor(this.#clock.nowMs() / periodMs) + 1) * periodMs
  }

  /** Tells the owner at the period's next tick. */
  wait(periodMs: number, owner: LaneOwner): void {
    let period = this.#periods.get(periodMs)
    if (period === undefined) {
      period = { owners: new Set(), timer: null }
      this.#periods.set(periodMs, period)
    }
    period.owners.add(owner)
    if (period.timer !== null) return
    // A millisecond more, because timers may fire early by a fraction of one.
    period.timer = this.#clock.after(this.nextTickMs(periodMs) - this.#clock.nowMs() + 1, () => this.#tick(periodMs))
  }

  forget(owner: LaneOwner): void {
    for (const period of this.#periods.values()) period.owners.delete(owner)
  }

  close(): void {
    for (const period of this.#periods.values()) period.timer?.cancel()
    this.#periods.clear()
  }

  #tick(periodMs: number): void {
    const period = this.#periods.get(periodMs)
    if (period === undefined) return
    this.#periods.delete(periodMs)
    for (const owner of period.owners) owner.lanesDue()
  }
}
