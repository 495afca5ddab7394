/** The installation that faults strike: pulse writers, push nodes of both lines, gateways, each a process; proxies between them where asked for. */
import type { GatewaysAnswer } from '@pulsewire/server'
import { type MessageTrap, TcpProxy, WebSocketFilter } from '../../support/proxy/index.ts'
import { FaultNode, type Role } from './node.ts'

export interface Topology {
  /** Clients. Default 24. */
  readonly clients?: number
  /** Symbols of each feed. Default 24. */
  readonly symbols?: number
  /** Records per second and feed. Default 120. */
  readonly recordsPerSecond?: number
  /** Where proxies stand: in front of gateways, of push nodes (one per gateway), of Kafka (one per node that uses it). */
  readonly proxies?: { readonly clients?: boolean; readonly links?: boolean; readonly log?: boolean }
  /** What passes a link, by `gateway/push node`, on its way up to the push node and down from it. */
  readonly linkTraps?: (link: string) => { readonly up: MessageTrap; readonly down: MessageTrap }
  /** Added to these sections. */
  readonly push?: Readonly<Record<string, unknown>>
  readonly gateway?: Readonly<Record<string, unknown>>
  readonly balancer?: Readonly<Record<string, unknown>>
  /** Symbols per client and feed. Default 6 and 4. */
  readonly perClient?: { readonly quotes: number; readonly trades: number }
  /** Settings of topics, as Kafka names them. */
  readonly topic?: Readonly<Record<string, string>>
  /** So many balancers, which clients ask for gateways; nodes then find each other by leases. Default: none, static lists. */
  readonly balancers?: number
  /** Every record is written to a second topic of its feed as well, to which that can be moved. */
  readonly copies?: boolean
  /** One more push node of line B, `push-old`, that stays where it is configured whatever the catalogue says. Needs balancers. */
  readonly pinned?: boolean
  /** Everything numbered 1, and push node A, stands in zone z1, the rest in z2. Default: one zone. */
  readonly zones?: boolean
  /** Records of each symbol that are kept for those who come back. Default: the nodes' own. */
  readonly historyRecords?: number
  /** How often clients ask balancers anew, about. Default: the client's own. */
  readonly gatewaysRenewMs?: number
  readonly env?: (id: string) => Readonly<Record<string, string>>
  /** In front of the command of a node; its address for others must then be said too. */
  readonly within?: (id: string) => { readonly command: readonly string[]; readonly host: string; readonly peersAt: string } | undefined
}

export interface InstallationFeed {
  readonly name: string
  readonly topic: string
  readonly mode: 'latest' | 'every'
}

/** Brokers as the nodes of this id are to reach them. */
export type BrokersOf = (id: string) => readonly string[]

const LINES = ['A', 'B'] as const

/** Of two zones, the one that a node or client with this number stands in. */
export function zoneOf(id: string): 'z1' | 'z2' {
  return id.endsWith('2') || id.includes('-b') ? 'z2' : 'z1'
}

const EVERYWHERE = '0.0.0.0'
const LOOPBACK = '127.0.0.1'

export class Installation implements AsyncDisposable {
  readonly pulses: FaultNode[]
  readonly pushNodes: FaultNode[]
  readonly pinned: FaultNode | null = null
  readonly gateways: FaultNode[]
  readonly balancers: FaultNode[]
  /** Topic of leases and operators' words; used only with balancers. */
  readonly controlTopic: string
  /** By `gateway/push node`. */
  readonly links = new Map<string, TcpProxy>()
  /** By gateway. */
  readonly fronts = new Map<string, TcpProxy>()
  readonly #topology: Topology

