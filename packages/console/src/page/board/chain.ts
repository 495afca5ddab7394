import type { PartitionReport } from '@pulsewire/client'

/** One stop of the flow: `log`, the nodes of one tier, or `you`. */
export interface Stop {
  readonly nodes: readonly string[]
  /** Median over the partitions of what the newest pulse took to get here, in ms; undefined for the first stop. */
  readonly ms: number | undefined
}

/** The way of the newest pulses, over all partitions. */
export interface Chain {
  readonly stops: readonly Stop[]
  /** Median time from the writer of the newest pulse to here. */
  readonly endToEndMs: number | undefined
}

export const NO_CHAIN: Chain = { stops: [], endToEndMs: undefined }

/** Lines race, so that another push node brings each pulse: a node stays in the picture for this long after its last. */
const REMEMBERED_MS = 10_000

/** Sums up what the client knows per partition into one chain that a person can read. */
export class ChainView {
  /** Per tier, when each node last brought a pulse. */
  #seen: Map<string, number>[] = []
  #chain: Chain = NO_CHAIN

  /** @returns the chain before, when nothing is known at the moment. */
  update(reports: readonly PartitionReport[], nowMs: number): Chain {
    const proven = reports.filter(({ hops }) => hops.length > 0)
    if (proven.length === 0) return this.#chain
    const tiers = Math.max(...proven.map(({ hops }) => hops.length))
    this.#seen.length = tiers
    const stops: Stop[] = [{ nodes: ['log'], ms: undefined }]
    for (let tier = 0; tier < tiers; tier++) {
      const hops = proven.flatMap(({ hops }) => hops[tier] ?? [])
      const seen = (this.#seen[tier] ??= new Map())
      for (const { node } of hops) seen.set(node, nowMs)
      for (const [node, atMs] of seen) if (nowMs - atMs > REMEMBERED_MS) seen.delete(node)
      const nodes = tier === tiers - 1 ? ['you'] : [...seen.keys()].sort()
      stops.push({ nodes, ms: median(hops.map(({ ms }) => ms)) })
    }
    this.#chain = { stops, endToEndMs: median(proven.flatMap(({ endToEndMs }) => endToEndMs ?? [])) }
    return this.#chain
  }

  /** Another gateway serves: forget the nodes of the one before. */
  forget(): void {
    this.#seen = []
  }
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}
