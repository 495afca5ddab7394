import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../decoder.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** One thing to write, and how it is read back. */
type Item = readonly [kind: 'varint' | 'zigzag' | 'f64' | 'u32' | 'u8', value: number] | readonly [kind: 'text', value: string]

const unsigned = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  ...[7, 14, 28, 31, 32, 49, 52].map((bits) => fc.constantFrom(2 ** bits - 1, 2 ** bits)),
)
const signed = fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }))
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.tuple(fc.constant('varint' as const), unsigned),
  fc.tuple(fc.constant('zigzag' as const), signed),
  fc.tuple(fc.constant('f64' as const), fc.double()),
  fc.tuple(fc.constant('u32' as const), fc.nat(2 ** 32 - 1)),
  fc.tuple(fc.constant('u8' as const), fc.nat(255)),
  fc.tuple(fc.constant('text' as const), fc.string({ unit: 'binary' })),
)

function write(items: readonly Item[]): Uint8Array {
  const writer = new ByteWriter(1)
  for (const each of items) {
    if (each[0] === 'text') writer.text(each[1])
    else writer[each[0]](each[1])
  }
  return writer.take()
}

function read(bytes: Uint8Array, kinds: readonly Item[]): (number | string)[] {
  const reader = new ByteReader(bytes)
  const seen = kinds.map(([kind]) => reader[kind]())
  assert.ok(reader.done)
  return seen
}

const hex = (text: string) => new ByteReader(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('bytes', () => {
  test('what is written reads as the same, from a buffer that starts anywhere in its memory', () => {
    fc.assert(
      fc.property(fc.array(item), fc.nat(9), (items, shift) => {
        const bytes = write(items)
        const shifted = new Uint8Array(bytes.length + shift + 3).subarray(shift, shift + bytes.length)
        shifted.set(bytes)
        assert.deepEqual(
          read(shifted, items),
          items.map(([, value]) => (Object.is(value, -0) && value !== 0 ? 0 : value)),
        )
      }),
    )
  })

  test('cut off at any byte it is a ProtocolError', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 6 }), (items) => {
        const bytes = write(items)
        for (let length = 0; length < bytes.length; length++) assert.throws(() => read(bytes.subarray(0, length), items), ProtocolError)
      }),
      { numRuns: 50 },
    )
  })

  test('varints at the edges', () => {
    const EDGES: [number, string][] = [
      [0, '00'],
      [127, '7f'],
      [128, '8001'],
      [2 ** 31 - 1, 'ffffffff07'],
      [2 ** 31, '8080808008'],
      [2 ** 32, '8080808010'],
      [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
    ]
    for (const [value, bytes] of EDGES) {
      assert.equal(Buffer.from(write([['varint', value]])).toString('hex'), bytes)
      assert.equal(hex(bytes).varint(), value)
    }
  })

  test('2^53 and more is refused on both sides, and so is what is no whole number from 0', () => {
    for (const bytes of ['80808080 80808010', 'ffffffff ffffff7f', '80808080 80808080 01', 'ffffffff ffffffff ffffffff']) {
      assert.throws(() => hex(bytes).varint(), ProtocolError, bytes)
    }
    for (const value of [2 ** 53, Infinity, NaN, -1, -Infinity]) assert.throws(() => new ByteWriter().varint(value), RangeError, `${value}`)
    for (const value of [2 ** 52, -(2 ** 52) - 1, Infinity, -Infinity, NaN])
      assert.throws(() => new ByteWriter().zigzag(value), RangeError, `${value}`)
  })

  test('a padded varint is read', () => assert.equal(hex('8180808000').varint(), 1))

  test('a length beyond the message takes no memory', () => {
    for (const method of ['text', 'raw'] as const) {
      const reader = hex('ffffffffffffff0f 61')
      assert.throws(() => (method === 'raw' ? reader.raw(reader.varint()) : reader.text()), ProtocolError)
    }
  })

  test('text keeps a byte order mark, and what is not UTF-8 is refused', () => {
    assert.equal(hex('04 efbbbf61').text(), '\ufeffa')
    for (const bytes of ['01 ff', '02 c080', '03 eda080', '04 f4908080', '01 c3'])
      assert.throws(() => hex(bytes).text(), ProtocolError, bytes)
  })

  test('take() hands out a copy and leaves the writer empty', () => {
    const writer = new ByteWriter(4)
    writer.text('abc')
    const first = writer.take()
    writer.text('xyz')
    assert.equal(new ByteReader(first).text(), 'abc')
    assert.equal(new ByteReader(writer.take()).text(), 'xyz')
    assert.equal(writer.take().length, 0)
  })
})
