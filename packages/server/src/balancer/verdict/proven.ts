/** What a probe's pulses prove; pure functions. */
import type { HeardGeneration, ProbeReport } from '../probe/report.ts'

/** Pulse writers look for new partitions every 2 s. */
const GROWTH_GRACE_MS = 6000

export interface PulseLimits {
  /** A pulse of every partition must have come within this. */
  readonly pulseHeardWithinMs: number
  /** And must not have been older than this when it came. */
  readonly pulseAgeMaxMs: number
}

export function isProven(heard: HeardGeneration, limits: PulseLimits, nowMs: number): boolean {
  const due = partitionsDue(heard, nowMs)
  if (due === 0) return false
  for (let partition = 0; partition < due; partition++) {
    const pulse = heard.pulses.get(partition)
    if (pulse === undefined || nowMs - pulse.heardAtMs > limits.pulseHeardWithinMs || pulse.ageMs > limits.pulseAgeMaxMs) return false
  }
  return true
}

/** New partitions have pulses once the pulse writers have found them; until then the others speak for the feed. */
export function partitionsDue({ partitions, grown }: HeardGeneration, nowMs: number): number {
  return grown !== null && nowMs - grown.atMs <= GROWTH_GRACE_MS ? Math.min(grown.before, partitions) : partitions
}

/** The newest generation of the feed that the gateway has proven; `undefined`: none. */
export function provenGeneration(probe: ProbeReport, feed: string, limits: PulseLimits, nowMs: number): number | undefined {
  const proven = [...(probe.feeds.get(feed)?.generations ?? [])].filter(([, heard]) => isProven(heard, limits, nowMs))
  return proven.length === 0 ? undefined : Math.max(...proven.map(([generation]) => generation))
}

/**
 * The newest generation that at least half of those who serve the feed have come to: one alone, from a wrong configuration,
 * takes nobody along, and a few that were left behind hold nobody back.
 */
export function mostHaveComeTo(generations: readonly number[]): number | undefined {
  return generations.toSorted((a, b) => b - a)[Math.ceil(generations.length / 2) - 1]
}
