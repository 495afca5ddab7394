import {
  ClockOffset,
  reconnectPolicy,
  type ControlFrame,
  type Decoder,
  type EncodeUpstream,
  type Encoding,
  type FeedInfo,
  type FrameHandler,
  type HelloFrame,
  type PulseFrame,
  type ReceivedImage,
  type UpstreamFrame,
  type WelcomeFrame,
} from '@pulsewire/protocol'
import type { Clock, Timer } from '../clock.ts'
import { PulsewireError } from '../errors.ts'
import { createDecoder, encodeUpstreamFor, ENCODINGS } from '../parts.ts'
import { SessionFreshness } from '../freshness/session-freshness.ts'
import type { Row } from '../subscription/entry.ts'
import { SessionRows } from '../subscription/session-rows.ts'
import type { OpenSocket, Socket } from './socket.ts'
import { SyncSchedule } from './sync.ts'

export interface SessionOptions {
  readonly url: string
  readonly encodings: readonly Encoding[]
  readonly hello: HelloFrame
  /** Overrides what `welcome` says. */
  readonly staleAfterMs: number | undefined
  readonly messageBytesMax: number
  readonly connectTimeoutMs: number
}

/** Where to go after a session ended: as `reconnectPolicy` of the protocol. */
export type NextStep = 'never' | 'backoff' | 'elsewhere'

/** Who uses the session. Calls come in the order of the frames. */
export interface SessionHost {
  onWelcome(session: Session): void
  onUpdate(session: Session, row: Row, image: ReceivedImage): void
  onControl(session: Session, frame: ControlFrame): void
  /** Rows whose promised snapshot or replay is complete, because a pulse of their feed came. */
  onComplete(session: Session, rows: Iterable<Row>): void
  /** After each message. `judge`: freshness may have changed. */
  onMessageEnd(session: Session, judge: boolean): void
  /** Once, and not after `leave`. */
  onClosed(session: Session, error: PulsewireError, next: NextStep): void
}

/** What we close with when the sender breaks the protocol. Browsers allow no other codes than 1000 and 3000 to 4999. */
const CLOSE_PROTOCOL_ERROR = 4000
const CLOSE_NORMAL = 1000
/** After a sleep, or a step of our clock, a gateway that is there has answered by then: a round trip of a slow line, twice. */
const ANSWER_AFTER_SLEEP_MS = 500

/** One connection, from the socket to the receive loop: hello, welcome, acknowledgements, clock offset. */
export class Session implements FrameHandler {
  readonly url: string
  readonly rows: SessionRows
  readonly #options: SessionOptions
  readonly #host: SessionHost
  readonly #clock: Clock
  #offset = new ClockOffset()
  readonly #sync: SyncSchedule
  #socket: Socket | undefined
  #decoder: Decoder | undefined
  #encode: EncodeUpstream = JSON.stringify
  #welcome: WelcomeFrame | undefined
  #freshness: SessionFreshness | undefined
  #feeds: readonly FeedInfo[] = []
  #closed = false
  #deadline: Timer | undefined
  #welcomedAtMs = Infinity
  #lastMessageAtMs = -Infinity
  #steppedMs: number
  /** When our clock last made a step, until the gateway has answered since. */
  #wokeAtMs = Infinity
  /** The message at hand: its highest pulse, and whether it holds something to judge by. */
  #pulse = -1
  #judge = false

