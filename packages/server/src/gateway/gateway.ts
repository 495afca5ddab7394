import { createAccess, innerSecrets } from '../access/index.ts'
import type { AskDesk } from '../diagnosis/index.ts'
import type { Directory, LeaseContent, Member, NodeWord } from '../directory/index.ts'
import { type Hub, oldestPulseAgeMs } from '../hub/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import { advertisedAddresses, type GatewayConfig } from '../runtime/config/index.ts'
import type { Log } from '../log/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { MemoryPressure } from '../runtime/memory/index.ts'
import type { Service } from '../runtime/service.ts'
import { describeFault, type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import { Standstill } from '../runtime/standstill.ts'
import { FileWatch } from '../runtime/file-watch.ts'
import { listenerTls } from '../runtime/tls.ts'
import { VERSION } from '../runtime/version.ts'
import { Arrivals, answerFor, listenWebSocket, Sessions, type ListenStream, type StreamListener } from '../session/index.ts'
import { answerTraces } from '../trace/index.ts'
import type { FollowedUpdates } from '../tracing/index.ts'
import { Balance, type Peers } from './balance.ts'
import { answerFinds } from './find.ts'
import type { GatewayInput } from './gateway-input.ts'
import { answerSessions, keepRecords, type SessionRecords } from './session-records.ts'
import { linkAccounts } from './link-account.ts'
import { linksForLease } from './links-for-lease.ts'
import { serviceForLease } from './service-for-lease.ts'
import { leasedPeers } from './leased-peers.ts'
import type { ConnectLink } from './link-transport.ts'
import type { Link } from './link.ts'
import { LinkedInput } from './linked-input.ts'
import { type PushBeside, SharedInput } from './shared-input.ts'

const CHECK_INTERVAL_MS = 100
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 1000

export interface GatewayDeps {
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** Unix time in ms, of which tokens speak. Default: the machine's clock. */
  readonly wallMs?: () => number
  /** The push node whose hub it serves. Default: none, it has links to push nodes. */
  readonly beside?: PushBeside
  /** How upstream nodes are reached. Default: WebSocket. */
  readonly connect?: ConnectLink
  /** How clients come in. Default: WebSocket on the configured address. */
  readonly listen?: ListenStream
  /** The other gateways, to which clients are sent when this one drains or has too many. Default: by the directory's leases. */
  readonly peers?: Peers
  /** Names the push nodes when the configuration names none, and the other gateways. */
  readonly directory?: Directory
  /** Where its stages are watched. Default: nowhere. */
  readonly stages?: Stages
  /** Whether the process's memory runs short. Default: never. */
  readonly memory?: MemoryPressure
  /** Takes questions of operators. Default: nobody may ask any. */
  readonly desk?: AskDesk
  /** Follows sampled updates. Default: nobody does. */
  readonly followed?: FollowedUpdates
  /** Where the topic of sessions lies, when one is configured. */
  readonly log?: Log
}

/** Serves clients, from links to push nodes of both lines or from the push node beside it. */
export class Gateway implements Service, Member {
  readonly hub: Hub
  readonly sessions: Sessions
  readonly input: GatewayInput
  readonly #config: GatewayConfig
  readonly #server: StreamListener
  readonly #balance: Balance
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stages: Stages
  readonly #closed = Promise.withResolvers<void>()
  readonly #records: SessionRecords | null
  readonly #watch: FileWatch
  #timer: Timer | null = null
  #closing: Promise<void> | null = null
  #word: NodeWord = 'online'
  #isDraining = false
  /** Since when it must not be believed, because others took it for gone; `null`: it may. */
  #lapsedAtMs: number | null = null
  #beatNow: () => void = () => {}

  constructor(config: GatewayConfig, deps: GatewayDeps) {
    const { listen, session, groups, origins, trustedProxies, addressLimits, httpStream } = config.gateway
    this.#config = config
    this.#clock = deps.clock ?? systemClock
    this.#logger = deps.logger
    const stages = deps.stages ?? unwatchedStages
    this.#stages = stages
    const random = deps.random ?? Math.random
    const { beside, connect, directory } = deps
    const watch = (this.#watch = new FileWatch({ clock: this.#clock }))
    const follow = { watch, clock: this.#clock, logger: deps.logger }
    const inner = innerSecrets(config.inner, follow)
    const secret = inner.shown
    this.input =
      beside !== undefined
        ? new SharedInput(beside)
        : new LinkedInput({
            config,
            clock: this.#clock,
            random,
            logger: deps.logger,
            stages,
            ...(connect === undefined ? {} : { connect }),
            ...(secret === undefined ? {} : { secret }),
            ...(directory === undefined ? {} : { directory }),
            ...(deps.desk === undefined ? {} : { asks: deps.desk }),
            ...(deps.followed === undefined ? {} : { followed: deps.followed }),
          })
    this.hub = this.input.hub
    const peers = deps.peers ?? (deps.directory === undefined ? () => [] : leasedPeers(deps.directory, config.node))
    const balance = (this.#balance = new Balance({ clock: this.#clock, random, log: deps.logger, peers }))
    const notes = (this.#records = keepRecords(config, this.#clock, deps))
    const access = createAccess(config.gateway.access, {
      ...follow,
      inner,
      ...(directory === undefined ? {} : { directory }),
      ...(config.operator.secret === undefined ? {} : { operatorSecret: config.operator.secret }),
      ...(deps.wallMs === undefined ? {} : { wallMs: deps.wallMs }),
    })
    this.sessions = new Sessions({
      hub: this.hub,
      nodeId: config.node.id,
      session,
      role: 'gateway',
      version: VERSION,
      groups: new Map(Object.entries(groups)),
      log: deps.logger,
      random,
      elsewhere: (why) => balance.elsewhere(why),
      stages,
      ...(deps.memory === undefined ? {} : { memory: deps.memory }),
      ...(deps.desk === undefined ? {} : { asks: deps.desk }),
      ...(access === null ? {} : { access }),
      ...(notes === null ? {} : { notes: notes.history }),
      ...(deps.followed === undefined ? {} : { followed: deps.followed }),
    })
    balance.attach(this.sessions)
    if (deps.desk !== undefined) {
      const { hub, sessions } = this
      answerFor(deps.desk, { role: 'gateway', hub, sessions, links: () => linkAccounts(this.links, this.#clock.nowMs()) })
      answerFinds(deps.desk, { sessions, events: () => notes?.history.newestFirst() ?? [], feeds: () => hub.feeds })
      if (notes !== null) answerSessions(deps.desk, sessions, notes.history, this.#clock)
      answerTraces(deps.desk, {
        node: config.node.id,
        role: 'gateway',
        hub,
        sessions,
        own: (feed, symbol, partition) => ({
          links: this.input.linkFacts(feed, symbol, partition),
          unlinked: this.input.unlinkedFacts(feed),
          beside: this.input.beside,
          log: null,
          fault: stages.fault === null ? null : describeFault(stages.fault),
        }),
      })
    }
    this.input.serve(this.sessions)
    const tls = listenerTls(config.gateway.tls, { clock: this.#clock, logger: deps.logger })
    this.#server = (deps.listen ?? listenWebSocket)({
      host: listen.host,
      port: listen.port,
      messageBytesMax: session.messageBytesMax,
      sessions: this.sessions,
      ready: () => this.ready,
      readiness: () => (stages.fault === null ? [] : [describeFault(stages.fault)]),
      log: deps.logger,
      arrivals: new Arrivals({ origins, trustedProxies, ...addressLimits }, this.#clock),
      ...(tls === null ? {} : { tls }),
      ...(httpStream.enabled ? { httpStream } : {}),
    })
  }

  /** It can answer, nobody has told it to go, and nothing in it is stuck. */
  get ready(): boolean {
    return this.#stages.fault === null && this.input.ready && this.#word === 'online'
  }

  /** Those that are there now. */
  get links(): readonly Link[] {
    return this.input.links
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
    this.input.open()
    const standstill = new Standstill(this.#clock, CHECK_LATE_MS)
    this.#timer = this.#clock.every(CHECK_INTERVAL_MS, () => {
      if (standstill.tick()) return
      this.input.check()
      this.#checkResynced()
    })
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    this.#beatNow()
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
    this.#watch.close()
    this.#timer?.cancel()
    this.#balance.close()
    this.#timer = null
    this.sessions.close()
    this.input.close()
    await this.#server.close()
    await this.#records?.topic?.close()
    this.#closed.resolve()
  }

  // ---- as a member of the directory

  leaseContent(): LeaseContent {
    const { node, gateway } = this.#config
    const nowMs = this.#clock.nowMs()
    const isListening = this.#timer !== null
    return {
      addresses: isListening ? advertisedAddresses(node.advertise, gateway, this.port) : [],
      feeds: this.hub.feeds.map((feed) => ({
        feed: feed.name,
        generation: feed.generation,
        pulseAgeMs: oldestPulseAgeMs(feed, nowMs),
        ...(feed.options.delay === undefined ? {} : { delayOf: feed.options.delay.of, delayMs: feed.options.delay.delayMs }),
      })),
      load: { sessions: this.sessions.size, sessionsMax: gateway.session.sessionsMax },
      ready: isListening && this.ready && !this.#isDraining && this.#lapsedAtMs === null,
      draining: this.#isDraining || this.#word !== 'online',
      links: linksForLease(this.links, nowMs),
      service: serviceForLease(this.sessions.counts),
      ...(this.#stages.fault === null ? {} : { fault: describeFault(this.#stages.fault) }),
    }
  }

  beatsBy(beatNow: () => void): void {
    this.#beatNow = beatNow
  }

  lapsed(): void {
    this.#lapsedAtMs = this.#clock.nowMs()
  }

  /** Away, it takes nobody new and asks those who are here to move; taken offline, it cuts at the deadline whoever has not. */
  told(word: NodeWord): void {
    const wasHere = this.#word === 'online'
    this.#word = word
    if (word === 'online') {
      if (!this.#isDraining) this.sessions.resume()
    } else if (wasHere) void this.sessions.drain(this.#config.shutdown.drainDeadlineMs).then(() => this.#cutRest())
    else this.#cutRest()
  }

  #cutRest(): void {
    if (this.#word !== 'offline') return
    for (const session of [...this.sessions]) session.close('draining', 'this node was taken offline')
  }

  /** After a lapse it is believed again once links bring news and nothing that is followed is stale. */
  #checkResynced(): void {
    if (this.#lapsedAtMs === null) return
    const hears = this.links.some(({ state, lastHeardMs }) => state === 'open' && lastHeardMs > this.#lapsedAtMs!)
    const isStale = this.hub.feeds.some((feed) => [...feed.freshness.partitions].some(({ stale }) => stale !== null))
    if (!hears || isStale) return
    this.#logger.info('resynced', `gateway ${this.#config.node.id} is fresh again`, {})
    this.#lapsedAtMs = null
    this.#beatNow()
  }
}

export function createGateway(config: GatewayConfig, deps: GatewayDeps): Gateway {
  return new Gateway(config, deps)
}
