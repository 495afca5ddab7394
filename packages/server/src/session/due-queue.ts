import type { Entry } from '../hub/index.ts'
import type { Lane, LaneClock, LaneOwner } from './lanes.ts'

/** Taken entries are cut off the array only in runs, so that taking one is cheap. */
const COMPACT_AT = 1024

/**
 * What is due to one receiver: entries in the order in which they became due, and those that wait for the next tick of
 * their rate. Each entry stands here once, so the number of subscriptions bounds it, however many updates come.
 */
export class DueQueue {
  #queue: Entry[] = []
  #head = 0
  #lanes: Lane[] | null = null

  get isEmpty(): boolean {
    return this.#head >= this.#queue.length
  }

  /** Memory that the queue takes, in entries. */
  get slots(): number {
    return this.#queue.length
  }

  /** Rates that were ever waited for at once. */
  get lanes(): number {
    return this.#lanes?.length ?? 0
  }

  /** Makes an entry due now. An entry that waits for its tick is taken from there. */
  push(entry: Entry): void {
    if (entry.queued && !entry.inLane) return
    entry.queued = true
    entry.inLane = false
    this.#queue.push(entry)
  }

  /** Makes an entry due at the next tick of its period; `owner` is told then. */
  wait(entry: Entry, periodMs: number, clock: LaneClock, owner: LaneOwner): void {
    if (entry.queued) return
    entry.queued = true
    entry.inLane = true
    const lane = this.#laneOf(periodMs)
    if (lane.entries.length === 0) {
      lane.dueAtMs = clock.nextTickMs(periodMs)
      clock.wait(periodMs, owner)
    }
    lane.entries.push(entry)
  }

  /** Entries whose tick has come are due. */
  takeDueLanes(nowMs: number): void {
    if (this.#lanes === null) return
    for (const lane of this.#lanes) {
      if (lane.entries.length === 0 || lane.dueAtMs > nowMs) continue
      for (const entry of lane.entries) {
        // It may have become due at once in the meantime.
        if (!entry.inLane) continue
        entry.inLane = false
        this.#queue.push(entry)
      }
      lane.entries = []
    }
  }

  /**
   * Waits for the ticks that lie ahead. To be called at each tick: a flush that came just before it may have taken what
   * the tick was for, and what has become due since waits for the next one.
   */
  waitOn(nowMs: number, clock: LaneClock, owner: LaneOwner): void {
    for (const lane of this.#lanes ?? []) if (lane.entries.length > 0 && lane.dueAtMs > nowMs) clock.wait(lane.periodMs, owner)
  }

  /** The next entry that is due; `undefined` when there is none. */
  shift(): Entry | undefined {
    const entry = this.#queue[this.#head]
    if (entry === undefined) {
      this.#queue.length = 0
      this.#head = 0
      return undefined
    }
    this.#head++
    entry.queued = false
    // A receiver that is behind for hours never empties the queue.
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
    this.#lanes = null
  }

  /** An empty lane is used again: receivers choose their rates, and each new one must not cost memory for ever. */
  #laneOf(periodMs: number): Lane {
    this.#lanes ??= []
    let free: Lane | undefined
    for (const lane of this.#lanes) {
      if (lane.periodMs === periodMs) return lane
      if (lane.entries.length === 0) free = lane
    }
    if (free === undefined) {
      free = { periodMs, dueAtMs: 0, entries: [] }
      this.#lanes.push(free)
    } else free.periodMs = periodMs
    return free
  }
}
