import {
  createDecoder,
  encodeUpstreamFor,
  formatPosition,
  SubscriptionDigest,
  type ControlFrame,
  type Encoding,
  type FieldValue,
  type PulseFrame,
  type ReceivedImage,
  type SubscribeFrame,
  type UpstreamFrame,
} from '@pulsewire/protocol'
import type { Transport, TransportHandler } from '../../packages/server/src/session/index.ts'
import type { ManualClock } from './manual-clock.ts'

const TWO_TICKS_MS = 20

/** An update as a receiver of either encoding understands it: the whole image, whatever crossed the wire. */
export interface SeenUpdate {
  readonly t: 'update'
  readonly ref: number
  readonly symbol: string
  readonly n: number
  readonly snapshot: boolean
  readonly deleted: boolean
  readonly position: string
  readonly prev: number
  readonly values: Readonly<Record<string, FieldValue>>
  readonly raw: Uint8Array | null
}

export type Seen = ControlFrame | PulseFrame | SeenUpdate

export interface ReceiverOptions {
  readonly encoding?: Encoding
  readonly pulseIntervalMs?: number
  /** What the line to the receiver carries; default: everything, at once. */
  readonly bytesPerSecond?: number
  /** How long a message takes to get there, and an acknowledgement back. Default 0. */
  readonly latencyMs?: number
  /** Asks for `trace` frames. */
  readonly traces?: boolean
}

/** A connection in memory: keeps what is sent, and does what a test tells it. */
export class MemoryTransport implements Transport {
  readonly encoding: Encoding
  readonly remote = 'memory'
  bufferedBytes = 0
  closedWith: { readonly code: number; readonly reason: string } | undefined
  onSend: (message: Uint8Array | string) => void = () => {}

  constructor(encoding: Encoding) {
    this.encoding = encoding
  }

  send(message: Uint8Array | string): void {
    this.onSend(message)
  }

  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason }
  }
}

/**
 * The receiver of protocol.md, in the least code that obeys it: decodes, keeps the digest, acknowledges. What it saw is
 * taken with `take`; whether it acknowledges is up to the test.
 */
export class Receiver {
  readonly transport: MemoryTransport
  readonly digest = new SubscriptionDigest()
  /** Whether pulses and marks are acknowledged as they come. */
  acks = true
  /** Sizes of the messages received, in order. */
  readonly messageSizes: number[] = []
  #owed: UpstreamFrame[] = []
  readonly #clock: ManualClock
  readonly #decoder
  readonly #encode
  readonly #handler: TransportHandler
  readonly #options: ReceiverOptions
  #lineFreeAtMs = 0
  readonly #symbols = new Map<number, string>()
  /** By id and symbol, as in the digest. */
  readonly #refs = new Map<string, number>()
  readonly #feeds = new Map<number, string>()
  #feedNames: readonly string[] = []
  #seen: Seen[] = []

  constructor(clock: ManualClock, accept: (transport: Transport) => TransportHandler, options: ReceiverOptions) {
    const encoding = options.encoding ?? 'pulsewire.json.v1'
    this.#clock = clock
    this.#decoder = createDecoder(encoding)
    this.#encode = encodeUpstreamFor(encoding)
    this.#options = options
    this.transport = new MemoryTransport(encoding)
    this.transport.onSend = (message) => this.#carry(message)
    this.#handler = accept(this.transport)
  }

  /** The sender's half, for what a connection tells it. */
  get handler(): TransportHandler {
    return this.#handler
  }

  /** How the sender closed the connection; code 0 while it has not. */
  get closed(): { readonly code: number; readonly reason: string } {
    return this.transport.closedWith ?? { code: 0, reason: 'open' }
  }

  hello(): void {
    const { pulseIntervalMs, traces } = this.#options
    const asked = { ...(pulseIntervalMs === undefined ? {} : { pulseIntervalMs }), ...(traces === undefined ? {} : { traces }) }
    this.send({ t: 'hello', client: 'test', ...asked })
    this.#clock.turn()
  }

  /** Puts a frame on the wire. It is handled at once; answers come at the end of the turn. */
  send(frame: UpstreamFrame): void {
    if (frame.t === 'subscribe') this.#feeds.set(frame.id, frame.feed)
    this.#handler.message(this.#encode(frame))
  }

  /** Anything at all, for frames that are wrong. */
  sendRaw(message: Uint8Array | string): void {
    this.#handler.message(message)
  }

  subscribe(symbols: readonly string[], options: Partial<Omit<SubscribeFrame, 't' | 'symbols'>> = {}): void {
    this.send({ t: 'subscribe', id: 1, feed: 'quote', ...(symbols.length > 0 ? { symbols } : {}), ...options })
  }

