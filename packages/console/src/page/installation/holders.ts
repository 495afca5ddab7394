import type { NodeAnswer, TopologyAnswer } from './answers.ts'
import { askServer } from './ask.ts'
import { isThere, oldest } from './tone.ts'

/** What one node said that it holds of a symbol. */
export interface HolderAnswer {
  readonly node: string
  readonly position: string | null
  readonly recordAgeMs: number | null
  readonly subscriptions: number
  /** Of the symbol's partition. */
  readonly pulseAgeMs: number | null
}

export interface HoldersAnswer {
  readonly partition: number | null
  readonly holders: readonly HolderAnswer[]
  readonly silent: readonly string[]
}

/** @throws Error with a sentence for the user. */
export function askHolders(feed: string, symbol: string): Promise<HoldersAnswer> {
  return askServer('/api/holders', { feed, symbol })
}

export interface HolderRow {
  readonly node: NodeAnswer
  /** Age of the newest pulse: as the node said itself, else by its lease. */
  readonly ageMs: number | null
  /** `null`: it was not asked, or said nothing. */
  readonly told: HolderAnswer | null
}

export interface Holders {
  readonly lines: readonly { readonly line: string; readonly rows: readonly HolderRow[] }[]
  readonly gateways: readonly HolderRow[]
}

/**
 * Who should hold a symbol by what the balancer knows: of each line the push nodes that read its partition, and the gateways
 * that are linked to any of them; with what they said themselves, where they were asked.
 * @param partition `null`: not known, so whoever reads the feed.
 */
export function holdersOf({ nodes }: TopologyAnswer, feed: string, partition: number | null, told: HoldersAnswer | null): Holders {
  const said = new Map(told?.holders.map((holder) => [holder.node, holder]))
  const row = (node: NodeAnswer, leased: number | null): HolderRow => {
    const own = said.get(node.node) ?? null
    return { node, ageMs: own === null ? leased : own.pulseAgeMs, told: own }
  }
  const push = nodes.filter((node) => node.role === 'push' && isThere(node) && reads(node, feed, partition))
  const names = new Set(push.map(({ node }) => node))
  const lines = [...new Set(push.map(({ line = '' }) => line))].sort()
  return {
    lines: lines.map((line) => ({
      line,
      rows: push.filter((node) => (node.line ?? '') === line).map((node) => row(node, oldestOf(node, feed))),
    })),
    gateways: nodes
      .filter((node) => node.role === 'gateway' && isThere(node))
      .map((node) => row(node, freshestLink(node, names)))
      .filter(({ ageMs, told: own }) => ageMs !== null || own !== null)
      .toSorted((a, b) => (b.ageMs ?? Infinity) - (a.ageMs ?? Infinity) || a.node.node.localeCompare(b.node.node, 'en', { numeric: true })),
  }
}

/** `1:3:4711` lies in partition 3. */
export function partitionOf(position: string | undefined): number | null {
  const partition = Number(position?.split(':')[1])
  return Number.isInteger(partition) ? partition : null
}

function reads({ feeds }: NodeAnswer, feed: string, partition: number | null): boolean {
  return feeds.some(
    (one) => one.feed === feed && (partition === null || one.partitions === undefined || one.partitions.includes(partition)),
  )
}

function oldestOf({ feeds }: NodeAnswer, feed: string): number | null {
  return oldest(feeds.filter((one) => one.feed === feed).map(({ pulseAgeMs }) => pulseAgeMs))
}

function freshestLink({ links }: NodeAnswer, push: ReadonlySet<string>): number | null {
  const ages = links.flatMap(({ node, state, pulseAgeMs }) =>
    push.has(node) && state === 'open' && pulseAgeMs !== null ? [pulseAgeMs] : [],
  )
  return ages.length === 0 ? null : Math.min(...ages)
}
