import type { Directory } from '../../packages/server/src/directory/index.ts'
import { createGateway, type ConnectLink, type Gateway } from '../../packages/server/src/gateway/index.ts'
import type { FeedOptions } from '../../packages/server/src/hub/index.ts'
import { loadConfig } from '../../packages/server/src/runtime/config/index.ts'
import type { SessionOptions } from '../../packages/server/src/session/index.ts'
import { createMemoryLogger, type MemoryLogger } from '../../packages/server/src/runtime/logger.ts'
import type { FollowedUpdates } from '../../packages/server/src/tracing/index.ts'
import { ManualClock } from './manual-clock.ts'
import { Receiver, type ReceiverOptions } from './receiver.ts'
import { Sender, type PulseOptions, type RecordOptions } from './sender.ts'
import { UpstreamLines } from './upstream-lines.ts'

export interface GatewayWorldOptions {
  /** Nodes by line. Default: one in each of A and B. */
  readonly nodes?: Readonly<Record<string, 'A' | 'B'>>
  readonly feeds?: readonly Partial<FeedOptions>[]
  readonly partitions?: number
  /** Partitions per node; default: all. */
  readonly carried?: Readonly<Record<string, readonly number[]>>
  /** Added to the gateway's section. */
  readonly gateway?: Readonly<Record<string, unknown>>
  /** Names the nodes, in place of a list in the configuration. */
  readonly directory?: Directory
  /** Added to its section of sessions. */
  readonly session?: Partial<SessionOptions>
  /** Sees what goes over the lines between the gateway and its nodes. */
  readonly watched?: (connect: ConnectLink) => ConnectLink
  /** How nodes treat the gateway, by node. */
  readonly nodeSessions?: Readonly<Record<string, Partial<SessionOptions>>>
  /** Who follows sampled updates, by node. Default: nobody. */
  readonly followed?: (node: string) => FollowedUpdates
}

/** Read once: that takes longer than most of what worlds are made for. */
const BASE = loadConfig('gateway', {
  env: { PULSEWIRE_NODE_ID: 'gw-1', PULSEWIRE_GATEWAY_UPSTREAMS: '[{line: A, addresses: ["ws://stub:1"]}]' },
})

type Value = Parameters<Sender['record']>[1]

/** One record of the log, as a node reads it. */
interface LogEntry {
  readonly partition: number
  readonly read: (node: Sender) => void
}

/** A gateway between upstream nodes and receivers, all in memory, on one clock. The nodes read one log, each at its own pace. */
export class GatewayWorld {
  readonly clock = new ManualClock()
  readonly lines = new UpstreamLines(this.clock)
  readonly log: MemoryLogger = createMemoryLogger()
  readonly gateway: Gateway
  readonly #options: GatewayWorldOptions
  readonly #nodes = new Map<string, { readonly node: Sender; read: number; lags: boolean }>()
  readonly #log: LogEntry[] = []
  readonly #offsets = new Map<string, number>()

  constructor(options: GatewayWorldOptions = {}) {
    this.#options = options
    const nodes = options.nodes ?? { a1: 'A', b1: 'B' }
    for (const id of Object.keys(nodes)) this.start(id)
    const upstreams = (['A', 'B'] as const)
      .map((line) => ({
        line,
        addresses: Object.keys(nodes)
          .filter((id) => nodes[id] === line)
          .map(addressOf),
      }))
      .filter(({ addresses }) => addresses.length > 0)
    this.gateway = createGateway(
      {
        ...BASE,
        gateway: {
          ...BASE.gateway,
          upstreams: options.directory === undefined ? upstreams : [],
          ...options.gateway,
          session: { ...BASE.gateway.session, ...options.session },
        },
      },
      {
        ...(options.directory === undefined ? {} : { directory: options.directory }),
        logger: this.log,
        clock: this.clock,
        random: () => 0.5,
        connect: options.watched?.(this.lines.connect) ?? this.lines.connect,
        ...(options.followed === undefined ? {} : { followed: options.followed('gw-1') }),
        listen: () => ({ port: 1, listen: async () => {}, stopAccepting() {}, close: async () => {} }),
      },
    )
  }

