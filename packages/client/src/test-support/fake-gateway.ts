import {
  decodeUpstreamBin,
  decodeUpstreamJson,
  SubscriptionDigest,
  type DownstreamFrame,
  type Encoding,
  type FeedInfo,
  type FieldValue,
  type HelloFrame,
  type PulseAckFrame,
  type SubscribeFrame,
  type UnsubscribeFrame,
  type UpdateFrame,
  type UpstreamFrame,
} from '@pulsewire/protocol'
import type { SocketEvents } from '../connection/socket.ts'
import { BinWriter } from './bin-writer.ts'
import type { Clock } from '../clock.ts'

export interface LogRecord {
  readonly symbol: string
  readonly partition: number
  readonly offset: number
  readonly prev: number
  readonly ts: number
  readonly values: Record<string, FieldValue>
}

/** A log that several gateways share. Partitions by the first letter's code, so that tests can choose. */
export class FakeLog {
  readonly partitions: number
  readonly generation = 1
  readonly records: LogRecord[] = []
  readonly #ends: number[]

  constructor(partitions = 2) {
    this.partitions = partitions
    this.#ends = Array.from({ length: partitions }, () => 100)
  }

  partitionOf(symbol: string): number {
    return symbol.charCodeAt(0) % this.partitions
  }

  append(symbol: string, values: Record<string, FieldValue>, ts: number): LogRecord {
    const partition = this.partitionOf(symbol)
    const prev = this.latest(symbol)?.offset ?? -1
    const record = { symbol, partition, offset: this.#ends[partition]!++, prev, ts, values: { ...this.latest(symbol)?.values, ...values } }
    this.records.push(record)
    return record
  }

  appendPulse(partition: number): number {
    return this.#ends[partition]!++
  }

  latest(symbol: string): LogRecord | undefined {
    return this.records.findLast((record) => record.symbol === symbol)
  }
}

interface Sub {
  readonly id: number
  readonly ref: number
  readonly symbol: string
  readonly every: boolean
}

/** A gateway as a script: by default it behaves, and a test changes what it wants to see misbehave. */
export class FakeGateway {
  readonly node: string
  readonly log: FakeLog
  readonly clock: Pick<Clock, 'nowMs'>
  readonly connections: FakeConnection[] = []
  feed: FeedInfo
  /** Wall clock of the gateway minus the client's. */
  skewMs = 0
  staleAfterMs = 2_500
  messageBytesMax = 16_384
  /** Refuses connections. */
  down = false
  /** Answers hello by itself. */
  welcomes = true
  /** Answers subscribes by itself. */
  answers = true
  /** Whether it answers `sync`. */
  tellsTime = true
  /** Knows records older than the newest: honours `from` on `every`. */
  history = true
  /** Which of the offered encodings it takes. */
  encoding: Encoding | undefined
  groups = new Map<string, string[]>()
  refusals = new Map<string, [code: string, message: string]>()
  /** Age of a pulse when it is sent on, in ms, and the hops. */
  pulseAgeMs = 10

  constructor(node: string, log: FakeLog, clock: Pick<Clock, 'nowMs'>, feed: Partial<FeedInfo> = {}) {
    this.node = node
    this.log = log
    this.clock = clock
    this.feed = { feed: 'quote', mode: 'latest', codec: 'json', generation: log.generation, partitions: log.partitions, ...feed }
  }

  get connection(): FakeConnection {
    const connection = this.connections.findLast((each) => each.open)
    if (connection === undefined) throw new Error(`${this.node} has no open connection`)
    return connection
  }

  nowMs(): number {
    return this.clock.nowMs() + this.skewMs
  }

  readonly #held: LogRecord[] = []
  #paused = false
  #frozen = false

  /** Says nothing and reads nothing, as a stopped process: afterwards both go on where they stood. */
  get frozen(): boolean {
    return this.#frozen
  }
  set frozen(frozen: boolean) {
    this.#frozen = frozen
    if (!frozen) for (const connection of this.connections) connection.thaw()
  }

