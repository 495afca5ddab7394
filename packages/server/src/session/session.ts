import {
  CLOSE_CODES,
  ProtocolError,
  type AskFrame,
  type CloseReason,
  type ControlFrame,
  type HelloFrame,
  type PulseAckFrame,
  type RefusalCode,
  type RefusedRow,
  type ToldFrame,
  type TokenCode,
  type UpstreamFrame,
} from '@pulsewire/protocol'
import {
  WHOLE_FEED,
  type Entry,
  type EntryBlock,
  type Feed,
  type PatternState,
  type StaleState,
  type Subscriber,
  type Subscription,
  type SymbolState,
} from '../hub/index.ts'
import { type Grant, TokenError } from '../access/index.ts'
import type { AskPeer } from '../diagnosis/index.ts'
import { Admission } from './admission.ts'
import type { Composer } from './composer.ts'
import { welcomeFrame, type SessionContext } from './context.ts'
import { endOf, type SessionEnd } from './counts.ts'
import type { Elsewhere, MoveReason } from './moves.ts'
import { DueQueue } from './due-queue.ts'
import { FlowWindow } from './flow.ts'
import { readInbound, type BadFrame } from './inbound.ts'
import { Pace } from './pace.ts'
import { PulseOutbox } from './pulse-outbox.ts'
import { EAGER_BELOW_MS, rideMsOf } from './pulse-wheel.ts'
import { Rights } from './rights.ts'
import type { Flushable } from './scheduler.ts'
import { Slowness } from './slowness.ts'
import { StallWatch } from './stall-watch.ts'
import { SubscribeError, SubscriptionTable } from './table.ts'
import type { Transport, TransportHandler } from './transport.ts'
import { describeEnd, nameSome } from './words.ts'
import { accountOf, type SessionAccount } from './account.ts'

export type SessionState = 'greeting' | 'open' | 'leaving' | 'closed'

const BAD_FRAMES_MAX = 4
/** What an update that is due counts for, beside the bytes that wait. */
const DUE_BYTES = 8
/** Control frames that wait for a closed window. Only a receiver that asks and takes no answers comes this far. */
const CONTROLS_MAX = 10_000

/** The sender's side of one hop: one receiver, what it subscribes to, and what is due to it. */
export class Session implements Subscriber, TransportHandler, Flushable, AskPeer {
  readonly id: string
  readonly transport: Transport
  readonly openedAtMs: number
  state: SessionState = 'greeting'
  user = ''
  client = ''
  pulseIntervalMs: number
  /** Its receiver wants to be told which updates are sampled. */
  wantsTraces = false
  // The scheduler's.
  scheduled = false
  flushedAtMs = -Infinity
  pulseDue = false
  /** The pulse wheel's: when the next pulse is due. */
  nextPulseAtMs = 0
  pulseSlot = -1

  readonly #context: SessionContext
  readonly #table: SubscriptionTable
  readonly #flow: FlowWindow
  /** Per feed index. Made at their length: an array that grows by itself reserves room for many more. */
  readonly #known: number[]
  #controls: ControlFrame[] = []
  readonly #due = new DueQueue()
  readonly #pulses: PulseOutbox
  readonly #rights: Rights
  readonly #pace: Pace
  /** Parts of answers that are on their way: to acknowledge those is no flood. */
  #chunksOut = 0
  /** `null`: whoever comes is let in. */
  #admission: Admission | null = null
  /** A pulse is due, and goes with what is sent next. */
  #awaitsRide = false
  #badFrames = 0
  #repairMark = 0
  #receiverSymbols: number | null = null
  readonly #slowness = new Slowness()
  readonly #stall = new StallWatch()
  /** Something waits for an acknowledgement to be sent. */
  #isHeld = false
  /** Feeds of which it was told that something is stale: it is told when that is over, whatever it subscribes to then. */
  #toldStale: Set<Feed> | null = null
  /** Why this node ended it. */
  #endReason = ''
  #how: SessionEnd | null = null
  /** Why it was asked to move. */
  #asked: MoveReason | null = null

