import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedOptions } from '../../../../test/support/sender.ts'
import { Entry, Feed, Subscription, type Subscriber } from '../hub/index.ts'
import type { Composer } from './composer.ts'
import { DueQueue } from './due-queue.ts'

/** Counts an entry for one byte. */
class Recorder implements Composer {
  readonly encoding = 'pulsewire.bin.v1'
  readonly updates = 0
  readonly sampledOf = null
  readonly sampledTs = 0
  refs: number[] = []
  begin(): void {}
  get size(): number {
    return this.refs.length
  }
  control(): void {}
  latest(entry: Entry): boolean {
    this.refs.push(entry.ref)
    return true
  }
  item(): void {}
  pulse(): void {}
  mark(): void {}
  finish(): Uint8Array {
    return new Uint8Array()
  }
}

function setUp(counts: readonly number[]) {
  const feed = new Feed(0, feedOptions)
  const queue = new DueQueue()
  const subscriber: Subscriber = {
    due: (block) => queue.push(block),
    ready() {},
    refused() {},
    matched() {},
    patternReady() {},
    patternRefused() {},
  }
  const options = { view: feed.views.all, delivery: 'latest', periodMs: 0, image: true, history: 0 } as const
  const entries: Entry[] = []
  for (const [id, count] of counts.entries()) {
    const subscription = new Subscription(subscriber, id, feed, options)
    for (let i = 0; i < count; i++) {
      const entry = new Entry(subscription, feed.obtain(`S${entries.length}`)!, entries.length)
      entry.answered = true
      subscription.blocks.add(entry)
      entry.looked()
      entries.push(entry)
    }
  }
  const change = (...refs: number[]) => {
    for (const ref of refs) {
      const { symbol, block } = entries[ref]!
      symbol.applyRaw({ generation: 1, partition: 0, offset: symbol.offset + 1, ts: 0, n: 1, prev: -1 }, new Uint8Array(1))
      block!.mark()
    }
  }
  const write = (bytesMax = Infinity) => {
    const composer = new Recorder()
    queue.write(composer, bytesMax)
    return composer.refs
  }
  const remove = (ref: number) => entries[ref]!.subscription.blocks.remove(entries[ref]!)
  const add = (ref: number) => {
    const entry = entries[ref]!
    const { due } = entry.subscription.blocks.add(entry)
    // What it was given before it left is not news.
    if (entry.symbol.count === Math.max(entry.held, 0)) entry.looked()
    if (!due) entry.block!.mark()
  }
  return { queue, entries, change, write, remove, add }
}

test('what is new is written once: block by block as they became due, and in each as it stands there', () => {
  const { queue, change, write } = setUp([3, 2])
  change(4, 2, 0, 2, 4)
  assert.deepEqual([queue.isEmpty, queue.entries], [false, 5])
  assert.deepEqual(write(), [4, 0, 2])
  assert.deepEqual([queue.isEmpty, queue.entries], [true, 0])
  assert.deepEqual(write(), [])
  change(1)
  assert.deepEqual(write(), [1])
})

test('an entry that was not answered is passed over, and its news kept for when it is', () => {
  const { entries, change, write } = setUp([2])
  entries[0]!.answered = false
  change(0, 1)
  assert.deepEqual(write(), [1])
  entries[0]!.answered = true
  change(1)
  assert.deepEqual(write(), [0, 1])
})

test('with little room each gets its turn, however often the others change', () => {
  const { change, write, queue } = setUp([5, 70])
  const all = Array.from({ length: 75 }, (_, ref) => ref)
  const written = new Map<number, number>()
  // 76 because a block that was not finished waits behind the others, and its turn may end with one it wrote already.
  for (let i = 0; i < 10 * 76; i++) {
    change(...all)
    const refs = write(1)
    assert.equal(refs.length, 1)
    written.set(refs[0]!, (written.get(refs[0]!) ?? 0) + 1)
  }
  // Three blocks (of 5, 64 and 6 entries) take turns.
  const least = (refs: readonly number[]) => Math.min(...refs.map((ref) => written.get(ref) ?? 0))
  assert.ok(least(all.slice(0, 5)) >= 40, `${least(all.slice(0, 5))}`)
  assert.ok(least(all.slice(5, 69)) >= 3, `${least(all.slice(5, 69))}`)
  assert.ok(least(all.slice(69)) >= 40, `${least(all.slice(69))}`)
  assert.equal(write().length, 74, 'all but the one that came last')
  assert.equal(queue.isEmpty, true)
})

