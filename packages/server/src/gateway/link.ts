import {
  ClockOffset,
  createDecoder,
  encodeUpstreamFor,
  ENCODINGS,
  ProtocolError,
  SubscriptionDigest,
  type AskFrame,
  type ControlFrame,
  type Decoder,
  type FeedInfo,
  type FrameHandler,
  type LiveFrame,
  type PulseFrame,
  type ReceivedImage,
  type StaleFrame,
  type ToldFrame,
  type UpstreamFrame,
  type WelcomeFrame,
} from '@pulsewire/protocol'
import { type AskPeer, type Asks, newNonce } from '../diagnosis/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Secret } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { describeStall, nameStall, noStalls, type StallCounts, type StallKind } from '../runtime/stall.ts'
import type { Stage } from '../runtime/stages/index.ts'
import { Standstill } from '../runtime/standstill.ts'
import type { LinkHandler, LinkTraces } from './link-handler.ts'
import { LinkPulses } from './link-pulses.ts'
import type { ConnectLink, LinkConnection } from './link-transport.ts'
import { Unanswered } from './unanswered.ts'

const encode = encodeUpstreamFor(ENCODINGS[0])

const BACKOFF_FIRST_MS = 100
const BACKOFF_MAX_MS = 2000
/** A link that says nothing for so long, not even a heartbeat, is dropped and opened anew: within 3 s, checks included. */
const SILENT_MS_MAX = 2500
const CHECK_INTERVAL_MS = 250
/** What an upstream node has not answered for so long is said again, well before a subscriber's deadline. */
const ASK_AGAIN_AFTER_MS = 2000
/** Checks that come later than this are those of a process that stood still. */
const CHECK_LATE_MS = 1000
const SYNC_INTERVAL_MS = 5_000
/** So soon again while a question is not answered, or the clock of the other end not known well enough. */
const SYNC_AGAIN_MS = 1_000
/** A node that sends but answers nothing for this long reads nothing. */
const UNANSWERED_MS_MAX = 4_000

/** More than any topic has, and no more than freshness can be judged of one by one, four times a second. */
const PARTITIONS_MAX = 10_000

export type LinkState = 'connecting' | 'open' | 'waiting' | 'closed'

/** The receiver's side of the inner hop: one upstream node, connected for as long as this gateway lives. */
export class Link implements FrameHandler, AskPeer {
  /** Bit and index of this link in masks. */
  readonly index: number
  readonly address: string
  readonly line: string
  state: LinkState = 'connecting'
  /** Who answered; the address until then. */
  node: string
  welcome: WelcomeFrame | null = null
  decoder: Decoder = createDecoder(ENCODINGS[0])
  readonly digest = new SubscriptionDigest()
  /** Stale notices in force, by feed and partition; the key `feed/*` holds for all partitions. */
  readonly notices = new Map<string, StaleFrame>()
  readonly pulses = new LinkPulses()
  /** How often the upstream node stalled, by kind, since the start. */
  readonly stalls: StallCounts = noStalls()
  /** How it stalled when the last connection was given up for that; until the next one is greeted. */
  stall: StallKind | null = null
  /** When the open connection was greeted; of one that is lost, when it was. */
  openedAtMs = -Infinity
  lastHeardMs: number
  /** Of this connection. */
  askNonce = ''
  why = 'not connected yet'

  readonly #handler: LinkHandler
  readonly #connect: ConnectLink
  readonly #clock: Clock
  readonly #random: () => number
  readonly #logger: Logger
  readonly #dispatching: Stage | undefined
  readonly #client: string
  readonly #secret: Secret | undefined
  readonly #asks: Asks | undefined
  readonly #traces: LinkTraces | undefined
  readonly #pulseIntervalMs: number
  /** Of this connection: who answers at the address next may be another process, with another clock. */
  #offset = new ClockOffset()
  #unanswered = new Unanswered()
  #connection: LinkConnection | null = null
  #attempts = 0
  #retry: Timer | null = null
  readonly #checkTimer: Timer
  #lastSyncMs = -Infinity
  /** Since when a sync is not answered; Infinity: all are. */
  #unansweredSinceMs = Infinity
  #highestPulse = 0
  /** Whether the message at hand holds more than an answer to `sync`. */
  #heard = false
  /** Whether the last update was news. */
  #taken = false

