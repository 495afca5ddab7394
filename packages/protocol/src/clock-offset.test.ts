import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CLOCK_ERROR_MAX_MS, ClockOffset } from './clock-offset.ts'

describe('clock offset', () => {
  test('nothing is known before the first answer', () => {
    const offset = new ClockOffset()
    assert.deepEqual([offset.offsetMs, offset.errorMs], [undefined, undefined])
  })

  test('the shortest of the recent round trips decides', () => {
    const offset = new ClockOffset(3)
    offset.add(100, 1120, 140)
    assert.deepEqual([offset.offsetMs, offset.errorMs], [1000, 20])
    offset.add(200, 1203, 204)
    assert.deepEqual([offset.offsetMs, offset.errorMs], [1001, 2])
    offset.add(300, 1390, 400)
    assert.deepEqual([offset.offsetMs, offset.errorMs], [1001, 2])
  })

  test('an old sample goes, however good it was, so that drift is followed', () => {
    const offset = new ClockOffset(3)
    offset.add(0, 1000, 0)
    for (let i = 1; i <= 3; i++) offset.add(i * 100, i * 100 + 2005, i * 100 + 10)
    assert.deepEqual([offset.offsetMs, offset.errorMs], [2000, 5])
  })

  test('a clock of ours that went back makes no negative error', () => {
    const offset = new ClockOffset()
    offset.add(100, 1000, 90)
    assert.equal(offset.errorMs, 0)
  })

  test('the true offset lies within the stated error, however the two ways share the round trip', () => {
    const way = fc.double({ min: 0, max: 10_000, noNaN: true })
    const trips = fc.array(fc.tuple(way, way), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), trips, (trueOffset, samples) => {
        const offset = new ClockOffset()
        let now = 1_764_000_000_000
        for (const [there, back] of samples) {
          offset.add(now, now + there + trueOffset, now + there + back)
          now += there + back + 1
        }
        assert.ok(Math.abs(offset.offsetMs! - trueOffset) <= offset.errorMs! + 0.01)
      }),
    )
  })

  test('nothing is taken for younger than it is by more than the bound, nor for much older on a line that is quick', () => {
    const way = fc.double({ min: 0, max: 5000, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), way, way, (trueOffset, there, back) => {
        const offset = new ClockOffset()
        offset.add(0, there + trueOffset, there + back)
        assert.ok(offset.knownMs! >= trueOffset - CLOCK_ERROR_MAX_MS - 0.01)
        assert.equal(offset.isGood, there + back <= 2 * CLOCK_ERROR_MAX_MS)
        if (offset.isGood) assert.equal(offset.knownMs, offset.offsetMs)
      }),
    )
    assert.equal(new ClockOffset().isGood, false)
  })

  test('before the first answer is at least what was heard says: a message is not younger than the one behind it', () => {
    const offset = new ClockOffset()
    assert.equal(offset.knownMs, undefined)
    offset.heard(5000, 100)
    offset.heard(2000, 110)
    assert.deepEqual([offset.knownMs, offset.offsetMs], [4900, undefined])
    offset.add(100, 5020, 140)
    assert.equal(offset.knownMs, 4900)
    offset.heard(9000, 150)
    assert.equal(offset.knownMs, offset.offsetMs, 'what was measured counts')
  })
})
