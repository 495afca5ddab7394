/** What has happened between two topologies: a pure function. */
import { whoSaid } from '../../directory/index.ts'
import type { Topology, TopologyEvent, TopologyEventKind, TopologyFeed, TopologyNode } from './schemas.ts'

type OtherZone = NonNullable<Topology['otherZones']>[number]

export type Happening = Omit<TopologyEvent, 'id' | 'atMs'>

/** Above that a link, or a partition, is told of as silent: what gateways call stale. */
const PULSE_OLD_MS = 2000
/** An event loop that stood still for so long is worth a line. */
const LOOP_STALL_MS = 1000

const BAD: ReadonlySet<TopologyEventKind> = new Set([
  'node_lost',
  'evicted',
  'fault',
  'loop_stalled',
  'link_stale',
  'partition_stale',
  'view_degraded',
  'hand_out_degraded',
  'migration_dropped',
  'grey_worse',
  'grey_stopped',
])
const GOOD: ReadonlySet<TopologyEventKind> = new Set([
  'node_returned',
  'rejoined',
  'fault_over',
  'link_fresh',
  'partition_fresh',
  'view_current',
  'hand_out_proven',
  'migration_switched',
])

export function eventsBetween(before: Topology, after: Topology): Happening[] {
  // What is read back at the start has not just happened.
  if (before.view.state === 'loading') return []
  const known = new Map(before.nodes.map((node) => [node.node, node]))
  const loading = new Set(before.otherZones?.filter(({ view }) => view.state === 'loading').map(({ zone }) => zone))
  return [
    ...viewEvents(before, after),
    ...(after.otherZones ?? []).flatMap((zone) =>
      zoneEvents(
        before.otherZones?.find((one) => one.zone === zone.zone),
        zone,
      ),
    ),
    ...greyEvents(before.grey, after.grey),
    ...feedsEvents(before.feeds, after.feeds),
    ...after.nodes
      .filter(({ otherZone }) => otherZone === undefined || !loading.has(otherZone))
      .flatMap((node) => nodeEvents(known.get(node.node), node)),
    ...rebalances(before, after),
  ]
}

function happening(kind: TopologyEventKind, message: string, of: { readonly node?: string; readonly feed?: string } = {}): Happening {
  return { kind, tone: BAD.has(kind) ? 'bad' : GOOD.has(kind) ? 'good' : 'plain', message, ...of }
}

function viewEvents(before: Topology, after: Topology): Happening[] {
  const events: Happening[] = []
  if (before.view.state !== after.view.state) {
    if (after.view.state === 'degraded')
      events.push(happening('view_degraded', 'the control topic brings nothing: all nodes stay as they were'))
    else events.push(happening('view_current', 'the control topic brings news again'))
  }
  const own = ({ degraded }: Topology) => new Map(degraded.map((one) => [`${one.track} ${one.code}`, one]))
  const [was, is] = [own(before), own(after)]
  for (const [key, { track, message }] of is) {
    if (!was.has(key)) events.push(happening('hand_out_degraded', `track ${track}: ${message}`))
  }
  const overTracks = new Set([...was].flatMap(([key, { track }]) => (is.has(key) ? [] : [track])))
  for (const track of overTracks) {
    if (![...is.values()].some((one) => one.track === track))
      events.push(happening('hand_out_proven', `track ${track}: gateways are handed out on proof again`))
  }
  return events
}

/** What is said of a zone with a log of its own names it; what is read back at the start has not just happened. */
function zoneEvents(before: OtherZone | undefined, { zone, view, feeds }: OtherZone): Happening[] {
  if (before === undefined || before.view.state === 'loading') return []
  const events = feedsEvents(before.feeds, feeds)
  if (before.view.state !== view.state) {
    if (view.state === 'degraded') events.push(happening('view_degraded', 'its control topic brings nothing: its nodes stay as they were'))
    else events.push(happening('view_current', 'its control topic brings news again'))
  }
  return events.map((event) => ({ ...event, message: `zone ${zone}: ${event.message}` }))
}