  constructor(id: string, transport: Transport, context: SessionContext) {
    this.id = id
    this.transport = transport
    this.#context = context
    this.openedAtMs = context.hub.clock.nowMs()
    this.pulseIntervalMs = context.options.pulseIntervalMs
    this.#known = new Array<number>(context.hub.feeds.length).fill(0)
    this.#flow = new FlowWindow(this.openedAtMs, context.options.outboundBytesMax)
    this.#pace = new Pace(context.options.messagesPerSecondMax, this.openedAtMs)
    this.#rights = new Rights(context.options.subscriptionsMax)
    this.#table = new SubscriptionTable(context.hub, this, this.#due, context.groups, this.#rights)
    this.#pulses = new PulseOutbox(context.hub, this.#table)
  }

  /** What waits for this receiver in this process: bytes that its socket has not taken, and updates that it is behind by. */
  get backlogBytes(): number {
    return this.transport.bufferedBytes + (this.#slowness.isBehind ? 1 + this.#due.entries * DUE_BYTES : 0)
  }

  /** It takes less than it is sent. */
  get isSlow(): boolean {
    return this.#slowness.isSlow
  }

  get symbols(): number {
    return this.#table.symbols
  }

  /** As it is now, for whoever asks. */
  account(nowMs: number): SessionAccount {
    const parts = {
      symbols: this.#table.symbols,
      receiverSymbols: this.#receiverSymbols,
      due: this.#due.entries,
      behind: this.#slowness.isSlow,
      stall: this.#stall.kind,
    }
    return { ...accountOf(this, nowMs), ...parts, ...this.#flow.account(nowMs) }
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#table.subscriptions
  }

  /** A fault on request: see `SubscriptionTable.lose`. */
  lose(name: string): boolean {
    return this.#table.lose(name)
  }

  usesFeed(feed: Feed): boolean {
    return this.#table.usesFeed(feed)
  }

  /** Whether it is to be told what happens to the feed as a whole. */
  hears(feed: Feed): boolean {
    return this.#table.usesFeed(feed) || this.#toldStale?.has(feed) === true
  }

  get #isOver(): boolean {
    return this.state === 'leaving' || this.state === 'closed'
  }

  // ---- what the receiver sends

  message(message: Uint8Array | string): void {
    if (this.#isOver || !this.#isPaced()) return
    if (this.state === 'greeting' && this.#admission?.hold(message.length) === false)
      return this.close('protocol_error', 'it sends more than is kept while its token is checked')
    try {
      for (const frame of readInbound(this.transport.encoding, message)) this.#frame(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.close('protocol_error', error.message)
    }
  }

  pinged(): void {
    if (!this.#isOver) this.#isPaced()
  }

  /** Closes who sends more than a receiver may. */
  #isPaced(): boolean {
    if (this.#pace.take(this.#context.hub.clock.nowMs())) return true
    const message = `more than ${this.#context.options.messagesPerSecondMax} messages a second came, for longer than a burst`
    if (this.state === 'open') this.#control({ t: 'error', code: 'message_flood', message })
    this.close('message_flood', message)
    return false
  }

  #frame(frame: UpstreamFrame | BadFrame): void {
    if (this.#isOver) return
    if (this.state === 'greeting') return this.#greeting(frame)
    if (frame.t === 'bad') return this.#bad(frame.code, frame.message, frame.id)
    if (frame.t === 'hello') return this.#bad('bad_frame', 'hello was said already')
    if (frame.t === 'ack') return this.#ack(frame)
    // Of a token it shows later whether it is any good.
    if (frame.t === 'token') return this.#token(frame.token)
    this.#badFrames = 0
    if (frame.t === 'subscribe') this.#subscribe(frame)
    else if (frame.t === 'unsubscribe') this.#unsubscribe(frame)
    else if (frame.t === 'sync') this.#control({ t: 'sync', echo: frame.at, at: this.#context.hub.clock.nowMs() })
    else if (frame.t === 'ask' || frame.t === 'told') this.#asks(frame)
    else this.#end('left', 1000, 'bye')
  }

  #greeting(frame: UpstreamFrame | BadFrame): void {
    if (this.#admission !== null) this.#admission.keep(frame)
    else if (frame.t === 'hello') this.#hello(frame)
    else if (frame.t === 'bad') this.close('protocol_error', `the first frame is hello: ${frame.message}`)
    else this.close('protocol_error', `the first frame is hello, not ${frame.t}`)
  }

  #hello(frame: HelloFrame): void {
    const { access, options } = this.#context
    this.client = frame.client
    if (access === undefined) return this.#welcome(frame, frame.user ?? '')
    if (!access.ready) return this.close('not_ready', 'it does not know yet which tokens were revoked')
    const admission = (this.#admission = new Admission(access, options.messageBytesMax))
    const { transport } = this
    admission.admit(frame.token ?? transport.takeBearer?.(), transport.isCertified === true).then(
      (isIn) => this.#admitted(frame, admission, isIn),
      (error: unknown) => this.#denied(error),
    )
  }

  #admitted(hello: HelloFrame, admission: Admission, isIn: boolean): void {
    if (this.#isOver) return
    if (!isIn) return this.close('too_many_connections', 'the user has as many connections as the token allows')
    const grant = admission.grant!
    this.#rights.grant = grant
    const held = admission.takeHeld()
    this.#welcome(hello, grant.user)
    this.#tellExpiry(grant)
    for (const frame of held) this.#frame(frame)
  }

  /** What is wrong with a token is said by code, in the error and in the reason. */
  #denied(error: unknown): void {
    if (this.#isOver) return
    if (!(error instanceof TokenError)) {
      this.#context.log.error('admission_failed', 'a token could not be checked', { session: this.id, error })
      return this.close('internal_error', 'a token could not be checked')
    }
    const { code, message } = error
    this.#context.denied(this, code)
    this.#control({ t: 'error', code, message })
    const reason = code === 'token_unchecked' ? 'keys_unavailable' : code === 'token_revoked' ? 'revoked' : 'unauthorized'
    this.close(reason, `${code}: ${message}`)
  }

  #tellExpiry({ expiresAtMs }: Grant): void {
    if (expiresAtMs !== Infinity) this.#control({ t: 'token', expiresAt: expiresAtMs })
  }

  #token(token: string): void {
    const admission = this.#admission
    if (admission === null) {
      this.#badFrames = 0
      return this.#control({ t: 'token' })
    }
    if (admission.isRenewing) return this.#bad('bad_frame', 'a token is being checked already')
    admission.renew(token).then(
      (grant) => {
        if (grant !== null && !this.#isOver) this.#renewed(grant)
      },
      (error: unknown) => this.#notRenewed(error),
    )
  }

  /** The old one goes on for as long as it is good. */
  #notRenewed(error: unknown): void {
    if (this.#isOver || !(error instanceof TokenError)) return this.#denied(error)
    this.#context.denied(this, error.code)
    this.#context.notes?.note(this, 'refused', `a new token: ${error.code}`)
    this.#bad(error.code, error.message)
  }

  #renewed(grant: Grant): void {
    this.#badFrames = 0
    this.#rights.grant = grant
    this.user = grant.user
    this.#tellExpiry(grant)
    for (const { id, name, message } of this.#table.regrant()) this.#ended(id, name, 'not_entitled', message)
    this.#schedule()
  }

  #checkToken(): void {
    const due = this.#admission?.check()
    if (due === undefined) return
    if (due === 'refresh') this.#control({ t: 'token', expiresAt: this.#admission!.grant!.expiresAtMs, refresh: true })
    else if (due === 'revoked') this.close('revoked', 'the token was revoked, or all tokens of its user')
    else this.close('token_expired', 'the token has expired, and no new one came')
  }

  /** In log lines. */
  get #name(): string {
    return this.client === '' ? 'a receiver' : `receiver ${this.client}`
  }

  #welcome(frame: HelloFrame, user: string): void {
    this.state = 'open'
    this.user = user
    this.wantsTraces = frame.traces === true
    this.pulseIntervalMs = Math.max(this.#context.options.pulseIntervalMs, frame.pulseIntervalMs ?? 0)
    this.#control(welcomeFrame(this.#context, this.id, this.pulseIntervalMs, this.#rights.symbolsMax))
    this.#context.opened(this)
    this.#context.notes?.note(
      this,
      'connected',
      `${this.client} from ${this.transport.remote}${frame.via === undefined ? '' : `, sent here by ${frame.via}`}`,
    )
  }