  static async open(options: GatewayWorldOptions = {}): Promise<GatewayWorld> {
    const world = new GatewayWorld(options)
    await world.gateway.start()
    world.clock.advance(50)
    return world
  }

  /** Starts a node, in place of the one of that name; a new one has read the whole log, unless it lags, and remembers no session. */
  start(id: string, feeds: readonly Partial<FeedOptions>[] = this.#options.feeds ?? [{}], lags = false): Sender {
    const { partitions = 1, carried, followed, nodeSessions } = this.#options
    const session = { pulseIntervalMs: 0, subscriptionsMax: 100_000, ...nodeSessions?.[id] }
    const traced = followed === undefined ? {} : { followed: followed(`push-${id}`) }
    const node = new Sender({ clock: this.clock, nodeId: `push-${id}`, feeds, session, ...traced })
    for (const feed of node.hub.feeds) node.hub.setShape(feed, feed.generation, partitions, carried?.[id] ?? null)
    this.#nodes.set(id, { node, read: 0, lags })
    this.lines.put(addressOf(id), node)
    this.#read(id)
    return node
  }

  node(id: string): Sender {
    return this.#nodes.get(id)!.node
  }

  /** @returns its offset. */
  record(name: string, value: Value, options: RecordOptions = {}): number {
    const { feed = 'quote', partition = 0 } = options
    const at = { ...options, offset: this.#nextOffset(feed, partition), ts: this.clock.nowMs() }
    this.#append(partition, (node) => node.record(name, value, at))
    return at.offset
  }

  /** A pulse in every partition, or in one. @returns their offsets. */
  pulse(options: Omit<PulseOptions, 'offset' | 'writtenAtMs'> = {}): number[] {
    const { partitions = 1 } = this.#options
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const writtenAtMs = this.clock.nowMs()
    return (options.partition === undefined ? all : [options.partition]).map((partition) => {
      const at = { ...options, partition, writtenAtMs, offset: this.#nextOffset(options.feed ?? 'quote', partition) }
      this.#append(partition, (node) => node.pulse(at))
      return at.offset
    })
  }

  /** The node reads nothing from now on, until it is to catch up. */
  lag(id: string): void {
    this.#nodes.get(id)!.lags = true
  }

  catchUp(id: string): void {
    this.#nodes.get(id)!.lags = false
    this.#read(id)
  }

  connect(options: ReceiverOptions = {}): Receiver {
    const receiver = new Receiver(this.clock, (transport) => this.gateway.sessions.accept(transport), options)
    receiver.hello()
    receiver.take()
    return receiver
  }

  hold(id: string): void {
    this.lines.holdDown(addressOf(id))
  }

  holdUp(id: string): void {
    this.lines.holdUp(addressOf(id))
  }

  release(id: string): void {
    this.lines.release(addressOf(id))
  }

  cut(id: string): void {
    this.lines.cut(addressOf(id))
  }

  restore(id: string): void {
    this.lines.restore(addressOf(id))
  }

  /** Lets time pass, with a pulse in every partition of every feed each 500 ms. */
  pass(ms: number): void {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      for (const { feed = 'quote' } of (this.#options.feeds ?? [{}]).map(({ name }) => (name === undefined ? {} : { feed: name })))
        this.pulse({ feed })
      this.clock.advance(Math.min(500, ms - passedMs))
    }
  }

  #append(partition: number, read: LogEntry['read']): void {
    this.#log.push({ partition, read })
    for (const id of this.#nodes.keys()) this.#read(id)
  }

  #read(id: string): void {
    const reader = this.#nodes.get(id)!
    const carried = this.#options.carried?.[id]
    while (!reader.lags && reader.read < this.#log.length) {
      const entry = this.#log[reader.read++]!
      if (carried === undefined || carried.includes(entry.partition)) entry.read(reader.node)
    }
  }

  #nextOffset(feed: string, partition: number): number {
    const key = `${feed}/${partition}`
    const offset = this.#offsets.get(key) ?? 0
    this.#offsets.set(key, offset + 1)
    return offset
  }
}

function addressOf(id: string): string {
  return `ws://push-${id}:8081`
}
