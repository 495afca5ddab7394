import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StateChange } from './subscription/options.ts'
import type { SymbolState } from './freshness/state.ts'
import type { Update } from './subscription/update.ts'
import { BOTH_ENCODINGS, settled, worldOf } from './test-support/world.ts'

for (const encoding of BOTH_ENCODINGS) {
  describe(`the client over ${encoding}`, () => {
    test('subscribes, delivers images and changes, acknowledges pulses with the digest', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      world.publish('AAPL.US', { last: 187.23, bid: 187.2 })
      await using client = world.client({ user: 'ann', token: 'secret' })
      const updates: Update[] = []
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US', 'NEW.HK'] }, { onUpdate: (update) => updates.push(update) })
      assert.deepEqual(quotes.state, { state: 'pending' })
      await settled()
      assert.equal(client.state, 'open')
      assert.deepEqual({ ...gateway.connection.hello }, { t: 'hello', client: '@pulsewire/client/0.1.0', token: 'secret', user: 'ann' })
      assert.equal(updates.length, 1)
      assert.deepEqual(updates[0]!.values, { last: 187.23, bid: 187.2 })
      assert.equal(updates[0]!.snapshot, true)
      assert.deepEqual(updates[0]!.changed, ['last', 'bid'])
      assert.equal(quotes.get('AAPL.US')!.state.state, 'pending', 'no pulse has proven anything yet')

      await world.pulse()
      assert.equal(quotes.state.state, 'live')
      assert.equal(quotes.get('NEW.HK')!.state.state, 'live', 'quiet, but proven')
      const ack = gateway.connection.lastPulseAck!
      assert.equal(ack.count, 2)
      assert.equal(ack.digest, gateway.connection.digest.value)

      world.publish('AAPL.US', { last: 187.24 })
      await settled()
      assert.deepEqual(updates[1]!.values, { last: 187.24, bid: 187.2 })
      assert.deepEqual(updates[1]!.changed, ['last'])
      assert.equal(updates[1]!.n, 1)
      assert.equal(updates[1]!.state.state, 'live')
      assert.equal(quotes.get('AAPL.US')!.position, updates[1]!.position)
    })

    test('says by itself when data gets old, and that it is fresh again', async () => {
      const world = worldOf(encoding)
      world.gateway('gw-1')
      world.publish('AAPL.US', { last: 1 })
      await using client = world.client()
      const changes: [SymbolState, StateChange][] = []
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onState: (...args) => changes.push(args) })
      await world.run(3000)
      assert.deepEqual(
        changes.map(([state]) => state.state),
        ['pending', 'live'],
      )
      await world.clock.advance(2400)
      assert.equal(quotes.state.state, 'live')
      await world.clock.advance(200)
      const stale = changes.at(-1)!
      assert.equal(stale[0].state, 'stale')
      assert.equal(stale[0].reason, 'no_pulse')
      assert.equal(stale[0].hop, 'gw-1')
      assert.deepEqual(stale[1].symbols, ['AAPL.US'])
      assert.deepEqual(quotes.get('AAPL.US')!.values, { last: 1 }, 'the image stays')
      await world.pulse()
      assert.equal(changes.at(-1)![0].state, 'live')
    })
  })
}
