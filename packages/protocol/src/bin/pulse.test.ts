import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../decoder.ts'
import type { PulseFrame } from '../frames.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { KIND } from './kinds.ts'
import { readPulse, writePulse } from './pulse.ts'

const EPOCH = 1_763_990_000_000

const paths = fc.array(fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 4 }), { minLength: 1, maxLength: 4 })
const ageMs = fc.oneof(fc.integer({ min: -5, max: 500 }), fc.integer({ min: -(10 ** 12), max: 10 ** 12 }))
const pulse: fc.Arbitrary<PulseFrame> = paths.chain((paths) => {
  const row = fc.nat(paths.length - 1).chain((path) => {
    const arrived = fc.array(ageMs, { minLength: paths[path]!.length, maxLength: paths[path]!.length })
    return fc.tuple(fc.nat(1000), fc.maxSafeNat(), fc.constant(path), ageMs, arrived)
  })
  return fc
    .tuple(fc.maxSafeNat(), ageMs, fc.nat(20), fc.array(row, { maxLength: 12 }))
    .map(([pulse, sinceEpochMs, generation, partitions]) => ({
      t: 'pulse',
      pulse,
      at: EPOCH + sinceEpochMs,
      feed: 'quote',
      generation,
      paths,
      partitions,
    }))
})

function payloadOf(frame: PulseFrame, feedIndex: number): Uint8Array {
  const writer = new ByteWriter(16)
  writePulse(writer, frame, feedIndex, EPOCH)
  const reader = new ByteReader(writer.take())
  assert.equal(reader.u8(), KIND.pulse)
  const payload = reader.raw(reader.varint())
  assert.ok(reader.done)
  return payload
}

const read = (payload: Uint8Array) => readPulse(new ByteReader(payload), EPOCH, (index) => (index === 7 ? 'quote' : 'other'))

describe('pulses of bin.v1', () => {
  test('what is written reads as the same', () => {
    fc.assert(fc.property(pulse, (frame) => assert.deepEqual(read(payloadOf(frame, 7)), frame)))
  })

  test('cut off at any byte it is a ProtocolError', () => {
    fc.assert(
      fc.property(pulse, (frame) => {
        const payload = payloadOf(frame, 7)
        for (let length = 0; length < payload.length; length++) assert.throws(() => read(payload.subarray(0, length)), ProtocolError)
      }),
      { numRuns: 30 },
    )
  })

  test('a bare heartbeat is a number and a time', () => {
    const payload = payloadOf({ t: 'pulse', pulse: 812, at: EPOCH - 1 }, -1)
    assert.deepEqual([...payload], [0xac, 0x06, 1, 0])
    assert.deepEqual(read(payload), { t: 'pulse', pulse: 812, at: EPOCH - 1 })
  })

  test('times are rounded to whole ms', () => {
    const frame: PulseFrame = {
      t: 'pulse',
      pulse: 1,
      at: EPOCH + 10.6,
      feed: 'quote',
      generation: 1,
      paths: [['a']],
      partitions: [[0, 1, 0, 13.6, [-1.4]]],
    }
    assert.deepEqual(read(payloadOf(frame, 7)), { ...frame, at: EPOCH + 11, partitions: [[0, 1, 0, 14, [-1]]] })
  })

  test('a row that does not fit its path is never written', () => {
    const frame: PulseFrame = { t: 'pulse', pulse: 1, at: EPOCH, feed: 'quote', generation: 1, paths: [['a', 'b']], partitions: [] }
    for (const row of [
      [0, 1, 0, 5, [1]],
      [0, 1, 0, 5, [1, 2, 3]],
      [0, 1, 1, 5, []],
    ] as const) {
      assert.throws(() => payloadOf({ ...frame, partitions: [row] }, 7), RangeError)
    }
  })
})
