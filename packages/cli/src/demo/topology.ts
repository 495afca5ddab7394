/** What the demo runs: two lines, two gateways, two pulse writers, a balancer, each its own process. */
import type { ProcessRole } from '@pulsewire/server'

export interface DemoNode {
  readonly id: string
  readonly role: ProcessRole
  /** The configuration that its process is started with. */
  readonly config: object
  /** Where it listens; absent for a pulse writer. */
  readonly port?: number
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
}

/** Feeds of the demo; the embedded log holds a topic of the same name for each. */
export const DEMO_FEEDS = [
  { name: 'quote', topic: 'quotes', mode: 'latest' },
  { name: 'trade', topic: 'trades', mode: 'every' },
] as const

export const DEMO_PARTITIONS = 4

/** Nodes that take orders to break themselves. */
export const DEMO_BREAKABLE = ['push-a1', 'push-b1', 'gw-1', 'gw-2'] as const

const HOST = '127.0.0.1'

export interface DemoSettings {
  /** Symbols of each market, as groups of the gateways. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Who knows what is in it may ask the nodes what they hold. */
  readonly operatorSecretFile: string
}

export function demoNodes(ports: DemoPorts, { groups, operatorSecretFile }: DemoSettings): DemoNode[] {
  const operator = { secretFile: operatorSecretFile }
  const common = { log: { kind: 'embedded' }, directory: { enabled: true }, logging: { format: 'json' } }
  const shared = { ...common, feeds: DEMO_FEEDS }
  const breakable = (id: string) => {
    const port = ports.faults[id]
    if (port === undefined) return { node: {}, config: {} }
    return { node: { faultsPort: port }, config: { faults: { enabled: true, listen: { host: HOST, port } } } }
  }
  const push = (id: string, line: 'A' | 'B', port: number): DemoNode => ({
    id,
    role: 'push',
    port,
    ...breakable(id).node,
    config: { ...shared, ...breakable(id).config, operator, node: { id, line }, push: { listen: { host: HOST, port } } },
  })
  const gateway = (id: string, port: number): DemoNode => ({
    id,
    role: 'gateway',
    port,
    ...breakable(id).node,
    config: { ...common, ...breakable(id).config, operator, node: { id }, gateway: { listen: { host: HOST, port }, groups } },
  })
  const pulse = (id: string): DemoNode => ({ id, role: 'pulse', config: { ...shared, node: { id } } })
  return [
    push('push-a1', 'A', ports.pushA),
    push('push-b1', 'B', ports.pushB),
    gateway('gw-1', ports.gateway1),
    gateway('gw-2', ports.gateway2),
    pulse('pulse-1'),
    pulse('pulse-2'),
    {
      id: 'lb-1',
      role: 'balancer',
      port: ports.balancer,
      config: { ...common, node: { id: 'lb-1' }, balancer: { listen: { host: HOST, port: ports.balancer } } },
    },
  ]
}

export function gatewayUrls(nodes: readonly DemoNode[]): string[] {
  return nodes.filter(({ role }) => role === 'gateway').map(({ port }) => `ws://${HOST}:${port}`)
}
