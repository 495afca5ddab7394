/** Where everything in the picture of an installation is: a pure function of what there is and how wide the picture may be. */
import type { NodeAnswer, TopologyAnswer } from './answers.ts'
import { oldest, standing, toneOf, isThere, type Tone } from './tone.ts'

export type BoxKind = 'feed' | 'pulse' | 'push' | 'gateway' | 'clients' | 'balancer'

export interface Box {
  /** `node/gw-1`, `feed/quote`, `clients/gw-1`. */
  readonly id: string
  readonly kind: BoxKind
  /** Of the feed or node. */
  readonly name: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** One hop, from the right side of a box to the left side of another. */
export interface Edge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly ageMs: number | null
  readonly tone: Tone
  readonly path: string
  /** Where its age is written. */
  readonly label: { readonly x: number; readonly y: number }
}

export interface Heading {
  readonly text: string
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly boxes: readonly Box[]
  readonly edges: readonly Edge[]
  readonly headings: readonly Heading[]
  /** Whether ages are written on edges; where there are too many, they are on the boxes alone. */
  readonly labelled: boolean
  /** One column, top to bottom: the picture of a phone. */
  readonly narrow: boolean
}

const NARROW_BELOW = 620
const PAD = 4
const HEADING = 24
const GAP = 10
const GROUP_GAP = 22
const NODE = { width: 154, height: 62 }
const TILE = { width: 116, height: 46 }
/** Both lines have an age on it. */
const GATEWAY_TILE = { width: 142, height: 46 }
const FEED = { width: 138, height: 74 }
const CLIENTS = { width: 106, height: 62 }
/** More gateways than this are tiles. */
const LARGE_MAX = 8
/** More hops than this are drawn of one node alone. */
const EDGES_MAX = 80
const LABELS_MAX = 24
/** Taller than a window, columns begin at the top: in the middle they would be out of sight. */
const LEVEL_HEIGHT_MAX = 640
/** A way that is shorter has its labels nearer to the middle. */
const LABEL_NEEDS = 110

/** @param focus id of the box whose hops are drawn where all of them would be too many. */
export function layoutOf(topology: TopologyAnswer, width: number, focus: string | null): Layout {
  const groups = groupsOf(topology)
  const narrow = width < NARROW_BELOW
  const placed = narrow ? stack(groups, width) : columns(groups, width)
  const edges = narrow ? [] : edgesOf(topology, new Map(placed.boxes.map((box) => [box.id, box])), focus)
  return { ...placed, width, edges, labelled: edges.length <= LABELS_MAX, narrow }
}

interface Group {
  readonly column: number
  readonly heading: string
  readonly kind: BoxKind
  readonly names: readonly string[]
}

function groupsOf({ feeds, nodes }: TopologyAnswer): Group[] {
  const named = (role: NodeAnswer['role']) => nodes.filter((node) => node.role === role).toSorted(byName)
  const namesOf = (group: readonly NodeAnswer[]) => (group.length > LARGE_MAX ? group.toSorted(byTrouble) : group).map(({ node }) => node)
  const push = named('push')
  const gateways = namesOf(named('gateway'))
  const lines = [...new Set(push.map(({ line = '' }) => line))].sort()
  const clients = gateways.length <= LARGE_MAX ? gateways : gateways.length > 0 ? ['all'] : []
  const groups: Group[] = [
    { column: 0, heading: 'Feeds', kind: 'feed', names: feeds.map(({ feed }) => feed) },
    { column: 0, heading: 'Pulse writers', kind: 'pulse', names: named('pulse').map(({ node }) => node) },
    ...lines.map(
      (line): Group => ({
        column: 1,
        heading: `Push nodes, line ${line}`,
        kind: 'push',
        names: namesOf(push.filter((node) => (node.line ?? '') === line)),
      }),
    ),
    { column: 2, heading: 'Gateways', kind: 'gateway', names: gateways },
    { column: 3, heading: 'Clients', kind: 'clients', names: clients },
    { column: 3, heading: 'Balancers', kind: 'balancer', names: named('balancer').map(({ node }) => node) },
  ]
  return groups.filter(({ names }) => names.length > 0)
}