  constructor(options: SessionOptions, host: SessionHost, clock: Clock, openSocket: OpenSocket) {
    this.url = options.url
    this.#options = options
    this.#host = host
    this.#clock = clock
    this.#steppedMs = clock.steppedMs ?? 0
    this.rows = new SessionRows(this, clock)
    this.#sync = new SyncSchedule(
      clock,
      () => this.#offset.isGood,
      (at) => this.send({ t: 'sync', at }),
    )
    this.#deadline = clock.after(options.connectTimeoutMs, () => {
      this.#fail(new PulsewireError('connect_timeout', `${this.url} did not answer with welcome in time`, { retryable: true }))
    })
    try {
      this.#socket = openSocket(options.url, options.encodings, {
        onOpen: (protocol) => this.#onOpen(protocol),
        onMessage: (data) => this.#onMessage(data),
        onClose: (code, reason) => this.#onClose(code, reason),
      })
    } catch (error) {
      const failure = new PulsewireError('connect_failed', `${this.url}: ${String(error)}`, { cause: error, retryable: true })
      // Not from within the constructor: the host does not know this session yet.
      queueMicrotask(() => this.#fail(failure))
    }
  }

  get welcome(): WelcomeFrame | undefined {
    return this.#welcome
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @throws TypeError before `welcome`. */
  get freshness(): SessionFreshness {
    if (this.#freshness === undefined) throw new TypeError('the session is not open yet')
    return this.#freshness
  }

  get decoder(): Decoder {
    if (this.#decoder === undefined) throw new TypeError('the session is not open yet')
    return this.#decoder
  }

  /** Name of the node at the other end; its address before it said so. */
  get node(): string {
    return this.#welcome?.node ?? this.url
  }

  /** Sender's clock minus ours in ms; undefined before the first answer. */
  get offsetMs(): number | undefined {
    return this.#offset.offsetMs
  }

  get welcomedAtMs(): number {
    return this.#welcomedAtMs
  }

  get transport(): 'webSocket' | 'http' {
    return this.#socket?.transport ?? 'webSocket'
  }

  /** When a better way to a gateway is worth a trial. */
  get betterAtMs(): number {
    return this.#socket?.betterAtMs ?? Infinity
  }

  get messageBytesMax(): number {
    return this.#welcome?.limits.messageBytesMax ?? 0
  }

  feedIndex(feed: string): number {
    return this.#feeds.findIndex((info) => info.feed === feed)
  }

  feedInfo(index: number): FeedInfo | undefined {
    return this.#feeds[index]
  }

  /** Names the log that the positions of a feed are of; undefined where the sender does not say. */
  logOf(feed: string): string | undefined {
    return this.#feeds[this.feedIndex(feed)]?.log
  }

  expectPulses(feed: string, due: boolean): void {
    if (due) this.#freshness?.expect(feed, this.#clock.nowMs())
    else this.#freshness?.forget(feed, this.#feeds)
  }

  send(frame: UpstreamFrame): void {
    if (!this.#closed) this.#socket?.send(this.#encode(frame))
  }

  /** Leaves on purpose. The host hears nothing more. */
  leave(): void {
    if (this.#closed) return
    if (this.#welcome !== undefined) this.send({ t: 'bye' })
    this.#end(CLOSE_NORMAL, 'bye')
  }

  /** Gives the connection up; the host hears of it. */
  abandon(error: PulsewireError): void {
    this.#fail(error)
  }

  /** Gives it up because neither pulse nor update came, and says what is known of why. */
  abandonSilent(): void {
    const heardAtMs = this.#freshness?.heardAtMs ?? this.#welcomedAtMs
    const silentMs = Math.round(this.#clock.nowMs() - heardAtMs)
    const isSending = this.#lastMessageAtMs > heardAtMs
    const why = isSending ? 'it says other things' : 'nothing comes: it is frozen, or the connection is half-open'
    const message = `neither pulse nor update from ${this.node} for ${silentMs} ms; ${why}`
    this.#fail(new PulsewireError('connection_silent', message, { retryable: true }))
  }

  onUpdate(image: ReceivedImage): void {
    if (this.#closed) return
    this.#freshness?.updated(this.#lastMessageAtMs)
    const row = this.rows.byRef(image.ref)
    if (row !== undefined) this.#host.onUpdate(this, row, image)
  }

  onPulse(frame: PulseFrame): void {
    if (this.#closed || this.#freshness === undefined) return
    this.#pulse = Math.max(this.#pulse, frame.pulse)
    this.#judge = true
    this.#freshness.pulse(frame, this.#clock.nowMs())
    if (frame.feed !== undefined) this.#host.onComplete(this, this.rows.takeAwaiting(frame.feed))
  }

  onControl(frame: ControlFrame): void {
    if (this.#closed) return
    if (this.#welcome === undefined && frame.t !== 'welcome') {
      // Before welcome nothing else makes sense, except the reason why there will be none.
      if (frame.t === 'error' || frame.t === 'goodbye' || frame.t === 'notice') this.#host.onControl(this, frame)
      return
    }
    switch (frame.t) {
      case 'welcome':
        this.#onWelcome(frame)
        break
      case 'feeds':
        this.#judge = true
        this.#feeds = frame.feeds
        this.#freshness?.setFeeds(frame.feeds)
        this.#host.onControl(this, frame)
        break
      case 'mark':
        this.send({ t: 'ack', mark: frame.mark })
        break
      case 'sync':
        this.#offset.add(frame.echo, frame.at, this.#clock.nowMs())
        // It answers: its next pulse gets its time.
        if (frame.echo >= this.#wokeAtMs) {
          this.#wokeAtMs = Infinity
          this.#freshness?.updated(this.#clock.nowMs())
        }
        break
      case 'stale':
        this.#judge = true
        this.#freshness?.stale(frame)
        break
      case 'live':
        this.#judge = true
        this.#freshness?.live(frame)
        break
      default:
        this.#host.onControl(this, frame)
    }
  }

  #onOpen(protocol: string): void {
    if (this.#closed) return
    const encoding = ENCODINGS.find((each) => each === protocol)
    if (encoding === undefined || !this.#options.encodings.includes(encoding)) {
      const message = `${this.url} chose the subprotocol '${protocol}', which was not offered`
      this.#fail(new PulsewireError('encoding_unsupported', message, { retryable: true }), CLOSE_PROTOCOL_ERROR)
      return
    }
    this.#decoder = createDecoder(encoding)
    this.#encode = encodeUpstreamFor(encoding)
    this.send(this.#options.hello)
  }

  #onMessage(data: string | Uint8Array): void {
    if (this.#closed || this.#decoder === undefined) return
    if (data.length > this.#options.messageBytesMax) {
      const message = `${this.url} sent a message of ${data.length}, more than ${this.#options.messageBytesMax} bytes`
      this.#fail(new PulsewireError('message_too_large', message, { retryable: true }), CLOSE_PROTOCOL_ERROR)
      return
    }
    this.followClock()
    this.#lastMessageAtMs = this.#clock.nowMs()
    this.#pulse = -1
    this.#judge = false
    try {
      this.#decoder.decode(data, this)
    } catch (error) {
      // Callbacks of the application are guarded where they are called, so this is what the server sent.
      const message = `${this.url}: ${error instanceof Error ? error.message : String(error)}`
      this.#fail(new PulsewireError('protocol_error', message, { cause: error, retryable: true }), CLOSE_PROTOCOL_ERROR)
      return
    }
    if (this.#closed) return
    if (this.#pulse >= 0) {
      const { count, value } = this.rows.digest
      this.send({ t: 'ack', pulse: this.#pulse, count, digest: value })
    }
    this.#host.onMessageEnd(this, this.#judge)
  }

  #onWelcome(frame: WelcomeFrame): void {
    if (this.#welcome !== undefined) return
    const nowMs = this.#clock.nowMs()
    this.#deadline?.cancel()
    this.#welcome = frame
    this.#welcomedAtMs = nowMs
    this.#offset.heard(frame.at, nowMs)
    this.#feeds = frame.feeds
    const staleAfterMs = this.#options.staleAfterMs ?? frame.staleAfterMs
    this.#freshness = new SessionFreshness({ node: frame.node, staleAfterMs, offsetMs: () => this.#offset.knownMs, nowMs })
    this.#freshness.setFeeds(frame.feeds)
    this.#sync.start()
    this.#host.onWelcome(this)
  }

  /**
   * Our clock made a step over a sleep, or somebody set it: what was measured by it before is void. That nothing came in
   * that time is not the gateway's fault, which is asked whether it is there.
   */
  followClock(): void {
    const nowMs = this.#clock.nowMs()
    const steppedMs = this.#clock.steppedMs ?? 0
    if (steppedMs === this.#steppedMs || this.#welcome === undefined) return
    this.#steppedMs = steppedMs
    this.#offset = new ClockOffset()
    this.#wokeAtMs = nowMs
    this.#freshness?.woke(nowMs, ANSWER_AFTER_SLEEP_MS)
    this.#sync.start()
  }

  #onClose(code: number, reason: string): void {
    if (this.#closed) return
    const said = reason === '' ? '' : `: ${reason}`
    const next = reconnectPolicy(code)
    const retryable = next !== 'never'
    const error =
      this.#welcome === undefined
        ? new PulsewireError('connect_failed', `${this.url} closed before welcome (${code}${said})`, { retryable, closeCode: code })
        : new PulsewireError('connection_lost', `${this.node} closed (${code}${said})`, { retryable, closeCode: code })
    this.#end(undefined, '')
    this.#host.onClosed(this, error, next)
  }

  #fail(error: PulsewireError, closeCode: number = CLOSE_NORMAL): void {
    if (this.#closed) return
    this.#end(closeCode, error.code)
    this.#host.onClosed(this, error, 'elsewhere')
  }

  #end(closeCode: number | undefined, reason: string): void {
    this.#closed = true
    this.#deadline?.cancel()
    this.#sync.stop()
    if (closeCode === undefined) return
    try {
      this.#socket?.close(closeCode, reason)
    } catch {
      // A socket that cannot be closed is as good as closed: we listen to it no more.
    }
  }
}
