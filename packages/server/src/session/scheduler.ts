import type { Clock, Timer } from '../runtime/clock.ts'

/** What the scheduler flushes. */
export interface Flushable {
  /** Owned by the scheduler: whether a flush is coming. */
  scheduled: boolean
  /** Owned by the scheduler: the tick of the last flush. */
  flushedAtTick: number
  flush(): void
}

/** Flushes in one go for at most this long, then lets input in. */
const SLICE_MS = 4
/** How many flushes between two looks at the clock. */
const SLICE_CHECK_EVERY = 16

/**
 * Decides when sessions flush: at the end of the turn when a session has been idle, else at the next tick, so that a
 * busy session makes one write per tick however many updates come.
 */
export class FlushScheduler {
  readonly #clock: Clock
  readonly #intervalMs: number
  #tick = 1
  #timer: Timer | null = null
  #soon: Flushable[] = []
  #next: Flushable[] = []
  #soonPending = false
  #flushedThisTick = false

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  schedule(session: Flushable): void {
    if (session.scheduled) return
    session.scheduled = true
    if (this.#timer !== null && session.flushedAtTick === this.#tick) this.#next.push(session)
    else {
      this.#soon.push(session)
      this.#wake()
    }
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
    const untilMs = this.#clock.nowMs() + SLICE_MS
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
    if (due.length > 0) this.#flushedThisTick = true
    this.#timer ??= this.#clock.every(this.#intervalMs, this.#onTick)
  }

  #onTick = (): void => {
    this.#tick++
    if (this.#next.length > 0) {
      this.#soon = this.#soon.concat(this.#next)
      this.#next = []
      if (this.#soonPending) return
      this.#run()
      return
    }
    // Nothing for a whole tick: a timer that only counts would wake an idle process for nothing.
    if (!this.#flushedThisTick && this.#soon.length === 0) {
      this.#timer?.cancel()
      this.#timer = null
    }
    this.#flushedThisTick = false
  }
}
