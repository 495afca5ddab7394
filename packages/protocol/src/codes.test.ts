import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_CODES, reconnectPolicy } from './codes.ts'

test('the range of a close code says whether to come back', () => {
  const policies = { never: [4000, 4001, 4099], backoff: [1000, 1001, 1006, 1011, 3000, 4100, 4199, 4300, 4999], elsewhere: [4200, 4299] }
  for (const [policy, codes] of Object.entries(policies)) for (const code of codes) assert.equal(reconnectPolicy(code), policy, `${code}`)
})

test('each close code is in a range, with a text, and none is used twice', () => {
  const codes = Object.values(CLOSE_CODES)
  assert.equal(new Set(codes.map(([code]) => code)).size, codes.length)
  for (const [code, text] of codes) {
    assert.ok(code >= 4000 && code < 4300)
    assert.ok(Buffer.byteLength(text) <= 123, 'a close frame has room for 123 bytes')
  }
})