  #subscribe(frame: Extract<UpstreamFrame, { t: 'subscribe' }>): void {
    const feed = this.#context.hub.feed(frame.feed)
    const isNew = feed !== undefined && !this.#table.usesFeed(feed)
    try {
      this.#table.subscribe(frame)
    } catch (error) {
      if (!(error instanceof SubscribeError)) throw error
      this.#context.notes?.note(this, 'refused', `a subscription to ${frame.feed}: ${error.code}: ${error.message}`)
      this.#control({ t: 'error', code: error.code, message: error.message, id: error.id })
      return
    }
    if (isNew) this.#beginFeed(feed)
    // What a pattern matches comes later.
    const { patterns = [] } = frame
    this.#context.notes?.note(
      this,
      'subscribed',
      `${nameSome(frame)} of ${frame.feed} (id ${frame.id})${patterns.length > 0 ? '' : `; ${this.#table.symbols} symbols in all`}`,
    )
    this.#schedule()
  }

  /** Answers that are owed go first, those of what ends now too: a row must not follow the word that it is over. */
  #unsubscribe(frame: Extract<UpstreamFrame, { t: 'unsubscribe' }>): void {
    const answer = this.#table.unsubscribe(frame)
    this.#context.notes?.note(
      this,
      'unsubscribed',
      `id ${frame.id}: ${answer.closed ? 'all of it' : `${answer.ok.length} symbols`}; ${this.#table.symbols} symbols left`,
    )
    this.#takeAnswers()
    this.#control(answer)
  }

  #beginFeed(feed: Feed): void {
    this.#pulses.begin(feed)
    // Who comes while a partition is stale has missed the notice.
    for (const { partition, stale } of feed.freshness.partitions) if (stale !== null) this.stale(feed, [partition], stale)
  }

  #ack(frame: Extract<UpstreamFrame, { t: 'ack' }>): void {
    const nowMs = this.#context.hub.clock.nowMs()
    if ('mark' in frame) {
      this.#flow.acked('mark', frame.mark, nowMs)
      if (frame.mark === this.#repairMark) this.#endRepair()
    } else {
      if (this.#flow.acked('pulse', frame.pulse, nowMs)) {
        this.#context.counts.delivery.observe(this.#flow.roundTripMs)
        this.#pulses.acknowledged(frame.pulse, nowMs, this.#context.counts)
      }
      this.#compareDigest(frame)
    }
    if (this.#isHeld || this.#slowness.isBehind || !this.#due.isEmpty || this.pulseDue) this.#schedule()
  }

  /** Both ends hold the same set, or one of them has lost a frame: then the receiver names everything again. */
  #compareDigest(ack: PulseAckFrame): void {
    this.#receiverSymbols = ack.count
    const verdict = this.#pulses.compare(ack)
    // The next comparison decides. It need not wait for the next pulse, which may be far for a receiver in the background.
    if (verdict === 'doubtful') this.pulse()
    if (verdict !== 'different' || this.#repairMark !== 0) return
    const { count, value } = this.#table.digest
    this.#context.differs(this, count, ack.count)
    this.#table.beginRepair()
    this.#control({ t: 'resubscribe', count, digest: value })
    this.#repairMark = this.#flow.nextMark()
    this.#control({ t: 'mark', mark: this.#repairMark })
  }

  #asks(frame: AskFrame | ToldFrame): void {
    const { asks, nodeId } = this.#context
    if (frame.t === 'ask' && frame.ack !== undefined && this.#chunksOut > 0) {
      this.#chunksOut--
      this.#pace.giveBack()
    }
    if (asks !== undefined) asks.frame(this, frame)
    else if (frame.t === 'ask' && frame.question !== undefined)
      this.ask({ t: 'told', id: frame.id, node: nodeId, code: 'ask_off', message: `${nodeId} has no operator secret`, last: true })
  }

  #endRepair(): void {
    this.#repairMark = 0
    this.#table.endRepair()
    this.#pulses.restartComparing()
  }

  #bad(code: RefusalCode | TokenCode, message: string, id?: number): void {
    this.#control(id === undefined ? { t: 'error', code, message } : { t: 'error', code, message, id })
    if (++this.#badFrames >= BAD_FRAMES_MAX)
      this.close('too_many_errors', `${BAD_FRAMES_MAX} frames in a row could not be handled; the last: ${message}`)
  }

  // ---- what the hub tells

  due(block: EntryBlock): void {
    this.#due.push(block)
    if (!this.scheduled) this.#context.scheduler.schedule(this)
  }

  ready(entry: Entry): void {
    this.#table.ready(entry)
    this.#schedule()
  }

  refused(entry: Entry, code: string, message: string): void {
    if (this.#table.refused(entry, code, message)) this.#ended(entry.subscription.id, entry.symbol.name, code, message)
    this.#schedule()
  }

  /** Many symbols that end together go into one frame. */
  #ended(id: number, symbol: string, code: string, message: string): void {
    this.#takeAnswers()
    const last = this.#controls.at(-1)
    if (last?.t === 'ended' && last.id === id) (last.symbols as RefusedRow[]).push([symbol, code, message])
    else this.#control({ t: 'ended', id, symbols: [[symbol, code, message]] })
  }

  matched(subscription: Subscription, pattern: PatternState, symbol: SymbolState): void {
    this.#table.matched(subscription, pattern, symbol)
    this.#schedule()
  }

  patternReady(subscription: Subscription, pattern: PatternState): void {
    this.#table.patternReady(subscription, pattern)
    this.#schedule()
  }

  stale(feed: Feed, partitions: readonly number[], state: StaleState): void {
    const { hop, reason, message, sinceMs } = state
    ;(this.#toldStale ??= new Set()).add(feed)
    this.#control({ t: 'stale', feed: feed.name, ...named(partitions), hop, reason, since: Math.round(sinceMs), message })
  }

  /** With the pulse that shows it: until that has come, the receiver can only blame this node for data that is old. */
  live(feed: Feed, partitions: readonly number[]): void {
    this.withdraw(feed, partitions)
    this.pulseDue = true
  }

  /** What was said of these holds no more: nothing is said of them now. */
  withdraw(feed: Feed, partitions: readonly number[]): void {
    this.#pulses.forgetWaiting()
    this.#control({ t: 'live', feed: feed.name, ...named(partitions) })
  }

  feedsChanged(): void {
    this.#pulses.forgetWaiting()
    this.#control({ t: 'feeds', feeds: this.#context.hub.info() })
  }

  // ---- as one over which questions come and go

  get askNonce(): string {
    return this.#context.asks?.nonceOf(this.id) ?? ''
  }

  get askedFrom(): string {
    return this.transport.remote
  }

  ask(frame: AskFrame | ToldFrame): void {
    if (frame.t === 'told' && frame.chunk !== undefined) this.#chunksOut++
    this.#control(frame)
  }

  pulse(): void {
    this.pulseDue = true
    this.#schedule()
  }

  /** The wheel's call. Where messages go out all the time, a pulse in one of them costs no write of its own. */
  meet(nowMs: number): boolean {
    const ride = !this.#awaitsRide && this.pulseIntervalMs >= EAGER_BELOW_MS && nowMs - this.flushedAtMs <= rideMsOf(this)
    this.#awaitsRide = ride
    if (ride) this.pulseDue = true
    else this.pulse()
    return !ride
  }

  // ---- sending

  #control(frame: ControlFrame): void {
    if (this.#isOver) return
    if (this.#controls.length >= CONTROLS_MAX) {
      this.close('slow_consumer', `${CONTROLS_MAX} answers wait for it to take something`)
      return
    }
    this.#controls.push(frame)
    this.#schedule()
  }

  #schedule(): void {
    if (!this.scheduled && !this.#isOver) this.#context.scheduler.scheduleSoon(this)
  }

  /** The scheduler's call: puts what is due into one message, as far as the receiver's line takes it. */
  flush(): void {
    if (this.#isOver) return
    const nowMs = this.#context.hub.clock.nowMs()
    const open = this.#flow.openBytes(nowMs)
    this.#isHeld = open <= 0 && this.#flow.awaitsAck
    if (this.#isHeld) {
      if (this.#flow.isBehind(nowMs)) this.#slowness.fellBehind(nowMs)
      return
    }
    const composer = this.#context.composers[this.transport.encoding]
    composer.begin(this.#known)
    this.#takeAnswers()
    for (const frame of this.#controls) composer.control(frame)
    this.#controls.length = 0
    if (this.pulseDue && this.#slowness.isBehind && !this.#pulses.isWaiting) this.#awaitRound()
    this.#due.write(composer, open)
    if (composer.sampledOf !== null) this.#context.counts.latency.of(composer.sampledOf).observe(nowMs - composer.sampledTs)
    const pulse = this.pulseDue ? this.#writePulse(composer, nowMs) : 0
    if (pulse > 0) this.#pulsed(nowMs)
    if (composer.size > 0 || open <= 0) this.#send(composer, nowMs, open, pulse)
    if (this.#due.isEmpty) this.#slowness.caughtUp(nowMs)
    else this.#schedule()
  }

  /**
   * Behind all that precedes it. Where nothing is due any more that is the newest pulse; on a thin line, where something
   * is due always, the one that was the newest when what was due then began to be sent.
   * @returns its number, 0 where its time has not come.
   */
  #writePulse(composer: Composer, nowMs: number): number {
    const { counts } = this.#context
    if (this.#due.isEmpty) return this.#pulses.write(composer, nowMs, counts)
    if (this.#pulses.isWaiting) return this.#due.isRoundOver ? this.#pulses.writeWaiting(composer, nowMs, counts) : 0
    this.#awaitRound()
    return 0
  }

  #awaitRound(): void {
    this.#pulses.wait(this.transport.encoding)
    this.#due.beginRound()
  }

  #pulsed(nowMs: number): void {
    this.pulseDue = false
    if (!this.#awaitsRide) return
    this.#awaitsRide = false
    this.nextPulseAtMs = nowMs + this.pulseIntervalMs
  }

  #send(composer: Composer, nowMs: number, openBytes: number, pulse: number): void {
    // A closed window that no acknowledgement is due to would stay closed: a mark asks for one.
    const mark = pulse === 0 && (openBytes <= 0 || this.#flow.wantsMark(composer.size)) ? this.#flow.nextMark() : 0
    if (mark !== 0) composer.mark(mark)
    this.#flow.sent(composer.size, nowMs, pulse, mark)
    this.#context.counts.messages++
    this.#context.counts.bytes += composer.size
    this.transport.send(composer.finish())
  }

  #takeAnswers(): void {
    for (const frame of this.#table.takeAnswers()) {
      this.#controls.push(frame)
      // A pulse says that all of what was answered before it is complete up to there: an older one does not know of this.
      this.#pulses.forgetWaiting()
      // What was just answered is proven fresh at once, not only at the next pulse; and a gateway waits for the pulse,
      // because it says that everything promised has been sent.
      if (frame.done === true) this.pulseDue ||= this.pulseIntervalMs < EAGER_BELOW_MS || this.#pulses.awaitsFirst
    }
  }

  // ---- slow receivers

  /** Called now and then: tells a slow receiver, cuts one that takes nothing. */
  check(nowMs: number): void {
    const { options } = this.#context
    if (this.state === 'greeting') {
      if (nowMs - this.openedAtMs > options.helloTimeoutMs) this.close('hello_timeout', `no hello within ${options.helloTimeoutMs} ms`)
      return
    }
    this.#checkToken()
    if (this.#isOver) return
    const notice = this.#slowness.notice(nowMs)
    if (notice === 'slow') this.#tellSlow()
    else if (notice === 'caught_up') {
      this.#context.notes?.note(this, 'caught_up', 'it is in step again')
      this.#control({ t: 'notice', code: 'caught_up', message: 'you are in step again' })
    }
    const silentMs = this.#flow.silentMs(nowMs, this.transport.bufferedBytes)
    const change = this.#stall.look(silentMs, options.stallAfterMs + 2 * this.#flow.roundTripMs, this.transport)
    if (change !== undefined) this.#context.stalled(this, this.#stall.kind, silentMs)
    if (silentMs > options.ackTimeoutMs || this.#stall.isStuck(silentMs, options.stuckTimeoutMs, this.transport))
      this.close('slow_consumer', `for ${Math.round(silentMs)} ms ${this.#stall.describe(this.transport)}`)
  }

  #tellSlow(): void {
    this.#context.notes?.note(this, 'slow', 'it takes less than it is sent')
    this.#context.log.info('slow', `${this.#name} takes less than it is sent`, { session: this.id, windowBytes: this.#flow.windowBytes })
    const message = 'you take less than you are sent: updates are conflated; a receiver that takes nothing is cut'
    this.#control({ t: 'notice', code: 'slow', message })
  }

  // ---- the end

  /** Asks the receiver to move. @returns false when it cannot be asked, or was for the same reason. */
  goodbye(code: MoveReason, message: string, reconnectAfterMs: number, elsewhere: Elsewhere): boolean {
    if (this.state !== 'open' || this.#asked === code) return false
    this.#asked = code
    const addresses = elsewhere(code)
    this.#context.notes?.note(this, 'asked_to_move', `${code}: to ${addresses.join(', ') || 'wherever it finds'}`)
    this.#control({ t: 'goodbye', code, message, reconnectAfterMs, addresses })
    return true
  }

  drained(): void {
    if (!this.#due.isEmpty || this.pulseDue) this.#schedule()
  }

  close(reason: CloseReason, message: string): void {
    if (this.#isOver) return
    this.#context.log.info('session_closed', `${this.#name}: ${message}`, { session: this.id, reason, remote: this.transport.remote })
    this.#end(reason, CLOSE_CODES[reason][0], `${reason}: ${message}`)
  }

  /** What was said before the end, an error most of all, goes out first. */
  #end(how: SessionEnd, code: number, reason: string): void {
    this.#how = how
    this.#endReason = reason
    this.flush()
    this.state = 'leaving'
    this.transport.close(code, reason)
    this.#leave()
  }

  /** Cut for want of memory: what waits for it goes at once, the rest when the transport lets go. */
  shed(reason: CloseReason, why: string): void {
    if (this.#isOver) return
    this.#context.log.info('session_closed', `${this.#name}: ${why}`, { session: this.id, reason, remote: this.transport.remote })
    this.#due.clear()
    this.#how = reason
    this.#endReason = `${reason}: ${why}`
    this.state = 'leaving'
    this.transport.close(CLOSE_CODES[reason][0], `${reason}: ${why}`)
    this.#leave()
  }

  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    const was = this.state
    this.#leave()
    this.state = 'closed'
    const why = this.#endReason || `${reason || 'without a word'} (${code})`
    if (was !== 'greeting') this.#context.notes?.note(this, 'closed', describeEnd(why, this.#flow.account(this.#context.hub.clock.nowMs())))
    this.#context.closed(this, this.#how ?? endOf(code))
    if (was !== 'leaving') this.#context.log.debug('session_ended', reason || `closed with ${code}`, { session: this.id, code })
  }

  /** Takes the session out of the hub, so that it costs nothing while the connection closes. */
  #leave(): void {
    this.#admission?.leave()
    this.#table.close()
    this.#due.clear()
    this.#controls = []
  }
}

/** A notice of the whole feed names no partitions. */
function named(partitions: readonly number[]): { readonly partitions?: readonly number[] } {
  return partitions.includes(WHOLE_FEED) ? {} : { partitions }
}
