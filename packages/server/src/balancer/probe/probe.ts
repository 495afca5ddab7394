import {
  ClockOffset,
  createDecoder,
  encodeUpstreamFor,
  ENCODINGS,
  SubscriptionDigest,
  type ControlFrame,
  type Decoder,
  type FeedInfo,
  type FrameHandler,
  type PulseFrame,
  type SubscribedFrame,
  type UpstreamFrame,
  type WelcomeFrame,
} from '@pulsewire/protocol'
import { PROBE_PATTERN } from '../../access/index.ts'
import type { Asks } from '../../diagnosis/index.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Secret } from '../../runtime/config/index.ts'
import { Standstill } from '../../runtime/standstill.ts'
import type { ConnectProbe, ProbeConnection } from './connect.ts'
import { Entries } from './entries.ts'
import { HeardFeeds } from './heard-feeds.ts'
import { ProbeQuestions } from './questions.ts'
import type { EntryReport, HeardFeed, ProbeReport, ProbeState } from './report.ts'

const encode = encodeUpstreamFor(ENCODINGS[0])

const BACKOFF_FIRST_MS = 100
const BACKOFF_MAX_MS = 2000
/** A session in which nothing comes for so long, not even a heartbeat, is given up and opened anew. */
const SILENT_MS_MAX = 3000
const CHECK_INTERVAL_MS = 250
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 1000
/** Of a feed whose pulses came this lately, whoever comes anew is owed one. */
const OWED_SINCE_MS = 2500
const SYNC_INTERVAL_MS = 5000
/** So soon again while the clock of the other end is not known well enough. */
const SYNC_AGAIN_MS = 1000
/** Until the clocks are compared, so that ages are not taken from the first frame alone. */
const FIRST_SYNCS = 3

export interface ProbeOptions {
  /** Name of the node whose lease advertises the address. */
  readonly node: string
  readonly address: string
  /** Says who is asking, in `hello`. */
  readonly client: string
  /** By which gateways that demand tokens let it in. Default: none. */
  readonly secret?: Secret
  readonly connect: ConnectProbe
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Something that a verdict may depend on has changed other than by time. */
  readonly onChange: () => void
  /** Somebody new has to be let in within so long, again and again, and says to be this `client`. Default: nobody is sent. */
  readonly entries?: { readonly withinMs: () => number; readonly client: string }
  /** Takes questions of operators that the gateway passes on. Default: nobody does. */
  readonly asks?: Asks
}

/** One synthetic client of one gateway: connects as a client does, subscribes to every feed, and remembers what it heard. */
export class Probe implements FrameHandler, ProbeReport {
  readonly node: string
  readonly address: string
  state: ProbeState = 'connecting'
  sinceMs: number
  failure: string | null = null
  failures = 0
  peer: ProbeReport['peer'] = null
  heardAtMs: number
  roundTripMs: number | null = null
  pulseIntervalMs = 0

  readonly #options: ProbeOptions
  readonly #clock: Clock
  readonly #heard = new HeardFeeds()
  readonly #digest = new SubscriptionDigest()
  readonly #questions: ProbeQuestions | null
  readonly #entries: Entries | null
  /** Per subscription id, the feed and its index; ids are given in the order in which feeds were learned. */
  #subscriptions: { readonly feed: string; readonly index: number }[] = []
  /** Rows in force, by `id symbol`: should somebody name a symbol as the pattern, the session stays correct all the same. */
  readonly #rows = new Map<string, number>()
  #decoder: Decoder = createDecoder(ENCODINGS[0])
  #offset = new ClockOffset()
  #syncs = 0
  #lastSyncMs = -Infinity
  #highestPulse = 0
  #connection: ProbeConnection | null = null
  #retry: Timer | null = null
  #check: Timer | null = null
  #closed = false

  constructor(options: ProbeOptions) {
    this.node = options.node
    this.address = options.address
    this.#options = options
    this.#clock = options.clock
    this.sinceMs = options.clock.nowMs()
    this.heardAtMs = this.sinceMs
    const { asks, address } = options
    this.#questions = asks === undefined ? null : new ProbeQuestions(asks, address, (frame) => this.#send(frame))
    this.#entries = this.#entriesOf(options)
  }

  get feeds(): ReadonlyMap<string, HeardFeed> {
    return this.#heard.feeds
  }

