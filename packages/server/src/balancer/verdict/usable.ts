/** Which gateways of one track are handed out; a pure function, and the place of promise P5. */
import type { Finding } from './judge.ts'
import { isOfPulses, isSoft, type DegradedReason } from './reasons.ts'

export interface Candidate {
  readonly node: string
  readonly findings: readonly Finding[]
}

/** What is remembered of a track. */
export interface TrackPast {
  /** When each node was last proven. */
  readonly provenAtMs: ReadonlyMap<string, number>
  /** When any of them was; `null`: never since this balancer started. */
  readonly anyProvenAtMs: number | null
  /** When the nodes became known. */
  readonly startedAtMs: number
  /** Since when the directory has been degraded; `null`: it is not. */
  readonly blindSinceMs: number | null
}

export interface Usable {
  readonly nodes: ReadonlySet<string>
  /** Why they are handed out although no probe vouches for them; `null` when one does. */
  readonly degraded: DegradedReason | null
}

/** Probes notice the same fault at different moments, a refused connection at once, silence after seconds: so far apart is "at once". */
export const TOGETHER_MS = 6000
/** Probes of a balancer that has just started get so long before leases are taken at their word. */
export const START_GRACE_MS = 5000

/**
 * The proven ones. When there are none, and something else than hard reasons speaks against the others, those that were proven
 * until everything failed at once: a fault that hits all of them together is hardly theirs.
 */
export function chooseUsable(candidates: readonly Candidate[], past: TrackPast, nowMs: number): Usable {
  const proven = candidates.filter(({ findings }) => findings.length === 0)
  // The log is away, as the silence of the control topic says: that no pulses come is no gateway's fault then.
  const excused = candidates.filter(({ node, findings }) => findings.length > 0 && findings.every(isOfPulses) && wasProven(node, past))
  if (proven.length + excused.length > 0) return usable([...proven, ...excused], null)
  const spared = candidates.filter(({ findings }) => findings.every(isSoft))
  const { anyProvenAtMs } = past
  if (anyProvenAtMs === null) {
    const isOver = nowMs - past.startedAtMs >= START_GRACE_MS
    return usable(isOver ? spared : [], isOver && spared.length > 0 ? 'never_proven' : null)
  }
  const knownGood = spared.filter(({ node }) => (past.provenAtMs.get(node) ?? -Infinity) >= anyProvenAtMs - TOGETHER_MS)
  return usable(knownGood, knownGood.length > 0 ? 'probes_failed' : null)
}

function wasProven(node: string, { provenAtMs, blindSinceMs }: TrackPast): boolean {
  return blindSinceMs !== null && (provenAtMs.get(node) ?? -Infinity) >= blindSinceMs - TOGETHER_MS
}

function usable(candidates: readonly Candidate[], degraded: DegradedReason | null): Usable {
  return { nodes: new Set(candidates.map(({ node }) => node)), degraded }
}
