import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOUNDS_SECONDS, Histogram } from './histogram.ts'

test('each duration is counted once, at the first bound that it does not exceed', () => {
  const histogram = new Histogram()
  for (const ms of [0, 5, 5.001, 2_500, 30_000, 30_001, 1e9]) histogram.observe(ms)
  const counted = new Map(
    [...histogram.counts].flatMap((count, index) => (count === 0 ? [] : [[BOUNDS_SECONDS[index] ?? Infinity, count]])),
  )
  assert.deepEqual(
    counted,
    new Map([
      [0.005, 2],
      [0.01, 1],
      [2.5, 1],
      [30, 1],
      [Infinity, 2],
    ]),
  )
  assert.equal(Math.round(histogram.sumSeconds * 1000), 1_000_062_511)
})

test('what would be before it began took no time', () => {
  const histogram = new Histogram()
  histogram.observe(-400)
  assert.equal(histogram.counts[0], 1)
  assert.equal(histogram.sumSeconds, 0)
})
