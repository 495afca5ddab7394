import type { Clock, Timer } from '../runtime/clock.ts'
import { type Stage, unwatchedStages } from '../runtime/stages/index.ts'

/** What the scheduler flushes. */
export interface Flushable {
  /** Owned by the scheduler: whether a flush is coming. */
  scheduled: boolean
  /** Owned by the scheduler: when it was last flushed. */
  flushedAtMs: number
  flush(): void
}

/** An interval is cut into so many slots: a timer serves all sessions of one. */
const SLOTS_PER_INTERVAL = 5
/** Part of the time that flushing may take at the configured interval; beyond it the interval grows in proportion. */
const FLUSHING_SHARE = 0.125
/** The interval grows to so many times the configured one at most. */
const STRETCH_MAX = 3
/**
 * What comes when so much of an interval has passed goes out with all else of its batch, and is not kept until after it:
 * whoever was served between two batches would be so for ever, where those are an interval apart.
 */
const NEARLY = 0.5
/** How fast the interval follows the load: the part of the way that it goes at each look. */
const STRETCH_STEP = 0.3
/** Intervals between two looks at the load. */
const LOOK_EVERY_INTERVALS = 4
/** Flushes in one go for at most this long, then lets input in. */
const SLICE_MS = 4
/** How many flushes between two looks at the clock. */
const SLICE_CHECK_EVERY = 16

/**
 * Decides when sessions flush: at the end of the turn, but not before an interval has passed since the last time, so that
 * a busy session makes one write per interval however many updates come. Writes are what a gateway spends its time on.
 * Where updates come in batches, as from a log, and those are an interval apart, each batch goes out as it has come: what
 * has been collected once is not collected a second time. Where they trickle in, each session has a phase of its own, and
 * flushes spread over the interval instead of queueing behind each other.
 *
 * Under load the interval grows: when flushing takes more than a part of the time, fewer and larger writes bring more
 * updates through than punctual ones, which would only be late anyway. Whoever brings updates in batches is told
 * (`stretch`), and brings them less often: what waits for a batch and then for its turn waits for both.
 */
export class FlushScheduler {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #slotMs: number
  /** Slots ahead, as a ring: sessions that flush in each. */
  readonly #slots: Flushable[][]
  #slot = 0
  /** Time at which the current slot began. */
  #slotAtMs = 0
  /** Sessions in the ring. */
  #waiting = 0
  readonly #stage: Stage
  #timer: Timer | null = null
  #soon: Flushable[] = []
  #soonPending = false
  #stretch = 1
  /** Time spent in flushes since the last look at the load. */
  #spentMs = 0
  #lookedAtMs: number

  constructor(clock: Clock, intervalMs: number, stage: Stage = unwatchedStages.open('flush')) {
    this.#stage = stage
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#slotMs = Math.max(1, intervalMs / SLOTS_PER_INTERVAL)
    this.#slots = Array.from({ length: Math.ceil((intervalMs * STRETCH_MAX) / this.#slotMs) + 2 }, () => [])
    this.#lookedAtMs = clock.nowMs()
  }

  /** How long a busy session collects updates now: the configured interval, up to three times as much under load. */
  get intervalMs(): number {
    return this.#intervalMs * this.#stretch
  }

  /** How many times the configured interval that is. */
  get stretch(): number {
    return this.#stretch
  }

  /** For updates: at the end of the turn, or when an interval has passed since the last flush. */
  schedule(session: Flushable): void {
    if (session.scheduled) return
    const nowMs = this.#clock.nowMs()
    // In a flush of its own it stands at Infinity.
    const waitMs = Math.min(session.flushedAtMs + this.intervalMs - nowMs, this.intervalMs)
    if (waitMs <= this.intervalMs * (1 - NEARLY)) return this.scheduleSoon(session)
    session.scheduled = true
    if (this.#waiting++ === 0) this.#slotAtMs = nowMs
    this.#timer ??= this.#clock.after(this.#slotMs, this.#onSlot)
    const ahead = Math.ceil((nowMs - this.#slotAtMs + waitMs) / this.#slotMs)
    this.#slots[(this.#slot + Math.min(ahead, this.#slots.length - 1)) % this.#slots.length]!.push(session)
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
    for (const slot of this.#slots) slot.length = 0
    this.#waiting = 0
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
    this.#stage.enter()
    const startedAtMs = this.#clock.nowMs()
    const untilMs = startedAtMs + SLICE_MS
    for (let i = 0; i < due.length; i++) {
      const session = due[i]!
      session.scheduled = false
      // What it schedules for itself in the flush waits, however long the flush takes.
      session.flushedAtMs = Infinity
      session.flush()
      session.flushedAtMs = startedAtMs
      if (i % SLICE_CHECK_EVERY === SLICE_CHECK_EVERY - 1 && i + 1 < due.length && this.#clock.nowMs() > untilMs) {
        this.#soon = due.slice(i + 1).concat(this.#soon)
        this.#wake()
        break
      }
    }
    const endedAtMs = this.#clock.nowMs()
    this.#spentMs += endedAtMs - startedAtMs
    this.#look(endedAtMs)
    this.#stage.leave()
  }

  /** Takes the slots whose time has come: several, when the process was busy meanwhile. */
  #onSlot = (): void => {
    const nowMs = this.#clock.nowMs()
    const passed = Math.max(1, Math.floor((nowMs - this.#slotAtMs) / this.#slotMs))
    this.#slotAtMs += passed * this.#slotMs
    for (let i = 0; i < Math.min(passed, this.#slots.length); i++) {
      this.#slot = (this.#slot + 1) % this.#slots.length
      const due = this.#slots[this.#slot]!
      if (due.length === 0) continue
      this.#waiting -= due.length
      this.#slots[this.#slot] = []
      this.#soon = this.#soon.concat(due)
    }
    this.#timer = this.#waiting === 0 ? null : this.#clock.after(Math.max(0, this.#slotAtMs + this.#slotMs - nowMs), this.#onSlot)
    if (this.#soon.length > 0 && !this.#soonPending) this.#run()
  }

  #look(nowMs: number): void {
    const sinceMs = nowMs - this.#lookedAtMs
    if (sinceMs < this.#intervalMs * LOOK_EVERY_INTERVALS) return
    const wanted = Math.min(Math.max(this.#spentMs / sinceMs / FLUSHING_SHARE, 1), STRETCH_MAX)
    this.#stretch += (wanted - this.#stretch) * STRETCH_STEP
    this.#spentMs = 0
    this.#lookedAtMs = nowMs
  }
}
