import {
  CLOSE_CODES,
  formatPosition,
  PROTOCOL_VERSION,
  ProtocolError,
  type CloseReason,
  type ControlFrame,
  type HelloFrame,
  type PulseAckFrame,
  type RefusalCode,
  type UpstreamFrame,
} from '@pulsewire/protocol'
import type { Entry, Feed, Hub, PatternState, StaleState, Subscriber, Subscription, SymbolState } from '../hub/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Composer } from './composer.ts'
import { FlowWindow } from './flow.ts'
import { readInbound, type BadFrame } from './inbound.ts'
import type { Lane, LaneClock, LaneOwner } from './lanes.ts'
import type { SessionOptions } from './options.ts'
import type { Flushable, FlushScheduler } from './scheduler.ts'
import { SubscribeError, SubscriptionTable } from './table.ts'
import type { Transport, TransportHandler } from './transport.ts'

/** What all sessions of a node share. */
export interface SessionContext {
  readonly hub: Hub
  readonly options: SessionOptions
  readonly role: 'push' | 'gateway'
  readonly version: string
  readonly groups: ReadonlyMap<string, readonly string[]>
  readonly composers: Readonly<Record<Composer['encoding'], Composer>>
  readonly scheduler: FlushScheduler
  readonly laneClock: LaneClock
  readonly log: Logger
  /** The session has said hello: it takes part in pulses and notices from now on. */
  opened(session: Session): void
  closed(session: Session): void
}

export type SessionState = 'greeting' | 'open' | 'leaving' | 'closed'

/** A receiver that asked for less than this gets each pulse as it comes. */
export const EAGER_BELOW_MS = 200

const BAD_FRAMES_MAX = 4
/** How long a receiver has to be behind before it is told so, and in step before that is taken back. */
const SLOW_NOTICE_AFTER_MS = 1000

/** The sender's side of one hop: one receiver, what it subscribes to, and what is due to it. */
export class Session implements Subscriber, TransportHandler, Flushable, LaneOwner {
  readonly id: string
  readonly transport: Transport
  readonly openedAtMs: number
  state: SessionState = 'greeting'
  user = ''
  client = ''
  pulseIntervalMs: number
  // The scheduler's.
  scheduled = false
  flushedAtTick = 0
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
  #queue: Entry[] = []
  #queueHead = 0
  #lanes: Lane[] | null = null
  readonly #pulsesSent: number[]
  #badFrames = 0
  #mismatches = 0
  #lastPulse = { pulse: 0, count: 0, digest: 0, settled: false }
  #repairMark = 0
  #behindSinceMs = -1
  #caughtUpSinceMs = -1
  #slow = false

  constructor(id: string, transport: Transport, context: SessionContext) {
    this.id = id
    this.transport = transport
    this.#context = context
    this.openedAtMs = context.hub.clock.nowMs()
    this.pulseIntervalMs = context.options.pulseIntervalMs
    const feeds = context.hub.feeds.length
    this.#known = new Array<number>(feeds).fill(0)
    this.#pulsesSent = new Array<number>(feeds).fill(0)
    this.#flow = new FlowWindow(this.openedAtMs, context.options.outboundBytesMax)
    this.#table = new SubscriptionTable(context.hub, this, context.groups, context.options.subscriptionsMax)
  }

  get symbols(): number {
    return this.#table.symbols
  }

  usesFeed(feed: Feed): boolean {
    return this.#table.usesFeed(feed)
  }

  // ---- what the receiver sends

