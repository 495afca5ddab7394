import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordCounts } from './record-counts.ts'

/** Two links that tell of one symbol, each conflating in its own way; the gateway takes what is newer. */
class TwoLinks {
  readonly links = [new RecordCounts(), new RecordCounts()]
  position = 0
  lineage = 0
  count = 0

  /** A link tells of a position, for `n` records since it last told. */
  tell(link: number, position: number, n: number): number {
    const counts = this.links[link]!
    if (position > this.position) {
      const records = counts.taken(1, n, this.count, this)
      this.position = position
      this.count += records
      return records
    }
    if (position === this.position) counts.align(1, n, this.count, this)
    else counts.passed(1, n)
    return 0
  }
}

test('one link: an update stands for as many records as the link says', () => {
  const gateway = new TwoLinks()
  gateway.tell(0, 10, 0)
  assert.deepEqual([gateway.tell(0, 11, 1), gateway.tell(0, 14, 3), gateway.tell(0, 15, 1)], [1, 3, 1])
})

test('what one link conflated and the other brought already is not counted twice', () => {
  const gateway = new TwoLinks()
  for (const link of [0, 1]) gateway.tell(link, 10, 0)
  assert.equal(gateway.tell(0, 11, 1), 1)
  assert.equal(gateway.tell(0, 12, 1), 1)
  // B tells of 11 to 14 in one: 13 and 14 are new.
  assert.equal(gateway.tell(1, 14, 4), 2)
  // A tells of 13 to 15 in one: 15 is new.
  assert.equal(gateway.tell(0, 15, 3), 1)
  assert.equal(gateway.tell(1, 15, 1), 0)
  assert.equal(gateway.tell(1, 18, 3), 3)
})

test('however two links conflate, every record is counted once', () => {
  let seed = 7
  const random = (below: number) => (seed = (seed * 16_807) % 2_147_483_647) % below
  for (let run = 0; run < 200; run++) {
    const gateway = new TwoLinks()
    const told = [100, 100]
    for (const link of [0, 1]) gateway.tell(link, 100, 0)
    const base = gateway.count
    for (let step = 0; step < 50; step++) {
      const link = random(2)
      const n = 1 + random(5)
      told[link]! += n
      gateway.tell(link, told[link]!, n)
      assert.equal(gateway.count - base, Math.max(...told) - 100)
    }
  }
})

test('a link that begins anew, or whose count cannot be compared yet, adds at least the one record that it brings', () => {
  const gateway = new TwoLinks()
  gateway.tell(0, 10, 0)
  gateway.tell(0, 20, 10)
  gateway.links[0]!.forget(1)
  assert.equal(gateway.tell(0, 25, 5), 1)
  assert.equal(gateway.tell(0, 27, 2), 2)
  assert.equal(gateway.tell(1, 30, 3), 1)
})

test('a line that is a hundred records ahead when it comes makes the count of the other worthless, not wrong', () => {
  const gateway = new TwoLinks()
  gateway.tell(1, 226, 0)
  gateway.tell(0, 394, 0)
  assert.deepEqual([gateway.tell(0, 396, 2), gateway.tell(0, 397, 1)], [2, 1])
  // B tells of 227 to 399 in one: two of them are new, which nobody can know; never more than there are.
  assert.equal(gateway.tell(1, 399, 173), 1)
  assert.equal(gateway.tell(0, 399, 2), 0)
  assert.deepEqual([gateway.tell(0, 402, 3), gateway.tell(1, 402, 3), gateway.tell(1, 405, 3)], [3, 0, 3])
})
