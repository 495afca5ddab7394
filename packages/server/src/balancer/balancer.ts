import type { Directory, LeaseContent, Member, NodeWord } from '../directory/index.ts'
import { ENTRY_CLIENT } from '../access/index.ts'
import type { AskDesk } from '../diagnosis/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import type { BalancerConfig, Secret, SecretSource } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { Standstill } from '../runtime/standstill.ts'
import { FileWatch } from '../runtime/file-watch.ts'
import { LiveSecrets } from '../runtime/live-secrets.ts'
import { type ListenerTls, listenerTls } from '../runtime/tls.ts'
import { VERSION } from '../runtime/version.ts'
import { answerQuestions } from './answer-questions.ts'
import { GreyWatch, type StopGrey } from './grey/grey-watch.ts'
import { AnswerMemory } from './hand-out/answer-memory.ts'
import { HandOut, type Offer } from './hand-out/hand-out.ts'
import { verdictRow } from './http/rows.ts'
import type { GatewaysAnswer, VerdictsAnswer } from './http/schemas.ts'
import type { Api, ApiServer, ApiServerOptions, GatewaysQuestion } from './http/server.ts'
import { connectProbeBy, type ConnectProbe } from './probe/connect.ts'
import { Probes } from './probe/probes.ts'
import { TopologyBook, topologyOf, type TopologySource } from './topology/index.ts'
import { VerdictBook, type Track, type Verdict } from './verdict/verdict-book.ts'

/** Verdicts are never older than this, whatever else happens. */
const JUDGE_INTERVAL_MS = 100
/** Judgements that come later than this are those of a process that stood still. */
const JUDGE_LATE_MS = 1000
/** Judging what has just changed takes no more than one part in so many of the processor: with thousands of gateways something changes all the time. */
const JUDGE_SHARE = 10
const JUDGE_SPACING_MS = 10
/** A balancer whose next beat is overdue by half an interval takes no part of the rate of gateways any more: a zone may be cut off. */
const OVERDUE_BEATS = 1.5
/** After that, probes get so long to hear anew, a pulse a second, before anybody is judged by them. */
const RECOVER_MS = 1500

export interface BalancerDeps {
  readonly directory: Directory
  readonly logger: Logger
  readonly clock?: Clock
  readonly random?: () => number
  /** Writes that a grey release is over. Default: nobody can, and none is stopped. */
  readonly stopGrey?: StopGrey
  /** Where operators ask, over the connections of its probes. Default: nobody may, and no answer is remembered. */
  readonly desk?: AskDesk
  /** How probes reach gateways. Default: WebSocket. */
  readonly connect?: ConnectProbe
  /** How it is asked. Default: HTTP on the configured address. */
  readonly serve?: ServeApi
}

/** Makes what answers questions, not listening yet; injected, so that simulations use a network of their own. */
export type ServeApi = (options: ApiServerOptions) => Promise<Pick<ApiServer, 'port' | 'listen' | 'close'>>

/** Loaded when it is needed, because no other role needs it. */
const serveHttp: ServeApi = async (options) => (await import('./http/server.ts')).ApiServer.make(options)

/** Proves every gateway as a client would, and gives clients the best few of those that it has proven. */
export class Balancer implements Service, Member {
  readonly #config: BalancerConfig
  readonly #directory: Directory
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #probes: Probes
  readonly #book: VerdictBook
  readonly #handOut: HandOut
  /** `null`: nobody could ask for it. */
  readonly #memory: AnswerMemory | null
  readonly #topology: TopologyBook
  readonly #greyWatch: GreyWatch
  readonly #closed = Promise.withResolvers<void>()
  readonly #serve: ServeApi
  #server: Awaited<ReturnType<ServeApi>> | null = null
  /** Of both listeners. */
  #tls: ListenerTls | null = null
  /** For operators, where they have a port of their own. */
  #admin: Awaited<ReturnType<ServeApi>> | null = null
  #timer: Timer | null = null
  #stopListening: () => void = () => {}
  #judgementDue = false
  /** Of changes: the timer does not wait. */
  #judgeNotBeforeMs = -Infinity
  /** Of judging; it judges all the time from its start on. */
  #standstill: Standstill | null = null
  /** That live, this one included, as of the last judgement. */
  #balancers = 1
  /** Nobody is judged before. */
  #recoveredAtMs = -Infinity
  #wasReady = false
  readonly #adminSecrets: LiveSecrets
  #watch: FileWatch | null = null
  #isDraining = false
  #word: NodeWord = 'online'
  #beatNow: () => void = () => {}
  #closing: Promise<void> | null = null

