/** What the demo runs: two lines, two gateways, two pulse writers, a balancer, each its own process. */
import type { ProcessRole } from '@pulsewire/server'

export interface DemoNode {
  readonly id: string
  readonly role: ProcessRole
  /** The configuration that its process is started with. */
  readonly config: object
  /** Where it listens; absent for a pulse writer. */
  readonly port?: number
}

export interface DemoPorts {
  readonly pushA: number
  readonly pushB: number
  readonly gateway1: number
  readonly gateway2: number
  readonly balancer: number
}

/** Feeds of the demo; the embedded log holds a topic of the same name for each. */
export const DEMO_FEEDS = [
  { name: 'quote', topic: 'quotes', mode: 'latest' },
  { name: 'trade', topic: 'trades', mode: 'every' },
] as const

export const DEMO_PARTITIONS = 4

const HOST = '127.0.0.1'

export function demoNodes(ports: DemoPorts, groups: Readonly<Record<string, readonly string[]>>): DemoNode[] {
  const common = { log: { kind: 'embedded' }, directory: { enabled: true }, logging: { format: 'json' } }
  const shared = { ...common, feeds: DEMO_FEEDS }
  const push = (id: string, line: 'A' | 'B', port: number): DemoNode => ({
    id,
    role: 'push',
    port,
    config: { ...shared, node: { id, line }, push: { listen: { host: HOST, port } } },
  })
  const gateway = (id: string, port: number): DemoNode => ({
    id,
    role: 'gateway',
    port,
    config: { ...common, node: { id }, gateway: { listen: { host: HOST, port }, groups } },
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
