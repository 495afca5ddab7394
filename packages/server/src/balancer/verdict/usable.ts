/** Which gateways of one track are handed out; a pure function, and the place of promise P5. */
import type { Finding } from './judge.ts'
import { isOfPulses, isSoft, type DegradedReason } from './reasons.ts'

export interface Candidate {
  readonly node: string
  readonly findings: readonly Finding[]
  /** The log that it serves from: candidates of two have no fault of a log in common. */
  readonly log: string
  /** Since when the control topic of that log has been silent; `null`: it is not. */
  readonly blindSinceMs: number | null
}

/** What is remembered of a track. */
export interface TrackPast {
  /** When each node was last proven. */
  readonly provenAtMs: ReadonlyMap<string, number>
  /** When any of them was; `null`: never since this balancer started. */
  readonly anyProvenAtMs: number | null
  /** When the nodes became known. */
  readonly startedAtMs: number
}

export interface Usable {
  readonly nodes: ReadonlySet<string>
  /** Why they are handed out although no probe vouches for them; `null` when one does. */
  readonly degraded: DegradedReason | null
}

/** Probes notice the same fault at different moments, a refused connection at once, silence after seconds: so far apart is "at once". */
export const TOGETHER_MS = 6000
/** Probes get so long, of a balancer that has just started or when no known good gateway is left, before leases are taken at their word. */
export const START_GRACE_MS = 5000

/**
 * The proven ones. When there are none, and something else than hard reasons speaks against the others, those that were proven
 * until everything failed at once: a fault that hits all of them together is hardly theirs. When none of those is left either
 * (gateways get new names where they are scaled or renamed, and a fault may outlast that), whoever is there.
 *
 * A log that is away is no fault of its gateways, and while nobody has another one, they are kept. Where gateways of another
 * log are proven, quotes are there.
 */
export function chooseUsable(candidates: readonly Candidate[], past: TrackPast, nowMs: number): Usable {
  const proven = candidates.filter(({ findings }) => findings.length === 0)
  const logs = new Set(proven.map(({ log }) => log))
  // The log is away, as the silence of the control topic says: that no pulses come is no gateway's fault then.
  const excused = candidates.filter(
    (one) => one.findings.length > 0 && one.findings.every(isOfPulses) && wasProven(one, past) && (logs.size === 0 || logs.has(one.log)),
  )
  if (proven.length + excused.length > 0) return usable([...proven, ...excused], null)
  const spared = candidates.filter(({ findings }) => findings.every(isSoft))
  const { anyProvenAtMs, startedAtMs } = past
  const knownGood =
    anyProvenAtMs === null ? [] : spared.filter(({ node }) => (past.provenAtMs.get(node) ?? -Infinity) >= anyProvenAtMs - TOGETHER_MS)
  if (knownGood.length > 0) return usable(knownGood, 'probes_failed')
  if (spared.length === 0 || nowMs - (anyProvenAtMs ?? startedAtMs) < START_GRACE_MS) return usable([], null)
  return usable(spared, anyProvenAtMs === null ? 'never_proven' : 'none_left')
}

function wasProven({ node, blindSinceMs }: Candidate, { provenAtMs }: TrackPast): boolean {
  return blindSinceMs !== null && (provenAtMs.get(node) ?? -Infinity) >= blindSinceMs - TOGETHER_MS
}

function usable(candidates: readonly Candidate[], degraded: DegradedReason | null): Usable {
  return { nodes: new Set(candidates.map(({ node }) => node)), degraded }
}
