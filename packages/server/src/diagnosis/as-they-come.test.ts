import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asTheyCome } from './as-they-come.ts'

test('so many at once and no more; one that takes long holds up nobody else, and each result comes once', async () => {
  const slow = Promise.withResolvers<void>()
  let running = 0
  let most = 0
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++running)
    await (item === 0 ? slow.promise : new Promise((resolve) => setImmediate(resolve)))
    running--
    return item
  }
  const items = Array.from({ length: 50 }, (_, index) => index)
  const results: number[] = []
  for await (const result of asTheyCome(items, 4, work)) {
    results.push(result)
    if (results.length === 49) slow.resolve()
  }
  assert.equal(results.at(-1), 0, 'all others came before it')
  assert.deepEqual(
    results.toSorted((a, b) => a - b),
    items,
  )
  assert.equal(most, 4)
})

test('what a work throws is thrown, also while others are under way', async () => {
  const work = (item: number) => (item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item))
  await assert.rejects(all(asTheyCome([1, 2, 3], 2, work)), /two/)
})

test('who stops reading is not told of what fails later', async () => {
  const later = Promise.withResolvers<number>()
  for await (const result of asTheyCome([1, 2], 2, (item) => (item === 1 ? Promise.resolve(item) : later.promise))) {
    assert.equal(result, 1)
    break
  }
  later.reject(new Error('nobody listens'))
  await new Promise((resolve) => setImmediate(resolve))
})

test('nothing to do is done at once', async () => {
  assert.deepEqual(await all(asTheyCome([], 8, () => Promise.resolve(1))), [])
})

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  return list
}
