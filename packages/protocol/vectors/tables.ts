import { ByteWriter } from '../src/bin/byte-writer.ts'
import { writeValue } from '../src/bin/value.ts'
import { ClockOffset } from '../src/clock-offset.ts'
import { encodeUpstreamFor } from '../src/decoders.ts'
import { rowHash, SubscriptionDigest } from '../src/digest.ts'
import type { FieldValue } from '../src/frames.ts'
import { comparePositions, parsePosition } from '../src/position.ts'
import { recordedUpstream } from '../src/test-support/recorded-session.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter()
  write(writer)
  return hex(writer.take())
}

export function positions(): object[] {
  const texts = [
    '1:3:4711',
    '0:0:0',
    '1:0:9007199254740991',
    '1:0:9007199254740992',
    '',
    '1:2',
    '1:2:3:4',
    '-1:2:3',
    '1:2:3.0',
    '1:2:1e3',
    ' 1:2:3',
    '1:2:3 ',
  ]
  const pairs: [string, number, string, number][] = [
    ['1:3:4711', 10, '1:3:4712', 5],
    ['2:0:0', 1, '1:9:999', 100],
    ['1:2:900', 10, '1:3:5', 11],
    ['1:3:900', 10, '1:2:5', 11],
    ['1:2:900', 10, '1:3:5', 10],
    ['1:2:3', 10, '1:2:3', 99],
  ]
  return [
    ...texts.map((text) => ({ name: `parse ${JSON.stringify(text)}`, text, position: parsePosition(text) ?? null })),
    ...pairs.map(([a, aTs, b, bTs]) => {
      const order = Math.sign(comparePositions(parsePosition(a)!, aTs, parsePosition(b)!, bTs))
      return { name: `compare ${a} at ${aTs} with ${b} at ${bTs}`, a, aTs, b, bTs, order }
    }),
  ]
}

export function digest(): object[] {
  const rows: [number, string][] = [
    [1, 'AAPL.US'],
    [1, 'MSFT.US'],
    [2, 'AAPL.US'],
    [2147483647, '0700.HK'],
    [3, '腾讯'],
    [4, '🍎'],
    [5, 'a b'],
  ]
  const sets = [[], rows.slice(0, 1), rows.slice(0, 2), rows]
  return [
    ...rows.map(([id, symbol]) => ({ name: `row ${id} ${symbol}`, id, symbol, hash: rowHash(id, symbol) })),
    ...sets.map((rows) => {
      const digest = new SubscriptionDigest()
      for (const [id, symbol] of rows) digest.add(id, symbol)
      return { name: `set of ${rows.length}`, rows, count: digest.count, digest: digest.value }
    }),
  ]
}

export function varints(): object[] {
  const unsigned = [0, 1, 127, 128, 300, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49, 2 ** 53 - 1]
  const signed = [0, -1, 1, -64, 64, -65, 2 ** 31, -(2 ** 31), 2 ** 52 - 1, -(2 ** 52) + 1]
  const invalid = { 'ends too early': '80', '2^53': '8080808080808010', 'nine bytes': '808080808080808001' }
  return [
    ...unsigned.map((value) => ({ name: `varint ${value}`, varint: value, hex: written((w) => w.varint(value)) })),
    { name: 'padded', varint: 1, hex: '818000', decodeOnly: true },
    ...signed.map((value) => ({ name: `zigzag ${value}`, zigzag: value, hex: written((w) => w.zigzag(value)) })),
    ...Object.entries(invalid).map(([name, hex]) => ({ name: `invalid: ${name}`, invalid: true, hex })),
  ]
}

/** A value in a vector: JSON has neither −0 nor NaN nor the infinities, and no text with a lone surrogate that all parsers take. */
function shown(key: 'value' | 'old', value: FieldValue | undefined): object {
  if (value === undefined) return key === 'old' ? {} : { gone: true }
  const plain = typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))
  return plain ? { [key]: value } : { [`${key}Double`]: Object.is(value, -0) ? '-0' : String(value) }
}

export function values(): object[] {
  const CASES: [value: FieldValue | undefined, scale: number, old?: FieldValue][] = [
    ...([
      [0, 0],
      [-0, 2],
      [187.23, 2],
      [-187.23, 2],
      [187.23, 4],
      [187, 0],
      [0.1 + 0.2, 2],
      [1e-9, 9],
      [1e-10, 9],
      [2 ** 50 - 1, 0],
    ] as [number, number][]),
    ...([
      [2 ** 50, 0],
      [2 ** 53, 0],
      [1.7976931348623157e308, 0],
      [5e-324, 9],
      [NaN, 0],
      [Infinity, 3],
      [-Infinity, 3],
    ] as [number, number][]),
    ...([
      [187.24, 2, 187.23],
      [187.22, 2, 187.23],
      [187.23, 2, 187.23],
      [187.235, 3, 187.23],
      [5, 2, 187.23],
      [-187.23, 2, 187.23],
    ] as [number, number, number][]),
    [187.23, 2, 'text'],
    [187.23, 2, 0.1 + 0.2],
    ['', 0],
    ['AAPL', 2, 'MSFT'],
    ['苹果 🍎', 0],
    ['\ufeffmark', 0],
    [null, 0],
    [true, 0],
    [false, 0],
    [[], 0],
    [{ bids: [[187.2, 100]], none: null }, 0],
    [undefined, 0],
  ]
  return CASES.map(([value, scale, old], index) => ({
    name: `${index}: ${value === undefined ? 'gone' : Object.is(value, -0) ? '-0' : typeof value === 'number' ? value : JSON.stringify(value)} at scale ${scale}`,
    scale,
    ...shown('old', old),
    ...shown('value', value),
    hex: written((w) => writeValue(w, value, old, scale)),
  }))
}

export function upstream(): object[] {
  return recordedUpstream().map((frame, index) => {
    const bin = encodeUpstreamFor('pulsewire.bin.v1')(frame) as Uint8Array
    return { name: `${index}: ${frame.t}`, frame, json: JSON.stringify(frame), bin: hex(bin) }
  })
}

export function sync(): object[] {
  const offset = new ClockOffset()
  const samples = [
    [100, 1120, 140],
    [200, 1203, 204],
    [300, 1390, 400],
    [500.25, 1502.5, 502.75],
    [600, -5000, 1600],
    [700, 1701, 703],
  ] as const
  return samples.map(([sentAt, at, receivedAt], index) => {
    offset.add(sentAt, at, receivedAt)
    return { name: `sample ${index}`, sentAt, at, receivedAt, offsetMs: offset.offsetMs, errorMs: offset.errorMs }
  })
}
