import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedOptions } from '../../../../test/support/sender.ts'
import { BLOCK_ENTRIES_MAX, EntryBlocks, type EntryBlock } from './entry-block.ts'
import { Entry, type Subscriber } from './entry.ts'
import { Feed } from './feed.ts'
import { Subscription } from './subscription.ts'

const nobody: Subscriber = { due() {}, ready() {}, refused() {}, matched() {}, patternReady() {}, patternRefused() {} }
const feed = new Feed(0, feedOptions)
const options = { view: feed.views.all, delivery: 'latest', periodMs: 0, image: true, history: 0 } as const

function entry(ref: number): Entry {
  return new Entry(new Subscription(nobody, 1, feed, options), feed.obtain(`S${ref}`)!, ref)
}

test('whatever comes and goes, each entry stands in one block, where it says, and no block is empty or too large', () => {
  // true: one more; a number: the one at this part of all leaves.
  const steps = fc.array(fc.oneof(fc.constant(true), fc.double({ min: 0, max: 0.999, noNaN: true })), { maxLength: 400 })
  fc.assert(
    fc.property(steps, (moves) => {
      const blocks = new EntryBlocks(nobody, false)
      const there: Entry[] = []
      let made = 0
      for (const move of [...Array.from({ length: 150 }, () => true), ...moves]) {
        if (move === true) {
          const added = entry(++made)
          assert.equal(blocks.add(added), added.block)
          // So that each has been seen at a count of its own.
          added.symbol.count = made
          added.looked()
          there.push(added)
        } else if (there.length > 0) {
          const left = there.splice(Math.floor(Number(move) * there.length), 1)[0]!
          blocks.remove(left)
          left.looked()
        }
      }
      const held = new Set<EntryBlock>(there.map(({ block }) => block!))
      for (const { block, slot, symbol, ...each } of there) {
        assert.equal(block!.entries[slot]?.ref, each.ref)
        assert.equal(block!.symbols[slot], symbol)
        assert.equal(block!.seen[slot], each.ref)
      }
      let sum = 0
      for (const { entries } of held) {
        assert.ok(entries.length >= 1 && entries.length <= BLOCK_ENTRIES_MAX)
        sum += entries.length
      }
      assert.equal(sum, there.length)
    }),
    { numRuns: 50 },
  )
})

test('a block has news when an answered entry has not been looked at since its symbol changed', () => {
  const blocks = new EntryBlocks(nobody, true)
  const [one, two] = [entry(1), entry(2)]
  for (const each of [one!, two!]) {
    blocks.add(each)
    each.looked()
  }
  const block = one!.block!
  assert.equal(block.hasNews(), false)
  two!.symbol.applyRaw({ generation: 1, partition: 0, offset: 0, ts: 0, n: 1, prev: -1 }, new Uint8Array(1))
  assert.equal(block.hasNews(), false, 'not answered yet')
  two!.answered = true
  assert.equal(block.hasNews(), true)
})
