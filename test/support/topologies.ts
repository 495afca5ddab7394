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

/** 200 nodes. @param ageMs of every link's newest pulse. */
export function largeTopology(ageMs: number): Topology {
  const push = Array.from({ length: 40 }, (_, i) => topologyNode(`push-${i}`, { role: 'push', line: i % 2 === 0 ? 'A' : 'B' }))
  const links = push.slice(0, 8).map(({ node, line }) => ({ node, line: line!, state: 'open' as const, pulseAgeMs: ageMs }))
  const gateways = Array.from({ length: 157 }, (_, i) => topologyNode(`gw-${i}`, { links, zone: i % 2 === 0 ? 'sg-1' : 'hk-1' }))
  const others: TopologyNode[] = [
    topologyNode('pulse-1', { role: 'pulse' }),
    topologyNode('pulse-2', { role: 'pulse' }),
    topologyNode('lb-1', { role: 'balancer' }),
  ]
  return topology([...push, ...gateways, ...others])
}
