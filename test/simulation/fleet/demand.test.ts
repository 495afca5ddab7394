import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriesBursts } from './demand.ts'

const LIVELY = { ratePerS: 30 }
const QUIET = { ratePerS: 1 }

test('a thin line carries the bursts of one lively feed, not those of several subscriptions to it; a thick one does', () => {
  assert.equal(carriesBursts([LIVELY], 52), true)
  assert.equal(carriesBursts([QUIET, QUIET], 52), true)
  assert.equal(carriesBursts([LIVELY, LIVELY, LIVELY, LIVELY], 52), false)
  assert.equal(carriesBursts([LIVELY, LIVELY, LIVELY, LIVELY], 1000), true)
})
