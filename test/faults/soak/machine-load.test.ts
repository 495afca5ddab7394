import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busyPart, processorTimes } from './machine-load.ts'

test('busy is what is not idle, of the time between', () => {
  const from = { idleMs: 1_000, allMs: 5_000 }
  assert.equal(busyPart(from, { idleMs: 1_500, allMs: 7_000 }), 0.75)
  assert.equal(busyPart(from, { idleMs: 3_000, allMs: 7_000 }), 0)
  assert.equal(busyPart(from, from), 0)
})

test('a machine that spins is not idle', () => {
  const from = processorTimes()
  // Until its clocks have moved, however coarse they are.
  let until = from
  while (until.allMs - from.allMs < 100) until = processorTimes()
  assert.ok(busyPart(from, until) > 0)
})
