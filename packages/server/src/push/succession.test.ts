import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { type Content, Hub, type SymbolState } from '../hub/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { Succession } from './succession.ts'

const FROM_MS = 1_000_000

function setUp(feed: Readonly<Record<string, unknown>> = {}) {
  const feeds = JSON.stringify([{ name: 'quote', topic: 'quotes', ...feed }])
  const config = loadConfig('push', { env: { PULSEWIRE_FEEDS: feeds, PULSEWIRE_LOG_BROKERS: 'kafka:9092' } }).feeds[0]!
  const hub = new Hub({ nodeId: 'push-a1', clock: new ManualClock(), feeds: [config] })
  const symbol = hub.feed('quote')!.obtain('A')!
  let offset = 0
  const give = (ts: number, last: number) =>
    symbol.applyRecord({ generation: 1, partition: 0, offset: offset++, ts, n: 1, prev: -1 }, { last }, config.merge)
  const succession = new Succession(hub, { merge: config.merge, fromMs: FROM_MS })
  /** Of these records of the newer topic, those that are news. */
  const news = (records: readonly (readonly [ts: number, last: number])[]) =>
    records.filter(([ts, last]) => !succession.isCopy('A', ts, contentOf(last)))
  return { hub, symbol, give, succession, news }
}

function contentOf(last: number): Content {
  return { deleted: false, raw: null, values: [last] }
}

function placeOf(symbol: SymbolState): string {
  return `${symbol.generation}:${symbol.partition}:${symbol.offset}`
}

test('copies end with the last record that was given, and nothing behind it is one', () => {
  const { symbol, give, succession, news } = setUp({ mode: 'every' })
  for (const [ts, last] of [
    [10, 1],
    [20, 2],
    [20, 1],
  ] as const)
    give(ts, last)
  succession.remember(symbol, [])
  assert.deepEqual(
    news([
      [10, 1],
      [20, 2],
      [20, 1],
      [20, 1],
      [5, 7],
    ]),
    [
      [20, 1],
      [5, 7],
    ],
    'a second one of the same millisecond and content is another, and so is whatever follows',
  )
})

test('a producer that leaves the one topic for the other in the middle of a millisecond loses nothing', () => {
  const { symbol, give, succession, news } = setUp({ mode: 'every' })
  give(20, 1)
  succession.remember(symbol, [])
  assert.deepEqual(
    news([
      [20, 2],
      [20, 1],
    ]),
    [
      [20, 2],
      [20, 1],
    ],
  )
})

test('a feed of latest values knows what the symbol was within its last millisecond', () => {
  const { symbol, give, succession, news } = setUp()
  give(20, 2)
  succession.remember(symbol, [contentOf(1)])
  assert.deepEqual(
    news([
      [20, 1],
      [20, 2],
      [20, 3],
    ]),
    [[20, 3]],
  )
})

test('of a symbol that the older topic did not have, everything is new', () => {
  const { news } = setUp()
  assert.deepEqual(news([[1, 1]]), [[1, 1]])
})

test('wherever the older topic ends and the newer begins, each record is given once and in order', () => {
  const gaps = fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 5), fc.nat(2)), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(gaps, fc.nat(20), fc.nat(20), (drafts, endsAt, beginsAt) => {
      let ts = 100
      const records = drafts.map(([gap, last]) => [(ts += gap), last] as const)
      const older = records.slice(0, 1 + (endsAt % records.length))
      // Both overlap, or the one begins where the other ends.
      const newer = records.slice(Math.min(beginsAt, older.length))
      const { symbol, give, succession, news } = setUp({ mode: 'every' })
      for (const [at, last] of older) give(at, last)
      succession.remember(symbol, [])
      const given = [...older, ...news(newer)]
      // Where the newer topic begins within the last millisecond, equal records may be taken for one another.
      const isBlurred = newer.length > 0 && newer[0]![0] === older.at(-1)![0]
      if (!isBlurred) return assert.deepEqual(given, records)
      assert.deepEqual(
        given.map(([at]) => at).toSorted((a, b) => a - b),
        given.map(([at]) => at),
      )
      const isLater = ([at]: readonly [number, number]) => at > older.at(-1)![0]
      assert.deepEqual(given.filter(isLater), records.filter(isLater))
    }),
  )
})

test('a feed of latest values whose copies bear earlier times comes to the newest value all the same, once copies are over', () => {
  const { symbol, give, succession } = setUp()
  give(100, 1)
  succession.remember(symbol, [])
  const place = { generation: 2, partition: 1, offset: 7, ts: 99, n: 1, prev: -1 }
  assert.ok(succession.isCopy('A', 99, contentOf(2)))
  succession.place(symbol, place, contentOf(2))
  assert.deepEqual([symbol.values, placeOf(symbol)], [[1], '2:1:6'])
  succession.pulsed(1, FROM_MS + 9000)
  assert.deepEqual(symbol.values, [1])
  succession.pulsed(1, FROM_MS + 10_000)
  assert.deepEqual([symbol.values, placeOf(symbol), succession.awaits('A', 1), succession.awaits('A', 0)], [[2], '2:1:7', false, true])
})

test('the copy of the last record gives it its place, and leaves it as it is', () => {
  const { symbol, give, succession } = setUp()
  give(100, 1)
  succession.remember(symbol, [])
  assert.ok(succession.isCopy('A', 100, contentOf(1)))
  succession.place(symbol, { generation: 2, partition: 1, offset: 7, ts: 100, n: 1, prev: -1 }, contentOf(1))
  assert.deepEqual([symbol.values, symbol.ts, placeOf(symbol)], [[1], 100, '2:1:7'])
})

test('records that are partial are copies where the image has what they name', () => {
  const { symbol, give, succession, news } = setUp({ merge: true })
  give(100, 1)
  symbol.applyRecord({ generation: 1, partition: 0, offset: 5, ts: 100, n: 1, prev: -1 }, { volume: 5 }, true)
  succession.remember(symbol, [])
  assert.deepEqual(
    news([
      [100, 1],
      [101, 1],
    ]),
    [[101, 1]],
  )
})
