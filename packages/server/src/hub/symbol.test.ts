import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldValue } from '@pulsewire/protocol'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Feed } from './feed.ts'
import type { RecordPlace, SymbolState } from './symbol.ts'

function symbolOf(mode: 'latest' | 'every' = 'latest'): { symbol: SymbolState; feed: Feed } {
  const feed = new Feed(0, { ...feedOptions, mode })
  return { symbol: feed.obtain('AAPL.US')!, feed }
}

function place(offset: number, more: Partial<RecordPlace> = {}): RecordPlace {
  return { generation: 1, partition: 0, offset, ts: 1000 + offset, n: 1, prev: -1, ...more }
}

function imageOf({ feed, values }: SymbolState): Record<string, FieldValue> {
  return Object.fromEntries(values.flatMap((value, index) => (value === undefined ? [] : [[feed.dictionary.fields[index]!.name, value]])))
}

/** Names of the fields that changed after the given count. */
function changedSince({ feed, changedAt }: SymbolState, count: number): string[] {
  return (changedAt ?? []).flatMap((at, index) => (at > count ? [feed.dictionary.fields[index]!.name] : []))
}

test('a record replaces the image: fields that it does not name go', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), { last: 1, bid: 2 }, false)
  symbol.applyRecord(place(1), { bid: 3, ask: 4 }, false)
  assert.deepEqual(imageOf(symbol), { bid: 3, ask: 4 })
  assert.equal(symbol.count, 2)
})

test('with merge, fields that it does not name stay', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), { last: 1, bid: 2 }, true)
  symbol.applyRecord(place(1), { bid: 3, ask: null }, true)
  assert.deepEqual(imageOf(symbol), { last: 1, bid: 3, ask: null })
})

test('fields in another order, and with others left out, find their places', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), { a: 1, b: 2, c: 3 }, false)
  symbol.applyRecord(place(1), { c: 4, a: 5, d: 6 }, false)
  assert.deepEqual(imageOf(symbol), { a: 5, c: 4, d: 6 })
})

test('a delete empties the image and a record fills it anew', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), { last: 1 }, true)
  symbol.applyDelete(place(1))
  assert.deepEqual([imageOf(symbol), symbol.deleted, symbol.hasImage, symbol.count], [{}, true, false, 2])
  symbol.applyRecord(place(2), { bid: 2 }, true)
  assert.deepEqual([imageOf(symbol), symbol.deleted, symbol.hasImage], [{ bid: 2 }, false, true])
})

test('raw values replace one another, and a delete takes them away', () => {
  const { symbol } = symbolOf()
  symbol.applyRaw(place(0), Uint8Array.of(1))
  assert.deepEqual(symbol.raw, Uint8Array.of(1))
  symbol.applyDelete(place(1))
  assert.equal(symbol.raw, null)
})

test('changes are tracked from the first subscriber on, and each field on its own', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), { last: 1, bid: 2 }, true)
  assert.equal(symbol.changedAt, null)
  symbol.trackChanges()
  symbol.applyRecord(place(1), { last: 5 }, true)
  symbol.applyRecord(place(2), { ask: 6 }, true)
  assert.deepEqual(changedSince(symbol, 1), ['last', 'ask'])
  assert.deepEqual(changedSince(symbol, 2), ['ask'])
  symbol.untrackChanges()
  symbol.applyRecord(place(3), { last: 7 }, true)
  symbol.trackChanges()
  assert.deepEqual(changedSince(symbol, symbol.count), [], 'who comes now has the image of now')
})

test('a value that stays the same is no change; nested JSON is compared by what it says', () => {
  const { symbol } = symbolOf()
  symbol.trackChanges()
  symbol.applyRecord(place(0), { last: 1, book: { bids: [[1, 2]] }, status: 'open' }, true)
  const count = symbol.count
  symbol.applyRecord(place(1), { last: 1, book: { bids: [[1, 2]] }, status: 'open' }, true)
  assert.deepEqual(changedSince(symbol, count), [])
  symbol.applyRecord(place(2), { last: 1, book: { bids: [[1, 3]] }, status: null }, true)
  assert.deepEqual(changedSince(symbol, count), ['book', 'status'])
})

