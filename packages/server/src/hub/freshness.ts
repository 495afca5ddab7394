import type { StaleReason } from '@pulsewire/protocol'

/** In place of a partition: all of a feed, as long as nobody here knows which partitions it has. */
export const WHOLE_FEED = -1

/** Nodes may differ by so much in how old one pulse is, and it makes no difference to anybody. */
const SAME_AGE_MS = 250

/** The newest pulse of a partition as this hub knows it. All times by this hub's clock. */
export interface PulsePoint {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  /** When its writer wrote it, in ms since the Unix epoch. */
  readonly writtenAtMs: number
  /** The nodes that it passed, this one last. */
  readonly path: readonly string[]
  /** When it arrived at each of them. */
  readonly arrivedAtMs: readonly number[]
}

export interface StaleCause {
  /** The node, or `log`, that stopped. */
  readonly hop: string
  readonly reason: StaleReason
  readonly message: string
}

export interface StaleState extends StaleCause {
  readonly sinceMs: number
}

export interface PartitionFreshness {
  readonly partition: number
  readonly point: PulsePoint | null
  /** `null`: live. */
  readonly stale: StaleState | null
}

interface Mutable {
  partition: number
  point: PulsePoint | null
  stale: StaleState | null
  knownSinceMs: number
}

export interface FreshnessChange {
  readonly stale: readonly { readonly partition: number; readonly state: StaleState }[]
  readonly live: readonly number[]
}

/** Freshness of one feed's partitions: which pulse each holds, and whether that is young enough. */
export class FeedFreshness {
  readonly staleAfterMs: number
  /** Grows with every pulse that is progress: frames composed from an earlier revision are out of date. */
  revision = 0
  readonly #partitions = new Map<number, Mutable>()
  constructor(staleAfterMs: number) {
    this.staleAfterMs = staleAfterMs
  }

  get partitions(): Iterable<PartitionFreshness> {
    return this.#partitions.values()
  }

  get(partition: number): PartitionFreshness | undefined {
    return this.#partitions.get(partition)
  }

  /** From now on this partition, or `WHOLE_FEED`, is expected to have pulses. Partitions that become known take the place of the whole. */
  expect(partition: number, nowMs: number): void {
    if (this.#partitions.has(partition)) return
    const whole = this.#partitions.get(WHOLE_FEED)
    // Whoever waited for the feed has waited for this partition.
    this.#partitions.set(partition, { partition, point: null, stale: null, knownSinceMs: whole?.knownSinceMs ?? nowMs })
  }

  /** This partition is judged here no more. @returns whether it was called stale, which has to be taken back. */
  forget(partition: number): boolean {
    const held = this.#partitions.get(partition)
    this.#partitions.delete(partition)
    return held !== undefined && held.stale !== null
  }

  /** The pulse held no longer holds for all that is asked for here: nobody is given it any more. It is as old as it was. */
  unprove(partition: number): void {
    const held = this.#partitions.get(partition)
    if (held === undefined || held.point === null) return
    held.knownSinceMs = held.point.writtenAtMs
    held.point = null
    this.revision++
  }

  /** @returns whether it is newer than what was held. */
  accept(point: PulsePoint): boolean {
    this.expect(point.partition, point.writtenAtMs)
    const held = this.#partitions.get(point.partition)!
    const old = held.point
    if (old !== null && (point.generation < old.generation || (point.generation === old.generation && point.offset <= old.offset))) {
      if (point.generation === old.generation && point.offset === old.offset) this.#rejuvenate(held, point)
      return false
    }
    // Whoever has this one has those before it: by the clock of another writer it may look older than they were.
    const isAfter = old !== null && old.generation === point.generation && old.writtenAtMs > point.writtenAtMs
    held.point = isAfter ? { ...point, writtenAtMs: old.writtenAtMs } : point
    this.revision++
    return true
  }

  /** Of nodes that differ, the one by which a pulse is younger is right: the other does not know its writer's clock yet, and takes it for old. */
  #rejuvenate(held: Mutable, point: PulsePoint): void {
    if (point.writtenAtMs - held.point!.writtenAtMs <= SAME_AGE_MS) return
    held.point = point
    this.revision++
  }

  /** Age in ms of the newest pulse; since the partition is expected when there is none. */
  ageMs(partition: number, nowMs: number): number {
    const held = this.#partitions.get(partition)
    if (held === undefined) return Infinity
    return nowMs - (held.point?.writtenAtMs ?? held.knownSinceMs)
  }

  /** Judges every partition by its age and says what changed. `explain` is asked for the cause of each stale one. */
  check(nowMs: number, explain: (partition: number) => StaleCause): FreshnessChange {
    const stale: { partition: number; state: StaleState }[] = []
    const live: number[] = []
    const whole = this.#partitions.get(WHOLE_FEED)
    if (whole !== undefined && this.#partitions.size > 1) {
      this.#partitions.delete(WHOLE_FEED)
      if (whole.stale !== null) live.push(WHOLE_FEED)
    }
    for (const held of this.#partitions.values()) {
      const isStale = this.ageMs(held.partition, nowMs) > this.staleAfterMs
      if (!isStale) {
        if (held.stale !== null) live.push(held.partition)
        held.stale = null
        continue
      }
      const cause = explain(held.partition)
      const before = held.stale
      if (before !== null && before.hop === cause.hop && before.reason === cause.reason) continue
      held.stale = { ...cause, sinceMs: before?.sinceMs ?? held.point?.writtenAtMs ?? held.knownSinceMs }
      stale.push({ partition: held.partition, state: held.stale })
    }
    return { stale, live }
  }
}
