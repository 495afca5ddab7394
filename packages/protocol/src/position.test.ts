import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { comparePositions, formatPosition, parsePosition } from './position.ts'

const position = fc.record(
  { generation: fc.nat(3), partition: fc.nat(3), offset: fc.oneof(fc.nat(5), fc.maxSafeNat()) },
  { noNullPrototype: true },
)

describe('positions', () => {
  test('what is formatted parses to the same', () => {
    fc.assert(fc.property(position, (each) => assert.deepEqual(parsePosition(formatPosition(each)), each)))
  })

  const MALFORMED = [
    '',
    ':',
    '::',
    '1:2',
    '1:2:',
    ':2:3',
    '1::3',
    '1:2:3:4',
    '-1:2:3',
    '1:2:-3',
    '1:2:3.5',
    '1:2:3e5',
    '1:2:0x3',
    ' 1:2:3',
    '1:2:3 ',
    '1:2:3\n',
    '1;2;3',
    '1:2:١',
    '1:2:9007199254740992',
    '1:2:99999999999999999',
    '11111111111:2:3',
    '1:22222222222:3',
  ]
  for (const text of MALFORMED) test(`${JSON.stringify(text)} is none`, () => assert.equal(parsePosition(text), undefined))

  test('no text makes the parser throw, and what it accepts is in range', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'0123456789:-. \n'), maxLength: 30 })
    fc.assert(
      fc.property(fc.oneof(almost, fc.string()), (text) => {
        const parsed = parsePosition(text)
        if (parsed === undefined) return
        for (const each of Object.values(parsed)) assert.ok(Number.isSafeInteger(each) && each >= 0)
      }),
    )
  })

  test('generation, then offset within a partition; across partitions the record time, then the partition', () => {
    const at = (generation: number, partition: number, offset: number) => ({ generation, partition, offset })
    assert.ok(comparePositions(at(1, 3, 900), 50, at(2, 0, 1), 10) < 0, 'a higher generation is newer, whatever else')
    assert.ok(comparePositions(at(1, 3, 4), 90, at(1, 3, 5), 10) < 0, 'within a partition the record time says nothing')
    assert.ok(comparePositions(at(1, 3, 900), 10, at(1, 2, 5), 11) < 0, 'across partitions the record time decides')
    assert.ok(comparePositions(at(1, 2, 900), 10, at(1, 3, 5), 10) < 0, 'and with equal times the partition')
    assert.equal(comparePositions(at(1, 2, 3), 10, at(1, 2, 3), 99), 0)
  })

  test('order does not depend on who is asked first, and equal means the same record', () => {
    const record = fc.tuple(position, fc.nat(3))
    fc.assert(
      fc.property(record, record, ([a, aTs], [b, bTs]) => {
        const order = Math.sign(comparePositions(a, aTs, b, bTs))
        assert.equal(order + Math.sign(comparePositions(b, bTs, a, aTs)), 0)
        assert.equal(order === 0, formatPosition(a) === formatPosition(b))
      }),
    )
  })
})
