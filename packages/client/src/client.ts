import type { ControlFrame, FeedInfo, GoodbyeFrame, HelloFrame, NoticeFrame, ReceivedImage } from '@pulsewire/protocol'
import type { Timer } from './clock.ts'
import type { ClientState, ConnectorHost } from './connection/connector-host.ts'
import { Connector } from './connection/connector.ts'
import type { GatewaysEvent } from './connection/gateways.ts'
import { Session, type NextStep, type SessionHost } from './connection/session.ts'
import { Emitter } from './emitter.ts'
import { PulsewireError } from './errors.ts'
import type { PartitionReport } from './freshness/session-freshness.ts'
import { given } from './given.ts'
import { resolveOptions, type ClientOptions, type Settings } from './options.ts'
import type { RepairEvent } from './subscription/answers.ts'
import type { Row } from './subscription/entry.ts'
import { checkSubscribeOptions, names, type SubscribeOptions, type SubscriptionHandlers } from './subscription/options.ts'
import { Registry } from './subscription/registry.ts'
import type { Subscription } from './subscription/subscription.ts'

export interface StateEvent {
  readonly state: ClientState
  readonly previous: ClientState
  /** The address, with `open`. */
  readonly url?: string
  /** With `waiting`. */
  readonly retryInMs?: number
  /** Why, with `waiting` and `failed`. */
  readonly error?: PulsewireError
}

export interface SessionEvent {
  /** The server's name for the session, for traces. */
  readonly session: string
  readonly node: string
  readonly version: string
  readonly url: string
  /** How it is reached. */
  readonly transport: 'webSocket' | 'http'
  /** Data older than this counts as stale in this session, in ms. */
  readonly staleAfterMs: number
}

export interface ClientEvents {
  state: StateEvent
  /** A session began to serve: the first, after a reconnect, after a move. */
  session: SessionEvent
  notice: Pick<NoticeFrame, 'code' | 'message'>
  goodbye: Pick<GoodbyeFrame, 'code' | 'message' | 'addresses' | 'reconnectAfterMs'>
  feeds: readonly FeedInfo[]
  /** Subscriptions differed between the two ends and are put right. */
  repair: RepairEvent
  /** A balancer gave a list of gateways. */
  gateways: GatewaysEvent
  /** Trouble that nobody waits for. The client goes on by itself where `retryable`. */
  error: PulsewireError
}

/** What an application uses of a client, whoever has the connection: itself, or a worker that serves several tabs. */
export type QuoteClient = Pick<PulsewireClient, keyof PulsewireClient>

/** No timer is armed for less: clocks and timers may disagree by a millisecond. */
const TIMER_MIN_MS = 1

/**
 * A connection to Pulsewire that looks after itself: it reconnects, moves to a better gateway, resumes subscriptions
 * where they stopped, and judges by itself how fresh the data is.
 * @example
 * const client = new PulsewireClient({ url: 'ws://127.0.0.1:8080' })
 * for await (const update of client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })) console.log(update.values)
 */
export class PulsewireClient {
  readonly #settings: Settings
  readonly #emitter: Emitter<ClientEvents>
  readonly #registry: Registry
  readonly #connector: Connector
  readonly #unwatch: () => void
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #closed = false

