import { ProtocolError } from '../decoder.ts'
import type { FieldValue } from '../frames.ts'
import { unzigzag, type ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { MANTISSA_MAX, OTHER, POWERS_OF_TEN, SCALE_MAX, VALUE } from './kinds.ts'

const encoder = /* @__PURE__ */ new TextEncoder()

/** The value as a whole number of 10^−scale, or NaN where it is not exactly one. */
export function mantissaOf(value: number, scale: number): number {
  const power = POWERS_OF_TEN[scale]!
  const mantissa = Math.round(value * power)
  if (mantissa / power !== value || Math.abs(mantissa) >= MANTISSA_MAX) return NaN
  // −0 equals 0 but is not the same value.
  return mantissa === 0 && Object.is(value, -0) ? NaN : mantissa
}

/** The smallest scale, not below `scale`, at which the value is whole; −1 when there is none. */
export function scaleFor(value: number, scale: number): number {
  for (let s = scale; s <= SCALE_MAX; s++) if (!Number.isNaN(mantissaOf(value, s))) return s
  return -1
}

/**
 * Writes one value. `old` is what the receiver holds, when the sender knows it; it shortens numbers.
 * @returns false when the number is not whole at the dictionary's scale (it was written as a double all the same).
 */
export function writeValue(writer: ByteWriter, value: FieldValue | undefined, old: FieldValue | undefined, scale: number): boolean {
  if (typeof value === 'number') return writeNumber(writer, value, old, scale)
  if (typeof value === 'string') {
    // UTF-8 has no lone surrogates; JSON text has them as escapes.
    if (!value.isWellFormed()) return writeJson(writer, value)
    const encoded = encoder.encode(value)
    writer.varint(encoded.length * 4 + VALUE.string)
    writer.raw(encoded)
    return true
  }
  if (value === undefined) writer.varint(OTHER.gone * 4 + VALUE.other)
  else if (value === null) writer.varint(OTHER.null * 4 + VALUE.other)
  else if (value === true) writer.varint(OTHER.true * 4 + VALUE.other)
  else if (value === false) writer.varint(OTHER.false * 4 + VALUE.other)
  else writeJson(writer, value)
  return true
}

function writeJson(writer: ByteWriter, value: FieldValue): true {
  writer.varint(OTHER.json * 4 + VALUE.other)
  writer.text(JSON.stringify(value))
  return true
}

function writeNumber(writer: ByteWriter, value: number, old: FieldValue | undefined, scale: number): boolean {
  const mantissa = mantissaOf(value, scale)
  if (Number.isNaN(mantissa)) {
    writer.varint(OTHER.double * 4 + VALUE.other)
    writer.f64(value)
    return false
  }
  if (typeof old === 'number') {
    const before = mantissaOf(old, scale)
    const step = mantissa - before
    if (Math.abs(step) < Math.abs(mantissa)) {
      writer.varint((step >= 0 ? step * 2 : -step * 2 - 1) * 4 + VALUE.step)
      return true
    }
  }
  writer.varint((mantissa >= 0 ? mantissa * 2 : -mantissa * 2 - 1) * 4 + VALUE.number)
  return true
}

/** @returns `undefined` when the field is gone. */
export function readValue(reader: ByteReader, old: FieldValue | undefined, scale: number): FieldValue | undefined {
  const head = reader.varint()
  const kind = head % 4
  const x = Math.floor(head / 4)
  const power = POWERS_OF_TEN[scale]!
  if (kind === VALUE.step) {
    if (typeof old !== 'number') throw new ProtocolError('a step on a field that holds no number')
    return (Math.round(old * power) + unzigzag(x)) / power
  }
  if (kind === VALUE.number) return unzigzag(x) / power
  if (kind === VALUE.string) return reader.textOf(x)
  return readOther(reader, x)
}

function readOther(reader: ByteReader, x: number): FieldValue | undefined {
  if (x === OTHER.null) return null
  if (x === OTHER.true) return true
  if (x === OTHER.false) return false
  if (x === OTHER.double) return reader.f64()
  if (x === OTHER.gone) return undefined
  if (x !== OTHER.json) throw new ProtocolError(`unknown value kind ${x}`)
  const text = reader.text()
  try {
    return JSON.parse(text) as FieldValue
  } catch {
    throw new ProtocolError('a JSON value does not parse')
  }
}
