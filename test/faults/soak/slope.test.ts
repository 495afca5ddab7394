import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { median, slopePerMinute } from './slope.ts'

describe('the slope of memory', () => {
  const line = (count: number, bytesPerMinute: number) =>
    Array.from({ length: count }, (_, i) => ({ atMs: i * 10_000, bytes: 1e8 + (i / 6) * bytesPerMinute }))

  it('is that of a straight line', () => {
    assert.equal(Math.round(slopePerMinute(line(30, 600_000))), 600_000)
    assert.equal(slopePerMinute(line(30, 0)), 0)
  })

  it('is not bent by a few minutes with more', () => {
    const samples = line(180, 0).map((sample, i) => (i % 10 === 0 ? { ...sample, bytes: sample.bytes * 2 } : sample))
    assert.equal(slopePerMinute(samples), 0)
  })

  it('of nothing is nothing', () => {
    assert.equal(slopePerMinute([]), 0)
    assert.equal(slopePerMinute([{ atMs: 1, bytes: 5 }]), 0)
    assert.equal(median([]), 0)
    assert.equal(median([4, 1, 3, 2]), 2.5)
  })
})
