import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpInbox } from './http-inbox.ts'

function inbox(earlyLengthMax = 100) {
  const handled: string[] = []
  return { handled, inbox: new HttpInbox((body) => handled.push(body), earlyLengthMax) }
}

test('each body is handled once, however often it comes', () => {
  const { handled, inbox: box } = inbox()
  assert.deepEqual([box.take(1, 'a'), box.take(1, 'a'), box.take(2, 'b'), box.take(1, 'a')], ['taken', 'repeated', 'taken', 'repeated'])
  assert.deepEqual(handled, ['a', 'b'])
})

test('what comes early waits for its turn', () => {
  const { handled, inbox: box } = inbox()
  assert.deepEqual([box.take(3, 'c'), box.take(2, 'b'), box.take(3, 'c')], ['early', 'early', 'repeated'])
  assert.deepEqual(handled, [])
  assert.equal(box.take(1, 'a'), 'taken')
  assert.equal(box.take(4, 'd'), 'taken')
  assert.deepEqual(handled, ['a', 'b', 'c', 'd'])
})

test('what waits is bounded, in number and in length', () => {
  const { handled, inbox: box } = inbox(10)
  assert.equal(box.take(18, 'far'), 'refused')
  assert.equal(box.take(2, 'x'.repeat(6)), 'early')
  assert.equal(box.take(3, 'y'.repeat(6)), 'refused')
  assert.equal(box.take(1, 'z'.repeat(60)), 'taken', 'whose turn it is does not wait')
  assert.equal(box.take(3, 'y'), 'taken')
  assert.equal(handled.length, 3)
})