  constructor(options: {
    readonly index: number
    readonly address: string
    readonly line: string
    readonly handler: LinkHandler
    readonly connect: ConnectLink
    readonly clock: Clock
    readonly random: () => number
    readonly logger: Logger
    /** Taking one message, with all that follows from it here. */
    readonly dispatching?: Stage
    readonly client: string
    readonly pulseIntervalMs: number
    /** By which the other end lets it in. Default: it lets anybody in. */
    readonly secret?: Secret
    /** Takes questions of operators, and passes on those for nodes behind this link. Default: there are none. */
    readonly asks?: Asks
    /** Default: nobody wants to know which updates are sampled. */
    readonly traces?: LinkTraces
  }) {
    this.index = options.index
    this.address = options.address
    this.line = options.line
    this.node = options.address
    this.#handler = options.handler
    this.#connect = options.connect
    this.#clock = options.clock
    this.#random = options.random
    this.#logger = options.logger
    this.#dispatching = options.dispatching
    this.#client = options.client
    this.#secret = options.secret
    this.#asks = options.asks
    this.#traces = options.traces
    this.#pulseIntervalMs = options.pulseIntervalMs
    this.lastHeardMs = options.clock.nowMs()
    const standstill = new Standstill(options.clock, CHECK_LATE_MS)
    this.#checkTimer = options.clock.every(CHECK_INTERVAL_MS, () => {
      if (!standstill.tick()) this.#check()
    })
  }

  get bit(): number {
    return 1 << this.index
  }

  open(): void {
    this.state = 'connecting'
    this.lastHeardMs = this.#clock.nowMs()
    const connection: LinkConnection = this.#connect(this.address, {
      opened: () => {
        if (this.#connection === connection) this.#greet()
      },
      message: (message) => {
        if (this.#connection === connection) this.#message(message)
      },
      closed: (reason) => {
        if (this.#connection === connection) this.#lose(reason)
      },
    })
    this.#connection = connection
  }

  #greet(): void {
    const token = this.#secret === undefined ? {} : { token: this.#secret.reveal() }
    const traces = this.#traces === undefined ? {} : { traces: true }
    this.send({ t: 'hello', client: this.#client, pulseIntervalMs: this.#pulseIntervalMs, ...token, ...traces })
  }

  get askedFrom(): string {
    return this.address
  }

  ask(frame: AskFrame | ToldFrame): void {
    this.send(frame)
  }

  close(): void {
    this.state = 'closed'
    this.#asks?.lost(this)
    this.#retry?.cancel()
    this.#checkTimer.cancel()
    this.#connection?.drop()
    this.#connection = null
  }

  send(frame: UpstreamFrame): void {
    if (frame.t === 'subscribe') this.#unanswered.subscribe(frame, this.#clock.nowMs())
    else if (frame.t === 'unsubscribe') this.#unanswered.unsubscribe(frame, this.#clock.nowMs())
    this.#connection?.send(encode(frame))
  }

  /** Whether the node was asked for the symbol under this id, by name, and has not answered. */
  awaits(id: number, symbol: string): boolean {
    return this.#unanswered.awaits(id, symbol)
  }

  /** Gives the connection up and opens another. */
  drop(reason: string): void {
    this.#connection?.drop()
    this.#lose(reason)
  }

  #message(message: Uint8Array | string): void {
    this.#highestPulse = 0
    this.#heard = false
    this.#dispatching?.enter()
    try {
      this.decoder.decode(message, this)
    } catch (error) {
      this.drop(error instanceof Error ? error.message : String(error))
      return
    } finally {
      this.#dispatching?.leave()
    }
    // A node that answers but sends no pulses, not even empty ones, is as silent as one that does neither.
    if (this.#heard) this.lastHeardMs = this.#clock.nowMs()
    if (this.#highestPulse > 0) this.send({ t: 'ack', pulse: this.#highestPulse, count: this.digest.count, digest: this.digest.value })
  }

  onUpdate(image: ReceivedImage): void {
    this.#heard = true
    this.#taken = this.#handler.update(this, image)
  }

  onPulse(frame: PulseFrame): void {
    this.#heard = true
    this.#highestPulse = Math.max(this.#highestPulse, frame.pulse)
    if (frame.feed === undefined) return this.#handler.heartbeat(this)
    const nowMs = this.#clock.nowMs()
    // From the sender's clock into ours; before the first answer it may have been on the way for longer than is known.
    this.#offset.heard(frame.at, nowMs)
    const at = frame.at - this.#offset.knownMs!
    const points = (frame.partitions ?? []).map(([partition, offset, path, ageMs, arrivedAgesMs]) => ({
      generation: frame.generation ?? 0,
      partition,
      offset,
      // The estimate of the other clock may be off by a little: nothing arrived here before it was sent.
      writtenAtMs: Math.min(at - ageMs, nowMs),
      path: frame.paths?.[path] ?? [],
      arrivedAtMs: [...arrivedAgesMs.map((arrivedAgeMs) => Math.min(at - arrivedAgeMs, nowMs)), nowMs],
    }))
    this.pulses.heard(frame.feed, points)
    this.#handler.pulse(this, frame.feed, points)
  }

  onControl(frame: ControlFrame): void {
    this.#heard ||= frame.t !== 'sync'
    switch (frame.t) {
      case 'welcome':
        return this.#welcomed(frame)
      case 'feeds':
        checkPartitions(frame.feeds)
        this.pulses.carries(frame.feeds)
        return this.#handler.feeds(this, frame.feeds)
      case 'subscribed':
        this.#unanswered.subscribed(frame, this.#clock.nowMs())
        return this.#handler.answered(this, frame.id, frame.ok ?? [], frame.refused ?? [], frame.done === true)
      case 'unsubscribed':
        this.#unanswered.unsubscribed(frame)
        return this.#handler.unsubscribed(this, frame.id, [...frame.ok, ...frame.unknown], frame.closed)
      case 'ended':
        return this.#handler.ended(this, frame.id, frame.symbols)
      case 'gap':
        return this.#handler.gap(this, frame.ref)
      case 'stale':
      case 'live':
        return this.#noticed(frame)
      case 'mark':
        return this.send({ t: 'ack', mark: frame.mark })
      case 'sync':
        this.#unansweredSinceMs = Infinity
        return this.#offset.add(frame.echo, frame.at, this.#clock.nowMs())
      case 'resubscribe':
        this.#logger.warn('digest_differs', `${this.node} holds another set of our subscriptions; they are named again`, {
          there: frame.count,
          here: this.digest.count,
        })
        return this.#handler.resubscribe(this)
      case 'error':
        if (frame.id !== undefined) this.#unanswered.failed(frame.id)
        this.#logger.warn('upstream_error', `${this.node}: ${frame.code}: ${frame.message}`, {})
        return
      case 'ask':
      case 'told':
        return this.#asks?.frame(this, frame)
      case 'trace':
        return this.#traces?.arrived(this, frame, this.#taken)
      case 'goodbye':
        this.#logger.info('upstream_leaving', `${this.node}: ${frame.message}`, {})
        return
    }
  }

  /** Without partitions a notice is about the whole feed, and takes the place of all before it. */
  #noticed(frame: StaleFrame | LiveFrame): void {
    const { feed, partitions } = frame
    if (partitions === undefined) for (const key of [...this.notices.keys()]) if (key.startsWith(`${feed}/`)) this.notices.delete(key)
    for (const partition of partitions ?? ['*']) {
      if (frame.t === 'stale') this.notices.set(`${feed}/${partition}`, frame)
      else this.notices.delete(`${feed}/${partition}`)
    }
  }

  #welcomed(frame: WelcomeFrame): void {
    checkPartitions(frame.feeds)
    this.state = 'open'
    this.openedAtMs = this.#clock.nowMs()
    this.#attempts = 0
    this.stall = null
    this.welcome = frame
    this.node = frame.node
    this.pulses.clear()
    this.#offset.heard(frame.at, this.openedAtMs)
    this.#sync()
    this.#logger.info('link_open', `linked to ${frame.node} at ${this.address}`, { line: this.line, version: frame.version })
    this.#handler.opened(this, frame.feeds)
    if (this.#asks === undefined || frame.asks === undefined) return
    this.askNonce = newNonce()
    this.#asks.met(this, frame.node, frame.asks)
  }

  #sync(): void {
    this.#lastSyncMs = this.#clock.nowMs()
    this.#unansweredSinceMs = Math.min(this.#unansweredSinceMs, this.#lastSyncMs)
    this.send({ t: 'sync', at: this.#lastSyncMs })
  }

  #lose(why: string): void {
    const wasOpen = this.state === 'open'
    this.#connection = null
    if (this.state === 'closed') return
    this.state = 'waiting'
    // At start the other end may still be reading in: only the loss of a link that was open is worth a warning.
    if (wasOpen) this.#logger.warn('link_lost', `the link to ${this.node} at ${this.address} is lost: ${why}`, { line: this.line })
    else if (this.why !== why) this.#logger.info('link_waiting', `no link to ${this.address} yet: ${why}`, { line: this.line })
    this.why = why
    this.welcome = null
    this.decoder = createDecoder(ENCODINGS[0])
    this.digest.clear()
    this.notices.clear()
    this.#offset = new ClockOffset()
    this.#unanswered = new Unanswered()
    this.#unansweredSinceMs = Infinity
    this.#handler.lost(this, why)
    this.#asks?.lost(this)
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#attempts++)
    this.#retry?.cancel()
    this.#retry = this.#clock.after(ceiling * (0.5 + this.#random() / 2), () => this.open())
  }

  #check(): void {
    if (this.state !== 'open' && this.state !== 'connecting') return
    const nowMs = this.#clock.nowMs()
    const silentMs = nowMs - this.lastHeardMs
    if (silentMs > SILENT_MS_MAX) return this.#dropStalled(silentMs, 'it says nothing')
    if (this.state !== 'open') return
    // Of a node that reads nothing but still sends, only what it does not answer tells (F1).
    if (nowMs - this.#unansweredSinceMs > UNANSWERED_MS_MAX) {
      return this.#dropStalled(nowMs - this.#unansweredSinceMs, 'it sends but answers nothing')
    }
    for (const frame of this.#unanswered.overdue(nowMs, ASK_AGAIN_AFTER_MS)) this.send(frame)
    if (nowMs - this.#lastSyncMs > this.#syncIntervalMs(silentMs)) this.#sync()
  }

  /** Something has to be on its way to a silent node, or nobody could tell a frozen process from a lost host. */
  #syncIntervalMs(silentMs: number): number {
    const waits = this.#unansweredSinceMs < Infinity || !this.#offset.isGood || silentMs > SYNC_AGAIN_MS
    return waits ? SYNC_AGAIN_MS : SYNC_INTERVAL_MS
  }

  #dropStalled(forMs: number, what: string): void {
    if (this.state !== 'open') return this.drop(`no answer for ${Math.round(forMs)} ms`)
    const bufferedBytes = this.#connection?.bufferedBytes ?? 0
    const kind = nameStall(bufferedBytes, this.#connection?.sendQueue?.())
    this.stalls[kind]++
    this.stall = kind
    this.drop(`for ${Math.round(forMs)} ms ${what}; ${describeStall(kind, bufferedBytes)}`)
  }
}

/** @throws ProtocolError */
function checkPartitions(feeds: readonly FeedInfo[]): void {
  for (const { feed, partitions } of feeds) {
    if (partitions > PARTITIONS_MAX)
      throw new ProtocolError(`it names ${partitions} partitions of feed ${feed}; at most ${PARTITIONS_MAX} are taken`)
  }
}
