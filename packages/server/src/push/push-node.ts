import { createInnerAccess, innerSecrets } from '../access/index.ts'
import type { AskDesk } from '../diagnosis/index.ts'
import type { Directory, LeaseContent, Member, NodeWord } from '../directory/index.ts'
import { Hub, type Feed, type HubSource, type StaleCause, type SymbolState } from '../hub/index.ts'
import { alone, type Clusters, type Log } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import { advertisedAddresses, type PushConfig, readFeeds } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { MemoryPressure } from '../runtime/memory/index.ts'
import type { Service } from '../runtime/service.ts'
import { describeFault, type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import { Standstill } from '../runtime/standstill.ts'
import { FileWatch } from '../runtime/file-watch.ts'
import { listenerTls } from '../runtime/tls.ts'
import { VERSION } from '../runtime/version.ts'
import { answerFor, listenWebSocket, Sessions, type ListenStream, type StreamListener } from '../session/index.ts'
import { answerTraces } from '../trace/index.ts'
import type { FollowedUpdates } from '../tracing/index.ts'
import { FeedInput, feedOptions } from './feed-input.ts'
import { isOver } from './intake.ts'
import { LineShare } from './line-share.ts'
import type { WantedPartitions } from './wanted-partitions.ts'

const CHECK_INTERVAL_MS = 100
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 1000

export interface PushDeps {
  readonly log: Log
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** How gateways come in. Default: WebSocket on the configured address. */
  readonly listen?: ListenStream
  /**
   * Names the other push nodes of its line, with which it shares partitions, and says which generations of feeds are read.
   * Default: it is alone, and reads what it is configured with.
   */
  readonly directory?: Directory
  /** Where feeds lie that were moved to another cluster. Default: there is none but `log`. */
  readonly clusters?: Clusters
  /** Where its stages are watched. Default: nowhere. */
  readonly stages?: Stages
  /** Whether the process's memory runs short. Default: never. */
  readonly memory?: MemoryPressure
  /** Takes questions of operators. Default: nobody may ask any. */
  readonly desk?: AskDesk
  /** Follows sampled updates. Default: nobody does. */
  readonly followed?: FollowedUpdates
}

/** Reads the log, holds the images of its partitions, and serves gateways. */
export class PushNode implements Service, HubSource, Member {
  readonly hub: Hub
  readonly sessions: Sessions
  readonly #config: PushConfig
  readonly #server: StreamListener
  readonly #inputs: FeedInput[]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #stages: Stages
  readonly #closed = Promise.withResolvers<void>()
  #timer: Timer | null = null
  #closing: Promise<void> | null = null
  #readyFeeds = 0
  readonly #share: LineShare | null
  #stopListening: () => void = () => {}
  #word: NodeWord = 'online'
  #isDraining = false
  #beatNow: () => void = () => {}
  readonly #watch: FileWatch
  #toldCarried = ''

  constructor(config: PushConfig, deps: PushDeps) {
    const { listen, session } = config.push
    this.#config = config
    this.#clock = deps.clock ?? systemClock
    this.#logger = deps.logger
    const stages = deps.stages ?? unwatchedStages
    this.#stages = stages
    this.hub = new Hub({
      nodeId: config.node.id,
      clock: this.#clock,
      feeds: readFeeds(config).map((feed) => feedOptions(feed, feed.generation)),
    })
    const watch = (this.#watch = new FileWatch({ clock: this.#clock }))
    const inner = innerSecrets(config.inner, { watch, clock: this.#clock, logger: deps.logger })
    const access = createInnerAccess(inner, {
      takesCertificates: config.push.tls.clientCaFile !== undefined,
      ...(config.operator.secret === undefined ? {} : { operatorSecret: config.operator.secret }),
    })
    this.sessions = new Sessions({
      hub: this.hub,
      session,
      role: 'push',
      version: VERSION,
      log: deps.logger,
      random: deps.random ?? Math.random,
      stages,
      ...(deps.memory === undefined ? {} : { memory: deps.memory }),
      ...(deps.desk === undefined ? {} : { asks: deps.desk }),
      ...(deps.followed === undefined ? {} : { followed: deps.followed }),
      ...(access === null ? {} : { access }),
    })
    this.hub.watcher = deps.followed ?? null
    this.hub.connect(this, this.sessions)
    if (deps.desk !== undefined) {
      const { hub, sessions } = this
      answerFor(deps.desk, { role: 'push', hub, sessions, links: () => [] })
      const own = async (feed: Feed, _symbol: unknown, partition: number) => ({
        links: [],
        beside: null,
        log: await this.#inputOf(feed).logFact(partition),
        fault: stages.fault === null ? null : describeFault(stages.fault),
      })
      answerTraces(deps.desk, { node: config.node.id, role: 'push', hub, sessions, own })
    }
    this.#share = this.#makeShare(deps.directory)
    this.#inputs = readFeeds(config).map((feedConfig) => {
      const feed = this.hub.feed(feedConfig.name)!
      return new FeedInput({
        hub: this.hub,
        feed,
        clusters: deps.clusters ?? alone(deps.log),
        config: feedConfig,
        partitions: (generation) => this.#partitionsOf(feed, generation),
        logger: deps.logger,
        answerable: () => this.#answerWaiting(feed),
        stages,
        ...(deps.directory === undefined ? {} : { directory: deps.directory }),
      })
    })
    if (deps.directory !== undefined) this.#stopListening = deps.directory.onChange(() => this.#reshare())
    const tls = listenerTls(config.push.tls, { clock: this.#clock, logger: deps.logger })
    this.#server = (deps.listen ?? listenWebSocket)({
      host: listen.host,
      port: listen.port,
      messageBytesMax: session.messageBytesMax,
      sessions: this.sessions,
      ready: () => this.ready,
      readiness: () => (stages.fault === null ? this.#unreadyFeeds() : [describeFault(stages.fault), ...this.#unreadyFeeds()]),
      log: deps.logger,
      ...(tls === null ? {} : { tls }),
    })
  }

  /** Warm in every partition of some feed: one whose topic is missing, or is still being read in, must not keep back the others. Not ready when told to go, or when something in it is stuck. */
  get ready(): boolean {
    return this.#stages.fault === null && this.#word === 'online' && this.#inputs.some((input) => input.warm)
  }

  /** What keeps feeds from being served as they should be, one line each. */
  #unreadyFeeds(): string[] {
    return this.#inputs.flatMap(({ feed, unready }) =>
      unready === null ? [] : [`feed ${feed.name} is not ready: ${unready.reason}: ${unready.message}`],
    )
  }

  /** What was read of each feed. */
  get intakes(): readonly ({ readonly feed: string } & NonNullable<FeedInput['counts']>)[] {
    return this.#inputs.flatMap(({ feed, counts }) => (counts === null ? [] : [{ feed: feed.name, ...counts }]))
  }

  get port(): number {
    return this.#server.port
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    await this.#server.listen()
    this.#logger.info('listening', `push node ${this.#config.node.id} listens on port ${this.port}`, {
      line: this.#config.node.line,
      port: this.port,
    })
    for (const input of this.#inputs) input.start()
    const standstill = new Standstill(this.#clock, CHECK_LATE_MS)
    this.#timer = this.#clock.every(CHECK_INTERVAL_MS, () => {
      if (!standstill.tick()) this.#check()
    })
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    if (this.#share !== null) this.#share.isLeaving = true
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
    this.#timer?.cancel()
    this.#timer = null
    this.#stopListening()
    this.#watch.close()
    this.sessions.close()
    this.hub.close()
    await this.#server.close()
    await Promise.all(this.#inputs.map((input) => input.close()))
    this.#closed.resolve()
  }

  #check(): void {
    this.hub.checkFreshness()
    for (const input of this.#inputs) input.checkStall()
    this.#reshare()
    this.#tellReadiness()
    this.#tellChange()
  }

  /** Said once when some feeds are served without the others, and once when all are. */
  #tellReadiness(): void {
    const id = this.#config.node.id
    const ready = this.#inputs.filter((input) => input.warm).length
    if (ready === this.#readyFeeds) return
    const isStuck = this.#inputs.some(({ warm, unready }) => !warm && unready !== null && unready.reason !== 'warming')
    if (ready === this.#inputs.length) this.#logger.info('ready', `push node ${id} is ready`, {})
    else if (ready === 0 || !isStuck) return
    else
      this.#logger.warn(
        'ready_in_part',
        `push node ${id} serves ${ready} of ${this.#inputs.length} feeds: ${this.#unreadyFeeds().join('; ')}`,
        {},
      )
    this.#readyFeeds = ready
  }

  // ---- the hub's source: everything is read anyway, but nothing is known before it has been read in

  #answers(feed: Feed): boolean {
    return this.#inputOf(feed).answers
  }

  #answerWaiting(feed: Feed): void {
    if (!this.#answers(feed)) return
    for (const symbol of feed.symbols.values()) this.hub.symbolReady(symbol)
    for (const pattern of feed.patterns.values()) this.hub.patternReady(pattern)
  }

  want(symbol: SymbolState): boolean {
    return this.#answers(symbol.feed)
  }
  /** Receivers name what they like: a symbol without a record is held only while somebody subscribes to it. */
  unwant(symbol: SymbolState): void {
    if (symbol.offset < 0) symbol.feed.drop(symbol)
    else if (isOver(symbol)) symbol.feed.retire(symbol)
    else if (!this.#inputOf(symbol.feed).reads(symbol.partition)) symbol.feed.drop(symbol)
  }
  wantPattern(feed: Feed): boolean {
    return this.#answers(feed)
  }
  unwantPattern(): void {}

  explain(feed: Feed, partition: number): StaleCause {
    return this.#inputOf(feed).explain(partition)
  }

  #inputOf(feed: Feed): FeedInput {
    return this.#inputs.find((input) => input.feed === feed)!
  }

  // ---- the line

  #makeShare(directory: Directory | undefined): LineShare | null {
    const { node, push } = this.#config
    if (push.partitions !== 'shared' || directory === undefined) return null
    return new LineShare({ directory, self: node.id, line: node.line, track: node.track, clock: this.#clock, logger: this.#logger })
  }

  #partitionsOf(feed: Feed, generation: number): WantedPartitions {
    const { partitions } = this.#config.push
    const share = this.#share
    if (share !== null) return (count, held) => share.wanted(feed.name, generation, count, held)
    return partitions === 'shared' ? 'all' : partitions
  }

  #reshare(): void {
    for (const input of this.#inputs) input.reshare()
  }

  // ---- as a member of the directory

  leaseContent(): LeaseContent {
    const { node, push } = this.#config
    const nowMs = this.#clock.nowMs()
    const isListening = this.#timer !== null
    return {
      addresses: isListening ? advertisedAddresses(node.advertise, push, this.port) : [],
      feeds: this.#inputs.flatMap((input) => input.leased(nowMs)),
      load: { sessions: this.sessions.size, sessionsMax: push.session.sessionsMax },
      ready: isListening && this.ready && !this.#isDraining,
      draining: this.#isDraining || this.#word !== 'online',
      ...(this.#stages.fault === null ? {} : { fault: describeFault(this.#stages.fault) }),
    }
  }

  beatsBy(beatNow: () => void): void {
    this.#beatNow = beatNow
  }

  lapsed(): void {
    for (const input of this.#inputs) input.rewarm()
  }

  /** Away, it takes nobody new, asks who is here to move, and hands its partitions over; what it reads it goes on reading till then. */
  told(word: NodeWord): void {
    const wasHere = this.#word === 'online'
    this.#word = word
    if (this.#share !== null) this.#share.isLeaving = word !== 'online' || this.#isDraining
    if (word === 'online' && !this.#isDraining) this.sessions.resume()
    if (wasHere && word !== 'online') void this.sessions.drain(this.#config.shutdown.drainDeadlineMs)
    this.#reshare()
  }

  /** What gateways and the rest of the line decide by is told before the next beat is due. */
  #tellChange(): void {
    const carried = JSON.stringify([this.ready, this.#inputs.map((input) => input.reading)])
    if (carried === this.#toldCarried) return
    this.#toldCarried = carried
    this.#beatNow()
  }
}

export function createPushNode(config: PushConfig, deps: PushDeps): PushNode {
  return new PushNode(config, deps)
}
