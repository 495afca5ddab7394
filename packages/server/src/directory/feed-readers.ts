import type { Directory, KnownNode } from './directory.ts'
import type { LeasedFeed } from './lease.ts'

/** A push node, or pulse writer, and what its lease says of one generation of a feed. */
export interface FeedReader {
  readonly node: string
  readonly role: 'push' | 'pulse'
  readonly line: 'A' | 'B' | null
  readonly version: string
  readonly addresses: readonly string[]
  readonly leased: LeasedFeed
}

/** Whoever has a lease that lives and reads or pulses the feed, once for each generation. */
export function feedReaders(directory: Pick<Directory, 'nodes'>, feed: string): FeedReader[] {
  return [...directory.nodes.values()].filter(isThere).flatMap(({ lease }) => {
    const { node, role, version, addresses, line } = lease
    if (role !== 'push' && role !== 'pulse') return []
    return lease.feeds
      .filter((leased) => leased.feed === feed)
      .map((leased) => ({ node, role, line: line ?? null, version, addresses, leased }))
  })
}

function isThere({ state, word }: KnownNode): boolean {
  return (state === 'live' || state === 'kept') && word !== 'offline'
}

/** `push-a1 (version 0.1.0, ws://push-a1:8081)`: enough to find it. */
export function nameOf({ node, version, addresses }: Pick<FeedReader, 'node' | 'version' | 'addresses'>): string {
  return `${node} (version ${version}${addresses.length === 0 ? '' : `, ${addresses.join(', ')}`})`
}

/** Lines of which some push node reads the feed, whatever generation. */
export function linesOf(readers: readonly FeedReader[]): ('A' | 'B')[] {
  return [...new Set(readers.flatMap(({ role, line }) => (role === 'push' && line !== null ? [line] : [])))].sort()
}

/** Whether push nodes of the line together have every partition of the generation, with fresh pulses. */
export function isFresh(
  readers: readonly FeedReader[],
  line: string,
  generation: number,
  { partitions, pulseAgeMaxMs }: { readonly partitions: number; readonly pulseAgeMaxMs: number },
): boolean {
  const have = new Set<number>()
  for (const { leased, line: of, role } of readers) {
    if (role !== 'push' || of !== line || leased.generation !== generation) continue
    if (leased.pulseAgeMs === null || leased.pulseAgeMs > pulseAgeMaxMs) continue
    const carried = leased.partitions ?? Array.from({ length: partitions }, (_, partition) => partition)
    for (const partition of carried) have.add(partition)
  }
  for (let partition = 0; partition < partitions; partition++) if (!have.has(partition)) return false
  return partitions > 0
}

/** Generations of which push nodes read fresh pulses, newest first. */
export function freshGenerations(readers: readonly FeedReader[], pulseAgeMaxMs: number): number[] {
  const fresh = readers.filter(({ role, leased }) => role === 'push' && leased.pulseAgeMs !== null && leased.pulseAgeMs <= pulseAgeMaxMs)
  return [...new Set(fresh.map(({ leased }) => leased.generation))].sort((a, b) => b - a)
}

/** What counts, most likely, of a feed of which the catalogue says nothing: not what a node names that hears no pulses there. */
export function leasedGeneration(readers: readonly FeedReader[], pulseAgeMaxMs: number): number {
  return freshGenerations(readers, pulseAgeMaxMs)[0] ?? Math.max(0, ...readers.map(({ leased }) => leased.generation))
}

/** Those that read or pulse what is neither current nor being opened: they are believed by nobody. */
export function zombies(readers: readonly FeedReader[], accepted: readonly number[]): FeedReader[] {
  return readers.filter(({ leased }) => !accepted.includes(leased.generation))
}
