import type { Clock, Timer } from '../runtime/clock.ts'

/** What the scheduler flushes. */
export interface Flushable {
  /** Owned by the scheduler: whether a flush is coming. */
  scheduled: boolean
  /** Owned by the scheduler: the tick of the last flush. */
  flushedAtTick: number
  flush(): void
}

/** A session that has not been flushed for so many ticks is idle: what comes next goes out at once. */
const IDLE_TICKS = 5
/** Parts of the time that flushing may take before ticks slow down, and below which they quicken again. */
const SLOWER_ABOVE = 0.3
const FASTER_BELOW = 0.15
/** Ticks slow down to so many times the configured interval at most. */
const SLOWDOWN_MAX = 3
/** Flushes in one go for at most this long, then lets input in. */
const SLICE_MS = 4
/** How many flushes between two looks at the clock. */
const SLICE_CHECK_EVERY = 16

/**
 * Decides when sessions flush: at the end of the turn when a session has been idle, else at the next tick, so that a
 * busy session makes one write per tick however many updates come. Writes are what a gateway spends its time on: with a
 * hundred updates a second per session, waiting for the tick makes half as many of them.
 *
 * Under load the tick slows down: when flushing takes more than a part of the time, fewer and larger writes bring more
 * updates through than punctual ones, which would only be late anyway.
 */
export class FlushScheduler {
  readonly #clock: Clock
  readonly #intervalMs: number
  #currentMs: number
  /** Time spent in flushes since the last tick. */
  #spentMs = 0
  #tick = 1
  #timer: Timer | null = null
  #soon: Flushable[] = []
  #next: Flushable[] = []
  #soonPending = false
  #lastFlushTick = 0

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#currentMs = intervalMs
  }

  /** Time between two ticks now: the configured one, up to three times as much under load. */
  get tickMs(): number {
    return this.#currentMs
  }

  /** For updates: at the end of the turn when the session is idle, else at the next tick. */
  schedule(session: Flushable): void {
    if (session.scheduled) return
    if (this.#timer === null || this.#tick - session.flushedAtTick >= IDLE_TICKS) return this.scheduleSoon(session)
    session.scheduled = true
    this.#next.push(session)
  }

  /** For answers, and for the rest of what did not fit: at the end of the turn. */
  scheduleSoon(session: Flushable): void {
    if (session.scheduled) return
    session.scheduled = true
    this.#soon.push(session)
    this.#wake()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#soon = []
    this.#next = []
  }

  #wake(): void {
    if (this.#soonPending) return
    this.#soonPending = true
    this.#clock.soon(this.#run)
  }

  #run = (): void => {
    this.#soonPending = false
    const due = this.#soon
    this.#soon = []
    if (due.length === 0) return
    // Before the first flush: a session that schedules itself anew in it has to wait for a tick.
    this.#timer ??= this.#clock.after(this.#currentMs, this.#onTick)
    const startedAtMs = this.#clock.nowMs()
    const untilMs = startedAtMs + SLICE_MS
    for (let i = 0; i < due.length; i++) {
      const session = due[i]!
      session.scheduled = false
      session.flushedAtTick = this.#tick
      session.flush()
      if (i % SLICE_CHECK_EVERY === SLICE_CHECK_EVERY - 1 && this.#clock.nowMs() > untilMs && i + 1 < due.length) {
        this.#soon = due.slice(i + 1).concat(this.#soon)
        this.#wake()
        break
      }
    }
    this.#lastFlushTick = this.#tick
    this.#spentMs += this.#clock.nowMs() - startedAtMs
  }

  #onTick = (): void => {
    this.#tick++
    this.#adapt()
    // Nothing for so long that every session is idle: a timer that only counts would wake the process for nothing.
    const isQuiet = this.#next.length === 0 && this.#soon.length === 0 && this.#tick - this.#lastFlushTick >= IDLE_TICKS
    this.#timer = isQuiet ? null : this.#clock.after(this.#currentMs, this.#onTick)
    if (this.#next.length === 0) return
    this.#soon = this.#soon.concat(this.#next)
    this.#next = []
    if (!this.#soonPending) this.#run()
  }

  #adapt(): void {
    const share = this.#spentMs / this.#currentMs
    this.#spentMs = 0
    if (share > SLOWER_ABOVE) this.#currentMs = Math.min(this.#currentMs * 1.25, this.#intervalMs * SLOWDOWN_MAX)
    else if (share < FASTER_BELOW) this.#currentMs = Math.max(this.#currentMs / 1.25, this.#intervalMs)
  }
}
