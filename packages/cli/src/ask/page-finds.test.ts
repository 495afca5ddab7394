import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindAnswer, HopFacts } from '@pulsewire/server'
import { holdersOf, together } from './page-finds.ts'

test('what gateways found is put together: a user once, with the sessions of all, who is there before who was', () => {
  const answer = (node: string, change: Partial<FindAnswer>): FindAnswer => ({ node, users: [], sessions: [], symbols: [], ...change })
  const told = together([
    answer('gw-1', { users: [{ user: 'jo', sessions: 0 }], symbols: [{ feed: 'quote', symbol: 'JO.US' }] }),
    answer('gw-2', {
      users: [
        { user: 'jo', sessions: 2 },
        { user: 'jon', sessions: 1 },
        { user: 'mo', sessions: 0 },
      ],
      sessions: [{ session: 'gw-2.a.1', user: 'jo', isOpen: true }],
      symbols: [{ feed: 'quote', symbol: 'JO.US' }],
    }),
  ])
  assert.deepEqual(told, {
    users: [
      { user: 'jo', sessions: 2 },
      { user: 'jon', sessions: 1 },
      { user: 'mo', sessions: 0 },
    ],
    sessions: [{ session: 'gw-2.a.1', user: 'jo', isOpen: true }],
    symbols: [{ feed: 'quote', symbol: 'JO.US' }],
  })
})

test('the partition is the one where the record lies; one that is only supposed stands in', () => {
  const facts = (node: string, position: string | null) =>
    ({
      node,
      role: 'push',
      feed: { partitions: 4, partition: 1, pulse: { ageMs: 7 } },
      symbol: position === null ? null : { position, partition: 3, recordAgeMs: 5, subscriptions: 2 },
      log: { reads: true },
    }) as unknown as HopFacts
  assert.equal(holdersOf([facts('push-a1', null)]).partition, 1)
  const { partition, holders } = holdersOf([facts('push-a1', null), facts('push-b1', '1:3:9')])
  assert.equal(partition, 3)
  assert.deepEqual(
    holders.map(({ node, position, subscriptions, recordAgeMs, pulseAgeMs, reads }) => [
      node,
      position,
      subscriptions,
      recordAgeMs,
      pulseAgeMs,
      reads,
    ]),
    [
      ['push-a1', null, 0, null, 7, true],
      ['push-b1', '1:3:9', 2, 5, 7, true],
    ],
  )
  assert.deepEqual(holdersOf([]), { partition: null, holders: [] })
})
