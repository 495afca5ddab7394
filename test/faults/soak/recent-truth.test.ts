import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RecentTruth } from './recent-truth.ts'

it('says what was so at a moment, for as long as it is kept', () => {
  const truth = new RecentTruth(1000)
  assert.equal(truth.at(5000), undefined)
  for (const atMs of [1000, 1400, 1800, 2200, 2600]) truth.add({ atMs, sequences: { a: atMs } })
  assert.equal(truth.at(2199)?.sequences['a'], 1800)
  assert.equal(truth.at(2200)?.sequences['a'], 2200)
  assert.equal(truth.at(9999)?.sequences['a'], 2600)
  // The last before the oldest moment that is asked for stays.
  assert.equal(truth.at(1600)?.sequences['a'], 1400)
  assert.equal(truth.at(1399), undefined)
})
