import type { FieldValue } from '@pulsewire/protocol'
import type { Access } from '../../packages/server/src/access/index.ts'
import type { Asks } from '../../packages/server/src/diagnosis/index.ts'
import {
  Hub,
  type Feed,
  type FeedOptions,
  type HubSource,
  type RecordPlace,
  type SymbolState,
} from '../../packages/server/src/hub/index.ts'
import type { SessionNotes } from '../../packages/server/src/history/index.ts'
import { createMemoryLogger, type MemoryLogger } from '../../packages/server/src/runtime/logger.ts'
import { Sessions, type SessionOptions } from '../../packages/server/src/session/index.ts'
import type { FollowedUpdates } from '../../packages/server/src/tracing/index.ts'
import { ManualClock } from './manual-clock.ts'
import { Receiver, type ReceiverOptions } from './receiver.ts'

export const feedOptions: FeedOptions = {
  name: 'quote',
  codec: 'json',
  mode: 'latest',
  merge: false,
  generation: 1,
  symbolsMax: 1000,
  staleAfterMs: 1500,
  history: { recordsPerSymbolMax: 100, bytesMax: 1024 * 1024 },
}

export const sessionOptions: SessionOptions = {
  flushIntervalMs: 10,
  pulseIntervalMs: 1000,
  staleAfterMs: 2500,
  messageBytesMax: 16 * 1024,
  messagesPerSecondMax: 0,
  subscriptionsMax: 100,
  unknownSymbolsMax: 100_000,
  patternsMax: 100,
  feedPatternsMax: 1000,
  outboundBytesMax: 1024 * 1024,
  stallAfterMs: 1250,
  stuckTimeoutMs: 4_000,
  ackTimeoutMs: 15_000,
  helloTimeoutMs: 5000,
  sessionsMax: 10,
  drainPerSecond: 500,
}

/** A source that has everything, as a push node's. */
export const everything: HubSource = {
  want: () => true,
  unwant(symbol) {
    if (symbol.offset < 0) symbol.feed.drop(symbol)
  },
  wantPattern: () => true,
  unwantPattern() {},
  explain: () => ({ hop: 'log', reason: 'no_pulse', message: 'nothing comes' }),
}

export interface SenderOptions {
  readonly clock?: ManualClock
  readonly nodeId?: string
  readonly role?: 'push' | 'gateway'
  readonly feeds?: readonly Partial<FeedOptions>[]
  readonly session?: Partial<SessionOptions>
  readonly asks?: Asks
  readonly access?: Access
  readonly groups?: Readonly<Record<string, readonly string[]>>
  readonly source?: HubSource
  readonly notes?: SessionNotes
  readonly followed?: FollowedUpdates
  readonly elsewhere?: ConstructorParameters<typeof Sessions>[0]['elsewhere'] & {}
}

export interface RecordOptions {
  readonly feed?: string
  readonly partition?: number
  readonly generation?: number
  /** Default: the next one of the partition. */
  readonly offset?: number
  readonly ts?: number
  readonly merge?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export interface PulseOptions {
  readonly feed?: string
  readonly partition?: number
  /** Default: the next one of the partition. */
  readonly offset?: number
  readonly writtenAtMs?: number
}

/** One node's hub and sessions, fed by a test record by record: a push node without its log. */
export class Sender {
  readonly clock: ManualClock
  readonly hub: Hub
  readonly sessions: Sessions
  readonly log: MemoryLogger = createMemoryLogger()
  readonly #offsets = new Map<string, number>()

  constructor(options: SenderOptions = {}) {
    this.clock = options.clock ?? new ManualClock()
    const feeds = (options.feeds ?? [{}]).map((feed) => ({ ...feedOptions, ...feed }))
    this.hub = new Hub({ nodeId: options.nodeId ?? 'push-a1', clock: this.clock, feeds })
    this.sessions = new Sessions({
      hub: this.hub,
      session: { ...sessionOptions, ...options.session },
      role: options.role ?? 'push',
      version: '0.0.0',
      ...(options.asks === undefined ? {} : { asks: options.asks }),
      ...(options.access === undefined ? {} : { access: options.access }),
      groups: new Map(Object.entries(options.groups ?? {})),
      log: this.log,
      random: () => 0.5,
      ...(options.elsewhere === undefined ? {} : { elsewhere: options.elsewhere }),
      ...(options.notes === undefined ? {} : { notes: options.notes }),
      ...(options.followed === undefined ? {} : { followed: options.followed }),
    })
    this.hub.watcher = options.followed ?? null
    this.hub.connect(options.source ?? everything, this.sessions)
    for (const feed of this.hub.feeds) this.hub.setShape(feed, feed.generation, 1)
  }

  feed(name = 'quote'): Feed {
    return this.hub.feed(name)!
  }

  symbol(name: string, feed = 'quote'): SymbolState {
    return this.feed(feed).obtain(name)!
  }

  /** A record of the log reaches the hub. `null`: a tombstone; bytes: a raw value. */
  record(name: string, value: Readonly<Record<string, FieldValue>> | Uint8Array | null, options: RecordOptions = {}): void {
    const feed = this.feed(options.feed)
    const symbol = feed.admit(name)!
    const place = this.#place(feed, symbol, options)
    const appeared = !symbol.hasImage
    if (value === null) symbol.applyDelete(place)
    else if (value instanceof Uint8Array) symbol.applyRaw(place, value)
    else symbol.applyRecord(place, value, options.merge ?? feed.options.merge)
    const headers = new Map(Object.entries(options.headers ?? {}).map(([header, text]) => [header, Buffer.from(text)]))
    this.hub.watcher?.read(symbol, { headers }, `${feed.name}s`)
    this.hub.updated(symbol, appeared && symbol.hasImage)
  }

  /** A pulse record reaches the hub, behind all records before it. */
  pulse(options: PulseOptions = {}): void {
    const feed = this.feed(options.feed)
    const partition = options.partition ?? 0
    const nowMs = this.clock.nowMs()
    this.hub.pulse(feed, {
      generation: feed.generation,
      partition,
      offset: options.offset ?? this.#nextOffset(feed, partition, feed.generation),
      writtenAtMs: options.writtenAtMs ?? nowMs,
      path: [this.hub.nodeId],
      arrivedAtMs: [nowMs],
    })
  }

  /** A receiver that has said hello and been welcomed. */
  connect(options: ReceiverOptions = {}): Receiver {
    const receiver = this.connectSilently(options)
    receiver.hello()
    return receiver
  }

  /** A connection on which nothing was said yet. */
  connectSilently(options: ReceiverOptions = {}): Receiver {
    return new Receiver(this.clock, (transport) => this.sessions.accept(transport), options)
  }

  #place(feed: Feed, symbol: SymbolState, options: RecordOptions): RecordPlace {
    const partition = options.partition ?? 0
    const generation = options.generation ?? feed.generation
    const offset = options.offset ?? this.#nextOffset(feed, partition, generation)
    const isSamePlace = symbol.offset >= 0 && symbol.partition === partition && symbol.generation === generation
    const prev = feed.history !== null && isSamePlace ? symbol.offset : -1
    return { generation, partition, offset, ts: options.ts ?? this.clock.nowMs(), n: 1, prev }
  }

  #nextOffset(feed: Feed, partition: number, generation: number): number {
    const key = `${feed.name}/${generation}/${partition}`
    const offset = this.#offsets.get(key) ?? 0
    this.#offsets.set(key, offset + 1)
    return offset
  }
}
