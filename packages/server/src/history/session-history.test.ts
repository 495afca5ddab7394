import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import type { SessionEvent } from './event.ts'
import { SessionHistory } from './session-history.ts'

const jo = { id: 'gw-1.a.1', user: 'jo' }
const kim = { id: 'gw-1.a.2', user: 'kim' }

function history(bounds: { entriesMax?: number; bytesMax?: number } = {}) {
  const clock = new ManualClock()
  const told: SessionEvent[] = []
  const own = new SessionHistory({ node: 'gw-1', clock, entriesMax: 1000, bytesMax: 1e6, also: (event) => told.push(event), ...bounds })
  const words = (query: { user?: string; session?: string }) => own.of(query).map(({ what, detail, times }) => `${what} ${detail} ${times}`)
  return { clock, own, told, words }
}

describe('session history', () => {
  test('tells what happened to the sessions of a user, and to the node while it had one', () => {
    const { own, words, told } = history()
    own.note(null, 'feed_stale', 'before')
    own.note(jo, 'connected', 'a')
    own.note(kim, 'connected', 'b')
    own.note(null, 'feed_stale', 'during')
    own.note(jo, 'closed', 'c')
    own.note(null, 'feed_live', 'after')
    assert.deepEqual(words({ user: 'jo' }), ['connected a 1', 'feed_stale during 1', 'closed c 1'])
    assert.deepEqual(words({ session: kim.id }), ['connected b 1', 'feed_stale during 1', 'feed_live after 1'])
    assert.deepEqual(words({ user: 'nobody' }), [])
    assert.equal(told.length, 6)
  })

  test('knows when a session was open although its beginning was let go', () => {
    const { own, words } = history({ entriesMax: 5 })
    own.note(jo, 'connected', 'a')
    for (let i = 0; i < 4; i++) own.note(kim, 'slow', `${i}`)
    own.note(jo, 'closed', 'b')
    own.note(null, 'feed_stale', 'between')
    own.note({ id: 'gw-1.a.3', user: 'jo' }, 'connected', 'c')
    own.note(null, 'feed_stale', 'during')
    assert.deepEqual(words({ user: 'jo' }), ['closed b 1', 'connected c 1', 'feed_stale during 1'])
  })

  test('tells subscribes that follow one another as one', async () => {
    const { own, words, clock } = history()
    for (let i = 1; i <= 5; i++) own.note(jo, 'subscribed', `S${i}`)
    own.note(kim, 'subscribed', 'K')
    await clock.pass(3000)
    own.note(jo, 'subscribed', 'S6')
    assert.deepEqual(words({ user: 'jo' }), ['subscribed S5 5', 'subscribed S6 1'])
    assert.deepEqual(words({ user: 'kim' }), ['subscribed K 1'])
  })

  test('is bounded in entries and in bytes, the oldest go first, and it says since when it knows', async () => {
    for (const bounds of [{ entriesMax: 50 }, { bytesMax: 20_000 }]) {
      const { own, clock } = history(bounds)
      const startedAtMs = own.sinceMs
      for (let i = 0; i < 5000; i++) {
        own.note({ id: `s${i}`, user: `u${i % 7}` }, 'slow', 'x'.repeat(i % 400))
        await clock.pass(1)
        assert.ok(own.size <= (bounds.entriesMax ?? Infinity) && own.bytes <= (bounds.bytesMax ?? Infinity))
      }
      assert.ok(own.size > 20)
      assert.ok(own.sinceMs > startedAtMs)
      assert.equal(own.of({ session: 's4999' }).length, 1)
      assert.equal(own.of({ session: 's0' }).length, 0)
    }
  })

  test('costs no memory for what it has let go', async () => {
    const { own } = history({ entriesMax: 10 })
    for (let i = 0; i < 100_000; i++) own.note({ id: `s${i}`, user: 'u' }, 'subscribed', 'x')
    assert.equal(own.size, 10)
    assert.equal(own.of({ user: 'u' }).length, 10)
  })
})
