import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../decoder.ts'
import type { FieldValue } from '../frames.ts'
import { anyValue } from '../test-support/arbitraries.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { MANTISSA_MAX, SCALE_MAX } from './kinds.ts'
import { mantissaOf, readValue, scaleFor, writeValue } from './value.ts'

function encode(value: FieldValue | undefined, old: FieldValue | undefined, scale: number): Uint8Array {
  const writer = new ByteWriter(16)
  writeValue(writer, value, old, scale)
  return writer.take()
}

/** Encodes and decodes; the whole encoding must have been read. */
function roundTrip(value: FieldValue | undefined, old: FieldValue | undefined, scale: number): FieldValue | undefined {
  const reader = new ByteReader(encode(value, old, scale))
  const decoded = readValue(reader, old, scale)
  assert.ok(reader.done)
  return decoded
}

const SPECIAL: (FieldValue | undefined)[] = [
  ...[0, -0, 1, -1, 0.1 + 0.2, 1e-9, -1e-9, 1e-10, 5e-324, 1.7976931348623157e308, NaN, Infinity, -Infinity],
  ...[2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 50 - 1, 2 ** 50, 2 ** 63, 123456789.12345679, 187.23, -187.23, 0.000000001],
  ...['', 'a', '\0', '\ufeffa', 'Äpfel', '価格', '👩‍👩‍👧', '\ud83d', '\udc00\ud800', 'x'.repeat(1000), '__proto__'],
  ...[null, true, false, undefined, [], {}, [1, [2, { a: null }]], { a: { b: ['\ud800', 'é'] } }, JSON.parse('{"__proto__":1}')],
]

describe('values', () => {
  for (const value of SPECIAL) {
    const name =
      typeof value === 'string'
        ? `${JSON.stringify(value.slice(0, 12))} (${value.length})`
        : Object.is(value, -0)
          ? '-0'
          : (JSON.stringify(value) ?? 'gone')
    test(`${name} is the same after every step from every other value at every scale`, () => {
      for (let scale = 0; scale <= SCALE_MAX; scale++) for (const old of SPECIAL) assert.deepEqual(roundTrip(value, old, scale), value)
    })
  }

  test('any value, from any other', () => {
    fc.assert(
      fc.property(
        fc.option(anyValue, { nil: undefined }),
        fc.option(anyValue, { nil: undefined }),
        fc.nat(SCALE_MAX),
        (value, old, scale) => {
          assert.deepEqual(roundTrip(value, old, scale), value)
        },
      ),
    )
  })

  test('a price that walks by a few ticks takes one byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 100_000_000 }), fc.integer({ min: -15, max: 15 }), fc.nat(6), (price, ticks, scale) => {
        const power = 10 ** scale
        assert.equal(encode((price + ticks) / power, price / power, scale).length, 1)
      }),
    )
  })

  test('a mantissa is exact or it is none', () => {
    fc.assert(
      fc.property(fc.double(), fc.nat(SCALE_MAX), (value, scale) => {
        const mantissa = mantissaOf(value, scale)
        if (Number.isNaN(mantissa)) return
        assert.ok(Object.is(mantissa / 10 ** scale, value) && Number.isInteger(mantissa) && Math.abs(mantissa) < MANTISSA_MAX)
      }),
    )
  })

  test('decimals of a price find the smallest scale that holds them', () => {
    const CASES: [number, number, number][] = [
      [187, 0, 0],
      [187.2, 0, 1],
      [187.23, 0, 2],
      [187.2, 4, 4],
      [1e-9, 0, 9],
      [1e-10, 0, -1],
      [0.1 + 0.2, 0, -1],
      [-0, 0, -1],
      [NaN, 0, -1],
      [2 ** 53, 0, -1],
      [123456789012.123, 0, 3],
    ]
    for (const [value, from, scale] of CASES) assert.equal(scaleFor(value, from), scale, `${value} from ${from}`)
  })

  test('a number that the scale does not hold says so, and arrives all the same', () => {
    const writer = new ByteWriter()
    assert.equal(writeValue(writer, 187.235, undefined, 2), false)
    assert.equal(writeValue(writer, 187.23, undefined, 2), true)
    const reader = new ByteReader(writer.take())
    assert.deepEqual([readValue(reader, undefined, 2), readValue(reader, undefined, 2)], [187.235, 187.23])
  })

  test('what the document does not define is refused', () => {
    const step = Uint8Array.of(4)
    for (const old of [undefined, null, 'a', true, {}]) assert.throws(() => readValue(new ByteReader(step), old, 0), ProtocolError)
    for (const kind of [6, 7, 1000]) {
      const writer = new ByteWriter()
      writer.varint(kind * 4 + 3)
      assert.throws(() => readValue(new ByteReader(writer.take()), undefined, 0), ProtocolError)
    }
    assert.throws(() => readValue(new ByteReader(Uint8Array.of(19, 1, 0x7b)), undefined, 0), ProtocolError, 'a JSON value that is cut')
  })
})
