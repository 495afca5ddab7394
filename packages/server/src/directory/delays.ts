import type { KnownNode } from './directory.ts'

/** Who shows a feed how late: nodes by the delay in ms, 0 for those that show what is, the most common first. */
export type Delays = ReadonlyMap<number, readonly string[]>

/**
 * What leases that live say of the delay of a feed. More than one entry is a mistake in configurations: gateways take the
 * feed from whom they heard of it first. Nodes of a version that does not say are left out.
 */
export function delaysOf(nodes: Iterable<KnownNode>, feed: string, roles: readonly string[] = ['push']): Delays {
  const delays = new Map<number, string[]>()
  for (const { lease, state } of nodes) {
    if ((state !== 'live' && state !== 'kept') || !roles.includes(lease.role)) continue
    const leased = lease.feeds.find((one) => one.feed === feed)
    if (leased === undefined || (leased.delayOf !== undefined && leased.delayMs === undefined)) continue
    const delayMs = leased.delayMs ?? 0
    delays.set(delayMs, [...(delays.get(delayMs) ?? []), lease.node])
  }
  return new Map([...delays].sort(([aMs, a], [bMs, b]) => b.length - a.length || bMs - aMs))
}
