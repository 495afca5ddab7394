/** The installation that faults strike: pulse writers, push nodes of both lines, gateways, each a process; proxies between them where asked for. */
import type { GatewaysAnswer } from '@pulsewire/server'
import { type MessageTrap, TcpProxy, WebSocketFilter } from '../../support/proxy/index.ts'
import { FaultNode, type Role } from './node.ts'
import { Routes } from './routes.ts'

export interface Topology {
  /** Clients. Default 24. */
  readonly clients?: number
  /** Symbols of each feed. Default 24. */
  readonly symbols?: number
  /** Records per second and feed. Default 120. */
  readonly recordsPerSecond?: number
  /**
   * Where proxies stand: in front of gateways for everybody, of push nodes (one per gateway), of gateways for balancers
   * (one per balancer), of Kafka (one per node that uses it).
   */
  readonly proxies?: { readonly clients?: boolean; readonly links?: boolean; readonly probes?: boolean; readonly log?: boolean }
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
  /**
   * So many balancers, which clients ask for gateways; nodes find each other by leases. Default: 2. With 0 there are no
   * leases either, and everybody has static lists.
   */
  readonly balancers?: number
  /** Every record is written to a second topic of its feed as well, to which that can be moved. */
  readonly copies?: boolean
  /** One more push node of line B, `push-old`, that stays where it is configured whatever the catalogue says. Needs balancers. */
  readonly pinned?: boolean
  /** Everything numbered 1, and push node A, stands in zone z1, the rest in z2. Default: one zone. */
  readonly zones?: boolean
  /** Besides, a grey track: a push node of each line and one gateway. Needs balancers. */
  readonly grey?: boolean
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

/** Whether a node is one of those that `grey` adds. */
export function isGrey(id: string): boolean {
  return id.includes('-g')
}

const BALANCERS = 2
const EVERYWHERE = '0.0.0.0'
const LOOPBACK = '127.0.0.1'

export class Installation implements AsyncDisposable {
  readonly pulses: FaultNode[]
  readonly pushNodes: FaultNode[]
  readonly pinned: FaultNode | null = null
  readonly gateways: FaultNode[]
  /** Of the grey track. */
  readonly grey: { readonly pushNodes: readonly FaultNode[]; readonly gateways: readonly FaultNode[] }
  readonly balancers: FaultNode[]
  /** Topic of leases and operators' words; used only with balancers. */
  readonly controlTopic: string
  /** By `gateway/push node`, and by `balancer/gateway`. */
  readonly links = new Map<string, TcpProxy>()
  /** By gateway. */
  readonly fronts = new Map<string, TcpProxy>()
  readonly #topology: Topology
  readonly #isLeased: boolean
  /** By whom connects, where there are proxies that no lease names. */
  readonly #routes = new Map<string, Routes>()

