import type { Topology, TopologyEvent, TopologyNode } from '@pulsewire/server'
import { createColors } from 'picocolors'
import stringWidth from 'string-width'
import { formatAge, formatTime, sanitize } from '../watch/format.ts'

type Paint = ReturnType<typeof createColors>
type Colour = (text: string) => string

interface Line {
  readonly cells: readonly string[]
  readonly colour: Colour
  /** Said below it. */
  readonly notes: readonly string[]
  /** Of a node: something is the matter with it. */
  readonly isBad?: boolean
}

interface Section {
  readonly title: string
  readonly headings: readonly string[]
  readonly lines: readonly Line[]
}

/** More links than this are told by line. */
const LINKS_MAX = 6
/** Where there is not room for all: sections with more nodes tell of so many that something is the matter with, and count the others. */
const BRIEF_MAX = 8
/** Older pulses than this are stale to a gateway. */
const PULSE_OLD_MS = 2000
const plain: Colour = (text) => text

/**
 * The installation as text, in the order of the flow, what is wrong in colour and with its reason below.
 * @param options.brief of many nodes, only those that something is the matter with.
 */
export function statusTable(
  topology: Topology,
  events: readonly TopologyEvent[],
  options: { readonly colour: boolean; readonly brief?: boolean },
): string {
  const paint = createColors(options.colour)
  const fold = (section: Section): Section => (options.brief === true ? briefly(section) : section)
  const sections = [
    tracks(topology, paint),
    feeds(topology, paint),
    ...pushLines(topology, paint),
    gateways(topology, paint),
    others(topology, paint),
  ]
  return [
    headLine(topology, paint),
    ...topology.degraded.map(({ track, message, sinceMs }) =>
      paint.yellow(sanitize(`track ${track} degraded for ${formatAge(topology.atMs - sinceMs)}: ${message}`)),
    ),
    ...zoneLines(topology).map((line) => paint.yellow(sanitize(line))),
    ...greyLines(topology).map((line) => paint.yellow(sanitize(line))),
    ...sections.filter(({ lines }) => lines.length > 0).flatMap((section) => ['', ...render(fold(section), paint)]),
    ...(events.length === 0 ? [] : ['', paint.bold('Newest events'), ...events.map((event) => eventLine(event, paint))]),
  ].join('\n')
}

function headLine({ balancer, view, nodes, atMs }: Topology, paint: Paint): string {
  const unused = nodes.filter(({ handedOut }) => !handedOut).length
  const clients = nodes.reduce((sum, { role, load }) => sum + (role === 'gateway' ? load.sessions : 0), 0)
  const all = `${nodes.length} nodes, ${clients} clients, as ${balancer} knows them at ${formatTime(atMs)}`
  const blind = view.state === 'current' ? '' : `; its directory is ${view.state} for ${formatAge(atMs - view.sinceMs)}`
  const said = sanitize(`${all}${unused === 0 ? '' : `; ${unused} not used`}${blind}`)
  return unused === 0 && blind === '' ? paint.bold(said) : paint.bold(paint.yellow(said))
}

/** Zones with a log of their own of which not all is known. */
function zoneLines({ otherZones = [], atMs }: Topology): string[] {
  return otherZones
    .filter(({ view }) => view.state !== 'current')
    .map(({ zone, view }) => `zone ${zone}: its directory is ${view.state} for ${formatAge(atMs - view.sinceMs)}`)
}

function greyLines({ grey }: Topology): string[] {
  if (grey === null) return []
  if (grey.stopped !== null) return [`grey release stopped by ${grey.stopped.by}: ${grey.stopped.reason}`]
  return [
    `grey release: ${grey.percent} % of all users, ${grey.users} named${grey.setBy === undefined ? '' : `, set by ${grey.setBy}`}`,
    ...grey.worse.map(({ message }) => message),
  ]
}