  message(message: Uint8Array | string): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    try {
      for (const frame of readInbound(this.transport.encoding, message)) this.#frame(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.close('protocol_error', error.message)
    }
  }

  #frame(frame: UpstreamFrame | BadFrame): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    if (frame.t === 'bad') return this.#bad(frame.code, frame.message, frame.id)
    if (this.state === 'greeting') {
      if (frame.t !== 'hello') return this.close('protocol_error', `the first frame is hello, not ${frame.t}`)
      return this.#hello(frame)
    }
    this.#badFrames = frame.t === 'ack' ? this.#badFrames : 0
    if (frame.t === 'ack') this.#ack(frame)
    else if (frame.t === 'subscribe') this.#subscribe(frame)
    else if (frame.t === 'unsubscribe') this.#unsubscribe(frame)
    else if (frame.t === 'sync') this.#control({ t: 'sync', echo: frame.at, at: this.#context.hub.clock.nowMs() })
    else if (frame.t === 'bye') this.transport.close(1000, 'bye')
    else if (frame.t === 'hello') this.#bad('bad_frame', 'hello was said already')
    else this.#control({ t: 'token' })
  }

  #hello(frame: HelloFrame): void {
    this.state = 'open'
    this.client = frame.client
    this.user = frame.user ?? ''
    this.pulseIntervalMs = Math.max(this.#context.options.pulseIntervalMs, frame.pulseIntervalMs ?? 0)
    this.#welcome()
    this.#context.opened(this)
  }

  #welcome(): void {
    const { hub, options, role, version } = this.#context
    const slowerMs = Math.max(0, this.pulseIntervalMs - options.pulseIntervalMs)
    this.#control({
      t: 'welcome',
      session: this.id,
      node: hub.nodeId,
      role,
      version: `${version} (protocol ${PROTOCOL_VERSION})`,
      at: hub.clock.nowMs(),
      epoch: hub.epoch,
      pulseIntervalMs: this.pulseIntervalMs,
      staleAfterMs: options.staleAfterMs + slowerMs,
      feeds: hub.info(),
      limits: { messageBytesMax: options.messageBytesMax, subscriptionsMax: options.subscriptionsMax },
    })
  }

  #subscribe(frame: Extract<UpstreamFrame, { t: 'subscribe' }>): void {
    const hadFeeds = this.#context.hub.feeds.filter((feed) => this.#table.usesFeed(feed))
    try {
      this.#table.subscribe(frame)
    } catch (error) {
      if (!(error instanceof SubscribeError)) throw error
      return this.#bad(error.code, error.message, error.id)
    }
    const feed = this.#context.hub.feed(frame.feed)
    // Who comes while a partition is stale has missed the notice.
    if (feed !== undefined && !hadFeeds.includes(feed)) this.#tellStale(feed)
    this.#schedule()
  }

  #unsubscribe(frame: Extract<UpstreamFrame, { t: 'unsubscribe' }>): void {
    // Answers that are owed come first: a receiver told `unsubscribed` and then `ok` would hold what is gone.
    this.#queueAnswers()
    this.#control(this.#table.unsubscribe(frame))
  }

  #tellStale(feed: Feed): void {
    for (const { partition, stale } of feed.freshness.partitions) if (stale !== null) this.stale(feed, [partition], stale)
  }

  #ack(frame: Extract<UpstreamFrame, { t: 'ack' }>): void {
    const nowMs = this.#context.hub.clock.nowMs()
    if ('mark' in frame) {
      this.#flow.acked('mark', frame.mark, nowMs)
      if (frame.mark === this.#repairMark) this.#endRepair()
    } else {
      this.#flow.acked('pulse', frame.pulse, nowMs)
      this.#compareDigest(frame)
    }
    if (this.#queueHead < this.#queue.length || this.pulseDue) this.#schedule()
  }

  /** Both ends hold the same set, or one of them has lost a frame: then the receiver names everything again. */
  #compareDigest(ack: PulseAckFrame): void {
    const sent = this.#lastPulse
    if (ack.pulse !== sent.pulse || !sent.settled || this.#repairMark !== 0) return
    if (ack.count === sent.count && ack.digest === sent.digest) {
      this.#mismatches = 0
      return
    }
    if (++this.#mismatches < 2) return
    this.#mismatches = 0
    const { count, value } = this.#table.digest
    this.#context.log.warn('digest_differs', 'a receiver holds another set of subscriptions; it names them again', {
      session: this.id,
      here: count,
      there: ack.count,
    })
    this.#table.beginRepair()
    this.#control({ t: 'resubscribe', count, digest: value })
    this.#repairMark = this.#flow.nextMark()
    this.#control({ t: 'mark', mark: this.#repairMark })
  }

  #endRepair(): void {
    this.#repairMark = 0
    this.#table.endRepair()
  }

  #bad(code: RefusalCode, message: string, id?: number): void {
    this.#control(id === undefined ? { t: 'error', code, message } : { t: 'error', code, message, id })
    if (++this.#badFrames >= BAD_FRAMES_MAX)
      this.close('too_many_errors', `${BAD_FRAMES_MAX} frames in a row could not be handled; the last: ${message}`)
  }

  // ---- what the hub tells

  due(entry: Entry): void {
    entry.queued = true
    const { periodMs } = entry.subscription
    if (periodMs > 0 && !entry.whole) return this.#toLane(entry, periodMs)
    this.#queue.push(entry)
    if (!this.scheduled) this.#context.scheduler.schedule(this)
  }

  ready(entry: Entry): void {
    this.#table.ready(entry)
    this.#schedule()
  }

  refused(entry: Entry, code: string, message: string): void {
    if (this.#table.refused(entry, code, message)) {
      this.#control({ t: 'ended', id: entry.subscription.id, symbols: [[entry.symbol.name, code, message]] })
    }
    this.#schedule()
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
    this.#control({ t: 'stale', feed: feed.name, partitions, hop, reason, since: Math.round(sinceMs), message })
  }

  live(feed: Feed, partitions: readonly number[]): void {
    this.#control({ t: 'live', feed: feed.name, partitions })
  }

  feedsChanged(): void {
    this.#control({ t: 'feeds', feeds: this.#context.hub.info() })
  }

  pulse(): void {
    this.pulseDue = true
    this.#schedule()
  }

  // ---- sending

  #control(frame: ControlFrame): void {
    if (this.state === 'closed') return
    this.#controls.push(frame)
    this.#schedule()
  }

  #schedule(): void {
    if (!this.scheduled && this.state !== 'closed') this.#context.scheduler.schedule(this)
  }

  #toLane(entry: Entry, periodMs: number): void {
    this.#lanes ??= []
    let lane = this.#lanes.find((known) => known.periodMs === periodMs)
    if (lane === undefined) {
      lane = { periodMs, dueAtMs: 0, entries: [] }
      this.#lanes.push(lane)
    }
    if (lane.entries.length === 0) {
      lane.dueAtMs = this.#context.laneClock.nextTickMs(periodMs)
      this.#context.laneClock.wait(periodMs, this)
    }
    lane.entries.push(entry)
  }

  lanesDue(): void {
    this.#schedule()
  }

  #takeDueLanes(nowMs: number): void {
    if (this.#lanes === null) return
    for (const lane of this.#lanes) {
      if (lane.entries.length === 0) continue
      if (lane.dueAtMs > nowMs) continue
      for (const entry of lane.entries) this.#queue.push(entry)
      lane.entries = []
    }
  }

  /** The scheduler's call: puts what is due into one message, as far as the receiver's line takes it. */
  flush(): void {
    if (this.state === 'closed') return
    const nowMs = this.#context.hub.clock.nowMs()
    this.#takeDueLanes(nowMs)
    const open = this.#flow.openBytes
    if (open <= 0 && this.#flow.awaitsAck) return this.#fellBehind(nowMs)
    const composer = this.#context.composers[this.transport.encoding]
    composer.begin(this.#known)
    this.#queueAnswers()
    for (const frame of this.#controls) composer.control(frame)
    this.#controls.length = 0
    this.#writeDue(composer, open)
    const empty = this.#queueHead >= this.#queue.length
    if (empty) {
      this.#queue.length = 0
      this.#queueHead = 0
    }
    const pulse = empty && this.pulseDue ? this.#writePulses(composer) : 0
    // A closed window that no acknowledgement is due to would stay closed: a mark asks for one.
    if (composer.size === 0 && open > 0) return
    const mark = pulse === 0 && (open <= 0 || this.#flow.wantsMark(composer.size)) ? this.#flow.nextMark() : 0
    if (mark !== 0) composer.mark(mark)
    this.#flow.sent(composer.size, nowMs, pulse, mark)
    this.transport.send(composer.finish())
    if (empty) this.#inStep(nowMs)
    else this.#schedule()
  }

  #writeDue(composer: Composer, openBytes: number): void {
    const queue = this.#queue
    while (this.#queueHead < queue.length && composer.size < openBytes) {
      const entry = queue[this.#queueHead++]!
      entry.queued = false
      if (entry.detached || !entry.answered) continue
      if (entry.subscription.delivery === 'every' && entry.held >= 0) this.#writeItems(composer, entry, openBytes)
      else this.#writeLatest(composer, entry)
    }
  }

  #writeLatest(composer: Composer, entry: Entry): void {
    if (entry.symbol.offset < 0 || !composer.latest(entry)) return
    const { symbol } = entry
    entry.held = symbol.count
    entry.whole = symbol.deleted
    if (entry.subscription.delivery === 'every') entry.heldPosition = formatPosition(symbol)
  }

  /** Gives every record after what the receiver holds; what history no longer has is said to be missing. */
  #writeItems(composer: Composer, entry: Entry, openBytes: number): void {
    const { symbol } = entry
    const history = symbol.history!
    for (;;) {
      const item = history.firstAfter(entry.held)
      if (item === undefined) {
        // A receiver that resumed and missed nothing still needs an image for changes to apply to.
        if (entry.whole && entry.held === symbol.count && symbol.hasImage) this.#writeLatest(composer, entry)
        return
      }
      const n = item.count - entry.held
      if (n > item.n) {
        composer.control({ t: 'gap', ref: entry.ref, after: entry.heldPosition })
        entry.whole = true
      }
      composer.item(entry, item, entry.whole, n)
      entry.held = item.count
      entry.whole = item.deleted
      entry.heldPosition = formatPosition(item)
      if (composer.size >= openBytes) {
        if (history.firstAfter(entry.held) !== undefined) this.due(entry)
        return
      }
    }
  }

  #queueAnswers(): void {
    for (const frame of this.#table.takeAnswers()) {
      this.#controls.push(frame)
      // What was just answered is proven fresh at once, not only at the next pulse; and a gateway waits for the pulse,
      // because it says that everything promised has been sent.
      if (frame.done === true) this.pulseDue ||= this.pulseIntervalMs < EAGER_BELOW_MS || this.#awaitsFirstPulse()
    }
  }

  #awaitsFirstPulse(): boolean {
    return this.#context.hub.feeds.some((feed) => this.#table.usesFeed(feed) && (this.#pulsesSent[feed.index] ?? 0) === 0)
  }

  /** @returns the highest number written. */
  #writePulses(composer: Composer): number {
    const { hub } = this.#context
    let highest = 0
    for (const feed of hub.feeds) {
      if (!this.#table.usesFeed(feed)) continue
      const frame = hub.pulseFrame(feed, composer.encoding)
      if (frame === undefined || frame.pulse <= (this.#pulsesSent[feed.index] ?? 0)) continue
      composer.pulse(frame)
      this.#pulsesSent[feed.index] = frame.pulse
      highest = Math.max(highest, frame.pulse)
    }
    if (highest === 0) {
      const frame = hub.heartbeat(composer.encoding)
      composer.pulse(frame)
      highest = frame.pulse
    }
    this.pulseDue = false
    const { count, value } = this.#table.digest
    this.#lastPulse = { pulse: highest, count, digest: value, settled: !this.#table.answersOutstanding }
    return highest
  }

  // ---- slow receivers

  #fellBehind(nowMs: number): void {
    this.#caughtUpSinceMs = -1
    if (this.#behindSinceMs < 0) this.#behindSinceMs = nowMs
  }

  #inStep(nowMs: number): void {
    this.#behindSinceMs = -1
    if (this.#slow && this.#caughtUpSinceMs < 0) this.#caughtUpSinceMs = nowMs
  }

  /** Called now and then: tells a slow receiver, cuts one that takes nothing. */
  check(nowMs: number): void {
    const { options } = this.#context
    if (this.state === 'greeting') {
      if (nowMs - this.openedAtMs > options.helloTimeoutMs) this.close('hello_timeout', `no hello within ${options.helloTimeoutMs} ms`)
      return
    }
    if (!this.#slow && this.#behindSinceMs >= 0 && nowMs - this.#behindSinceMs > SLOW_NOTICE_AFTER_MS) this.#tellSlow()
    if (this.#slow && this.#caughtUpSinceMs >= 0 && nowMs - this.#caughtUpSinceMs > SLOW_NOTICE_AFTER_MS) this.#tellCaughtUp()
    const silentMs = this.#flow.silentMs(nowMs, this.transport.bufferedBytes)
    if (silentMs > options.ackTimeoutMs) {
      const stuck =
        this.transport.bufferedBytes > 0
          ? `its socket takes nothing (${this.transport.bufferedBytes} bytes wait)`
          : 'it acknowledges nothing'
      this.close('slow_consumer', `for ${Math.round(silentMs)} ms ${stuck}`)
    }
  }

  #tellSlow(): void {
    this.#slow = true
    this.#caughtUpSinceMs = -1
    this.#context.log.info('slow', 'a receiver takes less than it is sent', { session: this.id, windowBytes: this.#flow.windowBytes })
    this.#control({
      t: 'notice',
      code: 'slow',
      message: 'you take less than you are sent: updates are conflated; a receiver that takes nothing is cut',
    })
  }

  #tellCaughtUp(): void {
    this.#slow = false
    this.#control({ t: 'notice', code: 'caught_up', message: 'you are in step again' })
  }

  // ---- the end

  /** Announces the end; the receiver should move. */
  goodbye(message: string, reconnectAfterMs: number, addresses: readonly string[]): void {
    if (this.state !== 'open') return
    this.#control({ t: 'goodbye', code: 'draining', message, reconnectAfterMs, addresses })
  }

  drained(): void {
    if (this.#queueHead < this.#queue.length || this.pulseDue) this.#schedule()
  }

  close(reason: CloseReason, message: string): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    // What was said before the end, an error most of all, goes out first.
    this.flush()
    this.state = 'leaving'
    this.#context.log.info('session_closed', message, { session: this.id, reason, remote: this.transport.remote })
    this.transport.close(CLOSE_CODES[reason][0], `${reason}: ${message}`)
    this.#leave()
  }

  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    const was = this.state
    this.#leave()
    this.state = 'closed'
    this.#context.closed(this)
    if (was !== 'leaving') this.#context.log.debug('session_ended', reason || `closed with ${code}`, { session: this.id, code })
  }

  /** Takes the session out of the hub, so that it costs nothing while the connection closes. */
  #leave(): void {
    this.#table.close()
    this.#context.laneClock.forget(this)
    this.#queue = []
    this.#queueHead = 0
    this.#lanes = null
    this.#controls = []
  }
}
