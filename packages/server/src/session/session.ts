import {
  CLOSE_CODES,
  ProtocolError,
  type AskFrame,
  type CloseReason,
  type ControlFrame,
  type HelloFrame,
  type RefusalCode,
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
  type Subscription,
  type SymbolState,
} from '../hub/index.ts'
import { ENTRY_CLIENT, type Grant } from '../access/index.ts'
import type { AskPeer } from '../diagnosis/index.ts'
import { Admission } from './admission.ts'
import { welcomeFrame, type SessionContext } from './context.ts'
import { Credentials } from './credentials.ts'
import { endOf, type SessionEnd } from './counts.ts'
import type { Elsewhere, MoveReason } from './moves.ts'
import { DueQueue } from './due-queue.ts'
import { readInbound, type BadFrame } from './inbound.ts'
import { Pace } from './pace.ts'
import { Outbox } from './outbox.ts'
import type { Pulsed } from './pulse-wheel.ts'
import { Repair } from './repair.ts'
import { Rights } from './rights.ts'
import { StallWatch } from './stall-watch.ts'
import { SubscribeError } from './subscribe-options.ts'
import { SubscriptionTable, type TableOwner } from './table.ts'
import type { Transport, TransportHandler } from './transport.ts'
import { describeEnd, nameSome } from './words.ts'
import { accountOf, type SessionAccount } from './account.ts'

export type SessionState = 'greeting' | 'open' | 'leaving' | 'closed'

const BAD_FRAMES_MAX = 4
/** The sender's side of one hop: one receiver, what it subscribes to, and what is due to it. */
export class Session implements TableOwner, TransportHandler, Pulsed, AskPeer {
  readonly id: string
  readonly transport: Transport
  readonly openedAtMs: number
  state: SessionState = 'greeting'
  user = ''
  client = ''
  pulseIntervalMs: number
  /** Its receiver wants to be told which updates are sampled. */
  wantsTraces = false
  /** The pulse wheel's: when the next pulse is due. */
  nextPulseAtMs = 0
  pulseSlot = -1

