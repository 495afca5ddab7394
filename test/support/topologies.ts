import type { Topology, TopologyFeed, TopologyNode } from '../../packages/server/src/balancer/index.ts'

const AT_MS = 1_764_000_000_000

/** A node of a topology as all is well; what is given is changed. */
export function topologyNode(node: string, change: Partial<TopologyNode> = {}): TopologyNode {
  return {
    node,
    role: 'gateway',
    handedOut: true,
    degraded: false,
    sinceMs: AT_MS - 60_000,
    reasons: [],
    zone: 'default',
    track: 'stable',
    version: '0.1.0',
    addresses: [`ws://${node}:8080`],
    word: 'online',
    lease: { state: 'live', incarnation: 1, beatAgeMs: 200, ready: true, draining: false },
    load: { sessions: 0, sessionsMax: 50_000, busy: 0.02 },
    probe: null,
    feeds: [],
    links: [],
    fault: null,
    vitals: { uptimeMs: 60_000, loopDelayMs: 2, memoryBytes: 90 * 1024 ** 2 },
    ...change,
  }
}

export function topologyFeed(feed: string, change: Partial<TopologyFeed> = {}): TopologyFeed {
  const partitions = Array.from({ length: 4 }, () => ({ pulseAgeMs: 300 }))
  return { feed, generation: 1, topic: `${feed}s`, next: null, partitions, ...change }
}

export function topology(nodes: readonly TopologyNode[], change: Partial<Topology> = {}): Topology {
  return {
    balancer: 'lb-1',
    atMs: AT_MS,
    view: { state: 'current', sinceMs: AT_MS - 60_000 },
    degraded: [],
    tracks: [],
    grey: null,
    feeds: [topologyFeed('quote')],
    nodes: [...nodes],
    ...change,
  }
}

/** Two lines, two gateways, of which one has lost line B, and what belongs to them. */
export function smallTopology(): Topology {
  const push = (node: string, line: 'A' | 'B') =>
    topologyNode(node, {
      role: 'push',
      line,
      feeds: [{ feed: 'quote', generation: 1, topic: 'quotes', partitions: [0, 1, 2, 3], pulseAgeMs: 120 }],
    })
  const a = { node: 'push-a1', line: 'A', state: 'open', pulseAgeMs: 300 } as const
  const b = { node: 'push-b1', line: 'B', state: 'open', pulseAgeMs: 5200 } as const
  return topology([
    push('push-a1', 'A'),
    push('push-b1', 'B'),
    topologyNode('gw-1', { links: [a, b], load: { sessions: 1200, sessionsMax: 50_000, busy: 0.1 } }),
    topologyNode('gw-2', { links: [a, { ...b, state: 'waiting', pulseAgeMs: 900 }] }),
    topologyNode('pulse-1', { role: 'pulse' }),
    topologyNode('lb-1', { role: 'balancer' }),
  ])
}

const LARGE_FEEDS = ['quote', 'trade']
const LARGE_PARTITIONS = 64
const LARGE_PUSH = 40

/**
 * Two feeds of 64 partitions, two lines of 20 push nodes that share them, gateways of two zones, each linked to every push
 * node, and what else there is; as a balancer says it, with nothing left out.
 * @param ageMs of every newest pulse.
 */
export function largeTopology(ageMs: number, size = 200): Topology {
  const push = Array.from({ length: LARGE_PUSH }, (_, i) => {
    const partitions = Array.from({ length: LARGE_PARTITIONS }, (_, partition) => partition).filter(
      (partition) => partition % 20 === i >> 1,
    )
    const feeds = LARGE_FEEDS.map((feed) => ({ feed, generation: 3, topic: `${feed}s-v3`, partitions, pulseAgeMs: ageMs }))
    return topologyNode(`push-${i}`, { role: 'push', line: i % 2 === 0 ? 'A' : 'B', feeds })
  })
  const links = push.map(({ node, line }) => ({ node, line: line!, state: 'open' as const, pulseAgeMs: ageMs }))
  const feeds = LARGE_FEEDS.map((feed) => ({ feed, generation: 3, pulseAgeMs: ageMs }))
  const gateways = Array.from({ length: size - LARGE_PUSH - 3 }, (_, i) => {
    const node = `gw-${i}`
    const heard = feeds.map((feed) => ({ ...feed, partitions: LARGE_PARTITIONS, partitionsHeard: LARGE_PARTITIONS }))
    return topologyNode(node, {
      links,
      feeds,
      zone: i % 2 === 0 ? 'sg-1' : 'hk-1',
      load: { sessions: 8000 + i, sessionsMax: 50_000, busy: 0.31 },
      probe: {
        address: `ws://${node}:8080`,
        state: 'open',
        sinceMs: AT_MS - 50_000,
        failures: 0,
        entry: null,
        failure: null,
        answeredBy: { node, role: 'gateway', version: '0.1.0' },
        roundTripMs: 1.4,
        feeds: heard,
      },
    })
  })
  const others: TopologyNode[] = [
    topologyNode('pulse-1', { role: 'pulse' }),
    topologyNode('pulse-2', { role: 'pulse' }),
    topologyNode('lb-1', { role: 'balancer' }),
  ]
  const partitions = Array.from({ length: LARGE_PARTITIONS }, () => ({ pulseAgeMs: ageMs }))
  return topology([...push, ...gateways, ...others], {
    feeds: LARGE_FEEDS.map((feed) => topologyFeed(feed, { generation: 3, topic: `${feed}s-v3`, partitions })),
  })
}
