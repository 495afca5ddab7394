import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { rowHash, SubscriptionDigest } from './digest.ts'

const row = fc.tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }))
const rows = fc.uniqueArray(row, { selector: ([id, symbol]) => `${id} ${symbol}`, maxLength: 20 })

/** Section 8 of the document in big integers, without any of the tricks that 32-bit arithmetic in JavaScript needs. */
function hashByTheDocument(id: number, symbol: string): number {
  const M = 2n ** 32n
  let h = 2166136261n
  for (const byte of Buffer.from(`${id} ${symbol}`)) h = ((h ^ BigInt(byte)) * 16777619n) % M
  h ^= h >> 16n
  h = (h * 0x85ebca6bn) % M
  h ^= h >> 13n
  h = (h * 0xc2b2ae35n) % M
  return Number(h ^ (h >> 16n))
}

describe('digest of the subscriptions', () => {
  test('a row hashes as the document says', () => {
    fc.assert(fc.property(row, ([id, symbol]) => assert.equal(rowHash(id, symbol), hashByTheDocument(id, symbol))))
  })

  test('the order in which rows come does not matter, and what is taken away leaves no trace', () => {
    fc.assert(
      fc.property(rows, rows, (kept, removed) => {
        const there = new SubscriptionDigest()
        for (const [id, symbol] of kept) there.add(id, symbol)
        const here = new SubscriptionDigest()
        for (const [id, symbol] of [...removed, ...kept].reverse()) here.add(id, symbol)
        for (const [id, symbol] of removed) here.remove(id, symbol)
        assert.deepEqual([here.value, here.count], [there.value, there.count])
      }),
    )
  })

  test('it is an unsigned number, and 0 for nothing', () => {
    const digest = new SubscriptionDigest()
    assert.deepEqual([digest.value, digest.count], [0, 0])
    fc.assert(
      fc.property(row, ([id, symbol]) => {
        digest.add(id, symbol)
        assert.ok(Number.isInteger(digest.value) && digest.value >= 0 && digest.value < 2 ** 32)
      }),
    )
    digest.clear()
    assert.deepEqual([digest.value, digest.count], [0, 0])
  })

  test('the same symbol under another id, or swapped ids, is another set', () => {
    const of = (...rows: [number, string][]) => rows.reduce((digest, [id, symbol]) => digest ^ rowHash(id, symbol), 0)
    assert.notEqual(of([1, 'A']), of([2, 'A']))
    assert.notEqual(of([1, 'A'], [2, 'B']), of([2, 'A'], [1, 'B']))
    assert.notEqual(of([1, '1 A']), of([11, ' A']))
  })
})
