import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../decoder.ts'
import { encodeUpstreamFor } from '../decoders.ts'
import { ENCODINGS, type Encoding, type UpstreamFrame } from '../frames.ts'
import { decodeUpstreamBin, decodeUpstreamJson } from './upstream.ts'

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const id = fc.integer({ min: 1, max: 2 ** 31 - 1 })
const frame: fc.Arbitrary<UpstreamFrame> = fc.oneof(
  fc.record(
    { t: fc.constant('ack' as const), pulse: fc.maxSafeNat(), count: fc.nat(), digest: fc.nat(2 ** 32 - 1) },
    { noNullPrototype: true },
  ),
  fc.record({ t: fc.constant('ack' as const), mark: fc.maxSafeNat() }, { noNullPrototype: true }),
  fc.record(
    { t: fc.constant('hello' as const), client: name, pulseIntervalMs: fc.nat(60_000) },
    { requiredKeys: ['t', 'client'], noNullPrototype: true },
  ),
  fc.record({ t: fc.constant('subscribe' as const), id, feed: name, symbols: fc.array(name) }, { noNullPrototype: true }),
  fc.record({ t: fc.constant('unsubscribe' as const), id }, { noNullPrototype: true }),
  fc.record({ t: fc.constant('sync' as const), at: fc.nat() }, { noNullPrototype: true }),
  fc.constant<UpstreamFrame>({ t: 'bye' }),
)

function decode(encoding: Encoding, message: Uint8Array | string): unknown[] {
  if (typeof message === 'string') return decodeUpstreamJson(message)
  assert.equal(encoding, 'pulsewire.bin.v1')
  return decodeUpstreamBin(message)
}

describe('frames from the receiver', () => {
  for (const encoding of ENCODINGS) {
    test(`what is written reads as the same, ${encoding}`, () => {
      const encode = encodeUpstreamFor(encoding)
      fc.assert(fc.property(frame, (each) => assert.deepEqual(decode(encoding, encode(each)), [each])))
    })
  }

  test('several frames in one message, in order', () => {
    const encode = encodeUpstreamFor('pulsewire.bin.v1')
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), (frames) => {
        const message = Buffer.concat(frames.map((each) => encode(each) as Uint8Array))
        assert.deepEqual(decodeUpstreamBin(message), frames)
        assert.deepEqual(decodeUpstreamJson(JSON.stringify(frames)), frames)
      }),
    )
  })

  test('cut off at any byte it is a ProtocolError', () => {
    const encode = encodeUpstreamFor('pulsewire.bin.v1')
    fc.assert(
      fc.property(frame, (each) => {
        const message = encode(each) as Uint8Array
        for (let length = 1; length < message.length; length++)
          assert.throws(() => decodeUpstreamBin(message.subarray(0, length)), ProtocolError)
      }),
      { numRuns: 50 },
    )
  })

  test('an unknown frame is handed on by its number, so that it can be answered', () => {
    assert.deepEqual(decodeUpstreamBin(Uint8Array.of(0x07, 2, 0xff, 0xff, 0x05, 1, 9)), [{ t: '0x07' }, { t: 'ack', mark: 9 }])
  })

  test('what cannot be split into frames is refused', () => {
    const BROKEN = [[0x80], [0x80, 1, 5], [0xff, 1, 2, 3], [0x01, 1, 0x7b], [0x01, 1, 0xff], [0x03, 5, 1, 1, 0, 0, 0], [0x05, 0], [0x01]]
    for (const bytes of BROKEN) assert.throws(() => decodeUpstreamBin(Uint8Array.from(bytes)), ProtocolError, `${bytes}`)
    for (const text of ['', '{', 'hello', '[1,']) assert.throws(() => decodeUpstreamJson(text), ProtocolError, text)
  })
})