  constructor(topology: Topology, feeds: readonly InstallationFeed[], brokersOf: BrokersOf, controlTopic: string) {
    this.#topology = topology
    this.controlTopic = controlTopic
    const { balancers = BALANCERS } = topology
    this.#isLeased = balancers > 0
    const logOnly = (id: string) => ({
      log: { kind: 'kafka', brokers: brokersOf(id) },
      ...(this.#isLeased ? { directory: { enabled: true, topic: controlTopic } } : {}),
    })
    const named = (id: string) => ({
      id,
      ...(topology.zones === true ? { zone: zoneOf(id) } : {}),
      ...(isGrey(id) ? { track: 'grey' } : {}),
      ...this.#advertised(id),
    })
    const history = topology.historyRecords === undefined ? {} : { history: { recordsPerSymbolMax: topology.historyRecords } }
    const kept = feeds.map((feed) => ({ ...feed, ...history }))
    const log = (id: string) => ({ ...logOnly(id), feeds: kept, node: named(id) })
    const node = (id: string, role: Role, config: (port: number) => object) => {
      const within = topology.within?.(id)?.command
      return new FaultNode({ id, role, config, env: this.#envOf(id, role), ...(within === undefined ? {} : { within }) })
    }
    // Somebody in a network of its own reaches us over the cable; traffic stays on this machine either way.
    const host = topology.within === undefined ? LOOPBACK : EVERYWHERE
    this.pulses = ['pulse-1', 'pulse-2'].map((id) => node(id, 'pulse', () => log(id)))
    const push = (id: string, line: string) =>
      node(id, 'push', (port) => ({ ...log(id), node: { ...named(id), line }, push: { listen: { host, port }, ...topology.push } }))
    this.pushNodes = LINES.map((line) => push(`push-${line.toLowerCase()}1`, line))
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
    const gateway = (id: string) =>
      node(id, 'gateway', (port) => ({
        ...(this.#isLeased ? logOnly(id) : {}),
        node: named(id),
        gateway: { listen: { host, port }, upstreams: this.#isLeased ? [] : this.#upstreamsOf(id), ...history, ...topology.gateway },
      }))
    this.gateways = ['gw-1', 'gw-2'].map(gateway)
    const hasGrey = topology.grey === true
    this.grey = {
      pushNodes: hasGrey ? LINES.map((line, i) => push(`push-g${i + 1}`, line)) : [],
      gateways: hasGrey ? [gateway('gw-g2')] : [],
    }
    this.balancers = Array.from({ length: balancers }, (_, i) => {
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
    return [...this.pulses, ...this.allPushNodes, ...pinned, ...this.allGateways, ...this.balancers]
  }

  /** Of both tracks. */
  get allPushNodes(): readonly FaultNode[] {
    return [...this.pushNodes, ...this.grey.pushNodes]
  }

  /** Of both tracks. */
  get allGateways(): readonly FaultNode[] {
    return [...this.gateways, ...this.grey.gateways]
  }

  async start(): Promise<void> {
    const { proxies } = this.#topology
    const [pushNodes, gateways] = [this.allPushNodes, this.allGateways]
    const pinned = this.pinned === null ? [] : [this.pinned]
    await Promise.all([...this.pulses, ...pushNodes, ...pinned].map((node) => node.start()))
    if (proxies?.links === true) for (const gateway of gateways) await this.#linkOver(gateway, pushNodes)
    if (proxies?.clients === true) for (const { id } of gateways) this.fronts.set(id, await TcpProxy.listen())
    await Promise.all(gateways.map((gateway) => gateway.start()))
    for (const { id, port } of gateways) this.fronts.get(id)?.leadTo({ port })
    await Promise.all(gateways.map((gateway) => gateway.process.line(({ code }) => code === 'link_open')))
    if (proxies?.probes === true) for (const balancer of this.balancers) await this.#linkOver(balancer, gateways)
    await Promise.all(this.balancers.map((balancer) => balancer.start()))
  }

  async #linkOver(from: FaultNode, to: readonly FaultNode[]): Promise<void> {
    const ports = new Map<number, number>()
    for (const { id, port } of to) {
      const link = `${from.id}/${id}`
      const traps = this.#topology.linkTraps?.(link)
      const filters = traps && (() => ({ up: new WebSocketFilter(traps.up), down: new WebSocketFilter(traps.down) }))
      const proxy = await TcpProxy.listen({ port }, filters && { filters })
      this.links.set(link, proxy)
      ports.set(port, proxy.port)
    }
    this.#routes.get(from.id)?.lead(ports)
  }

  /** Where a node says that others reach it, when that is not where it listens. */
  #advertised(id: string): { readonly advertise?: readonly string[] } {
    if (!this.#isLeased) return {}
    const front = this.fronts.get(id)?.url
    if (front !== undefined) return { advertise: [front] }
    const host = this.#topology.within?.(id)?.host ?? (this.#topology.within === undefined ? undefined : LOOPBACK)
    return host === undefined ? {} : { advertise: [`ws://${host}:0`] }
  }

  #envOf(id: string, role: Role): Readonly<Record<string, string>> {
    const { env: ofNode, proxies } = this.#topology
    const env = ofNode?.(id) ?? {}
    const isLed = role === 'gateway' ? proxies?.links === true : role === 'balancer' && proxies?.probes === true
    if (!this.#isLeased || !isLed) return env
    const routes = new Routes()
    this.#routes.set(id, routes)
    return routes.env(env)
  }

  /** Where clients connect. */
  urlOf(gateway: FaultNode): string {
    const host = this.#topology.within?.(gateway.id)?.host ?? LOOPBACK
    return this.fronts.get(gateway.id)?.url ?? `ws://${host}:${gateway.port}`
  }

  /** What each balancer answers now, to a client that was put on a track or to any other; null by one that does not. */
  async answers(track?: 'stable' | 'grey'): Promise<(GatewaysAnswer | null)[]> {
    const query = track === undefined ? '' : `?track=${track}`
    return Promise.all(
      this.balancers.map(async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/v1/gateways${query}`).catch(() => null)
        return response?.ok === true ? ((await response.json()) as GatewaysAnswer) : null
      }),
    )
  }

  /** Names of the gateways that each balancer hands out now; none by one that does not answer. */
  async handedOut(track?: 'stable' | 'grey'): Promise<string[][]> {
    return (await this.answers(track)).map((answer) => (answer?.gateways ?? []).map(({ node }) => node).sort())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
    await Promise.all([...this.links.values(), ...this.fronts.values()].map((proxy) => proxy[Symbol.asyncDispose]()))
    for (const routes of this.#routes.values()) routes[Symbol.dispose]()
  }

  #upstreamsOf(gateway: string): object[] {
    const host = this.#topology.within?.(gateway)?.peersAt ?? LOOPBACK
    return this.pushNodes.map((push, i) => ({
      line: LINES[i],
      addresses: [this.links.get(`${gateway}/${push.id}`)?.url ?? `ws://${host}:${push.port}`],
    }))
  }
}
