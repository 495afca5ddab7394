/** What leases tell: who is there, whether anything covers for anything, who was left behind. */
import {
  type CatalogueFeed,
  delaysOf,
  type Directory,
  type FeedReader,
  feedReaders,
  isFresh,
  type KnownNode,
  leasedGeneration,
  linesOf,
  nameOf,
  placeOf,
  zombies,
  span,
  whenSaid,
  whoSaid,
} from '@pulsewire/server'
import { type Check, note, ok, problem, some } from './check.ts'

/** Six missed pulses. */
export const PULSE_AGE_MS_MAX = 3000
/** Longer, and stages with deadlines of seconds are at risk. */
const LOOP_DELAY_MS_MAX = 500

type View = Pick<Directory, 'view' | 'nodes' | 'feeds'>

export function judgeNodes(directory: View): Check[] {
  const nodes = [...directory.nodes.values()]
  const there = nodes.filter(isThere)
  if (there.length === 0) {
    return [
      problem(
        'nodes',
        'no node has a lease that lives',
        'nothing runs, or nodes run without leases, so that no balancer can hand them out',
        'start nodes with directory.enabled: true and the same log; see their logs',
      ),
    ]
  }
  const by = (role: string): number => there.filter(({ lease }) => lease.role === role).length
  const counts = ['push', 'gateway', 'balancer', 'pulse'].map((role) => `${by(role)} ${role}`)
  const checks = [ok('nodes', `${there.length} leases live: ${counts.join(', ')}`)]
  if (directory.view === 'degraded') {
    checks.push(
      problem(
        'nodes',
        'the control topic is silent: nobody is judged by it any more',
        'nodes that die now stay in use, until the topic is back',
        'look at Kafka and at the control topic',
      ),
    )
  }
  for (const node of nodes) checks.push(...judgeNode(node))
  const versions = [...new Set(there.map(({ lease }) => lease.version))].sort()
  if (versions.length > 1) {
    checks.push(
      note(
        'nodes',
        `versions differ: ${some(versions)}`,
        'right during a rolling change, else somebody was left behind',
        'see `pulsewire nodes`',
      ),
    )
  }
  return checks
}

function judgeNode({ lease, state, word, told }: KnownNode): Check[] {
  const { node, role, version, addresses, fault, vitals } = lease
  const name = nameOf({ node, version, addresses })
  if (state === 'left' && word === 'online') return []
  if (state === 'expired') {
    return [
      note(
        'nodes',
        `${role} ${name} is gone: its lease ended without a goodbye`,
        'it crashed, froze, or lost Kafka',
        'see its supervisor, its log and its report files',
      ),
    ]
  }
  const checks: Check[] = []
  if (word !== 'online') {
    checks.push(
      note(
        'nodes',
        `${name} was taken ${word === 'offline' ? 'offline' : 'down to drain'} by ${whoSaid(told)}${whenSaid(told)}`,
        'it is not handed out until somebody says otherwise',
        `\`pulsewire node online ${node}\``,
      ),
    )
  }
  if (state === 'left') return checks
  if (fault !== undefined) {
    checks.push(
      problem(
        'nodes',
        `${name}: ${fault}`,
        'a stuck stage holds up everything behind it',
        `\`pulsewire debug ${node} report\`; its watchdog ends it if it stays so`,
      ),
    )
  }
  if (!lease.ready && !lease.draining && word === 'online') {
    checks.push(problem('nodes', `${role} ${name} is not ready`, 'it takes nobody', `see its log, or \`pulsewire debug ${node} stages\``))
  }
  if (vitals !== undefined && vitals.loopDelayMs > LOOP_DELAY_MS_MAX) {
    checks.push(
      note(
        'nodes',
        `${name}: its event loop stood still for ${span(vitals.loopDelayMs)}`,
        'everything on it was late by as much',
        `\`pulsewire debug ${node} cpu\``,
      ),
    )
  }
  return checks
}

/** @param partitions of the feed's current topic; 0 when it could not be asked. */
export function judgeFeed(directory: View, feed: string, partitions: number): Check[] {
  const readers = feedReaders(directory, feed)
  const catalogued = directory.feeds.get(feed)
  const generations = readers.map(({ leased }) => leased.generation)
  // It comes later to where its feed is, and until then reads both; who pulses its feed pulses it.
  const delays = judgeDelays(directory, feed)
  if (readers.some(({ leased }) => leased.delayOf !== undefined))
    return [...delays, ...judgeLines(feed, readers, Math.min(...generations), partitions)]
  const generation = catalogued?.current.generation ?? leasedGeneration(readers, PULSE_AGE_MS_MAX)
  const accepted = [generation, ...(catalogued?.next == null ? [] : [catalogued.next.generation])]
  return [
    ...judgeMove(catalogued),
    ...judgeLines(feed, readers, generation, partitions),
    ...judgeZombies(feed, readers, accepted, generation),
    ...judgeWriters(feed, readers),
  ]
}

