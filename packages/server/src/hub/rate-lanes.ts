import type { Clock, Timer } from '../runtime/clock.ts'
import type { EntryBlock } from './entry-block.ts'
import type { SymbolState } from './symbol.ts'

/** Blocks are looked through for at most this long at once, then input is let in. */
const SLICE_MS = 4
const SLICE_CHECK_EVERY = 16

/** That some subscriptions of a symbol share a rate. */
export interface RateUse {
  readonly lane: RateLane
  /** Entries of the symbol in the lane. */
  entries: number
}

/**
 * Everything that is delivered at one rate. Its ticks fall at the same moments for every receiver, so that all with the
 * same `maxRate` hold the same states and share encoded frames. A record only says that the next tick has something to
 * look for; the tick looks.
 */
export class RateLane {
  readonly periodMs: number
  readonly #clock: Clock
  readonly #blocks: EntryBlock[] = []
  #timer: Timer | null = null
  /** Which tick the last one was, or the next one is, counted in periods. */
  #number = -1
  #isLooking = false
  /** A tick came while the last one was still looking. */
  #isDueAgain = false
  #isClosed = false

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock
    this.periodMs = periodMs
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0
  }

  join(block: EntryBlock): void {
    block.laneIndex = this.#blocks.push(block) - 1
  }

  leave(block: EntryBlock): void {
    const last = this.#blocks.pop()!
    if (last !== block) {
      this.#blocks[block.laneIndex] = last
      last.laneIndex = block.laneIndex
    }
    block.laneIndex = -1
  }

  /** Something changed that a block of the lane holds. */
  arm(): void {
    if (this.#timer !== null) return
    const nowMs = this.#clock.nowMs()
    // A timer may fire early by a fraction of a millisecond: it has its tick behind it all the same.
    this.#number = Math.max(this.#number + 1, Math.floor(nowMs / this.periodMs) + 1)
    this.#timer = this.#clock.after(this.#number * this.periodMs - nowMs, () => this.#tick())
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#isClosed = true
  }

  #tick(): void {
    this.#timer = null
    this.#isDueAgain = this.#isLooking
    if (this.#isLooking) return
    this.#isLooking = true
    // As they are now: while this goes on in slices, some may leave, and have nothing new then.
    this.#look(this.#blocks.slice(), 0)
  }

  #look(blocks: readonly EntryBlock[], first: number): void {
    if (this.#isClosed) return
    const untilMs = this.#clock.nowMs() + SLICE_MS
    for (let i = first; i < blocks.length; i++) {
      const block = blocks[i]!
      if (!block.due && block.hasNews()) block.mark()
      if (i % SLICE_CHECK_EVERY === SLICE_CHECK_EVERY - 1 && i + 1 < blocks.length && this.#clock.nowMs() > untilMs) {
        this.#clock.soon(() => this.#look(blocks, i + 1))
        return
      }
    }
    this.#isLooking = false
    if (this.#isDueAgain) this.#tick()
  }
}

/** The rate lanes of a hub. */
export class RateLanes {
  readonly #clock: Clock
  readonly #lanes = new Map<number, RateLane>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Of the fastest rate that anything is delivered at; Infinity: none. */
  get shortestMs(): number {
    return Math.min(...this.#lanes.keys())
  }

  /** The block has its first entry, of this symbol; or one more. */
  join(block: EntryBlock, symbol: SymbolState, periodMs: number): void {
    let lane = this.#lanes.get(periodMs)
    if (lane === undefined) this.#lanes.set(periodMs, (lane = new RateLane(this.#clock, periodMs)))
    if (block.laneIndex < 0) lane.join(block)
    const uses = (symbol.rates ??= [])
    const use = uses.find((each) => each.lane === lane)
    if (use === undefined) uses.push({ lane, entries: 1 })
    else use.entries++
  }

  /** The symbol has left the block. */
  leave(block: EntryBlock, symbol: SymbolState, periodMs: number): void {
    const lane = this.#lanes.get(periodMs)!
    const uses = symbol.rates!
    const index = uses.findIndex((each) => each.lane === lane)
    if (--uses[index]!.entries === 0) uses.splice(index, 1)
    if (uses.length === 0) symbol.rates = null
    if (block.entries.length === 0) lane.leave(block)
    if (!lane.isEmpty) return
    lane.close()
    this.#lanes.delete(periodMs)
  }

  close(): void {
    for (const lane of this.#lanes.values()) lane.close()
  }
}
