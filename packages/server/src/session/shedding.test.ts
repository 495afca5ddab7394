import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shedding } from './shedding.ts'

const sessions = (...costs: readonly (readonly [backlogBytes: number, symbols: number])[]) =>
  costs.map(([backlogBytes, symbols], i) => ({ id: i, backlogBytes, symbols }))
const ids = (all: readonly { readonly id: number }[]) => all.map(({ id }) => id)

describe('whom to cut for want of memory', () => {
  it('those for which the most waits, until the part is theirs', () => {
    const all = sessions([100, 1], [700, 1], [200, 1], [0, 9999])
    assert.deepEqual(ids(shedding(all, 0.2).cut), [1])
    assert.deepEqual(ids(shedding(all, 0.8).cut), [1, 2])
    assert.deepEqual(ids(shedding(all, 1).cut), [1, 2, 0])
    assert.equal(shedding(all, 0.2).slow, 3)
  })

  it('not the many who are behind by a little, however few hold the most', () => {
    const all = sessions([1_000_000, 1], ...Array.from({ length: 100 }, () => [200, 10] as const))
    assert.deepEqual(ids(shedding(all, 0.5).cut), [0])
  })

  it('where nobody is slow, those with the most symbols', () => {
    const all = sessions([0, 10], [0, 4000], [0, 4000], [0, 20])
    assert.deepEqual(ids(shedding(all, 0.2).cut), [1])
    assert.deepEqual(ids(shedding(all, 0.6).cut), [1, 2])
    assert.equal(shedding(all, 0.6).slow, 0)
  })

  it('somebody in any case, and nobody where nobody is', () => {
    assert.deepEqual(ids(shedding(sessions([0, 0], [0, 0]), 0.2).cut), [0])
    assert.deepEqual(shedding([], 0.2), { cut: [], slow: 0 })
  })
})