test('what a field was before the last update is known, so that steps can be sent', () => {
  const { symbol } = symbolOf()
  symbol.trackChanges()
  symbol.applyRecord(place(0), { last: 10, bid: 20 }, true)
  symbol.applyRecord(place(1), { last: 11 }, true)
  assert.equal(symbol.before[0], 10)
  assert.deepEqual([symbol.previousCount, symbol.count], [1, 2])
})

test('the count grows by the records that an update stands for, and by those known to be lost', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0, { n: 3 }), {}, true)
  symbol.applyRecord(place(9, { n: 1, missed: 2 }), {}, true)
  assert.deepEqual([symbol.previousCount, symbol.count], [3, 6])
})

test('another partition or generation is noted, so that it is named to receivers', () => {
  const { symbol } = symbolOf()
  symbol.applyRecord(place(0), {}, true)
  symbol.applyRecord(place(1), {}, true)
  assert.equal(symbol.placedAt, 1)
  symbol.applyRecord(place(0, { partition: 2 }), {}, true)
  assert.equal(symbol.placedAt, 3)
})

test('newer is: a higher offset; in another partition a later time; a higher generation, whatever the rest', () => {
  const { symbol } = symbolOf()
  assert.equal(symbol.isNewer(place(0)), true)
  symbol.applyRecord(place(5), {}, true)
  assert.equal(symbol.isNewer(place(5)), false)
  assert.equal(symbol.isNewer(place(6, { ts: 0 })), true)
  assert.equal(symbol.isNewer(place(0, { partition: 1, ts: 1006 })), true)
  assert.equal(symbol.isNewer(place(9, { partition: 1, ts: 1004 })), false)
  assert.equal(symbol.isNewer(place(0, { generation: 2, ts: 0 })), true)
  assert.equal(symbol.isNewer(place(9, { generation: 0, ts: 9999 })), false)
})

test('changes of an upstream node: named fields change, others stay, and go with a snapshot', () => {
  const { symbol, feed } = symbolOf()
  symbol.trackChanges()
  const [last, bid, ask] = ['last', 'bid', 'ask'].map((name) => feed.dictionary.indexOf(name)) as [number, number, number]
  symbol.applyChanges(place(0), true, [last, bid], [1, 2])
  symbol.applyChanges(place(1), false, [last, ask], [undefined, 3])
  assert.deepEqual(imageOf(symbol), { bid: 2, ask: 3 })
  assert.deepEqual(changedSince(symbol, 1), ['last', 'ask'])
  symbol.applyChanges(place(2), true, [last], [9])
  assert.deepEqual(imageOf(symbol), { last: 9 })
})

test('fields beyond what a feed may have are left out and counted', () => {
  const { symbol, feed } = symbolOf()
  for (let i = 0; i < 1024; i++) feed.dictionary.indexOf(`field${i}`)
  assert.equal(symbol.applyRecord(place(0), { field0: 1, one: 2, two: 3 }, false), 2)
  assert.deepEqual(imageOf(symbol), { field0: 1 })
})

test('each record of an `every` feed is kept with the image before and after it', () => {
  const { symbol } = symbolOf('every')
  symbol.applyRecord(place(0), { last: 1 }, true)
  symbol.applyRecord(place(1, { prev: 0 }), { last: 2, bid: 3 }, true)
  const item = symbol.history!.firstAfter(1)!
  assert.deepEqual([item.before, item.values, item.changed, item.prev, item.count], [[1], [2, 3], [0, 1], 0, 2])
  symbol.applyDelete(place(2, { prev: 1 }))
  assert.equal(symbol.history!.firstAfter(2)!.deleted, true)
})

test('where the record lay that was held before the last one is known, in whichever mode', () => {
  for (const mode of ['latest', 'every'] as const) {
    const { symbol } = symbolOf(mode)
    const previous = (next: RecordPlace) => {
      symbol.applyRecord(next, { last: 1 }, false)
      const { previousOffset, previousTs } = mode === 'every' ? symbol.history!.firstAfter(symbol.previousCount)! : symbol
      return [previousOffset, previousTs]
    }
    assert.equal(previous(place(5))[0], -1, 'the first')
    assert.deepEqual(previous(place(9, { prev: 5 })), [5, 1005])
    assert.deepEqual(previous(place(21, { prev: 20, partition: 1 })), [9, 1009])
  }
})
