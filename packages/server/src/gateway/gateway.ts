import { Hub } from '../hub/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import { ConfigError } from '../runtime/errors.ts'
import type { GatewayConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { Standstill } from '../runtime/standstill.ts'
import { VERSION } from '../runtime/version.ts'
import { listenWebSocket, Sessions, type ListenStream, type StreamListener } from '../session/index.ts'
import { Arbiter } from './arbiter.ts'
import { Balance, type Peers } from './balance.ts'
import { connectWebSocket, type ConnectLink } from './link-transport.ts'
import { Link } from './link.ts'

/** Sets of links are kept as the bits of a 32-bit integer, whose sign is left alone. */
const LINKS_MAX = 31
const CHECK_INTERVAL_MS = 100
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 1000

export interface GatewayDeps {
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** How upstream nodes are reached. Default: WebSocket. */
  readonly connect?: ConnectLink
  /** How clients come in. Default: WebSocket on the configured address. */
  readonly listen?: ListenStream
  /** The seam for leases: the other gateways, to which clients are sent when this one drains or has too many. Default: none known. */
  readonly peers?: Peers
}

/** Makes one stream of both lines and serves clients. */
export class Gateway implements Service {
  readonly hub: Hub
  readonly sessions: Sessions
  readonly arbiter: Arbiter
  readonly links: readonly Link[]
  readonly #config: GatewayConfig
  readonly #server: StreamListener
  readonly #balance: Balance
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #closed = Promise.withResolvers<void>()
  #timer: Timer | null = null
  #closing: Promise<void> | null = null

  constructor(config: GatewayConfig, deps: GatewayDeps) {
    const { listen, session, groups, symbolsMax, staleAfterMs, history, subscribeDeadlineMs, feeds } = config.gateway
    this.#config = config
    this.#clock = deps.clock ?? systemClock
    this.#logger = deps.logger
    const random = deps.random ?? Math.random
    this.hub = new Hub({ nodeId: config.node.id, clock: this.#clock })
    const balance = (this.#balance = new Balance({ clock: this.#clock, random, log: deps.logger, peers: deps.peers ?? (() => []) }))
    this.sessions = new Sessions({
      hub: this.hub,
      session,
      role: 'gateway',
      version: VERSION,
      groups: new Map(Object.entries(groups)),
      log: deps.logger,
      random,
      elsewhere: (why) => balance.elsewhere(why),
    })
    balance.attach(this.sessions)
    this.arbiter = new Arbiter({
      hub: this.hub,
      logger: deps.logger,
      subscribeDeadlineMs,
      feeds,
      feedDefaults: { symbolsMax, staleAfterMs, history },
    })
    this.hub.connect(this.arbiter, this.sessions)
    this.links = this.#makeLinks(deps.connect ?? connectWebSocket, random)
    this.arbiter.setLinks(this.links)
    this.#server = (deps.listen ?? listenWebSocket)({
      host: listen.host,
      port: listen.port,
      messageBytesMax: session.messageBytesMax,
      sessions: this.sessions,
      ready: () => this.ready,
      log: deps.logger,
    })
  }

  /** It knows which feeds there are, so that it can answer. */
  get ready(): boolean {
    return this.hub.feeds.length > 0
  }

  get port(): number {
    return this.#server.port
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    await this.#server.listen()
    this.#logger.info('listening', `gateway ${this.#config.node.id} listens on port ${this.port}`, { port: this.port })
    for (const link of this.links) link.open()
    const standstill = new Standstill(this.#clock, CHECK_LATE_MS)
    this.#timer = this.#clock.every(CHECK_INTERVAL_MS, () => {
      if (standstill.tick()) return
      this.hub.checkFreshness()
      this.arbiter.sweep()
    })
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#server.stopAccepting()
    await this.sessions.drain(deadlineMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    this.#balance.close()
    this.sessions.close()
    for (const link of this.links) link.close()
    await this.#server.close()
    this.#closed.resolve()
  }

  /** The seam for leases: here the upstream nodes come from a static list. */
  #makeLinks(connect: ConnectLink, random: () => number): Link[] {
    const nodes = this.#config.gateway.upstreams.flatMap(({ line, addresses }) => addresses.map((address) => ({ line, address })))
    if (nodes.length > LINKS_MAX) {
      const problem = `gateway.upstreams: ${nodes.length} addresses; a gateway links to at most ${LINKS_MAX} upstream nodes`
      throw new ConfigError('config_invalid', problem, [problem])
    }
    return nodes.map(
      ({ line, address }, index) =>
        new Link({
          index,
          line,
          address,
          handler: this.arbiter,
          connect,
          clock: this.#clock,
          random,
          logger: this.#logger,
          client: `${this.#config.node.id}/${VERSION}`,
          pulseIntervalMs: this.#config.gateway.linkPulseIntervalMs,
        }),
    )
  }
}

export function createGateway(config: GatewayConfig, deps: GatewayDeps): Gateway {
  return new Gateway(config, deps)
}
