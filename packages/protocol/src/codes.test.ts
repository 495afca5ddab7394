import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_CODES, isTokenCode, mayRenewToken, reconnectPolicy, REFUSAL_CODES, TOKEN_CODES } from './codes.ts'

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

test('a fresh token may help where the one before is not accepted or was revoked', () => {
  const helped = Object.entries(CLOSE_CODES).flatMap(([reason, [code]]) => (mayRenewToken(code) ? [reason] : []))
  assert.deepEqual(helped, ['unauthorized', 'revoked'])
})

test('token codes are told from refusals by how they begin', () => {
  for (const code of Object.keys(TOKEN_CODES)) assert.ok(isTokenCode(code), code)
  for (const code of Object.keys(REFUSAL_CODES)) assert.ok(!isTokenCode(code), code)
})
