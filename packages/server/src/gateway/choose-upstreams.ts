import { rendezvousScore, type Lease } from '../directory/index.ts'
import type { Upstream } from './upstreams.ts'

/** A push node that may be linked to. */
export interface Candidate extends Upstream {
  readonly node: string
  readonly feeds: Lease['feeds']
  readonly isNear: boolean
  readonly isLinked: boolean
}

export interface Choice {
  /** Of this gateway: gateways that may not link to all choose differently. */
  readonly self: string
  /** Those that are as they should be. */
  readonly good: readonly Candidate[]
  /** Those that are leaving: needed for as long as nobody else has what they have. */
  readonly leaving: readonly Candidate[]
  readonly max: number
}

/**
 * Every good node, as long as there are not too many; else for each line as many as it takes to cover every partition,
 * the rest by what else fits. Those that are linked already go first, so that a choice holds while it can.
 */
export function chooseUpstreams({ self, good, leaving, max }: Choice): readonly Candidate[] {
  const chosen = good.length <= max ? [...good] : withinLimit(self, good, max)
  const covered = new Set(chosen.flatMap(partitionsOf))
  for (const candidate of leaving) {
    if (chosen.length < max && partitionsOf(candidate).some((key) => !isCovered(key, covered))) chosen.push(candidate)
  }
  return chosen
}

function withinLimit(self: string, candidates: readonly Candidate[], max: number): Candidate[] {
  const lines = Map.groupBy(candidates, ({ line }) => line)
  const perLine = Math.floor(max / lines.size)
  const ordered = [...lines.values()].map((ofLine) => inOrder(self, ofLine))
  const chosen = ordered.flatMap((ofLine) => cover(ofLine, perLine))
  for (const candidate of ordered.flat()) {
    if (chosen.length >= max) break
    if (!chosen.includes(candidate)) chosen.push(candidate)
  }
  return chosen
}

function inOrder(self: string, candidates: readonly Candidate[]): Candidate[] {
  const rank = ({ isLinked, isNear }: Candidate) => (isLinked ? 2 : 0) + (isNear ? 1 : 0)
  const score = ({ node }: Candidate) => rendezvousScore(self, node)
  return candidates.toSorted((a, b) => rank(b) - rank(a) || score(b) - score(a))
}

/** One after the other whoever adds most, until nothing is missing. */
function cover(candidates: readonly Candidate[], max: number): Candidate[] {
  const missing = new Set(candidates.flatMap(partitionsOf))
  const chosen: Candidate[] = []
  while (missing.size > 0 && chosen.length < max) {
    const gain = (candidate: Candidate) => partitionsOf(candidate).filter((key) => missing.has(key)).length
    const best = candidates.reduce((most, candidate) => (gain(candidate) > gain(most) ? candidate : most))
    if (gain(best) === 0) break
    chosen.push(best)
    for (const key of partitionsOf(best)) missing.delete(key)
  }
  return chosen
}

/** A node that names no partitions has all that there are. */
function partitionsOf({ feeds }: Candidate): string[] {
  return feeds.flatMap(({ feed, partitions }) => partitions?.map((partition) => `${feed}/${partition}`) ?? [`${feed}/*`])
}

function isCovered(key: string, covered: ReadonlySet<string>): boolean {
  return covered.has(key) || covered.has(`${key.slice(0, key.lastIndexOf('/'))}/*`)
}
