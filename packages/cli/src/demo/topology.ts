/** What the demo runs: two lines, two gateways, two pulse writers, a balancer, each its own process. */
import type { ProcessRole } from '@pulsewire/server'

export interface DemoNode {
  readonly id: string
  readonly role: ProcessRole
  /** The configuration that its process is started with. */
  readonly config: object
  /** Where it listens; absent for a pulse writer. */
  readonly port?: number
  /** Where its watchdog answers for its metrics. */
  readonly metricsPort: number
  /** Where it takes orders to break itself; absent: nowhere. */
  readonly faultsPort?: number
}

export interface DemoPorts {
  readonly pushA: number
  readonly pushB: number
  readonly gateway1: number
  readonly gateway2: number
  readonly balancer: number
  /** Where nodes take orders to break themselves, by node. */
  readonly faults: Readonly<Record<string, number>>
  /** Where metrics are, by node. */
  readonly metrics: Readonly<Record<string, number>>
}

/** Feeds of the demo; the embedded log holds a topic of the same name for each. */
export const DEMO_FEEDS = [
  { name: 'quote', topic: 'quotes', mode: 'latest' },
  { name: 'trade', topic: 'trades', mode: 'every' },
] as const

export const DEMO_PARTITIONS = 4

/** All of them, in the order in which they are started. */
export const DEMO_NODES = ['push-a1', 'push-b1', 'gw-1', 'gw-2', 'pulse-1', 'pulse-2', 'lb-1'] as const

/** Nodes that take orders to break themselves. */
export const DEMO_BREAKABLE = ['push-a1', 'push-b1', 'gw-1', 'gw-2'] as const

/** Whatever NODE_ENV says. */
const DEMO = { production: false }
const HOST = '127.0.0.1'

export interface DemoSettings {
  /** Symbols of each market, as groups of the gateways. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Who knows what is in it may ask the nodes what they hold. */
  readonly operatorSecretFile: string
  /** Where watchdogs write; those of another demonstration have nodes of the same names. */
  readonly reportsDirectory: string
}

export function demoNodes(ports: DemoPorts, { groups, operatorSecretFile, reportsDirectory }: DemoSettings): DemoNode[] {
  const operator = { secretFile: operatorSecretFile }
  const common = { log: { kind: 'embedded' }, directory: { enabled: true }, logging: { format: 'json' }, operator }
  const shared = { ...common, feeds: DEMO_FEEDS }
  const breakable = (id: string) => {
    const port = ports.faults[id]
    if (port === undefined) return { node: {}, config: {} }
    return { node: { faultsPort: port }, config: { faults: { enabled: true, listen: { host: HOST, port } } } }
  }
  /** What every node has. */
  const metered = (id: string) => {
    const port = ports.metrics[id]!
    return {
      node: { id, metricsPort: port },
      config: { watchdog: { probes: { enabled: true, listen: { host: HOST, port } }, reports: { directory: reportsDirectory } } },
    }
  }
  const push = (id: string, line: 'A' | 'B', port: number): DemoNode => ({
    ...metered(id).node,
    role: 'push',
    port,
    ...breakable(id).node,
    config: {
      ...shared,
      ...metered(id).config,
      ...breakable(id).config,
      node: { id, line, ...DEMO },
      push: { listen: { host: HOST, port } },
    },
  })
  const gateway = (id: string, port: number): DemoNode => ({
    ...metered(id).node,
    role: 'gateway',
    port,
    ...breakable(id).node,
    config: {
      ...common,
      ...metered(id).config,
      ...breakable(id).config,
      node: { id, ...DEMO },
      gateway: { listen: { host: HOST, port }, groups },
    },
  })
  const pulse = (id: string): DemoNode => ({
    ...metered(id).node,
    role: 'pulse',
    config: { ...shared, ...metered(id).config, node: { id, ...DEMO } },
  })
  return [
    push('push-a1', 'A', ports.pushA),
    push('push-b1', 'B', ports.pushB),
    gateway('gw-1', ports.gateway1),
    gateway('gw-2', ports.gateway2),
    pulse('pulse-1'),
    pulse('pulse-2'),
    {
      ...metered('lb-1').node,
      role: 'balancer',
      port: ports.balancer,
      config: {
        ...common,
        ...metered('lb-1').config,
        node: { id: 'lb-1', ...DEMO },
        balancer: { listen: { host: HOST, port: ports.balancer } },
      },
    },
  ]
}

export function gatewayUrls(nodes: readonly DemoNode[]): string[] {
  return nodes.filter(({ role }) => role === 'gateway').map(({ port }) => `ws://${HOST}:${port}`)
}