function feedsEvents(before: readonly TopologyFeed[], after: readonly TopologyFeed[]): Happening[] {
  return before.flatMap((feed) =>
    feedEvents(
      feed,
      after.find((one) => one.feed === feed.feed),
    ),
  )
}

function greyEvents(before: Topology['grey'], after: Topology['grey']): Happening[] {
  if (after === null) return before === null ? [] : [happening('grey_off', 'an operator ended the grey release')]
  const isSame = before?.setAtMs === after.setAtMs
  const events = isSame
    ? []
    : [
        happening(
          'grey_set',
          `${after.setBy ?? 'an operator'} set a grey release: ${after.percent} % of all users, ${after.users} named ones`,
        ),
      ]
  if (after.stopped !== null && (!isSame || before?.stopped === null))
    events.push(happening('grey_stopped', `${after.stopped.by} stopped the grey release: ${after.stopped.reason}`))
  for (const { measure, message } of after.worse)
    if (!(isSame && before?.worse.some((one) => one.measure === measure))) events.push(happening('grey_worse', message))
  return events
}

function feedEvents(before: TopologyFeed, after: TopologyFeed | undefined): Happening[] {
  if (after === undefined) return []
  const { feed, generation, topic, next, said } = after
  const events: Happening[] = []
  const by = said?.by === undefined || said.atMs === before.said?.atMs ? '' : `, says ${said.by}`
  const tell = (kind: TopologyEventKind, message: string) => events.push(happening(kind, message, { feed }))
  if (generation !== before.generation)
    tell('migration_switched', `feed ${feed} has moved to ${topic ?? 'another topic'}, generation ${generation}${by}`)
  else if (next === null && before.next !== null)
    tell('migration_dropped', `feed ${feed} stays on ${topic}: the move to ${before.next.topic} was given up${by}`)
  if (next !== null && next.generation !== before.next?.generation)
    tell('migration_opened', `feed ${feed} is being moved to ${next.topic}, generation ${next.generation}${by}`)
  if (generation !== before.generation) return events
  const turned = { stale: [] as number[], fresh: [] as number[] }
  after.partitions.forEach(({ pulseAgeMs }, partition) => {
    const turn = turnOf(before.partitions[partition]?.pulseAgeMs ?? null, pulseAgeMs)
    if (turn !== null) turned[turn].push(partition)
  })
  const which = (partitions: readonly number[]) =>
    partitions.length === after.partitions.length ? 'any partition' : `partition ${partitions.join(', ')}`
  if (turned.stale.length > 0) tell('partition_stale', `pulses of ${feed}, ${which(turned.stale)}, reach no gateway any more`)
  if (turned.fresh.length > 0) tell('partition_fresh', `pulses of ${feed}, ${which(turned.fresh)}, come through again`)
  return events
}

function nodeEvents(before: TopologyNode | undefined, after: TopologyNode): Happening[] {
  const { node, role } = after
  const events: Happening[] = []
  const tell = (kind: TopologyEventKind, message: string, feed?: string) =>
    events.push(happening(kind, message, { node, ...(feed === undefined ? {} : { feed }) }))
  if (before === undefined) {
    if (isThere(after)) tell('node_joined', `${node}, a ${ROLE_NAMES[role]}, joined`)
    return events
  }
  if (before.lease.state !== after.lease.state) {
    if (after.lease.state === 'expired') tell('node_lost', `${node} beats no more: its lease ran out`)
    else if (after.lease.state === 'left') tell('node_left', `${node} said goodbye`)
    else if (!isThere(before)) tell('node_returned', `${node} is back`)
  }
  if (after.lease.incarnation > before.lease.incarnation) tell('node_restarted', `${node} was started anew`)
  if (before.word !== after.word) tell('word', `${whoSaid(after.told)} says of ${node}: ${after.word}`)
  if (isThere(after) && after.lease.draining && !before.lease.draining && after.word === 'online')
    tell('draining', `${node} is draining: it asks its receivers to move`)
  if (after.fault !== null && before.fault === null) tell('fault', `${node}: ${after.fault}`)
  if (after.fault === null && before.fault !== null) tell('fault_over', `${node}: nothing is stuck any more`)
  const loopMs = after.vitals?.loopDelayMs ?? 0
  if (loopMs >= LOOP_STALL_MS && (before.vitals?.loopDelayMs ?? 0) < LOOP_STALL_MS)
    tell('loop_stalled', `the event loop of ${node} stood still for ${(loopMs / 1000).toFixed(1)} s`)
  if (before.handedOut && !after.handedOut) tell('evicted', `${node} is not used any more: ${why(after)}`)
  if (!before.handedOut && !after.handedOut && isThere(after) && codes(before) !== codes(after))
    tell('reasons_changed', `${node} is still not used: ${why(after)}`)
  if (!before.handedOut && after.handedOut) tell('rejoined', after.degraded ? `${node} is used for want of better` : `${node} is in use`)
  return [...events, ...linkEvents(before, after)]
}