/** One that somebody began and left is found by this alone: all is well while both are read. */
function judgeMove(feed: CatalogueFeed | undefined): Check[] {
  if (feed?.next == null) return []
  const { next, said } = feed
  return [
    note(
      'feeds',
      `feed ${feed.feed} is being moved to ${placeOf(next)}: ${whoSaid(said)} said so${whenSaid(said)}`,
      'push nodes read both until it is finished',
      `\`pulsewire feed show ${feed.feed}\` says how to go on, and how to undo it`,
    ),
  ]
}

/** Push nodes and gateways that show the feed with delays that differ. */
function judgeDelays({ nodes }: View, feed: string): Check[] {
  const delays = delaysOf(nodes.values(), feed, ['push', 'gateway'])
  if (delays.size < 2) return []
  const said = [...delays].map(([delayMs, names]) => `${some(names)} ${delayMs === 0 ? 'not at all' : `by ${span(delayMs)}`}`)
  return [
    problem(
      'feeds',
      `feed ${feed} is delayed differently: ${said.join('; ')}`,
      'each gateway shows the delay that it heard of first and takes nothing from the other push nodes, so that users may see quotes sooner than they may, and one line covers for nothing',
      'configure push.delayedFeeds the same on all push nodes, and restart those that differ, then gateways that show the wrong one',
    ),
  ]
}

function judgeLines(feed: string, readers: readonly FeedReader[], generation: number, partitions: number): Check[] {
  const lines = linesOf(readers)
  if (lines.length === 0) {
    return [
      problem(
        'feeds',
        `no push node reads feed ${feed}`,
        'no client gets anything of it',
        'start push nodes of both lines with this feed in their configuration',
      ),
    ]
  }
  const options = { partitions, pulseAgeMaxMs: PULSE_AGE_MS_MAX }
  const fresh = lines.filter((line) => partitions === 0 || isFresh(readers, line, generation, options))
  const checks: Check[] = []
  for (const line of lines.filter((each) => !fresh.includes(each))) {
    checks.push(
      problem(
        'feeds',
        `line ${line} does not bring all of feed ${feed} (generation ${generation}): a partition is not read, or without fresh pulses`,
        fresh.length === 0 ? 'clients are told that the feed is stale' : 'the other line covers for it; its next failure would be noticed',
        '`pulsewire status` shows which push nodes are late; see their logs',
      ),
    )
  }
  if (lines.length === 1) {
    checks.push(
      problem(
        'feeds',
        `only line ${lines[0]} reads feed ${feed}`,
        'nothing covers for a push node that fails: its partitions go stale',
        'start a push node with the other node.line',
      ),
    )
  }
  if (checks.length === 0) checks.push(ok('feeds', `feed ${feed} (generation ${generation}): lines ${lines.join(' and ')} bring all of it`))
  return checks
}

function judgeZombies(feed: string, readers: readonly FeedReader[], accepted: readonly number[], generation: number): Check[] {
  return zombies(readers, accepted).map((reader) => {
    const reads = `it reads generation ${reader.leased.generation}${reader.leased.topic === undefined ? '' : ` (${reader.leased.topic})`} of feed ${feed}, which is at ${generation}`
    const isAhead = reader.leased.generation > Math.max(...accepted)
    return problem(
      'feeds',
      isAhead ? `${nameOf(reader)} is ahead of all others: ${reads}` : `${nameOf(reader)} is left behind: ${reads}`,
      'a health check finds nothing wrong with it, and it brings nothing; nobody believes it',
      isAhead ? 'correct generation and topic in its configuration, or stop it' : 'restart it with the current configuration, or stop it',
    )
  })
}

function judgeWriters(feed: string, readers: readonly FeedReader[]): Check[] {
  const writing = readers.filter(({ role }) => role === 'pulse')
  if (writing.length > 0) return []
  return [
    note(
      'feeds',
      `no pulse writer with a lease writes for feed ${feed}`,
      'it has to come from a writer without a lease, which nobody watches',
      'start two with directory.enabled: true',
    ),
  ]
}

function isThere({ state }: KnownNode): boolean {
  return state === 'live' || state === 'kept'
}
