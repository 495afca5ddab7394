/**
 * Follows sampled updates through one process, as spans of OpenTelemetry: what is read or arrives, and when each receiver
 * was sent it. Everything here is bounded: how many begin in a second, how many are under way, how many receivers of each
 * are looked at, and how long.
 */
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import { formatPosition } from '@pulsewire/protocol'
import type { Entry, RecordWatcher, SymbolState } from '../hub/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'

/** A record that is older has been read in, after a start or an outage: nobody waits for it. */
const OLD_MS = 30_000
/** At most so many updates are under way in a process; further ones are not followed. */
const FOLLOWED_MAX = 1024
/** And so many of one symbol. */
const OF_SYMBOL_MAX = 8
/** A receiver that was not sent an update for so long is said not to have been. More than the slowest `maxRate` waits. */
const FOLLOWED_MS_MAX = 15_000
const SWEEP_INTERVAL_MS = 1000
/** At most one line about updates that were not followed in this time. */
const LEFT_OUT_LOG_INTERVAL_MS = 60_000
const HEADERS = ['traceparent', 'tracestate'] as const
/** Longer than any that is valid. */
const HEADER_BYTES_MAX = 512

/** What goes from node to node: `traceparent` and `tracestate` as the W3C has them. */
export type TraceCarrier = { readonly traceparent: string; readonly tracestate?: string }

/** What became of an update for one receiver. */
export type Outcome = 'sent' | 'conflated' | 'unchanged' | 'left' | 'not_sent'

export interface FollowedUpdatesOptions {
  readonly tracer: Tracer
  readonly propagator: TextMapPropagator
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Part of the records without `traceparent` that begin a trace of their own, 0 to 1. */
  readonly ratio: number
  /** Updates that are begun to be followed in a second. */
  readonly perSecondMax: number
  /** Receivers of each update that are followed, in each process. */
  readonly receiversMax: number
}

interface Followed {
  readonly symbol: SymbolState
  /** The symbol's count that the update brought it to. */
  readonly count: number
  /** Its own place: the symbol may be further on when it is sent. */
  readonly place: Attributes
  readonly span: Span
  readonly context: Context
  readonly sinceMs: number
  /** Receivers that have not been sent it yet. */
  readonly waiting: Set<Entry>
  readonly outcomes: Record<Outcome, number>
}

export class FollowedUpdates implements RecordWatcher {
  readonly #options: FollowedUpdatesOptions
  readonly #bySymbol = new Map<SymbolState, Followed[]>()
  #followed = 0
  #sweep: Timer | null = null
  /** Of the second at hand. */
  #secondAtMs = -Infinity
  #begun = 0
  #leftOut = 0
  #leftOutLoggedAtMs = -Infinity

  constructor(options: FollowedUpdatesOptions) {
    this.#options = options
  }

  // ---- where updates come in

