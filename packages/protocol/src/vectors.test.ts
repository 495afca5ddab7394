/** The published vectors hold, and they are what the code writes today. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { broken, generate, type VectorFile } from '../vectors/generate.ts'
import { ByteReader } from './bin/byte-reader.ts'
import { decodeUpstreamBin, decodeUpstreamJson } from './bin/upstream.ts'
import { readValue } from './bin/value.ts'
import { ClockOffset } from './clock-offset.ts'
import { ProtocolError, type ReceivedImage } from './decoder.ts'
import { rowHash, SubscriptionDigest } from './digest.ts'
import type { ControlFrame, Encoding, FieldValue, PulseFrame, SubscribeFrame } from './frames.ts'
import { bytesToBase64 } from './json/base64.ts'
import { comparePositions, formatPosition, parsePosition } from './position.ts'
import { Recorder, type SeenUpdate } from './test-support/recorder.ts'
import { FEEDS } from './test-support/session.ts'

const textOf = (file: string) => readFileSync(join(import.meta.dirname, '../vectors', file), 'utf8')
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

interface Vector {
  readonly name: string
}
/** The vectors of a file that have `member`. */
function vectors<T extends object>(file: string, member: string): (T & Vector)[] {
  const { vectors } = JSON.parse(textOf(file)) as VectorFile
  const found = vectors.filter((vector) => Object.hasOwn(vector, member))
  assert.ok(found.length > 0)
  return found as (T & Vector)[]
}

describe('the vectors are what the code writes', () => {
  for (const [file, text] of generate()) {
    test(file, () => {
      const hint =
        'frames have changed: raise PROTOCOL_VERSION and run packages/protocol/vectors/generate.ts (or say why this is no change)'
      assert.ok(text === textOf(file), hint)
    })
  }

  test('a published vector may not change, a new one may come, and a new version begins anew', () => {
    const file = (protocolVersion: number, ...vectors: VectorFile['vectors']) => ({ description: '', protocolVersion, vectors })
    const published = file(1, { name: 'a', hex: '00' } as Vector, { name: 'b', hex: '01' } as Vector)
    assert.deepEqual(broken(published, file(1, ...published.vectors, { name: 'c' })), [])
    assert.deepEqual(broken(published, file(1, { name: 'a', hex: '02' } as Vector)), ['a', 'b'])
    assert.deepEqual(broken(published, file(2)), [])
  })
})

describe('the decoders read the vectors', () => {
  test('varints', () => {
    for (const { varint, hex: bytes, name } of vectors<{ varint: number; hex: string }>('bin-varint.json', 'varint')) {
      assert.equal(new ByteReader(hex(bytes)).varint(), varint, name)
    }
    for (const { zigzag, hex: bytes, name } of vectors<{ zigzag: number; hex: string }>('bin-varint.json', 'zigzag')) {
      assert.equal(new ByteReader(hex(bytes)).zigzag(), zigzag, name)
    }
    for (const { hex: bytes, name } of vectors<{ hex: string }>('bin-varint.json', 'invalid')) {
      assert.throws(() => new ByteReader(hex(bytes)).varint(), ProtocolError, name)
    }
  })

  test('values', () => {
    interface ValueVector {
      readonly scale: number
      readonly hex: string
      readonly old?: FieldValue
      readonly value?: FieldValue
      readonly valueDouble?: string
    }
    for (const { name, scale, hex: bytes, old, value, valueDouble } of vectors<ValueVector>('bin-values.json', 'scale')) {
      const reader = new ByteReader(hex(bytes))
      assert.deepEqual(readValue(reader, old, scale), valueDouble === undefined ? value : Number(valueDouble), name)
      assert.ok(reader.done)
    }
  })

  test('positions', () => {
    for (const { text, position } of vectors<{ text: string; position: object | null }>('positions.json', 'text')) {
      const parsed = parsePosition(text)
      assert.deepEqual(parsed ?? null, position)
      if (parsed !== undefined) assert.equal(formatPosition(parsed), text)
    }
    for (const { a, aTs, b, bTs, order } of vectors<{ a: string; aTs: number; b: string; bTs: number; order: number }>(
      'positions.json',
      'order',
    )) {
      assert.equal(Math.sign(comparePositions(parsePosition(a)!, aTs, parsePosition(b)!, bTs)), order)
    }
  })

  test('digests', () => {
    for (const { id, symbol, hash } of vectors<{ id: number; symbol: string; hash: number }>('digest.json', 'hash'))
      assert.equal(rowHash(id, symbol), hash)
    for (const { rows, count, digest } of vectors<{ rows: [number, string][]; count: number; digest: number }>('digest.json', 'rows')) {
      const set = new SubscriptionDigest()
      for (const [id, symbol] of rows) set.add(id, symbol)
      assert.deepEqual([set.count, set.value], [count, digest])
    }
  })

  test('frames from the receiver', () => {
    for (const { frame, json, bin } of vectors<{ frame: object; json: string; bin: string }>('upstream.json', 'frame')) {
      assert.deepEqual([decodeUpstreamBin(hex(bin)), decodeUpstreamJson(json)], [[frame], [frame]])
    }
  })

  test('clock samples', () => {
    const offset = new ClockOffset()
    interface Sample {
      readonly sentAt: number
      readonly at: number
      readonly receivedAt: number
      readonly offsetMs: number
      readonly errorMs: number
    }
    for (const { sentAt, at, receivedAt, offsetMs, errorMs } of vectors<Sample>('sync.json', 'sentAt')) {
      offset.add(sentAt, at, receivedAt)
      assert.deepEqual([offset.offsetMs, offset.errorMs], [offsetMs, errorMs])
    }
  })

  for (const [file, encoding] of [
    ['bin-session.json', 'pulsewire.bin.v1'],
    ['json-session.json', 'pulsewire.json.v1'],
  ] as const) {
    for (const session of vectors<Session>(file, 'messages')) test(`${file}: ${session.name}`, () => replay(session, encoding))
  }
})

