import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPartition, type PartitionFacts } from './explain.ts'

const NOW_MS = 1_750_000_000_000
const STALE_AFTER_MS = 1500

function reasonOf(facts: Partial<PartitionFacts>): string {
  const usual = { node: 'push-a1', feed: 'quote', topic: 'quotes', partition: 3, trouble: null, isHeld: false, isWarm: true, delayMs: 0 }
  const unknown = { holeFrom: undefined, recordAtMs: undefined, unprovenSinceMs: undefined, pulseAtMs: undefined, unknownAtMs: undefined }
  const { hop, reason } = explainPartition({ ...usual, ...unknown, ...facts }, NOW_MS, STALE_AFTER_MS)
  return `${reason} at ${hop}`
}

test('what is wrong with the reading goes first', () => {
  const flowing = { recordAtMs: NOW_MS - 10, unprovenSinceMs: NOW_MS - 5000 }
  assert.equal(reasonOf({ ...flowing, trouble: { reason: 'log_unreachable', message: '' } }), 'log_unreachable at log')
  assert.equal(reasonOf({ ...flowing, holeFrom: 7 }), 'reader_stalled at push-a1')
  assert.equal(reasonOf({ ...flowing, isHeld: true }), 'warming at push-a1')
})

test('records that flow without pulses are laid to pulse writers, those of a node that was away are not', () => {
  assert.equal(reasonOf({ recordAtMs: NOW_MS - 10, unprovenSinceMs: NOW_MS - 1400 }), 'unproven at log')
  assert.equal(reasonOf({ recordAtMs: NOW_MS - 1400, unprovenSinceMs: NOW_MS - 1400 }), 'unproven at log')
  assert.equal(reasonOf({ recordAtMs: NOW_MS - 10, unprovenSinceMs: NOW_MS - 100 }), 'resyncing at push-a1')
})

test('where no records flow, a late pulse, a node that starts, and silence are told apart', () => {
  assert.equal(reasonOf({ recordAtMs: NOW_MS - 1500, unprovenSinceMs: NOW_MS - 2000, pulseAtMs: NOW_MS - 10 }), 'lagging at log')
  assert.equal(reasonOf({ isWarm: false }), 'warming at push-a1')
  assert.equal(reasonOf({ pulseAtMs: NOW_MS - 1500 }), 'no_pulse at log')
})

test('pulses whose age this node cannot tell yet are no silence of the log', () => {
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 10 }), 'resyncing at push-a1', 'a node that was away')
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 10, pulseAtMs: NOW_MS - 9000 }), 'resyncing at push-a1')
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 10, pulseAtMs: NOW_MS - 20 }), 'lagging at log', 'others are known, and late')
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 1500 }), 'no_pulse at log')
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 10, isWarm: false }), 'warming at push-a1')
  assert.equal(reasonOf({ unknownAtMs: NOW_MS - 10, recordAtMs: NOW_MS - 10, unprovenSinceMs: NOW_MS - 1400 }), 'unproven at log')
})
