import { encodeUpstreamFor } from '../src/decoders.ts'
import type { ControlFrame, FieldValue, OkRow, PulseFrame, SubscribeFrame, UpstreamFrame } from '../src/frames.ts'
import { bytesToBase64 } from '../src/json/base64.ts'
import { type ModelRecord, ReferenceSender } from '../src/test-support/reference-sender.ts'
import { EPOCH, FEEDS, WELCOME } from '../src/test-support/session.ts'

type Image = Readonly<Record<string, FieldValue>> | string

/** One WebSocket message of a recorded session, in both encodings. */
export interface RecordedMessage {
  readonly from: 'sender' | 'receiver'
  readonly bin: string
  readonly json: string
  /** As json.v1 has them, without those that a receiver skips. */
  readonly frames: readonly unknown[]
  /** Only of the sender's messages: by ref, what the receiver holds after it. */
  readonly images?: Readonly<Record<string, Image>>
}

export interface RecordedSession {
  readonly name: string
  readonly description: string
  readonly messages: readonly RecordedMessage[]
}

const toHex = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('hex')

/** Both ends of a session. What the images should be comes from what was put in, never from a decoder. */
export class Recording {
  readonly #sender = new ReferenceSender(EPOCH, FEEDS)
  readonly #messages: RecordedMessage[] = []
  /** By ref: `id symbol` and the image. */
  readonly #held = new Map<number, { key: string; image: Image | undefined }>()
  readonly #feedOf = new Map<number, number>()
  #frames: unknown[] = []
  #later: object[] = []

  constructor() {
    this.fromReceiver({ t: 'hello', client: 'vectors/1' })
    this.control(WELCOME)
    this.end()
  }

  fromReceiver(frame: UpstreamFrame): void {
    const bin = toHex(encodeUpstreamFor('pulsewire.bin.v1')(frame) as Uint8Array)
    this.#messages.push({ from: 'receiver', bin, json: JSON.stringify(frame), frames: [frame] })
  }

  /** The receiver subscribes; the answer is in the message that is being written. */
  subscribe(id: number, feed: string, rows: readonly OkRow[], options: Partial<SubscribeFrame> = {}): void {
    this.fromReceiver({ t: 'subscribe', id, feed, symbols: rows.map(([symbol]) => symbol), ...options })
    this.answer(id, feed, rows)
  }

  answer(id: number, feed: string, rows: readonly OkRow[]): void {
    this.#feedOf.set(
      id,
      FEEDS.findIndex((each) => each.feed === feed),
    )
    this.control({ t: 'subscribed', id, ok: rows, refused: [], done: true })
    for (const [symbol, ref] of rows) {
      this.#sender.open(ref, this.#feedOf.get(id)!, symbol)
      this.#held.set(ref, { key: `${id} ${symbol}`, image: this.#held.get(ref)?.image })
    }
  }

  control(frame: ControlFrame): void {
    this.#sender.control(frame)
    this.#frames.push(frame)
    if (frame.t === 'unsubscribed') for (const symbol of frame.ok) this.#close(`${frame.id} ${symbol}`)
    if (frame.t === 'ended') for (const [symbol] of frame.symbols) this.#close(`${frame.id} ${symbol}`)
  }

  mark(mark: number): void {
    this.#sender.mark(mark)
    this.#frames.push({ t: 'mark', mark })
  }

  pulse(frame: PulseFrame): void {
    this.#sender.pulse(frame)
    this.#frames.push(frame)
  }

  /** What a later version might send, in both encodings; `understood` is what a receiver of version 1 makes of it. */
  later(bin: Uint8Array, json: object, understood?: ControlFrame): void {
    this.#sender.binOnly(bin)
    this.#later.push(json)
    if (understood !== undefined) this.#frames.push(understood)
  }

  update(ref: number, record: ModelRecord, n = 1, snapshot = false): void {
    const frame = this.#sender.update(ref, record, n, snapshot)
    const held = this.#held.get(ref)
    if (held === undefined) return
    held.image = record.deleted === true ? {} : record.raw === undefined ? Object.fromEntries(record.fields) : bytesToBase64(record.raw)
    this.#frames.push(frame)
  }

  /** Ends the sender's message. */
  end(): void {
    const { bin, json } = this.#sender.flush()
    const images: Record<string, Image> = {}
    for (const [ref, { image }] of this.#held) if (image !== undefined) images[ref] = image
    const text = JSON.stringify([...(JSON.parse(json) as unknown[]), ...this.#later])
    this.#messages.push({ from: 'sender', bin: toHex(bin), json: text, frames: this.#frames, images: structuredClone(images) })
    this.#frames = []
    this.#later = []
  }

  finish(name: string, description: string): RecordedSession {
    return { name, description, messages: this.#messages }
  }

  #close(key: string): void {
    for (const [ref, held] of this.#held) if (held.key === key) this.#held.delete(ref)
  }
}

/** A record; `fields` in the order of the object. */
export function record(offset: number, fields: Record<string, FieldValue>, more: Partial<ModelRecord> = {}): ModelRecord {
  return { generation: 1, partition: 2, offset, ts: EPOCH + offset * 10, fields: new Map(Object.entries(fields)), ...more }
}

export function rawRecord(offset: number, raw: readonly number[]): ModelRecord {
  return record(offset, {}, { raw: Uint8Array.from(raw) })
}
