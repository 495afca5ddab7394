import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isValidName } from '@pulsewire/protocol'
import { decodePulse, encodePulse, isPulseKey, PULSE_KEY } from './pulse-record.ts'

const PULSE = { writer: 'pulse-1', life: 1_763_999_999_999, sequence: 7, generation: 2, atMs: 1_764_000_000_000.25 }

test('a pulse is read as it was written, and its record carries its time', () => {
  const append = encodePulse(3, PULSE)
  assert.deepEqual([append.partition, append.timestampMs], [3, 1_764_000_000_000])
  assert.deepEqual(decodePulse(Buffer.from(append.value as string)), PULSE)
})

test('no symbol can be taken for a pulse', () => {
  assert.equal(isPulseKey(Buffer.from(PULSE_KEY)), true)
  assert.equal(isValidName(PULSE_KEY), false)
  for (const key of ['AAPL.US', 'pulsewire.pulse', '']) assert.equal(isPulseKey(Buffer.from(key)), false)
})

test('what only looks like a pulse is none', () => {
  assert.equal(decodePulse(null), undefined)
  const wrong = [
    {},
    { ...PULSE, writer: 1 },
    { ...PULSE, sequence: 1.5 },
    { ...PULSE, generation: '2' },
    { ...PULSE, life: 'a' },
    { ...PULSE, atMs: null },
    { ...PULSE, atMs: -1 },
    { ...PULSE, atMs: 1e300 },
    null,
    [],
    7,
  ]
  for (const value of ['', '{', ...wrong.map((each) => JSON.stringify(each))])
    assert.equal(decodePulse(Buffer.from(value)), undefined, value)
})
