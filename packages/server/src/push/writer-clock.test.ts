import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WriterClocks } from './writer-clock.ts'

/** A writer whose clock is off by so much, and pulses that take so long to arrive. */
function setUp(skewMs: number, travelMs: number) {
  const clocks = new WriterClocks()
  let sequence = 0
  /** @returns the error of what is believed: positive when the pulse is taken for younger than it is. */
  const pulse = (nowMs: number, options: { travelMs?: number; atTail?: boolean; skewMs?: number; restart?: boolean } = {}): number => {
    if (options.restart === true) sequence = 0
    const writtenAtMs = nowMs - (options.travelMs ?? travelMs)
    const record = { writer: 'w', sequence: sequence++, generation: 1, atMs: writtenAtMs + (options.skewMs ?? skewMs) }
    return clocks.writtenAtMs(record, 0, nowMs, options.atTail ?? true) - writtenAtMs
  }
  return { clocks, pulse }
}

test('a writer whose clock agrees is believed, and a late pulse shows its age', () => {
  const { pulse } = setUp(0, 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 0)
  assert.equal(pulse(10_500, { travelMs: 3000 }), 0)
})

test('a clock ahead is seen at the first pulse from the future, and taken out', () => {
  const { pulse } = setUp(5000, 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 20, 'off by the travel time at most')
  assert.equal(pulse(10_500, { travelMs: 3000 }), 20, 'and a late pulse is still late')
})

test('a clock behind is taken out, once more than travel would explain', () => {
  const { pulse } = setUp(-5000, 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 20)
  assert.equal(pulse(10_500, { travelMs: 3000 }), 20)
})

test('a backlog is not taken for skew', () => {
  const { pulse } = setUp(0, 20)
  for (let behindMs = 60_000; behindMs > 0; behindMs -= 1000) assert.equal(pulse(100_000, { travelMs: behindMs, atTail: false }), 0)
})

test('a writer that comes back with another clock is judged anew', () => {
  const { pulse } = setUp(5000, 20)
  for (let nowMs = 0; nowMs < 5000; nowMs += 500) pulse(nowMs)
  assert.equal(pulse(6000, { skewMs: 0, restart: true }), 0)
})

test('slow drift is followed', () => {
  const { pulse } = setUp(0, 20)
  let worstMs = 0
  for (let nowMs = 0; nowMs < 3_600_000; nowMs += 500) worstMs = Math.max(worstMs, Math.abs(pulse(nowMs, { skewMs: nowMs / 1000 })))
  assert.ok(worstMs <= 250 + 120, `${worstMs} ms off`)
})

test('however many writers there were, memory is bounded', () => {
  const clocks = new WriterClocks()
  for (let i = 0; i < 10_000; i++) clocks.writtenAtMs({ writer: `w${i}`, sequence: 0, generation: 1, atMs: 0 }, 0, 0, true)
  assert.ok(clocks.size <= 65)
})
