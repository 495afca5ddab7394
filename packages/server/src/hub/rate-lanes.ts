import type { Clock, Timer } from '../runtime/clock.ts'
import type { SymbolState } from './symbol.ts'

/** Marked symbols are worked off for at most this long at once, then input is let in. */
const SLICE_MS = 4
const SLICE_CHECK_EVERY = 16

/**
 * That some subscriptions of a symbol share a period. A record marks it once, however many they are; their entries
 * become due at the period's next tick.
 */
export interface RateMark {
  readonly symbol: SymbolState
  readonly periodMs: number
  /** Entries of the symbol with this period. */
  entries: number
  marked: boolean
}

interface Lane {
  marks: RateMark[]
  timer: Timer
}

/**
 * The rate lanes of a hub: what changed in each since its last tick. Ticks of one period fall at the same moments for
 * every receiver, so that all with the same `maxRate` hold the same states and share encoded frames.
 */
export class RateLanes {
  readonly #clock: Clock
  readonly #lanes = new Map<number, Lane>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Periods in which something waits. */
  get size(): number {
    return this.#lanes.size
  }

  /** The symbol changed. */
  mark(marks: readonly RateMark[]): void {
    for (let i = 0; i < marks.length; i++) {
      const mark = marks[i]!
      if (mark.marked) continue
      mark.marked = true
      const lane = this.#lanes.get(mark.periodMs)
      if (lane === undefined) this.#lanes.set(mark.periodMs, { marks: [mark], timer: this.#timer(mark.periodMs) })
      else lane.marks.push(mark)
    }
  }

  close(): void {
    for (const { timer } of this.#lanes.values()) timer.cancel()
    this.#lanes.clear()
  }

  #timer(periodMs: number): Timer {
    const nowMs = this.#clock.nowMs()
    const tickMs = (Math.floor(nowMs / periodMs) + 1) * periodMs
    // A millisecond more, because timers may fire early by a fraction of one.
    return this.#clock.after(tickMs - nowMs + 1, () => this.#tick(periodMs))
  }

  #tick(periodMs: number): void {
    const lane = this.#lanes.get(periodMs)
    if (lane === undefined) return
    this.#lanes.delete(periodMs)
    this.#release(lane.marks, 0)
  }

  #release(marks: readonly RateMark[], first: number): void {
    const untilMs = this.#clock.nowMs() + SLICE_MS
    for (let i = first; i < marks.length; i++) {
      release(marks[i]!)
      if (i % SLICE_CHECK_EVERY === SLICE_CHECK_EVERY - 1 && i + 1 < marks.length && this.#clock.nowMs() > untilMs) {
        this.#clock.soon(() => this.#release(marks, i + 1))
        return
      }
    }
  }
}

function release(mark: RateMark): void {
  mark.marked = false
  const { symbol, periodMs } = mark
  const { entries } = symbol
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    const { subscription } = entry
    if (!entry.queued && entry.answered && subscription.periodMs === periodMs) subscription.subscriber.due(entry)
  }
}

/** The symbol has one more entry with this period. */
export function addRate(symbol: SymbolState, periodMs: number): void {
  const marks = (symbol.rates ??= [])
  const mark = marks.find((each) => each.periodMs === periodMs)
  if (mark === undefined) marks.push({ symbol, periodMs, entries: 1, marked: false })
  else mark.entries++
}

/** One less. A mark that waits for its tick finds nobody then. */
export function removeRate(symbol: SymbolState, periodMs: number): void {
  const marks = symbol.rates ?? []
  const index = marks.findIndex((each) => each.periodMs === periodMs)
  if (index < 0 || --marks[index]!.entries > 0) return
  marks.splice(index, 1)
  if (marks.length === 0) symbol.rates = null
}