function tracks({ tracks: both, grey }: Topology, paint: Paint): Section {
  const lines = both.map(({ track, gateways, sessions, freshnessMs, latencyMs, errorRate, disconnectRate }) => ({
    cells: [track, String(gateways), String(sessions), age(freshnessMs), age(latencyMs), errorRate.toFixed(1), disconnectRate.toFixed(1)],
    colour: track === 'grey' && (grey?.worse.length ?? 0) > 0 ? paint.red : plain,
    notes: [],
  }))
  const headings = ['track', 'gateways', 'clients', 'pulse', 'latency', 'errors/min/1,000', 'lost/min/1,000']
  return { title: 'Tracks, side by side', headings, lines }
}

function feeds({ feeds: own, otherZones = [] }: Topology, paint: Paint): Section {
  const others = otherZones.flatMap(({ zone, feeds: all }) => all.map((one) => ({ ...one, feed: `${one.feed} (zone ${zone})` })))
  const lines = [...own, ...others].map(({ feed, generation, topic, next, partitions }) => {
    const ages = partitions.map(({ pulseAgeMs }) => pulseAgeMs)
    const moving = next === null ? [] : [`moves to ${next.topic}, generation ${next.generation}`]
    const oldest = oldestOf(ages)
    return {
      cells: [feed, topic ?? '', String(generation), String(partitions.length), age(oldest)],
      colour: byAge(oldest, paint),
      notes: moving,
    }
  })
  return { title: 'Feeds', headings: ['feed', 'topic', 'generation', 'partitions', 'pulse'], lines }
}

function pushLines({ nodes, atMs }: Topology, paint: Paint): Section[] {
  const push = nodes.filter(({ role }) => role === 'push')
  return [...new Set(push.map(({ line }) => line ?? ''))].sort().map((line) => ({
    title: `Push nodes, line ${line}`,
    headings: ['node', 'used', 'partitions', 'pulse', 'receivers', ...VITALS],
    lines: byName(push.filter((node) => (node.line ?? '') === line)).map((node) => {
      const oldest = oldestOf(node.feeds.map(({ pulseAgeMs }) => pulseAgeMs))
      const held = node.feeds.map(({ feed, partitions }) => `${feed} ${partitions === undefined ? 'all' : ranges(partitions)}`).join(', ')
      return nodeLine(node, [held, age(oldest), String(node.load.sessions)], { atMs, paint })
    }),
  }))
}

function gateways({ nodes, atMs }: Topology, paint: Paint): Section {
  const lines = byName(nodes.filter(({ role }) => role === 'gateway')).map((node) => {
    const proof = oldestOf(node.probe?.feeds.map(({ pulseAgeMs }) => pulseAgeMs) ?? [])
    return nodeLine(node, [`${node.load.sessions}/${node.load.sessionsMax}`, age(proof), linksText(node.links)], { atMs, paint })
  })
  return { title: 'Gateways', headings: ['node', 'used', 'clients', 'proof', 'links', ...VITALS], lines }
}

/** Each with its age, or of many how many a line has, how old the oldest is, and which do not bring anything. */
function linksText(links: TopologyNode['links']): string {
  const one = ({ node, line, pulseAgeMs, state }: TopologyNode['links'][number]) =>
    `${line} ${node} ${state === 'open' ? age(pulseAgeMs) : state}`
  if (links.length <= LINKS_MAX) return links.map(one).join(', ')
  return [...Map.groupBy(links, ({ line }) => line)]
    .map(([line, all]) => {
      const open = all.filter(({ state }) => state === 'open')
      const lost = all.filter(({ state }) => state !== 'open').map(({ node }) => node)
      const without = lost.length === 0 ? '' : `, ${lost.length} lost (${lost.slice(0, 3).join(', ')}${lost.length > 3 ? ', …' : ''})`
      return `${line} ${open.length} open ${age(oldestOf(open.map(({ pulseAgeMs }) => pulseAgeMs)))}${without}`
    })
    .join(', ')
}