  get entry(): EntryReport | null {
    return this.#entries?.enteredAtMs === -Infinity ? null : this.#entries
  }

  #entriesOf({ entries, ...options }: ProbeOptions): Entries | null {
    if (entries === undefined) return null
    return new Entries({
      ...options,
      ...entries,
      token: () => options.secret?.reveal(),
      owed: () => this.#heard.broughtSince(this.#clock.nowMs() - OWED_SINCE_MS),
      welcomed: (frame) => this.#answered(frame),
    })
  }

  open(): void {
    const standstill = new Standstill(this.#clock, CHECK_LATE_MS)
    this.#check = this.#clock.every(CHECK_INTERVAL_MS, () => {
      if (!standstill.tick()) this.#checkSilence()
    })
    this.#connect()
  }

  close(): void {
    this.#closed = true
    this.#retry?.cancel()
    this.#check?.cancel()
    this.#entries?.stop()
    if (this.#connection !== null && this.state === 'open') this.#send({ t: 'bye' })
    this.#connection?.drop()
    this.#connection = null
    this.#questions?.lost()
  }

  #connect(): void {
    this.heardAtMs = this.#clock.nowMs()
    // Set before anything can happen on it.
    let connection: ProbeConnection | null = null
    const isCurrent = (): boolean => !this.#closed && connection !== null && this.#connection === connection
    try {
      connection = this.#options.connect(this.address, {
        opened: () => {
          if (isCurrent()) this.#hello()
        },
        message: (message) => {
          if (isCurrent()) this.#message(message)
        },
        closed: (reason) => {
          if (isCurrent()) this.#lose(reason)
        },
      })
    } catch (error) {
      // An address that is none: the lease is at fault, and says the same until it is beaten anew.
      return this.#lose(error instanceof Error ? error.message : String(error))
    }
    this.#connection = connection
  }

  #hello(): void {
    const { client, secret } = this.#options
    this.#send({ t: 'hello', client, pulseIntervalMs: 0, ...(secret === undefined ? {} : { token: secret.reveal() }) })
  }

  #send(frame: UpstreamFrame): void {
    this.#connection?.send(encode(frame))
  }

  #message(message: Uint8Array | string): void {
    this.heardAtMs = this.#clock.nowMs()
    this.#highestPulse = 0
    try {
      this.#decoder.decode(message, this)
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error))
      return
    }
    if (this.#highestPulse > 0) this.#send({ t: 'ack', pulse: this.#highestPulse, count: this.#digest.count, digest: this.#digest.value })
  }

  // ---- what comes

  onUpdate(): void {}

  onPulse(frame: PulseFrame): void {
    this.#highestPulse = Math.max(this.#highestPulse, frame.pulse)
    this.#heard.pulse(frame, this.#clock.nowMs(), this.#offset.knownMs)
    this.#options.onChange()
  }

  onControl(frame: ControlFrame): void {
    switch (frame.t) {
      case 'welcome':
        return this.#welcomed(frame)
      case 'feeds':
        this.#heard.learn(frame.feeds, this.#clock.nowMs())
        this.#subscribe(frame.feeds)
        return this.#options.onChange()
      case 'subscribed':
        return this.#subscribed(frame)
      case 'unsubscribed':
        return this.#ended(frame.id, frame.ok)
      case 'ended':
        return this.#ended(
          frame.id,
          frame.symbols.map(([symbol]) => symbol),
        )
      case 'stale':
      case 'live':
        return this.#heard.notice(frame)
      case 'mark':
        return this.#send({ t: 'ack', mark: frame.mark })
      case 'sync':
        return this.#synced(frame.echo, frame.at)
      case 'resubscribe':
        return this.#askAgain()
      case 'ask':
      case 'told':
        return this.#questions?.frame(frame)
      case 'goodbye':
        // A gateway also evens out its load by it, so it proves nothing: a client leaves, and so does this one. Whether
        // somebody new is let in shows at once.
        return this.#drop(`it said goodbye: ${frame.message}`)
      case 'error':
        this.#options.logger.warn('probe_error', `${this.node} answers its probe with ${frame.code}: ${frame.message}`, {})
    }
  }

  #welcomed(frame: WelcomeFrame): void {
    this.failures = 0
    this.#answered(frame)
    this.#entries?.begin()
    this.pulseIntervalMs = frame.pulseIntervalMs
    this.#offset.heard(frame.at, this.#clock.nowMs())
    this.#heard.begin(frame.feeds, this.#clock.nowMs())
    this.#change('open')
    this.#subscribe(frame.feeds)
    this.#sync()
    this.#questions?.welcomed(frame)
  }

  #answered({ node, role, version }: WelcomeFrame): void {
    this.peer = { node, role, version }
  }

  /** Asks for the feeds that it does not have yet. */
  #subscribe(infos: readonly FeedInfo[]): void {
    infos.forEach(({ feed }, index) => {
      if (this.#subscriptions.some((subscription) => subscription.feed === feed)) return
      const id = this.#subscriptions.push({ feed, index })
      this.#ask(id, feed)
    })
  }

  #ask(id: number, feed: string): void {
    this.#send({ t: 'subscribe', id, feed, patterns: [PROBE_PATTERN], image: false })
  }

  #askAgain(): void {
    this.#subscriptions.forEach(({ feed }, index) => {
      this.#ask(index + 1, feed)
    })
  }

  #subscribed({ id, ok = [], refused = [] }: SubscribedFrame): void {
    const subscription = this.#subscriptions[id - 1]
    for (const [symbol, ref] of ok) {
      this.#ended(id, [symbol])
      this.#rows.set(`${id} ${symbol}`, ref)
      this.#digest.add(id, symbol)
      if (subscription !== undefined) this.#decoder.open(ref, subscription.index)
    }
    for (const [, code, message] of refused)
      this.#options.logger.warn('probe_refused', `${this.node} refuses feed ${subscription?.feed} to its probe: ${code}: ${message}`, {})
  }

  #ended(id: number, symbols: readonly string[]): void {
    for (const symbol of symbols) {
      const ref = this.#rows.get(`${id} ${symbol}`)
      if (ref === undefined) continue
      this.#rows.delete(`${id} ${symbol}`)
      this.#digest.remove(id, symbol)
      this.#decoder.close(ref)
    }
  }

  // ---- the clock of the other end

  #sync(): void {
    this.#lastSyncMs = this.#clock.nowMs()
    this.#send({ t: 'sync', at: this.#lastSyncMs })
  }

  #synced(sentAtMs: number, peerAtMs: number): void {
    const nowMs = this.#clock.nowMs()
    this.#offset.add(sentAtMs, peerAtMs, nowMs)
    this.roundTripMs = nowMs - sentAtMs
    if (++this.#syncs < FIRST_SYNCS) this.#sync()
  }

  // ---- the end of a session

  #drop(reason: string): void {
    this.#connection?.drop()
    this.#lose(reason)
  }

  #lose(reason: string): void {
    this.#connection = null
    this.#questions?.lost()
    this.#entries?.stop()
    this.failure = reason
    this.#decoder = createDecoder(ENCODINGS[0])
    this.#digest.clear()
    this.#rows.clear()
    this.#subscriptions = []
    this.#offset = new ClockOffset()
    this.#syncs = 0
    // A session that ends proves little: it may be the network's doing. An attempt that fails is what a client would meet.
    if (this.state === 'open') this.#change('connecting')
    else {
      this.failures++
      this.#change('failed')
    }
    const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.failures, 10))
    this.#retry = this.#clock.after(ceilingMs * (0.5 + this.#options.random() / 2), () => this.#connect())
  }

  #change(state: ProbeState): void {
    if (this.state !== state) {
      this.state = state
      this.sinceMs = this.#clock.nowMs()
      const { node, address } = this
      if (state === 'failed') this.#options.logger.info('probe_failed', `no probe of ${node} at ${address}: ${this.failure}`, {})
      else this.#options.logger.debug(`probe_${state}`, `the probe of ${node} at ${address} is ${state}`, {})
    }
    this.#options.onChange()
  }

  #checkSilence(): void {
    if (this.#connection === null) return
    const nowMs = this.#clock.nowMs()
    const silentMs = nowMs - this.heardAtMs
    if (silentMs > SILENT_MS_MAX) return this.#drop(`nothing came for ${Math.round(silentMs)} ms`)
    const intervalMs = this.#offset.isGood ? SYNC_INTERVAL_MS : SYNC_AGAIN_MS
    if (this.state === 'open' && nowMs - this.#lastSyncMs > intervalMs) this.#sync()
  }
}
