import type { PulseRow } from '@pulsewire/protocol'
import { PENDING, sameState, staleState, type SymbolState } from './state.ts'

/** How long the newest pulse took from the node before to this one. */
export interface HopAge {
  readonly node: string
  readonly ms: number
}

/** What a `stale` frame said, with its time converted to the client's clock. */
export interface Told {
  readonly hop: string
  readonly reason: string
  readonly sinceMs: number
  readonly message: string | undefined
}

/** What holds for all partitions of a session. */
export interface JudgeContext {
  /** The node at the other end. */
  readonly node: string
  readonly staleAfterMs: number
  /** What is said of what is proven. */
  readonly live: SymbolState
  /** When any pulse frame came last (at first: when the session was welcomed). */
  readonly lastPulseAtMs: number
  /** Since when pulses of this feed could be expected. */
  readonly expectedSinceMs: number
}

/** The freshness of one partition in one session: the newest pulse row and when it came. */
export class PartitionFreshness {
  readonly partition: number
  generation = -1
  offset = -1
  /** Local time at which the row came. */
  receivedAtMs = 0
  /** Age of the pulse at that time: from its writer to here. */
  ageAtArrivalMs = 0
  #path: readonly string[] = []
  #arrivedAgesMs: readonly number[] = []
  #rowAgeMs = 0
  /** A `stale` frame for this partition; null: a `live` frame withdrew it; undefined: nothing was said. */
  told: Told | null | undefined
  state: SymbolState = PENDING

  constructor(partition: number) {
    this.partition = partition
  }

  get proven(): boolean {
    return this.offset >= 0
  }

  /**
   * Takes a row of a pulse frame, if it is progress.
   * @param transitMs how long the frame was on its way, 0 where unknown.
   */
  accept(row: PulseRow, generation: number, path: readonly string[], transitMs: number, nowMs: number): boolean {
    const offset = row[1]
    if (generation < this.generation || (generation === this.generation && offset <= this.offset)) return false
    this.generation = generation
    this.offset = offset
    this.receivedAtMs = nowMs
    this.#rowAgeMs = row[3]
    this.#path = path
    this.#arrivedAgesMs = row[4]
    this.ageAtArrivalMs = Math.max(0, row[3] + Math.max(0, transitMs))
    return true
  }

  /** Whether its newest pulse was written before the other's; one without any is older than all. */
  isOlderThan(other: PartitionFreshness): boolean {
    if (!this.proven || !other.proven) return !this.proven && other.proven
    return this.receivedAtMs - this.ageAtArrivalMs < other.receivedAtMs - other.ageAtArrivalMs
  }

  /** Until it has a pulse of its own, it is as old as the other, which the feed had before it moved. */
  inherit(other: PartitionFreshness): void {
    this.offset = 0
    this.receivedAtMs = other.receivedAtMs
    this.ageAtArrivalMs = other.ageAtArrivalMs
    this.told = other.told
    this.state = other.state
  }

  /** Time since the newest pulse held was written, or undefined while there is none. */
  ageMs(nowMs: number): number | undefined {
    return this.proven ? this.ageAtArrivalMs + Math.max(0, nowMs - this.receivedAtMs) : undefined
  }

  /** What each hop took, from the writer to the client, by the newest pulse. */
  hops(): HopAge[] {
    if (!this.proven) return []
    const hops: HopAge[] = []
    let beforeMs = this.#rowAgeMs
    for (const [index, node] of this.#path.entries()) {
      const arrivedMs = this.#arrivedAgesMs[index] ?? beforeMs
      hops.push({ node, ms: beforeMs - arrivedMs })
      beforeMs = arrivedMs
    }
    hops.push({ node: 'client', ms: beforeMs + this.ageAtArrivalMs - this.#rowAgeMs })
    return hops
  }

  /** The sender of the hop on which the newest pulse lost most time: that is who held it up. */
  slowestHop(node: string, nowMs: number): string {
    const sinceArrivalMs = nowMs - this.receivedAtMs
    let slowest = node
    let mostMs = sinceArrivalMs
    let sender = 'log'
    for (const hop of this.hops()) {
      if (hop.ms > mostMs) {
        mostMs = hop.ms
        slowest = sender
      }
      sender = hop.node
    }
    return slowest
  }

  /** When this partition's state may change by the passing of time alone; Infinity when it cannot. */
  expiresAtMs(context: JudgeContext): number {
    if (this.state.state === 'stale') return Infinity
    if (!this.proven) return context.expectedSinceMs + context.staleAfterMs
    return this.receivedAtMs + context.staleAfterMs - this.ageAtArrivalMs
  }
}

/**
 * The state of a partition, protocol.md section 9.
 * @param told the `stale` frame in force for it, if any.
 */
export function judgePartition(
  partition: PartitionFreshness,
  told: Told | null | undefined,
  context: JudgeContext,
  nowMs: number,
): SymbolState {
  if (told != null) return keep(partition.state, staleState(told.hop, told.reason, told.sinceMs, told.message))
  const ageMs = partition.ageMs(nowMs)
  let expiredAtMs: number
  if (ageMs === undefined) {
    expiredAtMs = context.expectedSinceMs + context.staleAfterMs
    if (nowMs <= expiredAtMs) return PENDING
  } else {
    if (ageMs <= context.staleAfterMs) return context.live
    expiredAtMs = partition.receivedAtMs + context.staleAfterMs - partition.ageAtArrivalMs
  }
  const lagging = ageMs !== undefined && !isSilent(partition, context, nowMs)
  const hop = lagging ? partition.slowestHop(context.node, nowMs) : context.node
  return keep(partition.state, staleState(hop, lagging ? 'lagging' : 'no_pulse', expiredAtMs))
}

/** Whether it is the sender that says nothing at all, rather than something before it that holds this partition up. */
function isSilent(partition: PartitionFreshness, context: JudgeContext, nowMs: number): boolean {
  if (nowMs - context.lastPulseAtMs > context.staleAfterMs) return true
  // The newest row was young when it came, and not one frame came after it.
  return partition.ageAtArrivalMs <= context.staleAfterMs && context.lastPulseAtMs <= partition.receivedAtMs
}

/** The object that is there already, when it says the same: holders compare by identity first. */
function keep(before: SymbolState, now: SymbolState): SymbolState {
  if (before.state !== 'stale' || before.reason !== now.reason) return now
  // A stall has begun when it began, however often an old pulse trickles in meanwhile.
  if (before.hop === now.hop && before.message === now.message && before.sinceMs! <= now.sinceMs!) return before
  return sameState(before, now) ? before : now
}
