import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isValidName } from './name.ts'

test('names: 1 to 64 characters, none of them a control character or an invisible one, well-formed', () => {
  for (const name of ['A', 'AAPL.US', '0700.HK', '腾讯', 'x'.repeat(64), 'a b', '__proto__']) assert.equal(isValidName(name), true, name)
  for (const name of [
    '',
    'x'.repeat(65),
    'a\nb',
    'a\u0000',
    '\u007f',
    '\u2028',
    '\ud800',
    'A\u200b',
    '\u202eLPAA',
    'A\u2066B',
    '\ufeffA',
    'A\u00ad',
  ])
    assert.equal(isValidName(name), false, JSON.stringify(name))
})
