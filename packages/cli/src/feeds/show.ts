import {
  type CatalogueFeed,
  type FeedReader,
  leasedGeneration,
  nameOf,
  placeOf,
  standingOf,
  whenSaid,
  whoSaid,
  zombies,
} from '@pulsewire/server'
import { columns } from '../nodes/table.ts'
import { PULSE_AGE_MAX_MS } from './catalogue.ts'

/** What one feed stands at: `null` in place of a catalogue that says nothing of it. */
export interface FeedView {
  readonly feed: string
  readonly catalogued: CatalogueFeed | null
  readonly readers: readonly FeedReader[]
}

/** One line per feed. */
export function feedsTable(views: readonly FeedView[]): string {
  const rows = views.map((view) => {
    const { feed, catalogued, readers } = view
    const generations = catalogued === null ? leasedGenerations(readers) : String(catalogued.current.generation)
    const topics = catalogued === null ? leasedTopics(readers) : catalogued.current.topic
    const state = catalogued === null ? 'as configured' : describeShort(catalogued)
    return [feed, generations, topics, state, String(new Set(readers.map(({ node }) => node)).size), String(left(view).length)]
  })
  return columns([['feed', 'generation', 'topic', 'state', 'nodes', 'left behind'], ...rows])
}

/** Where the feed stands, who reads what, and what to do. */
export function feedDetails(view: FeedView): string {
  const { feed, catalogued, readers } = view
  const accepted = acceptedOf(view)
  const rows = readers
    .toSorted((a, b) => a.role.localeCompare(b.role) || a.node.localeCompare(b.node) || a.leased.generation - b.leased.generation)
    .map(({ node, role, line, version, leased, addresses }) => [
      node,
      role,
      line ?? '-',
      version.split(' ')[0]!,
      String(leased.generation),
      leased.topic ?? '-',
      role === 'pulse' ? '-' : leased.pulseAgeMs === null ? 'none yet' : `${(leased.pulseAgeMs / 1000).toFixed(1)}s`,
      accepted.includes(leased.generation) ? 'yes' : isAhead(leased.generation, accepted) ? 'NO' : 'LEFT BEHIND',
      addresses.join(',') || '-',
    ])
  const table = columns([['node', 'role', 'line', 'version', 'generation', 'topic', 'pulse age', 'believed', 'address'], ...rows])
  return [
    `feed ${feed}`,
    ...describe(catalogued, feed).map((line) => `  ${line}`),
    '',
    table,
    ...left(view).map((reader) => nameLeft(reader, accepted)),
  ].join('\n')
}

function describe(catalogued: CatalogueFeed | null, feed: string): string[] {
  if (catalogued === null) return ['the catalogue says nothing of it: nodes read what their configuration says']
  const { current, next, retired, revision, said } = catalogued
  const lines = [`current: ${placeOf(current)}${current.fromMs === undefined ? '' : `, from ${new Date(current.fromMs).toISOString()}`}`]
  const goOn =
    next === null
      ? ''
      : `\`pulsewire feed migrate ${feed} --topic ${next.topic}${next.brokers === undefined ? '' : ` --to-brokers ${next.brokers.join(',')}`}\` goes on, \`pulsewire feed rollback ${feed}\` undoes it`
  if (next !== null && next.fromMs === undefined)
    lines.push(`opening: ${placeOf(next)} is read and pulsed beside it, and nothing is taken from it yet`, goOn)
  if (next?.fromMs !== undefined)
    lines.push(
      `switching: nodes take ${placeOf(next)} by themselves from ${new Date(next.fromMs).toISOString()} on; the current one is not closed yet`,
      goOn,
    )
  if (retired.length > 0) lines.push(`over: ${retired.map(placeOf).join(', ')}`)
  return [...lines, `revision ${revision}${said === undefined ? '' : `: ${whoSaid(said)} said so${whenSaid(said)}`}`]
}

function describeShort(feed: CatalogueFeed): string {
  return feed.next === null ? 'settled' : `${standingOf(feed)} to ${placeOf(feed.next)}`
}

function isAhead(generation: number, accepted: readonly number[]): boolean {
  return generation > Math.max(...accepted)
}

function nameLeft(reader: FeedReader, accepted: readonly number[]): string {
  const { role, leased } = reader
  const does = role === 'pulse' ? 'pulses' : 'reads'
  if (isAhead(leased.generation, accepted))
    return `not believed: ${nameOf(reader)} ${does} generation ${leased.generation} (topic ${leased.topic ?? 'unknown'}), which nothing confirms. Correct its \`feeds\`, or stop it`
  return `left behind: ${nameOf(reader)} ${does} generation ${leased.generation} (topic ${leased.topic ?? 'unknown'}), which is over: nobody believes it. Restart it without \`pinned\`, or stop it`
}

function left(view: FeedView): FeedReader[] {
  return zombies(view.readers, acceptedOf(view))
}

function acceptedOf({ catalogued, readers }: FeedView): number[] {
  if (catalogued === null) return [leasedGeneration(readers, PULSE_AGE_MAX_MS)]
  return [catalogued.current.generation, ...(catalogued.next === null ? [] : [catalogued.next.generation])]
}

function leasedGenerations(readers: readonly FeedReader[]): string {
  return [...new Set(readers.map(({ leased }) => leased.generation))].sort((a, b) => a - b).join(',')
}

function leasedTopics(readers: readonly FeedReader[]): string {
  return [...new Set(readers.map(({ leased }) => leased.topic ?? '-'))].sort().join(',')
}
