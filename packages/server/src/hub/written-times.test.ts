import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrittenTimes } from './written-times.ts'

test('a pulse leads to the newest frame that is not newer, and what is long ago to none', () => {
  const times = new WrittenTimes()
  assert.equal(times.upTo(1), undefined)
  for (let pulse = 2; pulse <= 8; pulse += 2) times.add(pulse, pulse * 100)
  assert.deepEqual(
    [1, 2, 3, 7, 8, 99].map((pulse) => times.upTo(pulse)),
    [undefined, 200, 200, 600, 800, 800],
  )
  for (let pulse = 10; pulse <= 10_000; pulse += 2) times.add(pulse, pulse * 100)
  assert.equal(times.upTo(8), undefined, 'it is bounded')
  assert.equal(times.upTo(9_001), 900_000)
  assert.equal(times.upTo(10_001), 1_000_000)
})
