import fc from 'fast-check'
import type { FieldValue } from '../frames.ts'

/** Strings of single UTF-16 units, so that surrogates come alone as well. */
const wildString = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff }), fc.nat(127)), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units))
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), wildString)

/** Numbers as feeds have them: decimals, volumes, and now and then something odd. */
const decimal = fc
  .tuple(fc.integer({ min: -10_000_000, max: 10_000_000 }), fc.nat(9))
  .map(([mantissa, scale]) => mantissa / 10 ** scale + 0)

/** `JSON.stringify` writes −0 as 0. */
const jsonDouble = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)

const nested = fc.jsonValue({ maxDepth: 3, depthSize: 'small' }).map((value) => JSON.parse(JSON.stringify([value])) as FieldValue)

/** Values that JSON carries as they are. */
export const jsonSafeValue: fc.Arbitrary<FieldValue> = fc.oneof(
  { weight: 6, arbitrary: decimal },
  { weight: 2, arbitrary: fc.maxSafeInteger() },
  { weight: 2, arbitrary: jsonDouble },
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom<FieldValue>(null, true, false) },
  { weight: 2, arbitrary: nested },
)

/** −0, NaN and the infinities as well. */
export const anyValue: fc.Arbitrary<FieldValue> = fc.oneof({ weight: 3, arbitrary: jsonSafeValue }, { weight: 1, arbitrary: fc.double() })