interface Session {
  readonly messages: readonly {
    readonly from: 'sender' | 'receiver'
    readonly hex?: string
    readonly text?: string
    readonly frames?: readonly object[]
    readonly images?: Readonly<Record<string, unknown>>
  }[]
}

/** A recorder that keeps everything in the order in which it came, in the form of json.v1. */
class Replay extends Recorder {
  frames: object[] = []

  override onUpdate(image: ReceivedImage): void {
    super.onUpdate(image)
    this.frames.push(jsonOf(this.updates.at(-1)!))
  }

  override onPulse(frame: PulseFrame): void {
    this.frames.push(frame)
  }

  override onControl(frame: ControlFrame): void {
    super.onControl(frame)
    this.frames.push(frame)
  }
}

function replay({ messages }: Session, encoding: Encoding): void {
  const feedOf = new Map<number, number>()
  const receiver = new Replay(encoding, (id) => feedOf.get(id)!)
  for (const { from, hex: bytes, text, frames, images } of messages) {
    const message = bytes === undefined ? text! : hex(bytes)
    if (from === 'receiver') {
      const [frame] = (typeof message === 'string' ? decodeUpstreamJson(message) : decodeUpstreamBin(message)) as [SubscribeFrame]
      if (frame.t === 'subscribe')
        feedOf.set(
          frame.id,
          FEEDS.findIndex(({ feed }) => feed === frame.feed),
        )
      continue
    }
    receiver.frames = []
    receiver.receive(message)
    assert.deepEqual(imagesOf(receiver), images)
    if (frames !== undefined) assert.deepEqual(receiver.frames, frames)
  }
}

/** By ref, what a receiver holds. */
function imagesOf(receiver: Recorder): Record<string, unknown> {
  const images: Record<string, unknown> = {}
  for (const { ref } of receiver.updates) {
    const image = receiver.image(ref)
    if (image !== undefined && image.offset >= 0)
      images[ref] = image.raw === null ? Object.fromEntries(image.values) : bytesToBase64(image.raw)
  }
  return images
}

function jsonOf({ ref, symbol, n, snapshot, generation, partition, offset, ts, prev, deleted, raw, values }: SeenUpdate): object {
  return {
    t: 'update',
    ref,
    ...(n === 1 ? {} : { n }),
    ...(snapshot ? { snapshot } : {}),
    symbol,
    position: formatPosition({ generation, partition, offset }),
    ts,
    ...(prev < 0 ? {} : { prev }),
    ...(deleted ? { deleted } : raw === null ? { values: Object.fromEntries(values) } : { raw: bytesToBase64(raw) }),
  }
}
