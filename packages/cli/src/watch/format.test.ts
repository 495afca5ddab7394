import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatValue, sanitize } from './format.ts'

test('what could rule the terminal, or make one name look like another, is made visible', () => {
  assert.equal(sanitize('a\u001b[2Jb\u0085'), 'a\\x1b[2Jb\\x85')
  assert.equal(sanitize('\u202eLPAA A\u200bB \ufeff \u2028'), '\\u{202e}LPAA A\\u{200b}B \\u{feff} \\u{2028}')
  assert.equal(sanitize('\u{e0041}'), '\\u{e0041}')
  assert.equal(formatValue('腾讯 café é'), '腾讯 café é')
})
