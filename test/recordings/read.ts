/** What today's code makes of recordings, whoever made them. */
import { bytesToBase64, formatPosition, type ControlFrame, type Encoding, type PulseFrame, type ReceivedImage } from '@pulsewire/protocol'
import { Recorder } from '../../packages/protocol/src/test-support/recorder.ts'
import { decodeControl } from '../../packages/server/src/directory/control-record.ts'
import { decodePulse, isPulseKey } from '../../packages/server/src/feeds/index.ts'
import { readSessionEvents } from '../../packages/server/src/history/index.ts'
import { createEmbeddedLog } from '../../packages/server/src/log/index.ts'
import { readInbound } from '../../packages/server/src/session/inbound.ts'
import type { HopMessage, TopicRecord } from './format.ts'

/** The frames of each message of a connection, read in order. */
export function readHop(encoding: Encoding, messages: readonly HopMessage[]): (readonly unknown[])[] {
  const reader = new Reader(encoding)
  return messages.map((message) => {
    const data = 'hex' in message ? new Uint8Array(Buffer.from(message.hex, 'hex')) : message.text
    return plain(message.from === 'sender' ? reader.fromSender(data) : reader.fromReceiver(data))
  })
}

export async function readRecord(record: TopicRecord): Promise<unknown> {
  const { topic, key, value } = record
  const keyBytes = Buffer.from(key)
  const valueBytes = value === null ? null : Buffer.from(value)
  if (topic === 'control') return plain(decodeControl(keyBytes, valueBytes))
  if (topic === 'quotes') return plain({ isPulse: isPulseKey(keyBytes), pulse: decodePulse(valueBytes) })
  const log = createEmbeddedLog()
  await log.createTopic('sessions', { partitions: 1 })
  await log.append('sessions', [{ key, value }])
  return plain(await readSessionEvents(log, 'sessions', 0, () => true))
}

/** As JSON would hold it: what may be missing is missing. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

class Reader extends Recorder {
  readonly #encoding: Encoding
  readonly #feeds: Map<number, string>
  #frames: unknown[] = []

  constructor(encoding: Encoding) {
    const feeds = new Map<number, string>()
    let names: readonly string[] = []
    super(encoding, (id) => names.indexOf(feeds.get(id) ?? ''))
    this.#encoding = encoding
    this.#feeds = feeds
    this.learned = (frame) => {
      names = frame.feeds.map(({ feed }) => feed)
    }
  }

  learned: (frame: Extract<ControlFrame, { t: 'welcome' | 'feeds' }>) => void

  fromSender(message: Uint8Array | string): readonly unknown[] {
    this.#frames = []
    this.receive(message)
    return this.#frames
  }

  fromReceiver(message: Uint8Array | string): readonly unknown[] {
    const frames = readInbound(this.#encoding, message)
    for (const frame of frames) if (frame.t === 'subscribe') this.#feeds.set(frame.id, frame.feed)
    return frames
  }

  override onUpdate(image: ReceivedImage): void {
    super.onUpdate(image)
    const { symbol, ts, n, prev, snapshot, deleted, raw, values, ...place } = this.updates.at(-1)!
    const content = raw === null ? { values: Object.fromEntries(values) } : { raw: bytesToBase64(raw) }
    this.#frames.push({ t: 'update', ref: place.ref, symbol, position: formatPosition(place), ts, n, prev, snapshot, deleted, ...content })
  }

  override onPulse(frame: PulseFrame): void {
    this.#frames.push(frame)
  }

  override onControl(frame: ControlFrame): void {
    if (frame.t === 'welcome' || frame.t === 'feeds') this.learned(frame)
    super.onControl(frame)
    this.#frames.push(frame)
  }
}
