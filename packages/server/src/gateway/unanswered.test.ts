import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unanswered } from './unanswered.ts'

const AFTER_MS = 2000

test('what is not answered is said again, with its options and without what was answered', () => {
  const unanswered = new Unanswered()
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'trade', symbols: ['A', 'B', 'C'], history: 200 }, 0)
  unanswered.subscribed({ t: 'subscribed', id: 1, ok: [['A', 1, 'empty']], refused: [['B', 'symbol_invalid', '']] }, 100)
  assert.deepEqual(unanswered.overdue(2100, AFTER_MS), [])
  assert.deepEqual(unanswered.overdue(2101, AFTER_MS), [{ t: 'subscribe', id: 1, feed: 'trade', symbols: ['C'], history: 200 }])
  unanswered.subscribed({ t: 'subscribed', id: 1, ok: [['C', 3, 'empty']], done: true }, 2200)
  assert.deepEqual(unanswered.overdue(9999, AFTER_MS), [])
})

test('a pattern is answered by `done`', () => {
  const unanswered = new Unanswered()
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', patterns: ['*'] }, 0)
  unanswered.subscribed({ t: 'subscribed', id: 1, ok: [['A', 1, 'snapshot']] }, 1)
  assert.deepEqual(unanswered.overdue(3000, AFTER_MS), [{ t: 'subscribe', id: 1, feed: 'quote', patterns: ['*'] }])
  unanswered.subscribed({ t: 'subscribed', id: 1, done: true }, 3000)
  assert.deepEqual(unanswered.overdue(9999, AFTER_MS), [])
})

test('an end that is not confirmed is said again, unless the symbol is wanted again', () => {
  const unanswered = new Unanswered()
  unanswered.unsubscribe({ t: 'unsubscribe', id: 1, symbols: ['A', 'B', 'C'] }, 0)
  unanswered.unsubscribe({ t: 'unsubscribe', id: 2 }, 0)
  unanswered.unsubscribed({ t: 'unsubscribed', id: 1, ok: ['A'], unknown: [], closed: false })
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['B'] }, 1)
  unanswered.subscribed({ t: 'subscribed', id: 1, ok: [['B', 2, 'empty']], done: true }, 2)
  assert.deepEqual(unanswered.overdue(3000, AFTER_MS), [
    { t: 'unsubscribe', id: 1, symbols: ['C'] },
    { t: 'unsubscribe', id: 2 },
  ])
  unanswered.unsubscribed({ t: 'unsubscribed', id: 1, ok: [], unknown: ['C'], closed: true })
  unanswered.unsubscribed({ t: 'unsubscribed', id: 2, ok: [], unknown: [], closed: true })
  assert.deepEqual(unanswered.overdue(9999, AFTER_MS), [])
})

test('what was ended, or failed as a whole, is not asked for again', () => {
  const unanswered = new Unanswered()
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['A', 'B'] }, 0)
  unanswered.unsubscribe({ t: 'unsubscribe', id: 1, symbols: ['A'] }, 0)
  unanswered.unsubscribed({ t: 'unsubscribed', id: 1, ok: [], unknown: ['A'], closed: false })
  assert.deepEqual(unanswered.overdue(3000, AFTER_MS), [{ t: 'subscribe', id: 1, feed: 'quote', symbols: ['B'] }])
  unanswered.failed(1)
  assert.deepEqual(unanswered.overdue(3000, AFTER_MS), [])
})

test('of very many names, a frame says only so many again', () => {
  const unanswered = new Unanswered()
  const symbols = Array.from({ length: 10_000 }, (_, i) => `S${i}`)
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols }, 0)
  const [frame] = unanswered.overdue(3000, AFTER_MS)
  assert.equal(frame?.symbols?.length, 200)
})

test('a frame that was lost is said again however busy the id is; those whose answers are on their way are not', () => {
  const unanswered = new Unanswered()
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['LOST'] }, 0)
  for (let nowMs = 100; nowMs <= 1900; nowMs += 100) {
    unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: [`S${nowMs}`] }, nowMs)
    unanswered.subscribed({ t: 'subscribed', id: 1, ok: [[`S${nowMs}`, nowMs, 'empty']] }, nowMs + 10)
  }
  unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: ['LATER'] }, 1950)
  assert.deepEqual(unanswered.overdue(2001, AFTER_MS), [{ t: 'subscribe', id: 1, feed: 'quote', symbols: ['LOST'] }])
})

test('a long answer in many parts is waited for as long as parts come', () => {
  const unanswered = new Unanswered()
  for (let i = 0; i < 10; i++) unanswered.subscribe({ t: 'subscribe', id: 1, feed: 'quote', symbols: [`S${i}`] }, 0)
  for (let i = 0; i < 9; i++) {
    unanswered.subscribed({ t: 'subscribed', id: 1, ok: [[`S${i}`, i, 'snapshot']] }, 1000 * (i + 1))
    assert.deepEqual(unanswered.overdue(1000 * (i + 1), AFTER_MS), [])
  }
  assert.equal(unanswered.overdue(11_001, AFTER_MS).length, 1)
})