function byName(a: NodeAnswer, b: NodeAnswer): number {
  return a.node.localeCompare(b.node, 'en', { numeric: true })
}

/** Of many, those that something is the matter with come first, and those that have gone last. */
function byTrouble(a: NodeAnswer, b: NodeAnswer): number {
  return RANKS[standing(a).tone] - RANKS[standing(b).tone]
}

const RANKS: Readonly<Record<Tone, number>> = { stale: 0, aging: 1, fresh: 2, none: 3 }

interface Placed {
  readonly boxes: Box[]
  readonly headings: Heading[]
  readonly height: number
}

function sizeOf({ kind, names }: Group): { readonly width: number; readonly height: number } {
  if (kind === 'feed') return FEED
  if (kind === 'clients' || kind === 'balancer') return CLIENTS
  if (kind === 'pulse') return { width: FEED.width, height: 42 }
  if (names.length <= LARGE_MAX) return NODE
  return kind === 'gateway' ? GATEWAY_TILE : TILE
}

/** Four columns in the order of the flow; what is left of the width goes between them, where the hops are drawn. */
function columns(groups: readonly Group[], width: number): Placed {
  const isTiled = (column: number) => groups.some((group) => group.column === column && group.names.length > LARGE_MAX)
  const inner = width - 2 * PAD
  const fixed = [FEED.width, NODE.width, NODE.width, CLIENTS.width]
  // Columns of tiles take what the others leave, beside a way of fixed width for the hops.
  const tiled = [1, 2].filter(isTiled)
  const spare = inner - fixed.reduce((sum, one) => sum + one, 0)
  const way = tiled.length === 0 ? spare / 3 : Math.min(46, spare / 3)
  const extra = tiled.length === 0 ? 0 : spare - 3 * way
  const widths = tiled.length === 2 ? shared(groups, fixed, extra) : fixed.map((one, column) => one + (tiled.includes(column) ? extra : 0))
  const boxes: Box[] = []
  const headings: Heading[] = []
  const bottoms = [0, 0, 0, 0]
  const lefts = widths.map((_, column) => PAD + widths.slice(0, column).reduce((sum, one) => sum + one + way, 0))
  for (const group of groups) {
    const top = bottoms[group.column]! + (bottoms[group.column]! === 0 ? 0 : GROUP_GAP)
    bottoms[group.column] = place(group, { x: lefts[group.column]!, y: top, width: widths[group.column]! }, boxes, headings)
  }
  const height = Math.max(...bottoms) + PAD
  // A short column stands in the middle, so that hops run level.
  const shifts = bottoms.map((bottom) => (height > LEVEL_HEIGHT_MAX ? 0 : (height - PAD - bottom) / 2))
  const shift = (x: number) => shifts[lefts.findLastIndex((left) => x >= left - 0.5)]!
  return {
    boxes: boxes.map((box) => ({ ...box, y: box.y + shift(box.x) })),
    headings: headings.map((heading) => ({ ...heading, y: heading.y + shift(heading.x) })),
    height,
  }
}

/** The widths of all columns where push nodes and gateways are tiles: shared so that the picture is as low as it can be. */
function shared(groups: readonly Group[], fixed: readonly number[], extra: number): number[] {
  const both = fixed[1]! + fixed[2]! + extra
  const heightOf = (column: number, width: number) =>
    groups.filter((group) => group.column === column).reduce((sum, group) => sum + heightIn(group, width) + HEADING + GROUP_GAP, 0)
  let best = { width: both / 2, height: Number.POSITIVE_INFINITY }
  for (let width = fixed[1]!; both - width >= fixed[2]!; width += TILE.width + GAP) {
    const height = Math.max(heightOf(1, width), heightOf(2, both - width))
    if (height < best.height) best = { width, height }
  }
  return fixed.map((one, column) => (column === 1 ? best.width : column === 2 ? both - best.width : one))
}

function perRowOf(group: Group, width: number): number {
  return Math.max(1, Math.floor((width + GAP) / (sizeOf(group).width + GAP)))
}

function heightIn(group: Group, width: number): number {
  return Math.ceil(group.names.length / perRowOf(group, width)) * (sizeOf(group).height + GAP) - GAP
}

