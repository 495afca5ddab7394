import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainFor, deliveryOf } from './parts-small.ts'

test('the small file asks for the newest image whatever the mode of the feed, and refuses each record', () => {
  assert.equal(deliveryOf(undefined), 'latest')
  assert.equal(deliveryOf('latest'), 'latest')
  assert.throws(() => deliveryOf('every'), { code: 'options_invalid', message: "delivery 'every' is only in the full file" })
  assert.equal(chainFor('latest'), null)
})
