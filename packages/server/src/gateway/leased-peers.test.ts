import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { leasedPeers } from './leased-peers.ts'

const self = { id: 'gw-1', zone: 'default', track: 'stable' } as const
const load = { sessions: 7, sessionsMax: 100, busy: 0 }

function setUp() {
  const directory = new FakeDirectory()
  const gateway = (node: string, change: Parameters<FakeDirectory['push']>[1] = {}) =>
    directory.push(node, { role: 'gateway', addresses: [`ws://${node}:8080`], load, ...change })
  return { gateway, peers: leasedPeers(directory, self) }
}

test('peers are the other gateways of this zone and track that take sessions, as they are now', () => {
  const { gateway, peers } = setUp()
  assert.deepEqual(peers(), [])
  gateway('gw-1')
  gateway('gw-2')
  gateway('push-a', { role: 'push' })
  gateway('far', { zone: 'other' })
  gateway('grey', { track: 'grey' })
  assert.deepEqual(peers(), [{ node: 'gw-2', sessions: 7, addresses: ['ws://gw-2:8080'] }])
})

for (const [what, change] of [
  ['has expired', { state: 'expired' }],
  ['is kept only because nobody can be judged', { state: 'kept' }],
  ['is offline', { word: 'offline' }],
  ['was told to drain', { word: 'draining' }],
  ['drains', { draining: true }],
  ['is not ready', { ready: false }],
] as const) {
  test(`one that ${what} is no place to go`, () => {
    const { gateway, peers } = setUp()
    gateway('gw-2')
    assert.equal(peers().length, 1)
    gateway('gw-2', change)
    assert.deepEqual(peers(), [])
  })
}