  readonly #context: SessionContext
  readonly #table: SubscriptionTable
  readonly #outbox: Outbox
  readonly #rights: Rights
  readonly #pace: Pace
  /** Parts of answers that are on their way: to acknowledge those is no flood. */
  #chunksOut = 0
  /** `null`: whoever comes is let in. */
  #credentials: Credentials | null = null
  #badFrames = 0
  readonly #repair: Repair
  readonly #stall = new StallWatch()
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
    this.#pace = new Pace(context.options.messagesPerSecondMax, this.openedAtMs)
    this.#rights = new Rights(context.options)
    const due = new DueQueue()
    this.#table = new SubscriptionTable(context.hub, this, due, context.groups, this.#rights)
    this.#outbox = new Outbox(this, { context, table: this.#table, due, openedAtMs: this.openedAtMs })
    this.#repair = new Repair(this, context, this.#table, this.#outbox)
  }

  /** What waits for this receiver in this process: bytes that its socket has not taken, and updates that it is behind by. */
  get backlogBytes(): number {
    return this.#outbox.backlogBytes
  }

  /** It takes less than it is sent. */
  get isSlow(): boolean {
    return this.#outbox.slowness.isSlow
  }

  get symbols(): number {
    return this.#table.symbols
  }

  /** As it is now, for whoever asks. */
  account(nowMs: number): SessionAccount {
    const parts = {
      symbols: this.#table.symbols,
      receiverSymbols: this.#repair.receiverSymbols,
      due: this.#outbox.due,
      behind: this.isSlow,
      stall: this.#stall.kind,
    }
    return { ...accountOf(this, nowMs), ...parts, ...this.#outbox.flow.account(nowMs) }
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

  /** It sends and takes nothing any more. */
  get isOver(): boolean {
    return this.state === 'leaving' || this.state === 'closed'
  }

  // ---- what the receiver sends

  message(message: Uint8Array | string): void {
    // What the last one cost shows by now.
    if (this.isOver || !this.#isPaced(1, this.#table.takeWork())) return
    if (this.state === 'greeting' && this.#credentials?.hold(message.length) === false)
      return this.close('protocol_error', 'it sends more than is kept while its token is checked')
    try {
      for (const frame of readInbound(this.transport.encoding, message)) this.#frame(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.close('protocol_error', error.message)
    }
  }

  unasked(frames: number): void {
    if (!this.isOver) this.#isPaced(frames)
  }

  /** Closes who sends more than a receiver may. */
  #isPaced(messages: number, work = 0): boolean {
    if (this.#pace.take(this.#context.hub.clock.nowMs(), messages, work)) return true
    const message = `more than ${this.#context.options.messagesPerSecondMax} messages a second came, or as much work, for longer than a burst`
    if (this.state === 'open') this.say({ t: 'error', code: 'message_flood', message })
    this.close('message_flood', message)
    return false
  }

  #frame(frame: UpstreamFrame | BadFrame): void {
    if (this.isOver) return
    if (this.state === 'greeting') return this.#greeting(frame)
    if (frame.t === 'bad') return this.bad(frame.code, frame.message, frame.id)
    if (frame.t === 'hello') return this.bad('bad_frame', 'hello was said already')
    if (frame.t === 'ack') return this.#ack(frame)
    // Of a token it shows later whether it is any good.
    if (frame.t === 'token') return this.#token(frame.token)
    this.#badFrames = 0
    if (frame.t === 'subscribe') this.#subscribe(frame)
    else if (frame.t === 'unsubscribe') this.#unsubscribe(frame)
    else if (frame.t === 'sync') this.say({ t: 'sync', echo: frame.at, at: this.#context.hub.clock.nowMs() })
    else if (frame.t === 'ask' || frame.t === 'told') this.#asks(frame)
    else this.#end('left', 1000, 'bye')
  }

  #greeting(frame: UpstreamFrame | BadFrame): void {
    if (this.#credentials !== null) this.#credentials.keep(frame)
    else if (frame.t === 'hello') this.#hello(frame)
    else if (frame.t === 'bad') this.close('protocol_error', `the first frame is hello: ${frame.message}`)
    else this.close('protocol_error', `the first frame is hello, not ${frame.t}`)
  }

  #hello(frame: HelloFrame): void {
    const { access, options } = this.#context
    this.client = frame.client
    if (access === undefined) return this.#welcome(frame, frame.user ?? '')
    if (!access.ready) return this.close('not_ready', 'it does not know yet which tokens were revoked')
    this.#credentials = new Credentials(this, this.#context, new Admission(access, options.messageBytesMax))
    const { transport } = this
    this.#credentials.check(frame, frame.token ?? transport.takeBearer?.(), transport.isCertified === true)
  }

  /** The token is good: the session opens, and takes what has come since `hello`. */
  admitted(hello: HelloFrame, grant: Grant, held: readonly (UpstreamFrame | BadFrame)[]): void {
    this.#rights.grant = grant
    this.#welcome(hello, grant.user)
    this.#credentials!.tellExpiry(grant)
    for (const frame of held) this.#frame(frame)
  }

  #token(token: string): void {
    if (this.#credentials !== null) return this.#credentials.renew(token)
    this.#badFrames = 0
    this.say({ t: 'token' })
  }

  /** Another token is in force: what it does not entitle to ends. */
  regranted(grant: Grant): void {
    this.#badFrames = 0
    const isSame = this.#rights.isAsBefore(grant)
    this.#rights.grant = grant
    this.user = grant.user
    this.#credentials!.tellExpiry(grant)
    // Most tokens only last longer than the one before.
    for (const { id, name, message } of isSame ? [] : this.#table.regrant()) this.#outbox.ended(id, name, 'not_entitled', message)
    this.#outbox.schedule()
  }

  /** Where it is written down what happens to it: not to those who only look whether they are let in, in the place of users' news. */
  get #notes(): SessionContext['notes'] {
    return this.user === '' && this.client.startsWith(ENTRY_CLIENT) ? undefined : this.#context.notes
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
    this.say(welcomeFrame(this.#context, this.id, this.pulseIntervalMs, this.#rights))
    this.#context.opened(this)
    this.#notes?.note(
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
      this.#notes?.note(this, 'refused', `a subscription to ${frame.feed}: ${error.code}: ${error.message}`)
      this.say({ t: 'error', code: error.code, message: error.message, id: error.id })
      return
    }
    if (!this.#outbox.checkRoom()) return
    if (isNew) this.#beginFeed(feed)
    // What a pattern matches comes later.
    const { patterns = [] } = frame
    this.#notes?.note(
      this,
      'subscribed',
      `${nameSome(frame)} of ${frame.feed} (id ${frame.id})${patterns.length > 0 ? '' : `; ${this.#table.symbols} symbols in all`}`,
    )
    this.#outbox.schedule()
  }

  /** Answers that are owed go first, those of what ends now too: a row must not follow the word that it is over. */
  #unsubscribe(frame: Extract<UpstreamFrame, { t: 'unsubscribe' }>): void {
    const answer = this.#table.unsubscribe(frame)
    this.#notes?.note(
      this,
      'unsubscribed',
      `id ${frame.id}: ${answer.closed ? 'all of it' : `${answer.ok.length} symbols`}; ${this.#table.symbols} symbols left`,
    )
    this.#outbox.takeAnswers()
    this.say(answer)
  }

  #beginFeed(feed: Feed): void {
    this.#outbox.pulses.begin(feed)
    // Who comes while a partition is stale has missed the notice.
    for (const { partition, stale } of feed.freshness.partitions) if (stale !== null) this.stale(feed, [partition], stale)
  }

  #ack(frame: Extract<UpstreamFrame, { t: 'ack' }>): void {
    const nowMs = this.#context.hub.clock.nowMs()
    const { flow, pulses } = this.#outbox
    if ('mark' in frame) {
      flow.acked('mark', frame.mark, nowMs)
      this.#repair.marked(frame.mark)
    } else {
      if (flow.acked('pulse', frame.pulse, nowMs)) {
        this.#context.counts.delivery.observe(flow.roundTripMs)
        pulses.acknowledged(frame.pulse, nowMs, this.#context.counts)
      }
      this.#repair.compare(frame)
    }
    this.#outbox.resume()
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

  /** A frame cannot be taken: the receiver is told, and let go when it is one after the other. */
  bad(code: RefusalCode | TokenCode, message: string, id?: number): void {
    this.say(id === undefined ? { t: 'error', code, message } : { t: 'error', code, message, id })
    if (++this.#badFrames >= BAD_FRAMES_MAX)
      this.close('too_many_errors', `${BAD_FRAMES_MAX} frames in a row could not be handled; the last: ${message}`)
  }

  // ---- what the hub tells

  due(block: EntryBlock): void {
    this.#outbox.update(block)
  }

  ready(entry: Entry): void {
    this.#table.ready(entry)
    this.#outbox.schedule()
  }

  refused(entry: Entry, code: string, message: string): void {
    if (this.#table.refused(entry, code, message)) this.#outbox.ended(entry.subscription.id, entry.symbol.name, code, message)
    this.#outbox.schedule()
  }

  matched(subscription: Subscription, pattern: PatternState, symbol: SymbolState): void {
    this.#table.matched(subscription, pattern, symbol)
    this.#outbox.schedule()
  }

  patternReady(subscription: Subscription, pattern: PatternState): void {
    this.#table.patternReady(subscription, pattern)
    this.#outbox.schedule()
  }

  patternRefused(subscription: Subscription, pattern: PatternState, code: string, message: string): void {
    this.#table.patternRefused(subscription, pattern, code, message)
    this.#outbox.schedule()
  }

  owes(): void {
    this.#outbox.schedule()
  }

  stale(feed: Feed, partitions: readonly number[], state: StaleState): void {
    const { hop, reason, message, sinceMs } = state
    ;(this.#toldStale ??= new Set()).add(feed)
    this.say({ t: 'stale', feed: feed.name, ...named(partitions), hop, reason, since: Math.round(sinceMs), message })
  }

  /** With the pulse that shows it: until that has come, the receiver can only blame this node for data that is old. */
  live(feed: Feed, partitions: readonly number[]): void {
    this.withdraw(feed, partitions)
    this.#outbox.pulseAlong()
  }

  /** What was said of these holds no more: nothing is said of them now. */
  withdraw(feed: Feed, partitions: readonly number[]): void {
    this.#outbox.pulses.forgetWaiting()
    this.say({ t: 'live', feed: feed.name, ...named(partitions) })
  }

  feedsChanged(): void {
    this.#outbox.pulses.forgetWaiting()
    this.say({ t: 'feeds', feeds: this.#context.hub.info() })
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
    this.say(frame)
  }

  // ---- sending

  /** An answer or a notice, which goes before all updates. */
  say(frame: ControlFrame): void {
    this.#outbox.control(frame)
  }

  overflowed(answers: number): void {
    this.close('slow_consumer', `${answers} answers wait for it to take something`)
  }

  pulse(): void {
    this.#outbox.pulse()
  }

  /** The wheel's call. */
  meet(nowMs: number): boolean {
    return this.#outbox.meet(nowMs)
  }

  // ---- slow receivers

  /** Called now and then: tells a slow receiver, cuts one that takes nothing. */
  check(nowMs: number): void {
    const { options } = this.#context
    if (this.state === 'greeting') {
      if (nowMs - this.openedAtMs > options.helloTimeoutMs) this.close('hello_timeout', `no hello within ${options.helloTimeoutMs} ms`)
      return
    }
    this.#credentials?.look()
    if (this.isOver) return
    const { flow, slowness } = this.#outbox
    const notice = slowness.notice(nowMs)
    if (notice === 'slow') this.#tellSlow()
    else if (notice === 'caught_up') {
      this.#notes?.note(this, 'caught_up', 'it is in step again')
      this.say({ t: 'notice', code: 'caught_up', message: 'you are in step again' })
    }
    const silentMs = flow.silentMs(nowMs, this.transport.bufferedBytes)
    const change = this.#stall.look(silentMs, options.stallAfterMs + 2 * flow.roundTripMs, this.transport)
    if (change !== undefined) this.#context.stalled(this, this.#stall.kind, silentMs)
    if (silentMs > options.ackTimeoutMs || this.#stall.isStuck(silentMs, options.stuckTimeoutMs, this.transport))
      this.close('slow_consumer', `for ${Math.round(silentMs)} ms ${this.#stall.describe(this.transport)}`)
  }

  #tellSlow(): void {
    this.#notes?.note(this, 'slow', 'it takes less than it is sent')
    this.#context.log.info('slow', `${this.#name} takes less than it is sent`, {
      session: this.id,
      windowBytes: this.#outbox.flow.windowBytes,
    })
    const message = 'you take less than you are sent: updates are conflated; a receiver that takes nothing is cut'
    this.say({ t: 'notice', code: 'slow', message })
  }

  // ---- the end

  /** Asks the receiver to move. @returns false when it cannot be asked, or was for the same reason. */
  goodbye(code: MoveReason, message: string, reconnectAfterMs: number, elsewhere: Elsewhere): boolean {
    if (this.state !== 'open' || this.#asked === code) return false
    this.#asked = code
    const addresses = elsewhere(code)
    this.#notes?.note(this, 'asked_to_move', `${code}: to ${addresses.join(', ') || 'wherever it finds'}`)
    this.say({ t: 'goodbye', code, message, reconnectAfterMs, addresses })
    return true
  }

  drained(): void {
    this.#outbox.resume()
  }

  close(reason: CloseReason, message: string): void {
    if (this.isOver) return
    this.#context.log.info('session_closed', `${this.#name}: ${message}`, { session: this.id, reason, remote: this.transport.remote })
    this.#end(reason, CLOSE_CODES[reason][0], `${reason}: ${message}`)
  }

  /** What was said before the end, an error most of all, goes out first. */
  #end(how: SessionEnd, code: number, reason: string): void {
    this.#how = how
    this.#endReason = reason
    this.#outbox.flush()
    this.state = 'leaving'
    this.transport.close(code, reason)
    this.#leave()
  }

  /** Cut for want of memory: what waits for it goes at once, the rest when the transport lets go. */
  shed(reason: CloseReason, why: string): void {
    if (this.isOver) return
    this.#context.log.info('session_closed', `${this.#name}: ${why}`, { session: this.id, reason, remote: this.transport.remote })
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
    if (was !== 'greeting') this.#notes?.note(this, 'closed', describeEnd(why, this.#outbox.flow.account(this.#context.hub.clock.nowMs())))
    this.#context.closed(this, this.#how ?? endOf(code))
    if (was !== 'leaving') this.#context.log.debug('session_ended', reason || `closed with ${code}`, { session: this.id, code })
  }

  /** Takes the session out of the hub, so that it costs nothing while the connection closes. */
  #leave(): void {
    this.#credentials?.leave()
    this.#table.close()
    this.#outbox.close()
  }
}

/** A notice of the whole feed names no partitions. */
function named(partitions: readonly number[]): { readonly partitions?: readonly number[] } {
  return partitions.includes(WHOLE_FEED) ? {} : { partitions }
}