test('what answers promised goes first, once, and is not new any more', () => {
  const { queue, entries, change, write } = setUp([3])
  change(0, 2)
  for (const ref of [2, 2, 1]) queue.promise(entries[ref]!)
  entries[1]!.symbol.applyRaw({ generation: 1, partition: 0, offset: 0, ts: 0, n: 1, prev: -1 }, new Uint8Array(1))
  assert.deepEqual(write(2), [2, 1])
  assert.deepEqual(write(), [0])
  assert.equal(queue.isEmpty, true)
})

test('a round that begins with a promise alone is over when that is kept', () => {
  const { queue, entries, change, write } = setUp([2])
  change(0, 1)
  write()
  for (const { ref, symbol } of entries) {
    symbol.applyRaw({ generation: 1, partition: 0, offset: 9, ts: 0, n: 1, prev: -1 }, new Uint8Array(1))
    queue.promise(entries[ref]!)
  }
  queue.beginRound()
  assert.deepEqual([write(1), queue.isRoundOver], [[0], false])
  assert.deepEqual([write(1), queue.isRoundOver], [[1], true])
})

type Step =
  | { readonly do: 'change'; readonly refs: readonly number[] }
  | { readonly do: 'write'; readonly room: number }
  | { readonly do: 'leave' | 'return' | 'promise'; readonly ref: number }

const SIZES = [5, 10, 3]
const LAST = 17
const ALL = Array.from({ length: LAST + 1 }, (_, ref) => ref)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('change' as const), refs: fc.oneof(fc.constant(ALL), fc.array(fc.nat(LAST), { maxLength: 10 })) }),
  fc.record({ do: fc.constant('write' as const), room: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constantFrom('leave' as const, 'return' as const, 'promise' as const), ref: fc.nat(LAST) }),
)

test('a round is over when all that was due at its beginning was written, and comes to its end while more is due always', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.array(step, { minLength: 1, maxLength: 60 }), (before, during) => {
      const { queue, entries, change, write, remove, add } = setUp(SIZES)
      const here = new Set(ALL)
      const owed = new Set<number>()
      const play = (each: Step): void => {
        if (each.do === 'write') for (const ref of write(each.room)) owed.delete(ref)
        else if (each.do === 'change') change(...each.refs.filter((ref) => here.has(ref)))
        else if (each.do === 'return') {
          const gone = ALL.filter((ref) => !here.has(ref))
          const ref = gone[each.ref % gone.length]
          if (ref === undefined) return
          here.add(ref)
          add(ref)
        } else if (!here.has(each.ref)) return
        else if (each.do === 'leave') {
          here.delete(each.ref)
          owed.delete(each.ref)
          remove(each.ref)
        } else {
          const entry = entries[each.ref]!
          queue.promise(entry)
          if (entry.held !== entry.symbol.count && entry.symbol.count > 0) owed.add(each.ref)
        }
      }
      for (const each of before) play(each)
      queue.beginRound()
      for (const ref of here) if (entries[ref]!.hasNews) owed.add(ref)
      const fulfilled = () => {
        if (queue.isRoundOver) assert.deepEqual([...owed], [])
        return queue.isRoundOver
      }
      for (const each of during) {
        play(each)
        if (fulfilled()) return
      }
      // The blocks take turns; each needs room for its entries, and its turn may end with the first of them again.
      for (let i = 0; i < 4 * ALL.length && !fulfilled(); i++) {
        play({ do: 'change', refs: ALL })
        play({ do: 'write', room: 2 })
      }
      assert.equal(fulfilled(), true)
    }),
    { numRuns: 1000 },
  )
})