  /** Starts to connect at once. @throws PulsewireError options_invalid, address_invalid */
  constructor(options: ClientOptions) {
    this.#settings = resolveOptions(options)
    this.#emitter = new Emitter<ClientEvents>((error) => throwLater(error))
    this.#registry = new Registry({
      clock: this.#settings.environment.clock,
      onThrown: (error) => this.#onThrown(error),
      onError: (error) => this.#emitter.emit('error', error),
      onRepair: (event) => this.#emitter.emit('repair', event),
    })
    this.#connector = new Connector(this.#settings, this.#connectorHost())
    this.#unwatch = this.#settings.environment.onWake(() => this.#onWake())
    // Not now: listeners are added in the lines that follow.
    queueMicrotask(() => {
      if (!this.#closed) this.#connector.connect()
    })
  }

  get state(): ClientState {
    return this.#closed ? 'closed' : this.#connector.state === 'closed' ? 'connecting' : this.#connector.state
  }

  /** Who serves; undefined while nobody does. */
  get session(): SessionEvent | undefined {
    const session = this.#connector.serving
    return session === null ? undefined : sessionEvent(session)
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /**
   * Subscribes. Works in any state: what is asked for is sent when there is a connection, and again after each new one.
   * @throws PulsewireError options_invalid, client_closed
   */
  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers = {}): Subscription {
    if (this.#closed) throw new PulsewireError('client_closed', 'the client is closed')
    const { wire, queueMax } = checkSubscribeOptions(options)
    const wanted = {
      symbols: names(options.symbols ?? [], 'symbols'),
      patterns: names(options.patterns ?? [], 'patterns'),
      groups: names(options.groups ?? [], 'groups'),
    }
    return this.#registry.subscribe(options.feed, wire, wanted, handlers, queueMax)
  }

  /** What the clock of the serving gateway is ahead of ours by, in ms; undefined while not known. */
  get clockOffsetMs(): number | undefined {
    return this.#connector.serving?.offsetMs
  }

  /** What is known of each partition of a feed, now. Empty while not connected. */
  freshness(feed: string): PartitionReport[] {
    this.#registry.settle()
    return this.#connector.serving?.freshness.report(feed, this.#settings.environment.clock.nowMs()) ?? []
  }

  /** Cuts a backoff short; after `failed`, tries again. */
  connect(): void {
    if (this.#closed) throw new PulsewireError('client_closed', 'the client is closed')
    this.#connector.connect()
  }

  /** Ends all subscriptions and leaves. Idempotent; waits for nothing but its own promise. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#unwatch()
      this.#timer?.cancel()
      this.#registry.finish('closed', 'the client was closed', undefined)
      this.#connector.close()
    }
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #connectorHost(): ConnectorHost {
    return {
      open: (url, token, timeoutMs) => this.#open(url, token, timeoutMs),
      attach: (session) => this.#registry.attach(session),
      promote: (session) => {
        this.#registry.promote(session)
        this.#emitter.emit('session', sessionEvent(session))
        this.#arm()
      },
      detach: (session) => this.#registry.detach(session),
      disconnected: (hop, error) => this.#registry.disconnect(hop, error.message),
      gaveUp: (hop, error) => this.#registry.giveUp(hop, error),
      compare: (candidate) => this.#registry.compare(candidate),
      suffers: () => this.#registry.suffers,
      onGateways: (event) => this.#emitter.emit('gateways', event),
      onState: (state, detail) => this.#onState(state, detail),
      onError: (error) => this.#emitter.emit('error', error),
    }
  }

  #open(url: string, token: string | undefined, connectTimeoutMs: number): Session {
    const { name, user, pulseIntervalMs, encodings, staleAfterMs, messageBytesMax, environment } = this.#settings
    const hello = given<HelloFrame>({ t: 'hello', client: name, token, user, pulseIntervalMs, via: this.#connector.via })
    const options = { url, encodings, hello, staleAfterMs, messageBytesMax, connectTimeoutMs }
    return new Session(options, this.#sessionHost, environment.clock, environment.openSocket)
  }

  readonly #sessionHost: SessionHost = {
    onWelcome: (session) => this.#connector.onWelcome(session),
    onUpdate: (session: Session, row: Row, image: ReceivedImage) => this.#registry.onUpdate(session, row, image),
    onControl: (session, frame) => this.#onControl(session, frame),
    onComplete: (_session, rows) => this.#registry.onComplete(rows),
    onMessageEnd: (session, judge) => {
      this.#registry.onMessageEnd(session, judge)
      if (judge) this.#registry.answers.checkOverdue(session)
      this.#connector.check()
      this.#arm()
    },
    onClosed: (session: Session, error: PulsewireError, next: NextStep) => this.#connector.onClosed(session, error, next),
  }

  #onControl(session: Session, frame: ControlFrame): void {
    const { answers } = this.#registry
    switch (frame.t) {
      case 'subscribed':
        return answers.subscribed(session, frame)
      case 'unsubscribed':
        return answers.unsubscribed(session, frame)
      case 'ended':
        return answers.ended(session, frame)
      case 'resubscribe':
        return answers.resubscribe(session)
      case 'gap':
        return this.#registry.onGapFrame(session, frame.ref)
      case 'error':
        return answers.error(session, frame)
      case 'token':
        if (frame.refresh === true) void this.#connector.refreshToken(session)
        return
      case 'goodbye':
        this.#emitter.emit('goodbye', frame)
        return this.#connector.onGoodbye(session, frame)
      case 'notice':
        this.#emitter.emit('notice', frame)
        return
      case 'feeds':
        this.#emitter.emit('feeds', frame.feeds)
        return
      default:
        // A frame of a later version of the protocol: ignored, as it says.
        return
    }
  }

  #onState(state: ClientState, detail: Omit<StateEvent, 'state' | 'previous'>): void {
    const previous = this.#previous
    this.#previous = state
    this.#emitter.emit('state', { state, previous, ...detail })
  }
  #previous: ClientState = 'connecting'

  /** One timer for the whole client, for the next moment at which anything can change by time alone. */
  #arm(): void {
    const serving = this.#connector.serving
    if (serving === null || this.#closed) return
    const { answers } = this.#registry
    const atMs = Math.min(serving.freshness.expiresAtMs, this.#connector.nextCheckMs(), answers.nextCheckMs(serving))
    // An earlier timer will look again; pulses put the moment off all the time, which must not cost a timer each.
    if (atMs === Infinity || this.#timerAtMs <= atMs) return
    const { clock } = this.#settings.environment
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    // Past the bound, not on it: data as old as the bound is still live.
    this.#timer = clock.after(Math.max(0, atMs - clock.nowMs()) + TIMER_MIN_MS, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#timerAtMs = Infinity
    if (this.#closed) return
    this.#registry.reviewer.expire()
    const { serving } = this.#connector
    if (serving !== null) this.#registry.answers.checkOverdue(serving)
    this.#connector.check()
    this.#arm()
  }

  #onWake(): void {
    if (this.#closed) return
    this.#onTimer()
    if (this.#connector.state === 'waiting') this.#connector.connect()
  }

  #onThrown(error: unknown): void {
    const failure = new PulsewireError('callback_failed', `a callback threw: ${String(error)}`, { cause: error })
    if (!this.#emitter.emit('error', failure)) throwLater(error)
  }
}

function sessionEvent(session: Session): SessionEvent {
  const { welcome, url, node, transport, freshness } = session
  return { session: welcome?.session ?? '', node, version: welcome?.version ?? '', url, transport, staleAfterMs: freshness.staleAfterMs }
}

/** As an uncaught error, where the platform shows those: a fault of the application must not go unseen. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