  read(symbol: SymbolState, { headers }: { readonly headers?: ReadonlyMap<string, Uint8Array> }, topic: string): void {
    const parent = this.#parentOf(headers)
    if (parent === null) return
    const nowMs = this.#options.clock.nowMs()
    if (nowMs - symbol.ts > OLD_MS || !this.#mayBegin(nowMs)) return
    const span = this.#start(`process ${topic}`, SpanKind.CONSUMER, parent, nowMs, {
      ...placeOf(symbol),
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(symbol.partition),
      'messaging.kafka.offset': symbol.offset,
      'messaging.kafka.message.key': symbol.name,
      'pulsewire.record_age_ms': Math.round(nowMs - symbol.ts),
    })
    this.#follow(symbol, span, parent, nowMs)
  }

  /** An update came over a hop. `taken`: it was news; else another link had brought it before. */
  arrived(symbol: SymbolState, carrier: TraceCarrier, taken: boolean, from: Attributes): void {
    const nowMs = this.#options.clock.nowMs()
    if (!this.#mayBegin(nowMs)) return
    const parent = this.#extract(carrier)
    if (parent === null) return
    const attributes = { ...placeOf(symbol), ...from, 'messaging.system': 'pulsewire', 'messaging.operation.type': 'receive' }
    const span = this.#start(`receive ${symbol.feed.name}`, SpanKind.CONSUMER, parent, nowMs, { ...attributes, 'pulsewire.taken': taken })
    if (taken) this.#follow(symbol, span, parent, nowMs)
    else span.end(nowMs)
  }

  #parentOf(headers: ReadonlyMap<string, Uint8Array> | undefined): Context | null {
    if (headers?.has('traceparent') !== true) {
      const { ratio, random } = this.#options
      return ratio > 0 && random() < ratio ? ROOT_CONTEXT : null
    }
    const carrier: Record<string, string> = {}
    for (const name of HEADERS) {
      const value = headers.get(name)
      if (value !== undefined && value.length <= HEADER_BYTES_MAX) carrier[name] = Buffer.from(value).toString('latin1')
    }
    return this.#extract(carrier)
  }

  /** @returns `null` for what is not valid or not sampled. */
  #extract(carrier: Readonly<Record<string, string>>): Context | null {
    const context = this.#options.propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
    const parent = trace.getSpanContext(context)
    return parent === undefined || (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? null : context
  }

  /** Whether one more is followed: as many as one may in a second, and have under way. */
  #mayBegin(nowMs: number): boolean {
    if (nowMs - this.#secondAtMs >= 1000) {
      this.#secondAtMs = nowMs
      this.#begun = 0
    }
    if (this.#begun < this.#options.perSecondMax && this.#followed < FOLLOWED_MAX) {
      this.#begun++
      return true
    }
    this.#leftOut++
    if (nowMs - this.#leftOutLoggedAtMs < LEFT_OUT_LOG_INTERVAL_MS) return false
    this.#leftOutLoggedAtMs = nowMs
    this.#options.logger.warn('traces_left_out', 'more sampled updates come than are followed (traces.perSecondMax)', {
      leftOut: this.#leftOut,
      underWay: this.#followed,
    })
    return false
  }

  #follow(symbol: SymbolState, span: Span, parent: Context, nowMs: number): void {
    const waiting = this.#chosen(symbol)
    span.setAttribute('pulsewire.receivers', symbol.entries.length)
    const ofSymbol = this.#bySymbol.get(symbol) ?? []
    if (waiting.size === 0 || ofSymbol.length >= OF_SYMBOL_MAX) return void span.end(nowMs)
    const outcomes = { sent: 0, conflated: 0, unchanged: 0, left: 0, not_sent: 0 }
    const context = trace.setSpan(parent, span)
    ofSymbol.push({ symbol, count: symbol.count, place: placeOf(symbol), span, context, sinceMs: nowMs, waiting, outcomes })
    this.#bySymbol.set(symbol, ofSymbol)
    this.#followed++
    this.#sweep ??= this.#options.clock.after(SWEEP_INTERVAL_MS, () => this.#onSweep())
  }

  /** Receivers to look at, beginning somewhere, so that not always the same are left out. */
  #chosen({ entries }: SymbolState): Set<Entry> {
    const { receiversMax, random } = this.#options
    const chosen = new Set<Entry>()
    const first = entries.length > receiversMax ? Math.floor(random() * entries.length) : 0
    for (let i = 0; i < entries.length && chosen.size < receiversMax; i++) {
      const entry = entries[(first + i) % entries.length]!
      if (entry.answered) chosen.add(entry)
    }
    return chosen
  }

  // ---- where they go out

  isFollowed(symbol: SymbolState): boolean {
    return this.#bySymbol.has(symbol)
  }

  /**
   * The receiver has been given the symbol's states after `from`, up to `to`, by one update; or there was nothing in them
   * that it asked for (`unchanged`).
   * @returns what to tell the receiver about that update.
   */
  written(entry: Entry, from: number, to: number, unchanged: boolean, receiver: Attributes): TraceCarrier[] {
    const carriers: TraceCarrier[] = []
    const nowMs = this.#options.clock.nowMs()
    for (const followed of [...(this.#bySymbol.get(entry.symbol) ?? [])]) {
      const { count, waiting } = followed
      if (count <= from || count > to || !waiting.delete(entry)) continue
      const outcome = unchanged ? 'unchanged' : count < to ? 'conflated' : 'sent'
      const span = this.#sent(followed, entry, outcome, nowMs, receiver)
      if (!unchanged) carriers.push(this.#carrierOf(trace.setSpan(followed.context, span)))
      if (waiting.size === 0) this.#finish(followed, nowMs)
    }
    return carriers
  }

  #sent(followed: Followed, entry: Entry, outcome: Outcome, nowMs: number, receiver: Attributes): Span {
    const { symbol, place, outcomes, context, sinceMs } = followed
    outcomes[outcome]++
    const span = this.#start(`send ${symbol.feed.name}`, SpanKind.PRODUCER, context, sinceMs, {
      ...receiver,
      ...place,
      'messaging.system': 'pulsewire',
      'messaging.operation.type': 'send',
      'pulsewire.ref': entry.ref,
      'pulsewire.outcome': outcome,
    })
    if (outcome === 'conflated') span.addEvent('conflated', { 'pulsewire.sent_instead': formatPosition(symbol) }, nowMs)
    if (outcome === 'not_sent') span.setStatus({ code: SpanStatusCode.ERROR, message: `not sent within ${FOLLOWED_MS_MAX} ms` })
    span.end(nowMs)
    return span
  }

  #carrierOf(context: Context): TraceCarrier {
    const carrier: { traceparent: string; tracestate?: string } = { traceparent: '' }
    this.#options.propagator.inject(context, carrier, defaultTextMapSetter)
    return carrier
  }

  #onSweep(): void {
    this.#sweep = null
    const nowMs = this.#options.clock.nowMs()
    for (const ofSymbol of [...this.#bySymbol.values()]) {
      for (const followed of [...ofSymbol]) {
        const isLate = nowMs - followed.sinceMs >= FOLLOWED_MS_MAX
        for (const entry of followed.waiting) if (isLate || entry.detached) this.#giveUp(followed, entry, nowMs)
        if (followed.waiting.size === 0) this.#finish(followed, nowMs)
      }
    }
    if (this.#followed > 0) this.#sweep = this.#options.clock.after(SWEEP_INTERVAL_MS, () => this.#onSweep())
  }

  #giveUp(followed: Followed, entry: Entry, nowMs: number): void {
    followed.waiting.delete(entry)
    this.#sent(followed, entry, entry.detached ? 'left' : 'not_sent', nowMs, {})
  }

  #finish(followed: Followed, nowMs: number): void {
    const { symbol, span, outcomes } = followed
    const rest = this.#bySymbol.get(symbol)!.filter((other) => other !== followed)
    if (rest.length === 0) this.#bySymbol.delete(symbol)
    else this.#bySymbol.set(symbol, rest)
    this.#followed--
    for (const [outcome, count] of Object.entries(outcomes)) if (count > 0) span.setAttribute(`pulsewire.receivers.${outcome}`, count)
    span.end(nowMs)
  }

  /** Ends all that is under way, as the process does. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = null
    const nowMs = this.#options.clock.nowMs()
    for (const ofSymbol of [...this.#bySymbol.values()]) for (const followed of [...ofSymbol]) this.#finish(followed, nowMs)
  }

  #start(name: string, kind: SpanKind, parent: Context, startTime: number, attributes: Attributes): Span {
    return this.#options.tracer.startSpan(name, { kind, startTime, attributes }, parent)
  }
}

function placeOf(symbol: SymbolState): Attributes {
  return { 'pulsewire.feed': symbol.feed.name, 'pulsewire.symbol': symbol.name, 'pulsewire.position': formatPosition(symbol) }
}
