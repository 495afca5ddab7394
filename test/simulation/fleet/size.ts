import { Random } from '../world/random.ts'

/** How large a fleet is, how lively its feeds are, and how densely faults strike. */
export interface FleetSize {
  readonly feedsMax: number
  readonly partitionsMax: number
  readonly symbolsMax: number
  /** Records per second of one feed, on average: at most. */
  readonly ratePerSMax: number
  readonly pulseIntervalsMs: readonly number[]
  /** How likely a line has one push node, where it could have two that share the partitions. */
  readonly wholeLines: number
  readonly appsMax: number
  /**
   * Of one application, at a time. One that only adds to them asks, after some minutes, for more than a thin line carries:
   * what it is told then, that it is stale, is right, and no fault of the list explains it.
   */
  readonly subscriptionsMax: number
  /** Between two faults, on average: from, to. */
  readonly faultEveryMs: readonly [from: number, to: number]
}

const LARGE: FleetSize = {
  feedsMax: 3,
  partitionsMax: 4,
  symbolsMax: 12,
  ratePerSMax: 30,
  pulseIntervalsMs: [250, 500, 500],
  wholeLines: 0.7,
  appsMax: 4,
  subscriptionsMax: 8,
  faultEveryMs: [1_500, 10_000],
}

/** What is played for longer costs by its size. */
const LONG_MS = 60_000
const LARGE_SHARE = 0.1
/** Draws of a size come from a sequence of their own, so that the others of the seed are what they were. */
const SIZE_STREAM = 1

/** @param faultsMs `undefined`: drawn, and short. */
export function isLong(faultsMs: number | undefined): boolean {
  return faultsMs !== undefined && faultsMs >= LONG_MS
}

/**
 * The size of a fleet. Short ones are large, all of them: most of their time is the start and the end. Of those that go
 * on for minutes most are small, each by draws of its own: what minutes bring about (refs used before, full histories,
 * nodes of which none has its first life) needs time and faults, not size, and ten small ones find more than a large one.
 */
export function drawSize(seed: number, faultsMs: number | undefined): FleetSize {
  if (!isLong(faultsMs)) return LARGE
  const random = new Random(seed, SIZE_STREAM)
  if (random.chance(LARGE_SHARE)) return LARGE
  return {
    feedsMax: random.chance(0.85) ? 1 : 2,
    partitionsMax: random.pick([1, 2, 2]),
    symbolsMax: random.int(3, 8),
    ratePerSMax: random.logBetween(0.6, 6),
    pulseIntervalsMs: [500],
    wholeLines: 0.8,
    appsMax: random.pick([1, 1, 2]),
    subscriptionsMax: random.int(2, 4),
    faultEveryMs: [1_500, 5_000],
  }
}