  /** Forwarding is late: what comes meanwhile is sent when this ends. Snapshots are not late. */
  set paused(paused: boolean) {
    this.#paused = paused
    if (!paused) for (const record of this.#held.splice(0)) this.forward(record)
  }

  /** Sends a record to whoever subscribes to its symbol. */
  forward(record: LogRecord): void {
    if (this.#paused) this.#held.push(record)
    else for (const connection of this.connections) connection.forward(record)
  }

  /** Sends a pulse of every partition, or of some, to every connection. */
  pulse(partitions = Array.from({ length: this.log.partitions }, (_, index) => index), ageMs = this.pulseAgeMs): void {
    const offsets = partitions.map((partition) => this.log.appendPulse(partition))
    for (const connection of this.connections) connection.pulse(partitions, offsets, ageMs)
  }

  heartbeat(): void {
    for (const connection of this.connections) connection.send({ t: 'pulse', pulse: ++pulses, at: this.nowMs() })
  }
}

let pulses = 0

export class FakeConnection {
  readonly gateway: FakeGateway
  readonly url: string
  readonly received: UpstreamFrame[] = []
  readonly subs: Sub[] = []
  readonly digest = new SubscriptionDigest()
  readonly encoding: Encoding
  open = true
  #hasWelcomed = false
  closeCode: number | undefined
  readonly #events: SocketEvents
  readonly #bin = new BinWriter()
  #patterns: { id: number; pattern: RegExp }[] = []
  readonly #unsent: DownstreamFrame[][] = []
  readonly #unread: (string | Uint8Array)[] = []
  #nextRef = 1

  constructor(gateway: FakeGateway, url: string, encoding: Encoding, events: SocketEvents) {
    this.gateway = gateway
    this.url = url
    this.encoding = encoding
    this.#events = events
  }

  get hello(): HelloFrame {
    return this.received.find((frame) => frame.t === 'hello')!
  }

  of<T extends UpstreamFrame['t']>(t: T): Extract<UpstreamFrame, { t: T }>[] {
    return this.received.filter((frame) => frame.t === t) as Extract<UpstreamFrame, { t: T }>[]
  }

  get lastPulseAck(): PulseAckFrame | undefined {
    return this.of('ack').findLast((frame): frame is PulseAckFrame => 'pulse' in frame)
  }

  /** One message with these frames. */
  send(...frames: DownstreamFrame[]): void {
    if (!this.open) return
    if (this.gateway.frozen) {
      this.#unsent.push(frames)
      return
    }
    this.sendRaw(this.encoding === 'pulsewire.bin.v1' ? this.#bin.write(frames) : JSON.stringify(frames))
  }

  /** The gateway goes on after a freeze. */
  thaw(): void {
    for (const frames of this.#unsent.splice(0)) this.send(...frames)
    for (const data of this.#unread.splice(0)) this.receive(data)
  }

  sendRaw(data: string | Uint8Array): void {
    queueMicrotask(() => {
      if (this.open) this.#events.onMessage(data)
    })
  }

  close(code: number, reason = ''): void {
    queueMicrotask(() => {
      if (!this.open) return
      this.open = false
      this.#events.onClose(code, reason)
    })
  }

  ref(symbol: string): number {
    return this.subs.find((sub) => sub.symbol === symbol)?.ref ?? -1
  }

  forward(record: LogRecord): void {
    for (const sub of this.subs) if (sub.symbol === record.symbol) this.send(this.update(sub, record))
    const late = this.#patterns.filter(({ id, pattern }) => {
      return pattern.test(record.symbol) && !this.subs.some((sub) => sub.id === id && sub.symbol === record.symbol)
    })
    for (const { id } of late) {
      const sub = this.#open(id, record.symbol, false)
      this.send({ t: 'subscribed', id, ok: [[record.symbol, sub.ref, 'snapshot']] }, { ...this.update(sub, record), snapshot: true })
    }
  }

  update(sub: Pick<Sub, 'ref' | 'every'>, record: LogRecord): UpdateFrame {
    const position = `${this.gateway.log.generation}:${record.partition}:${record.offset}`
    return {
      t: 'update',
      ref: sub.ref,
      symbol: record.symbol,
      position,
      ts: record.ts,
      values: record.values,
      ...(sub.every && record.prev >= 0 ? { prev: record.prev } : {}),
    }
  }

  /** Nothing precedes the welcome. */
  pulse(partitions: readonly number[], offsets: readonly number[], ageMs: number): void {
    if (!this.#hasWelcomed) return
    const { node, log, feed } = this.gateway
    const firstMs = Math.max(0, ageMs - 5)
    this.send({
      t: 'pulse',
      pulse: ++pulses,
      at: this.gateway.nowMs(),
      feed: feed.feed,
      generation: log.generation,
      paths: [['push-a1', node]],
      partitions: partitions.map((partition, index) => [partition, offsets[index]!, 0, ageMs, [firstMs, Math.min(1, firstMs)]] as const),
    })
  }

  /** From the client's socket. */
  receive(data: string | Uint8Array): void {
    if (!this.open) return
    if (this.gateway.frozen) {
      this.#unread.push(data)
      return
    }
    const frames = (typeof data === 'string' ? decodeUpstreamJson(data) : decodeUpstreamBin(data)) as UpstreamFrame[]
    for (const frame of frames) {
      this.received.push(frame)
      this.#answer(frame, data)
    }
  }

  closedByClient(code: number): void {
    this.open = false
    this.closeCode = code
  }

  #answer(frame: UpstreamFrame, data: string | Uint8Array): void {
    const { gateway } = this
    if (frame.t === 'hello' && gateway.welcomes) this.welcome()
    else if (frame.t === 'sync' && gateway.tellsTime) this.send({ t: 'sync', echo: frame.at, at: gateway.nowMs() })
    else if (frame.t === 'subscribe' && gateway.answers) {
      if (data.length > gateway.messageBytesMax) this.close(4005)
      else this.answer(frame)
    } else if (frame.t === 'unsubscribe') this.#unsubscribe(frame)
  }

  welcome(): void {
    this.#hasWelcomed = true
    const { gateway } = this
    const nowMs = gateway.nowMs()
    this.send({
      t: 'welcome',
      session: `${gateway.node}.${gateway.connections.indexOf(this)}`,
      node: gateway.node,
      role: 'gateway',
      version: '0.1.0',
      at: nowMs,
      epoch: Math.round(nowMs) - 1_000_000,
      pulseIntervalMs: 1000,
      staleAfterMs: gateway.staleAfterMs,
      feeds: [gateway.feed],
      limits: { messageBytesMax: gateway.messageBytesMax, subscriptionsMax: 100_000 },
    })
  }

  answer(frame: SubscribeFrame): void {
    const { gateway } = this
    if (frame.feed !== gateway.feed.feed) {
      this.send({ t: 'error', code: 'feed_unknown', message: frame.feed, id: frame.id })
      return
    }
    const every = (frame.delivery ?? gateway.feed.mode) === 'every'
    const symbols = new Set(frame.symbols ?? [])
    for (const text of frame.patterns ?? []) {
      const pattern = new RegExp(`^${text.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`)
      const known = this.#patterns.some((each) => each.id === frame.id && each.pattern.source === pattern.source)
      if (!known) this.#patterns.push({ id: frame.id, pattern })
      for (const record of gateway.log.records) if (pattern.test(record.symbol)) symbols.add(record.symbol)
    }
    for (const group of frame.groups ?? []) for (const symbol of gateway.groups.get(group) ?? []) symbols.add(symbol)
    const frames: DownstreamFrame[] = []
    const refused = [...symbols].filter((symbol) => gateway.refusals.has(symbol))
    for (const symbol of refused) symbols.delete(symbol)
    for (const symbol of symbols) frames.push(...this.#snapshot(frame, symbol, every))
    const rows = refused.map((symbol) => [symbol, ...gateway.refusals.get(symbol)!] as const)
    this.send(...frames, { t: 'subscribed', id: frame.id, refused: rows, done: true })
  }

  #snapshot(frame: SubscribeFrame, symbol: string, every: boolean): DownstreamFrame[] {
    const { gateway } = this
    const known = this.subs.find((sub) => sub.id === frame.id && sub.symbol === symbol)
    const sub = known ?? this.#open(frame.id, symbol, every)
    const latest = gateway.log.latest(symbol)
    const row = (state: 'snapshot' | 'recovered' | 'empty' | 'changes') => {
      return { t: 'subscribed', id: frame.id, ok: [[symbol, sub.ref, state]] } as const
    }
    const from = Number(frame.from?.[symbol]?.split(':')[2] ?? -1)
    if (latest === undefined) return [row('empty')]
    if (frame.image === false) return [row('changes')]
    if (from >= 0 && !every) {
      return latest.offset === from ? [row('recovered')] : [row('recovered'), { ...this.update(sub, latest), snapshot: true, n: 0 }]
    }
    if (from >= 0 && every && gateway.history) {
      const missed = gateway.log.records.filter((record) => record.symbol === symbol && record.offset > from)
      const updates = missed.map((record, index) => ({ ...this.update(sub, record), ...(index === 0 ? { snapshot: true } : {}) }))
      return [row('recovered'), ...updates]
    }
    return [row('snapshot'), { ...this.update(sub, latest), snapshot: true, n: 0 }]
  }

  #open(id: number, symbol: string, every: boolean): Sub {
    const sub = { id, symbol, every, ref: this.#nextRef++ }
    this.subs.push(sub)
    this.digest.add(id, symbol)
    return sub
  }

  #unsubscribe(frame: UnsubscribeFrame): void {
    if (frame.symbols === undefined) this.#patterns = this.#patterns.filter(({ id }) => id !== frame.id)
    const ended = this.subs.filter((sub) => sub.id === frame.id && (frame.symbols?.includes(sub.symbol) ?? true))
    for (const sub of ended) {
      this.subs.splice(this.subs.indexOf(sub), 1)
      this.digest.remove(sub.id, sub.symbol)
    }
    const closed = ![...this.subs, ...this.#patterns].some(({ id }) => id === frame.id)
    const unknown = (frame.symbols ?? []).filter((symbol) => !ended.some((sub) => sub.symbol === symbol))
    this.send({ t: 'unsubscribed', id: frame.id, ok: ended.map((sub) => sub.symbol), unknown, closed })
  }
}
