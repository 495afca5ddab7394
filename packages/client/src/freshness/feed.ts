import type { LiveFrame, PulseFrame, StaleFrame } from '@pulsewire/protocol'
import { obtain } from '../obtain.ts'
import { judgePartition, PartitionFreshness, type JudgeContext, type Told } from './partition.ts'
import { LIVE, PENDING, sameState, staleState, worse, type SymbolState } from './state.ts'

/** A hostile number must not cost memory; real topics have far fewer partitions. */
export const PARTITIONS_MAX = 10_000

/** The freshness of one feed in one session. */
export class FeedFreshness {
  readonly feed: string
  readonly #partitions = new Map<number, PartitionFreshness>()
  readonly #symbols = new Map<string, SymbolState>()
  #generation = 0
  /** How many partitions the feed has; Infinity while nobody says. */
  #count = Infinity
  /** A `stale` frame for the whole feed. Partitions with a word of their own (`told` not undefined) do not heed it. */
  #toldAll: Told | null = null
  /** Stands for partitions that never sent a pulse, when it is not known how many there are. */
  readonly #unknown = new PartitionFreshness(-1)
  /** Since when pulses are due; undefined while nothing of the feed is subscribed, and nothing is judged. */
  expectedSinceMs: number | undefined
  /** The state of symbols whose partition is not known: the worst there is. */
  unplaced: SymbolState = PENDING
  /** The state of what is proven, which names the delay of a feed that has one. */
  proven: SymbolState = LIVE

  constructor(feed: string) {
    this.feed = feed
  }

  /**
   * The sender's account of the feed. Where that has moved to another topic, what was proven so far has the age that it
   * had: partitions that are new begin with the oldest of it, and those that are no more are forgotten.
   */
  shape(generation: number, count: number): void {
    if (generation > this.#generation && count > 0) {
      const known = [...this.#partitions.values()]
      for (const { partition } of known) if (partition >= count) this.#partitions.delete(partition)
      const oldest = known.reduce<PartitionFreshness | null>(
        (least, each) => (least === null || each.isOlderThan(least) ? each : least),
        null,
      )
      if (this.#generation > 0 && oldest?.proven === true) {
        for (let partition = 0; partition < Math.min(count, PARTITIONS_MAX); partition++)
          if (!this.#partitions.has(partition)) this.partition(partition).inherit(oldest)
      }
    }
    this.#generation = Math.max(generation, this.#generation)
    this.#count = count > 0 ? count : Infinity
  }

  /** How late the sender shows it, by its own account; absent: not at all. */
  delay(delayMs: number | undefined): void {
    if (delayMs !== this.proven.delayMs) this.proven = delayMs === undefined ? LIVE : Object.freeze({ ...LIVE, delayMs })
  }

  /** Whether the feed has it: a symbol's last record may still lie in one that it had. */
  has(partition: number): boolean {
    return partition >= 0 && partition < this.#count
  }

  /** @param partitions those that the sender has pulses of; none where it does not know yet. */
  expectPartitions(partitions: Iterable<number>): void {
    for (const partition of partitions) if (partition < PARTITIONS_MAX) this.partition(partition)
  }

  partition(number: number): PartitionFreshness {
    return obtain(this.#partitions, number, () => new PartitionFreshness(number))
  }

  get partitions(): Iterable<PartitionFreshness> {
    return this.#partitions.values()
  }

  pulse(frame: PulseFrame, transitMs: number, nowMs: number): void {
    for (const row of frame.partitions ?? []) {
      if (row[0] >= PARTITIONS_MAX) continue
      this.partition(row[0]).accept(row, frame.generation ?? 0, frame.paths?.[row[2]] ?? [], transitMs, nowMs)
    }
  }

  /** @param sinceMs the frame's `since` in the client's clock. */
  stale(frame: StaleFrame, sinceMs: number): void {
    const told: Told = { hop: frame.hop, reason: frame.reason, sinceMs, message: frame.message }
    if (frame.symbols !== undefined) {
      for (const symbol of frame.symbols) {
        this.#symbols.set(symbol, staleState(told.hop, told.reason, told.sinceMs, told.message))
      }
    } else if (frame.partitions !== undefined) {
      for (const partition of frame.partitions) this.partition(partition).told = told
    } else {
      this.#toldAll = told
      for (const partition of this.#partitions.values()) partition.told = undefined
    }
  }

  live(frame: LiveFrame): void {
    if (frame.symbols !== undefined) {
      for (const symbol of frame.symbols) this.#symbols.delete(symbol)
    } else if (frame.partitions !== undefined) {
      for (const partition of frame.partitions) this.partition(partition).told = null
    } else {
      this.#toldAll = null
      this.#symbols.clear()
      for (const partition of this.#partitions.values()) partition.told = undefined
    }
  }

  /** Judges every partition anew. Returns whether a state changed, also the one of symbols without a partition. */
  review(context: JudgeContext, nowMs: number): boolean {
    let changed = false
    let unplaced: SymbolState | undefined
    for (const partition of this.#partitions.size > 0 ? this.#partitions.values() : [this.#unknown]) {
      const told = partition.told === undefined ? this.#toldAll : partition.told
      const state = judgePartition(partition, told, context, nowMs)
      if (!sameState(state, partition.state)) changed = true
      partition.state = state
      unplaced = unplaced === undefined ? state : worse(unplaced, state)
    }
    // Also when a partition that was worse than all others is no more.
    if (!sameState(unplaced!, this.unplaced)) changed = true
    this.unplaced = unplaced!
    return changed
  }

  /** @param partition −1 when the symbol had no update yet. */
  stateOf(symbol: string, partition: number): SymbolState {
    const own = this.#symbols.size > 0 ? this.#symbols.get(symbol) : undefined
    if (own !== undefined) return own
    // A partition heard of by an update alone is judged from the next review on, like all others.
    return this.has(partition) ? this.partition(partition).state : this.unplaced
  }

  expiresAtMs(context: JudgeContext): number {
    let earliest = Infinity
    for (const partition of this.#partitions.size > 0 ? this.#partitions.values() : [this.#unknown]) {
      earliest = Math.min(earliest, partition.expiresAtMs(context))
    }
    return earliest
  }
}