  constructor(topology: Topology, feeds: readonly InstallationFeed[], brokersOf: BrokersOf, controlTopic: string) {
    this.#topology = topology
    this.controlTopic = controlTopic
    const hasBalancers = (topology.balancers ?? 0) > 0
    const logOnly = (id: string) => ({
      log: { kind: 'kafka', brokers: brokersOf(id) },
      ...(hasBalancers ? { directory: { enabled: true, topic: controlTopic } } : {}),
    })
    const named = (id: string) => ({ id, ...(topology.zones === true ? { zone: zoneOf(id) } : {}) })
    const history = topology.historyRecords === undefined ? {} : { history: { recordsPerSymbolMax: topology.historyRecords } }
    const kept = feeds.map((feed) => ({ ...feed, ...history }))
    const log = (id: string) => ({ ...logOnly(id), feeds: kept, node: named(id) })
    const node = (id: string, role: Role, config: (port: number) => object) => {
      const env = topology.env?.(id)
      const within = topology.within?.(id)?.command
      return new FaultNode({ id, role, config, ...(env === undefined ? {} : { env }), ...(within === undefined ? {} : { within }) })
    }
    // Somebody in a network of its own reaches us over the cable; traffic stays on this machine either way.
    const host = topology.within === undefined ? LOOPBACK : EVERYWHERE
    this.pulses = ['pulse-1', 'pulse-2'].map((id) => node(id, 'pulse', () => log(id)))
    this.pushNodes = LINES.map((line) => {
      const id = `push-${line.toLowerCase()}1`
      return node(id, 'push', (port) => ({ ...log(id), node: { ...named(id), line }, push: { listen: { host, port }, ...topology.push } }))
    })
    if (topology.pinned === true) {
      const id = 'push-old'
      const pinned = feeds.map((feed) => ({ ...feed, pinned: true }))
      this.pinned = node(id, 'push', (port) => ({
        ...log(id),
        feeds: pinned,
        node: { ...named(id), line: 'B' },
        push: { listen: { host, port }, ...topology.push },
      }))
    }
    this.gateways = ['gw-1', 'gw-2'].map((id) =>
      node(id, 'gateway', (port) => ({
        ...(hasBalancers ? logOnly(id) : {}),
        node: named(id),
        gateway: { listen: { host, port }, upstreams: hasBalancers ? [] : this.#upstreamsOf(id), ...history, ...topology.gateway },
      })),
    )
    this.balancers = Array.from({ length: topology.balancers ?? 0 }, (_, i) => {
      const id = `lb-${i + 1}`
      return node(id, 'balancer', (port) => ({
        ...logOnly(id),
        node: named(id),
        balancer: { listen: { host, port }, ...topology.balancer },
      }))
    })
  }

  get nodes(): readonly FaultNode[] {
    const pinned = this.pinned === null ? [] : [this.pinned]
    return [...this.pulses, ...this.pushNodes, ...pinned, ...this.gateways, ...this.balancers]
  }

  async start(): Promise<void> {
    const pinned = this.pinned === null ? [] : [this.pinned]
    await Promise.all([...this.pulses, ...this.pushNodes, ...pinned].map((node) => node.start()))
    if (this.#topology.proxies?.links === true) {
      for (const gateway of this.gateways) for (const push of this.pushNodes) await this.#linkOver(`${gateway.id}/${push.id}`, push.port)
    }
    await Promise.all(this.gateways.map((gateway) => gateway.start()))
    await Promise.all(this.gateways.map((gateway) => gateway.process.line(({ code }) => code === 'link_open')))
    await Promise.all(this.balancers.map((balancer) => balancer.start()))
    if (this.#topology.proxies?.clients === true) {
      for (const gateway of this.gateways) this.fronts.set(gateway.id, await TcpProxy.listen({ port: gateway.port }))
    }
  }

  async #linkOver(link: string, port: number): Promise<void> {
    const traps = this.#topology.linkTraps?.(link)
    const filters = traps && (() => ({ up: new WebSocketFilter(traps.up), down: new WebSocketFilter(traps.down) }))
    this.links.set(link, await TcpProxy.listen({ port }, filters && { filters }))
  }

  /** Where clients connect. */
  urlOf(gateway: FaultNode): string {
    const host = this.#topology.within?.(gateway.id)?.host ?? LOOPBACK
    return this.fronts.get(gateway.id)?.url ?? `ws://${host}:${gateway.port}`
  }

  /** What each balancer answers now; null by one that does not. */
  async answers(): Promise<(GatewaysAnswer | null)[]> {
    return Promise.all(
      this.balancers.map(async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/v1/gateways`).catch(() => null)
        return response?.ok === true ? ((await response.json()) as GatewaysAnswer) : null
      }),
    )
  }

  /** Names of the gateways that each balancer hands out now; none by one that does not answer. */
  async handedOut(): Promise<string[][]> {
    return (await this.answers()).map((answer) => (answer?.gateways ?? []).map(({ node }) => node).sort())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
    await Promise.all([...this.links.values(), ...this.fronts.values()].map((proxy) => proxy[Symbol.asyncDispose]()))
  }

  #upstreamsOf(gateway: string): object[] {
    const host = this.#topology.within?.(gateway)?.peersAt ?? LOOPBACK
    return this.pushNodes.map((push, i) => ({
      line: LINES[i],
      addresses: [this.links.get(`${gateway}/${push.id}`)?.url ?? `ws://${host}:${push.port}`],
    }))
  }
}
