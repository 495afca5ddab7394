import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rendezvousOwner, rendezvousScore } from './rendezvous.ts'

const keys = Array.from({ length: 600 }, (_, i) => `quote/${i}`)
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}-[ab]\d{1,3}$/), { minLength: 1, maxLength: 12 })
const owners = (members: readonly string[]) => new Map(keys.map((key) => [key, rendezvousOwner(key, members)]))

test('the scores are those that every version has computed', () => {
  assert.deepEqual(
    [rendezvousScore('quote/0', 'push-a1'), rendezvousScore('quote/1', 'push-a1'), rendezvousScore('quote/0', 'push-a2')],
    [362567618, 3948945655, 2196083590],
  )
})

test('without members nobody owns anything; alone, one owns all', () => {
  assert.equal(rendezvousOwner('quote/0', []), undefined)
  assert.deepEqual(new Set(owners(['push-a1']).values()), new Set(['push-a1']))
})

test('the order in which members are known does not matter', () => {
  fc.assert(
    fc.property(names, (members) => assert.deepEqual(owners(members), owners([...members].reverse()))),
    { seed: 1, numRuns: 50 },
  )
})

test('one that joins takes keys for itself, one that leaves gives up its own; no other key moves', () => {
  fc.assert(
    fc.property(names, (members) => {
      const [gone, ...rest] = members
      const [before, after] = [owners(members), owners(rest)]
      for (const key of keys) if (before.get(key) !== gone) assert.equal(after.get(key), before.get(key) ?? undefined)
    }),
    { seed: 2, numRuns: 100 },
  )
})

test('shares are even, as far as chance allows', () => {
  fc.assert(
    fc.property(names, (members) => {
      const shares = Map.groupBy(keys, (key) => rendezvousOwner(key, members)!)
      const mean = keys.length / members.length
      // Six standard deviations of a binomial share.
      const tolerance = 6 * Math.sqrt(mean * (1 - 1 / members.length))
      for (const member of members) {
        const share = shares.get(member)?.length ?? 0
        assert.ok(Math.abs(share - mean) <= tolerance, `${member} has ${share} of ${keys.length}, mean ${mean}`)
      }
    }),
    { seed: 3, numRuns: 200 },
  )
})