function briefly(section: Section): Section {
  const { lines } = section
  if (lines.length <= BRIEF_MAX || lines.some(({ isBad }) => isBad === undefined)) return section
  const bad = lines.filter(({ isBad }) => isBad === true)
  const more = (count: number, what: string, colour: Colour): Line[] =>
    count === 0 ? [] : [{ cells: [`… ${count} more ${what}`], colour, notes: [] }]
  const shown = bad.slice(0, BRIEF_MAX)
  const folded = [
    ...more(bad.length - shown.length, 'with something the matter', bad[0]?.colour ?? plain),
    ...more(lines.length - bad.length, 'as they should be', plain),
  ]
  return { ...section, lines: [...shown, ...folded] }
}

function others({ nodes, atMs }: Topology, paint: Paint): Section {
  const lines = byName(nodes.filter(({ role }) => role === 'pulse' || role === 'balancer')).map((node) =>
    nodeLine(node, [node.role === 'pulse' ? 'pulse writer' : 'balancer'], { atMs, paint }),
  )
  return { title: 'Pulse writers and balancers', headings: ['node', 'used', 'role', ...VITALS], lines }
}

const VITALS = ['busy', 'loop', 'memory', 'up'] as const

function nodeLine(node: TopologyNode, own: readonly string[], { atMs, paint }: { readonly atMs: number; readonly paint: Paint }): Line {
  const { handedOut, degraded, reasons, load, vitals, fault } = node
  const used = handedOut ? (degraded ? 'degraded' : 'yes') : 'no'
  const fares = [
    `${Math.round(load.busy * 100)} %`,
    vitals === null ? '' : formatAge(vitals.loopDelayMs),
    vitals === null ? '' : `${Math.round(vitals.memoryBytes / 1024 ** 2)} MiB`,
    vitals === null ? '' : formatAge(vitals.uptimeMs),
  ]
  return {
    cells: [`${node.node} ${node.version}`, used, ...own, ...fares],
    colour: handedOut ? (degraded ? paint.yellow : plain) : paint.red,
    isBad: !handedOut || degraded || fault !== null,
    notes: [
      ...reasons.map(({ code, message, sinceMs }) => `${code} (${formatAge(atMs - sinceMs)}): ${message}`),
      ...(fault === null ? [] : [fault]),
    ],
  }
}

function render({ title, headings, lines }: Section, paint: Paint): string[] {
  const cells = lines.map((line) => line.cells.map(sanitize))
  const widths = headings.map((heading, i) => Math.max(stringWidth(heading), ...cells.map((row) => stringWidth(row[i] ?? ''))))
  const text = (row: readonly string[]) =>
    row
      .map((cell, i) => cell + ' '.repeat(Math.max(0, widths[i]! - stringWidth(cell))))
      .join('  ')
      .trimEnd()
  return [
    paint.bold(title),
    paint.dim(`  ${text(headings)}`),
    ...lines.flatMap(({ colour, notes }, i) => [colour(`  ${text(cells[i]!)}`), ...notes.map((note) => colour(`    ${sanitize(note)}`))]),
  ]
}

function eventLine({ atMs, tone, message }: TopologyEvent, paint: Paint): string {
  const colour = tone === 'bad' ? paint.red : tone === 'good' ? paint.green : plain
  return colour(`  ${formatTime(atMs)}  ${sanitize(message)}`)
}

function byName(nodes: readonly TopologyNode[]): TopologyNode[] {
  return nodes.toSorted((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true }))
}

/** `null`: none is known, or one has none. */
function oldestOf(ages: readonly (number | null)[]): number | null {
  return ages.length === 0 || ages.includes(null) ? null : Math.max(...ages.map(Number))
}

function age(ms: number | null): string {
  return ms === null ? 'none' : formatAge(ms)
}

function byAge(ms: number | null, paint: Paint): Colour {
  return ms === null ? paint.red : ms > PULSE_OLD_MS ? paint.red : plain
}

/** 0-3, 7 */
export function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = parts.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else parts.push([number, number])
  }
  return parts.length === 0 ? 'none' : parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(' ')
}
