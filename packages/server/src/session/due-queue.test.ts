import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Entry, Feed, Subscription, type Subscriber } from '../hub/index.ts'
import { DueQueue } from './due-queue.ts'

const nobody: Subscriber = { due() {}, ready() {}, refused() {}, matched() {}, patternReady() {} }

function entriesOf(count: number): Entry[] {
  const feed = new Feed(0, feedOptions)
  const subscription = new Subscription(nobody, 1, feed, { view: feed.views.all, delivery: 'latest', periodMs: 0, image: true, history: 0 })
  return Array.from({ length: count }, (_, i) => new Entry(subscription, feed.obtain(`S${i}`)!, i))
}

function refs(queue: DueQueue): number[] {
  const taken: number[] = []
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) taken.push(entry.ref)
  return taken
}

test('entries come out in the order in which they became due, each once', () => {
  const queue = new DueQueue()
  const entries = entriesOf(3)
  for (const i of [2, 0, 2, 1, 0]) queue.push(entries[i]!)
  assert.equal(queue.isEmpty, false)
  assert.deepEqual(refs(queue), [2, 0, 1])
  assert.equal(queue.isEmpty, true)
  queue.push(entries[2]!)
  assert.deepEqual(refs(queue), [2])
})

test('a queue that is never emptied does not grow with what went through it', () => {
  const queue = new DueQueue()
  const entries = entriesOf(10)
  for (const entry of entries) queue.push(entry)
  for (let i = 0; i < 100_000; i++) queue.push(queue.shift()!)
  assert.ok(queue.slots < 10_000, `${queue.slots} slots for 10 entries`)
  assert.equal(refs(queue).length, 10)
})