function stack(groups: readonly Group[], width: number): Placed {
  const boxes: Box[] = []
  const headings: Heading[] = []
  let bottom = 0
  for (const group of groups.filter(({ kind }) => kind !== 'clients')) {
    const top = bottom + (bottom === 0 ? 0 : GROUP_GAP / 2)
    bottom = place(group, { x: PAD, y: top, width: width - 2 * PAD }, boxes, headings)
  }
  return { boxes, headings, height: bottom + PAD }
}

/** Fills an area with the boxes of a group, row by row. @returns where it ends. */
function place(
  group: Group,
  area: { readonly x: number; readonly y: number; readonly width: number },
  boxes: Box[],
  headings: Heading[],
): number {
  const { height } = sizeOf(group)
  const perRow = perRowOf(group, area.width)
  const cell = (area.width - (perRow - 1) * GAP) / perRow
  headings.push({ text: group.heading, x: area.x, y: area.y })
  const top = area.y + HEADING
  group.names.forEach((name, index) => {
    const x = area.x + (index % perRow) * (cell + GAP)
    const y = top + Math.floor(index / perRow) * (height + GAP)
    boxes.push({ id: `${idPrefix(group.kind)}/${name}`, kind: group.kind, name, x, y, width: cell, height })
  })
  return top + heightIn(group, area.width)
}

function idPrefix(kind: BoxKind): string {
  return kind === 'feed' || kind === 'clients' ? kind : 'node'
}

// ---- hops

type Hop = Pick<Edge, 'from' | 'to' | 'ageMs'>

function hopsOf({ feeds, nodes }: TopologyAnswer): Hop[] {
  const hops: Hop[] = []
  for (const node of nodes) {
    const id = `node/${node.node}`
    if (!isThere(node) && node.role !== 'push') continue
    if (node.role === 'push' && node.otherZone === undefined) {
      for (const { feed } of feeds) {
        const read = node.feeds.filter((one) => one.feed === feed)
        if (read.length > 0) hops.push({ from: `feed/${feed}`, to: id, ageMs: oldest(read.map(({ pulseAgeMs }) => pulseAgeMs)) })
      }
    } else if (node.role === 'gateway') {
      for (const { node: push, state, pulseAgeMs } of node.links)
        hops.push({ from: `node/${push}`, to: id, ageMs: state === 'open' || pulseAgeMs === null ? pulseAgeMs : Math.max(pulseAgeMs, 1e5) })
      hops.push({ from: id, to: `clients/${node.node}`, ageMs: oldest(node.probe?.feeds.map(({ pulseAgeMs }) => pulseAgeMs) ?? []) })
    }
  }
  return hops
}

function edgesOf(topology: TopologyAnswer, boxes: ReadonlyMap<string, Box>, focus: string | null): Edge[] {
  const all = hopsOf(topology).filter(({ from, to }) => boxes.has(from) && boxes.has(to))
  const drawn = all.length <= EDGES_MAX ? all : all.filter(({ from, to }) => from === focus || to === focus)
  return drawn.map(({ from, to, ageMs }) => {
    const [a, b] = [boxes.get(from)!, boxes.get(to)!]
    const [x1, y1] = [a.x + a.width, a.y + a.height / 2]
    const [x2, y2] = [b.x, b.y + b.height / 2]
    const bend = (x2 - x1) / 2
    const path = `M${round(x1)} ${round(y1)} C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${round(x2)} ${round(y2)}`
    // Near its end, where hops into one box have parted from those into others, as far as it has room there.
    const t = x2 - x1 < LABEL_NEEDS ? 0.62 : 0.74
    return {
      id: `${from} ${to}`,
      from,
      to,
      ageMs,
      tone: toneOf(ageMs),
      path,
      label: { x: round(at(x1, x1 + bend, x2 - bend, x2, t)), y: round(at(y1, y1, y2, y2, t)) },
    }
  })
}

/** A point of a cubic curve. */
function at(a: number, b: number, c: number, d: number, t: number): number {
  const u = 1 - t
  return u ** 3 * a + 3 * u ** 2 * t * b + 3 * u * t ** 2 * c + t ** 3 * d
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