  /** What came since the last call, and comes within two ticks of the sender's flushes. */
  take(): Seen[] {
    this.#clock.advance(TWO_TICKS_MS)
    return this.peek()
  }

  /** What came since the last call, without time passing. */
  peek(): Seen[] {
    const seen = this.#seen
    this.#seen = []
    return seen
  }

  takeOf<T extends Seen['t']>(t: T): Extract<Seen, { t: T }>[] {
    return this.take().filter((frame): frame is Extract<Seen, { t: T }> => frame.t === t)
  }

  /** The image held for a symbol. */
  image(symbol: string, id = 1): Readonly<Record<string, FieldValue>> | undefined {
    const image = this.#decoder.image(this.ref(symbol, id))
    return image === undefined ? undefined : this.#values(image)
  }

  ref(symbol: string, id = 1): number {
    return this.#refs.get(`${id} ${symbol}`) ?? -1
  }

  /** The connection breaks. */
  disconnect(): void {
    this.#handler.closed(1006, 'gone')
  }

  #carry(message: Uint8Array | string): void {
    const { bytesPerSecond = Infinity, latencyMs = 0 } = this.#options
    const nowMs = this.#clock.nowMs()
    this.#lineFreeAtMs = Math.max(this.#lineFreeAtMs, nowMs) + (message.length * 1000) / bytesPerSecond
    const travelMs = this.#lineFreeAtMs - nowMs + latencyMs
    if (travelMs === 0) this.#message(message)
    else this.#clock.after(travelMs, () => this.#message(message))
  }

  #message(message: Uint8Array | string): void {
    this.messageSizes.push(message.length)
    let pulse = 0
    const marks: number[] = []
    this.#decoder.decode(message, {
      onUpdate: (image) => this.#seen.push(this.#update(image)),
      onPulse: (frame) => {
        pulse = Math.max(pulse, frame.pulse)
        this.#seen.push(frame)
      },
      onControl: (frame) => {
        if (frame.t === 'mark') marks.push(frame.mark)
        this.#control(frame)
        this.#seen.push(frame)
      },
    })
    const { count, value: digest } = this.digest
    for (const mark of marks) this.#owed.push({ t: 'ack', mark })
    if (pulse > 0) this.#owed.push({ t: 'ack', pulse, count, digest })
    if (this.acks) this.ackAll()
  }

  /** Acknowledges what was not acknowledged yet. */
  ackAll(): void {
    for (const ack of this.#owed.splice(0)) this.#later(() => this.send(ack))
  }

  #later(acknowledge: () => void): void {
    const { latencyMs = 0 } = this.#options
    if (latencyMs === 0) this.#clock.soon(acknowledge)
    else this.#clock.after(latencyMs, acknowledge)
  }

  #control(frame: ControlFrame): void {
    if (frame.t === 'welcome' || frame.t === 'feeds') this.#feedNames = frame.feeds.map(({ feed }) => feed)
    else if (frame.t === 'subscribed') {
      const feed = this.#feedNames.indexOf(this.#feeds.get(frame.id) ?? '')
      for (const [symbol, ref] of frame.ok ?? []) {
        this.#decoder.open(ref, feed)
        if (!this.#symbols.has(ref)) this.digest.add(frame.id, symbol)
        this.#symbols.set(ref, symbol)
        this.#refs.set(`${frame.id} ${symbol}`, ref)
      }
    } else if (frame.t === 'unsubscribed') for (const symbol of frame.ok) this.#forget(frame.id, symbol)
    else if (frame.t === 'ended') for (const [symbol] of frame.symbols) this.#forget(frame.id, symbol)
  }

  #forget(id: number, symbol: string): void {
    const ref = this.ref(symbol, id)
    if (ref < 0) return
    this.#refs.delete(`${id} ${symbol}`)
    this.#symbols.delete(ref)
    this.#decoder.close(ref)
    this.digest.remove(id, symbol)
  }

  #update(image: ReceivedImage): SeenUpdate {
    const { ref, n, snapshot, deleted, prev, raw } = image
    const symbol = this.#symbols.get(ref) ?? '?'
    return { t: 'update', ref, symbol, n, snapshot, deleted, position: formatPosition(image), prev, values: this.#values(image), raw }
  }

  #values(image: ReceivedImage): Readonly<Record<string, FieldValue>> {
    const names = this.#decoder.fieldNames(image.feedIndex)
    return Object.fromEntries(image.values.flatMap((value, index) => (value === undefined ? [] : [[names[index]!, value]])))
  }
}
