import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PulsewireError } from '../errors.ts'
import { LIVE } from '../freshness/state.ts'
import { UpdateQueue } from './queue.ts'
import { Update } from './update.ts'

function update(
  symbol: string,
  offset: number,
  more: { n?: number; snapshot?: boolean; recovered?: boolean; changed?: number[] } = {},
): Update {
  return new Update({
    symbol,
    generation: 1,
    partition: 0,
    offset,
    log: undefined,
    ts: offset,
    receivedAtMs: offset,
    n: more.n ?? 1,
    snapshot: more.snapshot ?? false,
    deleted: false,
    recovered: more.recovered,
    raw: null,
    state: LIVE,
    gap: undefined,
    names: ['last', 'bid'],
    fields: [offset, 1],
    changedIndexes: more.changed ?? [0],
    every: false,
  })
}

describe('the queue of an iterator', () => {
  test('conflates per symbol, sums n, joins what changed, and keeps the order in which symbols became due', async () => {
    const queue = new UpdateQueue(10, () => {})
    queue.push(update('A', 1, { n: 2, recovered: false }), false)
    queue.push(update('B', 2), false)
    queue.push(update('A', 3, { n: 3, changed: [1] }), false)
    const first = (await queue.next()).value!
    assert.deepEqual([first.symbol, first.n, first.changed, first.recovered, first.ts], ['A', 5, ['last', 'bid'], false, 3])
    assert.equal((await queue.next()).value!.symbol, 'B')
  })

  test('a waiting reader gets an update directly; several readers in turn', async () => {
    const queue = new UpdateQueue(10, () => {})
    const [one, two] = [queue.next(), queue.next()]
    queue.push(update('A', 1), true)
    queue.push(update('A', 2), true)
    assert.deepEqual([(await one).value!.ts, (await two).value!.ts], [1, 2])
  })

  test('ends after what is queued; with an error, once', async () => {
    const queue = new UpdateQueue(10, () => {})
    queue.push(update('A', 1), true)
    queue.end(new PulsewireError('subscription_ended', 'x'))
    assert.equal((await queue.next()).value!.ts, 1)
    await assert.rejects(queue.next(), { code: 'subscription_ended' })
    assert.deepEqual(await queue.next(), { done: true, value: undefined })
  })

  test('leaving the loop frees it', async () => {
    let returned = 0
    const queue = new UpdateQueue(10, () => returned++)
    queue.push(update('A', 1), true)
    for await (const each of { [Symbol.asyncIterator]: () => queue }) {
      assert.equal(each.ts, 1)
      break
    }
    assert.equal(returned, 1)
    queue.push(update('A', 2), true)
    assert.equal((await queue.next()).done, true)
  })

  test('`every`: whatever the reader does, in order, without loss, up to the bound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 3000 }), fc.integer({ min: 1, max: 2000 }), async (pushes, queueMax) => {
        const queue = new UpdateQueue(queueMax, () => {})
        let pushed = 0
        let read = 0
        let overflow = false
        for (const push of pushes) {
          if (push) {
            overflow ||= pushed - read >= queueMax
            if (!overflow) pushed++
            queue.push(update('A', overflow ? 1e9 : pushed), true)
          } else if (read < pushed) assert.equal((await queue.next()).value!.ts, ++read)
        }
        while (read < pushed) assert.equal((await queue.next()).value!.ts, ++read)
        if (overflow) await assert.rejects(queue.next(), { code: 'consumer_too_slow' })
      }),
      { numRuns: 50 },
    )
  })
})