  constructor(config: BalancerConfig, deps: BalancerDeps) {
    const { balancer, node } = config
    this.#config = config
    this.#directory = deps.directory
    this.#clock = deps.clock ?? systemClock
    this.#logger = deps.logger
    this.#serve = deps.serve ?? serveHttp
    const random = deps.random ?? Math.random
    const shown = this.#live(balancer.probeSecrets, balancer.probeSource).shown
    this.#adminSecrets = this.#live(balancer.admin.secrets, balancer.admin.source)
    this.#probes = new Probes(deps.directory, {
      client: `pulsewire-balancer/${VERSION} ${node.id}`,
      entries: {
        client: `${ENTRY_CLIENT}${VERSION} ${node.id}`,
        withinMs: balancer.enteredWithinMs,
        perSecondMax: balancer.entriesPerSecondMax,
      },
      ...(shown === undefined ? {} : { secret: shown }),
      connect: deps.connect ?? connectProbeBy(balancer.gatewayCaFile),
      clock: this.#clock,
      random,
      logger: deps.logger,
      onChange: () => this.#judgeSoon(),
      ...(deps.desk === undefined ? {} : { asks: deps.desk }),
    })
    this.#memory = deps.desk === undefined ? null : new AnswerMemory(balancer.answerMemory, this.#clock)
    if (deps.desk !== undefined && this.#memory !== null) answerQuestions(deps.desk, this.#probes, this.#memory, this.#clock)
    this.#book = new VerdictBook({
      directory: deps.directory,
      probeOf: (name) => this.#probes.of(name),
      limits: balancer,
      logger: deps.logger,
      startedAtMs: this.#clock.nowMs(),
    })
    this.#greyWatch = new GreyWatch({
      ...balancer.grey,
      pulseHeardWithinMs: balancer.pulseHeardWithinMs,
      balancer: node.id,
      directory: deps.directory,
      stops: balancer.grey.stop && deps.stopGrey !== undefined,
      stopGrey: deps.stopGrey ?? (() => Promise.resolve()),
      logger: deps.logger,
    })
    this.#topology = new TopologyBook((nowMs) => topologyOf(this.#topologySource, nowMs), this.#clock.nowMs())
    const limits = { gatewaysMax: balancer.gatewaysMax, ...balancer.admission }
    this.#handOut = new HandOut(this.#offer(), limits, this.#clock, random)
  }

  /** It knows the nodes, and its probes have had their time. Stays so whatever happens to the log. */
  get ready(): boolean {
    return this.#book.isReady
  }

  /** What it makes of each node that it knows. */
  get verdicts(): Iterable<Verdict> {
    return this.#book.verdicts.values()
  }

  /** Since it started: how often it stopped using a node, and what it answered to clients. */
  get counts() {
    return { evictions: this.#book.evictions, answers: this.#handOut.answers }
  }

  get port(): number {
    return this.#server?.port ?? 0
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    const { listen, origins, trustedProxies, requestsPerSecondMax, connectionsPerAddressMax } = this.#config.balancer
    this.#tls = listenerTls(this.#config.balancer.tls, { clock: this.#clock, logger: this.#logger })
    const options = {
      ...listen,
      origins,
      trustedProxies,
      requestsPerSecondMax,
      connectionsPerAddressMax,
      logger: this.#logger,
      clock: this.#clock,
      api: this.api,
      ...(this.#tls === null ? {} : { tls: this.#tls }),
    }
    const isOperated = this.#config.balancer.admin.secrets.length > 0
    // Only a development start without their secret shows clients what is for operators.
    const isClosed = isOperated || this.#config.node.production
    this.#server = await this.#serve({ ...options, audience: isClosed ? 'clients' : 'everybody' })
    await this.#server.listen()
    if (isOperated) await this.#listenForOperators(options)
    else if (isClosed)
      this.#logger.warn('operators_shut_out', 'without balancer.admin.secretFile nobody sees verdicts, topology and events')
    this.#logger.info('listening', `balancer ${this.#config.node.id} listens on port ${this.port}`, { port: this.port })
    this.#stopListening = this.#directory.onChange(() => this.#judgeSoon())
    this.#standstill = new Standstill(this.#clock, JUDGE_LATE_MS)
    this.#timer = this.#clock.every(JUDGE_INTERVAL_MS, () => this.#judge())
    this.#judge()
  }

  async #listenForOperators(options: Omit<ApiServerOptions, 'audience'>): Promise<void> {
    const { admin } = this.#config.balancer
    const { Operators } = await import('./http/operators.ts')
    const secrets = this.#adminSecrets
    const operators = new Operators(secrets.accepted, this.#clock, this.#logger)
    secrets.onChange(() => operators.letIn(secrets.accepted))
    this.#admin = await this.#serve({ ...options, ...admin.listen, origins: [], audience: { operators } })
    await this.#admin.listen()
    this.#logger.info('admin_listening', `operators ask balancer ${this.#config.node.id} on port ${this.#admin.port}`, {
      port: this.#admin.port,
    })
  }

  /** The certificate that it shows now, PEM; `undefined`: it is asked unencrypted. */
  get certificate(): string | undefined {
    return this.#tls?.certificate
  }

  /** What operators show, as it is whenever it is revealed; `undefined`: there is none. */
  get adminSecret(): Secret | undefined {
    return this.#adminSecrets.shown
  }

  #live(secrets: readonly Secret[], source: SecretSource | undefined): LiveSecrets {
    this.#watch ??= new FileWatch({ clock: this.#clock })
    const from = source === undefined ? {} : { source }
    return new LiveSecrets({ secrets, ...from, watch: this.#watch, clock: this.#clock, logger: this.#logger })
  }

  /** The port of operators; 0 where they have none of their own. */
  get adminPort(): number {
    return this.#admin?.port ?? 0
  }

  /** Clients ask another balancer, or use what they were told. */
  async drain(): Promise<void> {
    this.#isDraining = true
    this.#beatNow()
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
    this.#watch?.close()
    this.#stopListening()
    this.#probes.close()
    await this.#admin?.close()
    await this.#server?.close()
    this.#closed.resolve()
  }

  // ---- judging

  /** Once at the end of the turn, however much happens in it; where the last judgement was just now, or took long, a little later. */
  #judgeSoon(): void {
    if (this.#judgementDue || this.#closing !== null) return
    this.#judgementDue = true
    const judge = (): void => {
      this.#judgementDue = false
      if (this.#closing === null) this.#judge()
    }
    const waitMs = this.#judgeNotBeforeMs - this.#clock.nowMs()
    if (waitMs > 0) this.#clock.after(Math.min(waitMs, JUDGE_INTERVAL_MS), judge)
    else this.#clock.soon(judge)
  }

  /** Judges every node now; it does so by itself all the time. */
  judgeNow(): void {
    this.#judge()
  }

  #judge(): void {
    const nowMs = this.#clock.nowMs()
    this.#judgeAt(nowMs)
    const endedAtMs = this.#clock.nowMs()
    this.#judgeNotBeforeMs = Math.max(nowMs + JUDGE_SPACING_MS, endedAtMs + (endedAtMs - nowMs) * (JUDGE_SHARE - 1))
  }

  #judgeAt(nowMs: number): void {
    this.#probes.follow()
    // What came while this process stood still is still to be read; until it is, the verdicts stay as they are, and are said to be old.
    if (this.#standstill?.tick() === true) this.#recoveredAtMs = nowMs + RECOVER_MS
    if (nowMs < this.#recoveredAtMs) return
    this.#book.update(nowMs)
    this.#balancers = this.#countBalancers(nowMs)
    this.#greyWatch.look(this.#book.verdicts.values(), nowMs)
    this.#topology.look(nowMs)
    // The view also becomes current between two judgements.
    if (this.ready === this.#wasReady) return
    this.#wasReady = this.ready
    this.#logger.info('ready', `balancer ${this.#config.node.id} knows the nodes`, { nodes: this.#directory.nodes.size })
    this.#beatNow()
  }

  #offer(): Offer {
    return {
      usable: (track) => this.#book.usable(track, this.#clock.nowMs()),
      degradations: (track) => this.#book.degradations(track, this.#clock.nowMs()),
      balancers: () => this.#balancers,
    }
  }

  #countBalancers(nowMs: number): number {
    const { node, directory } = this.#config
    const heardSinceMs = nowMs - OVERDUE_BEATS * directory.beatIntervalMs
    const isBlind = this.#directory.view === 'degraded'
    let others = 0
    for (const [name, { lease, state, heardAtMs }] of this.#directory.nodes) {
      if (name === node.id || lease.role !== 'balancer') continue
      // Where the own control topic brings news, those that are kept are of a zone of which nothing is heard.
      if (state === 'kept' ? isBlind : state === 'live' && heardAtMs >= heardSinceMs) others++
    }
    return others + 1
  }

  // ---- as others see it

  /** What is served over HTTP. */
  get api(): Api {
    return {
      gateways: (question) => this.#gateways(question),
      verdicts: () => this.#verdicts(),
      topology: () => this.#topology.topology(this.#clock.nowMs()),
      events: (since) => this.#topology.events(since, this.#clock.nowMs()),
      ready: () => this.ready,
    }
  }

  #gateways({ user, client, ...question }: GatewaysQuestion): GatewaysAnswer | null {
    const takesPart = question.track === undefined && user !== undefined && this.#directory.grey?.includes(user) === true
    // A release without gateways must not take quotes from its users.
    const track = question.track ?? (takesPart && this.#book.usable('grey', this.#clock.nowMs()).length > 0 ? 'grey' : 'stable')
    const { gateways, connectAfterMs, degradations } = this.#handOut.answer({ ...question, track })
    const { zone = '', refused = false } = question
    const given = { zone, track, refused, gateways, connectAfterMs, degraded: degradations.length > 0 }
    if (user !== undefined) this.#memory?.note({ user, client: client ?? '', ...given })
    if (gateways.length === 0) return null
    return {
      gateways: [...gateways],
      track,
      ttlMs: this.#config.balancer.answerTtlMs,
      connectAfterMs,
      degraded: degradations.length > 0,
      reasons: degradations.map((degradation) => ({ ...degradation, sinceMs: Math.round(degradation.sinceMs) })),
      balancer: this.#config.node.id,
    }
  }

  #verdicts(): VerdictsAnswer {
    const nowMs = this.#clock.nowMs()
    const { view, viewSinceMs } = this.#directory
    const tracks: readonly Track[] = ['stable', 'grey']
    return {
      balancer: this.#config.node.id,
      atMs: Math.round(nowMs),
      view: { state: view, sinceMs: Math.round(viewSinceMs) },
      degraded: tracks.flatMap((track) =>
        this.#book.degradations(track, nowMs).map((degradation) => ({ ...degradation, sinceMs: Math.round(degradation.sinceMs), track })),
      ),
      verdicts: [...this.#book.verdicts.values()].map((verdict) => verdictRow(verdict, nowMs)),
    }
  }

  get #topologySource(): TopologySource {
    const { verdicts } = this.#book
    const degradations = (track: Track) => this.#book.degradations(track, this.#clock.nowMs())
    const { figures, worse } = this.#greyWatch
    return { balancer: this.#config.node.id, directory: this.#directory, verdicts, degradations, tracks: figures, worse }
  }

  // ---- as a member of the directory

  leaseContent(): LeaseContent {
    return {
      addresses: this.#server === null ? [] : httpAddresses(this.#config.balancer, this.port),
      feeds: [],
      load: { sessions: 0, sessionsMax: 0 },
      ready: this.#server !== null && this.ready && !this.#isDraining && this.#word === 'online',
      draining: this.#isDraining || this.#word !== 'online',
    }
  }

  /** Nothing that it holds outlives a standstill: probes say by themselves how old what they heard is. */
  lapsed(): void {}

  /** An operator's word changes what its lease says; whoever asks it all the same gets an answer. */
  told(word: NodeWord): void {
    this.#word = word
  }

  beatsBy(beatNow: () => void): void {
    this.#beatNow = beatNow
  }
}

export function createBalancer(config: BalancerConfig, deps: BalancerDeps): Balancer {
  return new Balancer(config, deps)
}

/** Where it is asked; nothing where only its outside knows. */
function httpAddresses({ listen: { host }, tls }: BalancerConfig['balancer'], port: number): string[] {
  if (['0.0.0.0', '::', '[::]', '0'].includes(host)) return []
  return [`${tls.certFile === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`]
}