const ROLE_NAMES: Readonly<Record<TopologyNode['role'], string>> = {
  push: 'push node',
  gateway: 'gateway',
  balancer: 'balancer',
  pulse: 'pulse writer',
}

function codes({ reasons }: TopologyNode): string {
  return reasons.map(({ code, feed = '' }) => `${code} ${feed}`).join()
}

function why({ reasons }: TopologyNode): string {
  return reasons.map(({ message }) => message).join('; ') || 'no reason is known'
}

/** Partitions that went from one push node of a line to another; what a node is still reading in after its start is no move. */
function rebalances(before: Topology, after: Topology): Happening[] {
  const held = [before, after].map(({ nodes }) => {
    const owners = new Map<string, Set<string>>()
    for (const { node, line, feeds } of nodes.filter(({ role }) => role === 'push')) {
      for (const { feed, generation, partitions = [] } of feeds) {
        for (const partition of partitions) {
          const key = `${line} ${feed} ${generation} ${partition}`
          owners.set(key, (owners.get(key) ?? new Set()).add(node))
        }
      }
    }
    return owners
  })
  const moved = new Map<string, { readonly node: string; readonly feed: string; readonly partitions: number[] }>()
  for (const [key, owners] of held[1]!) {
    const had = held[0]!.get(key)
    if (had === undefined) continue
    const [, feed, , partition] = key.split(' ') as [string, string, string, string]
    for (const node of owners) {
      if (had.has(node)) continue
      const move = moved.get(`${node} ${feed}`) ?? { node, feed, partitions: [] }
      move.partitions.push(Number(partition))
      moved.set(`${node} ${feed}`, move)
    }
  }
  return [...moved.values()].map(({ node, feed, partitions }) =>
    happening('rebalanced', `${node} has taken over ${feed} partition ${partitions.toSorted((a, b) => a - b).join(', ')}`, { node, feed }),
  )
}

/** Told by a live gateway alone: what a dead one said last grows old by itself. */
function linkEvents(before: TopologyNode, after: TopologyNode): Happening[] {
  if (after.lease.state !== 'live' || before.lease.state !== 'live') return []
  return after.links.flatMap((link) => {
    const was = before.links.find(({ node, line }) => node === link.node && line === link.line)
    const turn = was === undefined ? null : turnOf(freshness(was), freshness(link))
    if (turn === null) return []
    const of = { node: after.node }
    return turn === 'stale'
      ? [happening('link_stale', `${after.node} hears no pulses from ${link.node} (line ${link.line}) any more`, of)]
      : [happening('link_fresh', `${after.node} hears pulses from ${link.node} (line ${link.line}) again`, of)]
  })
}

function freshness({ state, pulseAgeMs }: TopologyNode['links'][number]): number | null {
  return state === 'open' ? pulseAgeMs : pulseAgeMs === null ? null : Infinity
}

/** What has never had a pulse is not stale: it is new. */
function turnOf(before: number | null, after: number | null): 'stale' | 'fresh' | null {
  if (before === null || after === null) return null
  if (before <= PULSE_OLD_MS && after > PULSE_OLD_MS) return 'stale'
  return before > PULSE_OLD_MS && after <= PULSE_OLD_MS ? 'fresh' : null
}

function isThere({ lease }: TopologyNode): boolean {
  return lease.state === 'live' || lease.state === 'kept'
}
