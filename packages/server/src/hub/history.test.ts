import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EncodedFrames } from './encoded-frames.ts'
import { Feed } from './feed.ts'
import { HistoryBudget, SymbolHistory, type HistoryItem } from './history.ts'
import { SymbolState } from './symbol.ts'
import { feedOptions } from '../../../../test/support/sender.ts'

function item(count: number, more: Partial<HistoryItem> = {}): HistoryItem {
  return {
    count,
    generation: 1,
    partition: 0,
    offset: count * 10,
    ts: 0,
    prev: -1,
    previousOffset: -1,
    previousTs: 0,
    n: 1,
    placed: false,
    deleted: false,
    raw: null,
    values: [],
    before: [],
    changed: [],
    bytes: 100,
    encoded: new EncodedFrames(),
    ...more,
  }
}

function countsIn(history: SymbolHistory): number[] {
  const counts: number[] = []
  for (let next = history.firstAfter(-1); next !== undefined; next = history.firstAfter(next.count)) counts.push(next.count)
  return counts
}

test('records are found by count and by position', () => {
  const budget = new HistoryBudget(10, 10_000)
  const history = new SymbolHistory()
  for (const count of [1, 2, 5]) budget.add(history, item(count))
  assert.deepEqual(
    [0, 1, 2, 4, 5].map((count) => history.firstAfter(count)?.count),
    [1, 2, 5, 5, undefined],
  )
  assert.equal(history.at(1, 0, 20)?.count, 2)
  for (const [generation, partition, offset] of [
    [1, 0, 21],
    [1, 1, 20],
    [2, 0, 20],
  ] as const)
    assert.equal(history.at(generation, partition, offset), undefined)
  assert.equal(history.oldest?.count, 1)
})

test('replays begin before the newest records, or before the oldest when fewer are held', () => {
  const history = new SymbolHistory()
  assert.equal(history.before(3), undefined)
  for (const count of [1, 2, 3, 4]) history.push(item(count))
  assert.deepEqual(
    [1, 3, 4, 100].map((records) => history.before(records)),
    [3, 1, 0, 0],
  )
})

test('a replay that is to reach back to a position begins so many records before that, as far as is held', () => {
  const history = new SymbolHistory()
  for (let count = 1; count <= 20; count++) history.push(item(count))
  const begin = (records: number, offset: number, partition = 0, generation = 1) =>
    history.before(records, { generation, partition, offset })
  // The item of count n is at offset 10 × n.
  assert.deepEqual([begin(2, 100), begin(2, 105), begin(2, 200), begin(2, 999)], [8, 8, 18, 18])
  assert.deepEqual([begin(2, 20), begin(2, 10), begin(2, 0)], [0, 0, 0])
  assert.deepEqual([begin(2, 100, 1), begin(2, 100, 0, 2)], [18, 18], 'of another partition or generation it says nothing')
})

test('a symbol keeps at most so many records; the oldest go', () => {
  const budget = new HistoryBudget(3, 1_000_000)
  const history = new SymbolHistory()
  for (let count = 1; count <= 500; count++) budget.add(history, item(count))
  assert.deepEqual(countsIn(history), [498, 499, 500])
  assert.deepEqual([budget.records, budget.bytes], [3, 300])
  assert.equal(history.at(1, 0, 10), undefined)
})

test('all symbols together keep at most so many bytes; the oldest of all go first', () => {
  const budget = new HistoryBudget(100, 500)
  const [a, b] = [new SymbolHistory(), new SymbolHistory()]
  for (let count = 1; count <= 4; count++) budget.add(a, item(count))
  for (let count = 1; count <= 3; count++) budget.add(b, item(count))
  assert.deepEqual(
    [countsIn(a), countsIn(b)],
    [
      [3, 4],
      [1, 2, 3],
    ],
  )
  assert.deepEqual([budget.records, budget.bytes], [5, 500])
})

test('a record larger than the whole budget is not kept, and the books stay right', () => {
  const budget = new HistoryBudget(100, 500)
  const history = new SymbolHistory()
  budget.add(history, item(1))
  budget.add(history, item(2, { bytes: 600 }))
  assert.deepEqual([history.length, budget.records, budget.bytes], [0, 0, 0])
  budget.add(history, item(3))
  assert.deepEqual([countsIn(history), budget.records, budget.bytes], [[3], 1, 100])
})

test('however long it runs, either bound holds and the list of arrivals stays in proportion', () => {
  const budget = new HistoryBudget(5, 20_000)
  const histories = Array.from({ length: 50 }, () => new SymbolHistory())
  for (let count = 1; count <= 1000; count++) for (const history of histories) budget.add(history, item(count))
  assert.ok(histories.every((history) => history.length <= 5))
  assert.deepEqual([budget.bytes, budget.records], [20_000, 200])
  assert.equal(
    histories.reduce((sum, history) => sum + history.length, 0),
    200,
  )
  assert.ok(budget.listed <= 1024 + 2 * budget.records, `${budget.listed} listed`)
})

test('of symbols that are gone nothing is held or listed', () => {
  const budget = new HistoryBudget(100, 1_000_000)
  const histories = Array.from({ length: 40 }, () => new SymbolHistory())
  for (let count = 1; count <= 100; count++) for (const history of histories) budget.add(history, item(count))
  for (const history of histories) budget.drop(history)
  assert.deepEqual([budget.records, budget.bytes], [0, 0])
  assert.ok(budget.listed <= 1024, `${budget.listed} listed`)
  // Their last records too, however few they were.
  assert.equal(
    histories.reduce((sum, history) => sum + history.kept, 0),
    0,
  )
})

test('frames that were encoded are kept for the newest records only', () => {
  const feed = new Feed(0, { ...feedOptions, mode: 'every', history: { recordsPerSymbolMax: 100, bytesMax: 1e9 } })
  const symbol = new SymbolState(feed, 'A')
  const view = feed.views.all
  const has = (item: HistoryItem | undefined) => item?.encoded.bin(view, 0, 0) !== undefined
  for (let offset = 0; offset < 40; offset++) {
    symbol.applyRecord({ generation: 1, partition: 0, offset, ts: 0, prev: -1, n: 1 }, { last: offset }, false)
    symbol.history!.at(1, 0, offset)!.encoded.setBin(view, 0, 0, new Uint8Array(1))
  }
  const kept = Array.from({ length: 40 }, (_, offset) => symbol.history!.at(1, 0, offset)).filter(has)
  assert.deepEqual([kept.length, kept[0]?.offset], [16, 24])
})

test('an item has the image before it and after it, whatever came since', () => {
  const feed = new Feed(0, { ...feedOptions, mode: 'every', history: { recordsPerSymbolMax: 100, bytesMax: 1e9 } })
  const symbol = new SymbolState(feed, 'A')
  symbol.trackChanges()
  const images = [{ a: 1 }, { a: 2, b: 'x' }, { b: 'y' }, { a: 3 }]
  images.forEach((fields, offset) => symbol.applyRecord({ generation: 1, partition: 0, offset, ts: 0, prev: -1, n: 1 }, fields, false))
  const items = images.map((_, offset) => symbol.history!.at(1, 0, offset)!)
  assert.deepEqual(
    items.map(({ before, values }) => [before, values]),
    [
      [[], [1]],
      [[1], [2, 'x']],
      [
        [2, 'x'],
        [undefined, 'y'],
      ],
      [
        [undefined, 'y'],
        [3, undefined],
      ],
    ],
  )
})
