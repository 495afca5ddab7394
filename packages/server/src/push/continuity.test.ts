import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '../log/index.ts'
import { type Batch, Continuity, HOLE_MS_MAX, isWhole, soundPart } from './continuity.ts'

function batch(from: number, next: number, offsets: readonly number[], absent: readonly (readonly [number, number])[] = []): Batch {
  const records: LogRecord[] = offsets.map((offset) => ({ offset, timestampMs: 0, key: null, value: null }))
  const span = { from, next, absent: absent.map(([start, end]) => ({ from: start, next: end })) }
  return { kind: 'records', partition: 0, records, span, highWatermark: next }
}

const offsetsOf = (part: Batch | undefined) => part?.records.map(({ offset }) => offset)

test('a batch is whole when it goes on where reading is, and each offset has a record or is said to be absent', () => {
  assert.equal(isWhole(batch(5, 8, [5, 6, 7]), 5), true)
  assert.equal(isWhole(batch(5, 8, [5, 6, 7]), 4), false)
  assert.equal(isWhole(batch(5, 8, [5, 7]), 5), false)
  assert.equal(isWhole(batch(5, 8, [5, 7], [[6, 7]]), 5), true)
  assert.equal(isWhole(batch(5, 8, [], [[5, 8]]), 5), true)
})

test('of a batch that lacks a record, what comes before that is good', () => {
  const part = soundPart(batch(5, 10, [5, 6, 8, 9]), 5)
  assert.deepEqual(offsetsOf(part), [5, 6])
  assert.deepEqual([part!.span.from, part!.span.next], [5, 7])
  assert.equal(soundPart(batch(5, 10, [6, 7, 8, 9]), 5), undefined)
})

test('absent offsets are passed over, also before and behind the records', () => {
  const part = soundPart(
    batch(
      3,
      12,
      [5, 6, 8, 10],
      [
        [3, 5],
        [7, 8],
        [11, 12],
      ],
    ),
    3,
  )
  assert.deepEqual(offsetsOf(part), [5, 6, 8])
  assert.equal(part!.span.next, 9)
  assert.equal(soundPart(batch(3, 6, [5], [[3, 5]]), 3)!.span.next, 6)
})

test('of a batch that begins before, the rest is good; one from further on has nothing', () => {
  assert.deepEqual(offsetsOf(soundPart(batch(5, 9, [5, 6, 7, 8]), 7)), [7, 8])
  assert.equal(soundPart(batch(9, 11, [9, 10]), 7), undefined)
})

test('a hole is read again at once, then with pauses and by other readers, and left only when it stays', () => {
  const continuity = new Continuity()
  assert.deepEqual(continuity.torn(0, 7, 0), { kind: 'again', afterMs: 0 })
  assert.equal(continuity.holeOf(0), 7)
  assert.equal(continuity.torn(0, 7, 10).kind, 'again')
  assert.equal(continuity.torn(0, 7, 20).kind, 'again')
  assert.equal(continuity.torn(0, 7, 30).kind, 'rebuild')
  // A process that stood still has waited long, and tried little.
  assert.equal(continuity.torn(0, 7, HOLE_MS_MAX + 1).kind, 'again')
  assert.deepEqual(continuity.torn(0, 7, HOLE_MS_MAX + 2), { kind: 'leave', sinceMs: 0 })
  assert.equal(continuity.holeOf(0), undefined)
  assert.deepEqual(continuity.counts, { holes: 1, repeated: 0, left: 1 })
})

test('a hole that closes is another one the next time', () => {
  const continuity = new Continuity()
  for (let reading = 0; reading < 3; reading++) continuity.torn(0, 7, reading)
  continuity.passed(0, 7)
  assert.equal(continuity.holeOf(0), 7)
  continuity.passed(0, 8)
  assert.equal(continuity.holeOf(0), undefined)
  assert.deepEqual(continuity.torn(0, 9, HOLE_MS_MAX * 2), { kind: 'again', afterMs: 0 })
})
