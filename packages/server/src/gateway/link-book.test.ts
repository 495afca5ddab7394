import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Feed, SymbolState } from '../hub/index.ts'
import { LinkBook } from './link-book.ts'
import { SymbolSource } from './symbol-source.ts'

test('a symbol that is waited for under a ref is waited for under another one when that ends, and under none when all have', () => {
  const book = new LinkBook(new Map())
  const source = new SymbolSource(new SymbolState(new Feed(0, feedOptions), 'A'))
  for (const ref of [1, 13, 20]) book.bind(ref, source)
  book.ahead.set(source, 13)
  assert.equal(book.unbind(13), undefined)
  assert.equal(book.ahead.get(source), 1, 'ref 13 may be another symbol’s by now')
  book.unbind(20)
  assert.equal(book.ahead.get(source), 1)
  assert.equal(book.unbind(1), source)
  assert.equal(book.ahead.has(source), false)
})
