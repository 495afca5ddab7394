/** What a receiver by the book is owed after an answer, and what it is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeedConfig } from '@pulsewire/server'
import { HopMonitor } from './hop-monitor.ts'
import { LogModel } from './log-model.ts'

const FEED = { name: 'trade', mode: 'every', codec: 'json', merge: false, generation: 1 } as const

/** Five records of a symbol in offsets 0 to 4, `deleted` ones without a value, and a receiver of every one of them. */
function setUp({ deleted = [], mayNotKnow }: { deleted?: readonly number[]; mayNotKnow: boolean }) {
  const model = new LogModel([{ config: { ...FEED, topic: 'trades' } as unknown as FeedConfig, partitions: 1 }])
  for (let offset = 0; offset < 5; offset++) {
    const value = deleted.includes(offset) ? null : JSON.stringify({ last: offset })
    model.appended('trades', [{ key: 'A', value, timestampMs: offset }], [{ partition: 0, offset }], offset)
  }
  const broken: string[] = []
  const monitor = new HopMonitor({
    name: 'receiver',
    model,
    report: (rule) => broken.push(rule),
    nowMs: () => 1000,
    countsExactSinceMs: () => 0,
    mayNotKnow: () => mayNotKnow,
    trace: () => {},
  })
  monitor.opened('pulsewire.json.v1')
  monitor.sent(JSON.stringify({ t: 'subscribe', id: 1, feed: 'trade', symbols: ['A'] }))
  const receive = (...frames: object[]) => monitor.received(JSON.stringify(frames))
  const info = { feed: 'trade', mode: 'every', codec: 'json', generation: 1, partitions: 1 }
  const limits = { messageBytesMax: 1000, subscriptionsMax: 10 }
  const node = { session: 's', node: 'gw-1', role: 'gateway', version: '1' }
  receive({ t: 'welcome', ...node, at: 0, epoch: 0, pulseIntervalMs: 0, staleAfterMs: 2500, feeds: [info], limits })
  receive({ t: 'subscribed', id: 1, ok: [['A', 1, 'empty']], done: true })
  const record = (offset: number, snapshot = false) =>
    receive({ t: 'update', ref: 1, snapshot, symbol: 'A', position: `1:0:${offset}`, ts: offset, values: { last: offset } })
  return { broken, record }
}

test('a gateway that nobody answered in time knows nothing of what there was: what it gives first begins somewhere', () => {
  for (const deleted of [[], [4]]) {
    const { broken, record } = setUp({ deleted, mayNotKnow: true })
    record(2, true)
    assert.deepEqual(broken, [], `deleted: ${deleted}`)
  }
})

test('from there on every record is owed, or a gap is told', () => {
  const { broken, record } = setUp({ mayNotKnow: true })
  record(1, true)
  record(3)
  assert.deepEqual(broken, ['P1 every'])
})

test('where upstream was heard, empty means that there was nothing: what it gives first is the first there is', () => {
  const { broken, record } = setUp({ mayNotKnow: false })
  record(2, true)
  assert.deepEqual(broken, ['P1 every'])
  const sound = setUp({ mayNotKnow: false })
  sound.record(0, true)
  assert.deepEqual(sound.broken, [])
})
