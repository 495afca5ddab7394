import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BOTH_ENCODINGS, settled, worldOf } from '../test-support/world.ts'
import type { Subscription } from './subscription.ts'

const SYMBOLS = ['A.US', 'B.US', 'C.HK', 'D.HK', 'E.HK']

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('publish' as const), which: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('pulse' as const, 'wait' as const, 'second' as const), which: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('subscribe' as const, 'pattern' as const, 'add' as const), which: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'close' as const), which: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'goodbye' as const, 'sleep' as const), which: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('freeze' as const, 'thaw' as const, 'resubscribe' as const), which: fc.nat(1) }),
  },
)

for (const encoding of BOTH_ENCODINGS) {
  test(`latest over ${encoding}: whatever happens, live means proven young, and in the end all is live, newest and agreed`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const world = worldOf(encoding)
        const gateways = [world.gateway('gw-1'), world.gateway('gw-2')]
        const client = world.client()
        const subscriptions: Subscription[] = []
        let pulsedAtMs = -Infinity
        let price = 0
        /** No pulse is younger than the last one sent, so nothing may be live when that one is old. */
        const check = () => {
          const ageMs = world.clock.nowMs() - pulsedAtMs + 10
          for (const subscription of subscriptions) {
            for (const view of subscription.symbols) if (ageMs > 2501) assert.notEqual(view.state.state, 'live', view.symbol)
          }
        }
        for (const { do: action, which } of steps) {
          const symbol = SYMBOLS[which]!
          const subscription = subscriptions[which % Math.max(1, subscriptions.length)]
          const connection = gateways[which % 2]!.connections.findLast((each) => each.open)
          if (action === 'publish') world.publish(symbol, { last: ++price })
          else if (action === 'pulse') {
            pulsedAtMs = world.clock.nowMs()
            await world.pulse()
          } else if (action === 'wait') await world.clock.advance(200)
          else if (action === 'second') await world.clock.advance(1100)
          else if (action === 'subscribe') subscriptions.push(client.subscribe({ feed: 'quote', symbols: SYMBOLS.slice(which) }))
          else if (action === 'pattern') subscriptions.push(client.subscribe({ feed: 'quote', patterns: ['*.HK'], symbols: [symbol] }))
          else if (action === 'add') subscription?.add([symbol])
          else if (action === 'remove') subscription?.remove([symbol])
          else if (action === 'close') subscription?.close()
          else if (action === 'cut') connection?.close(1006)
          else if (action === 'goodbye') connection?.send({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 100 })
          else if (action === 'sleep') world.clock.jump(5000)
          else if (action === 'resubscribe') connection?.send({ t: 'resubscribe', count: 0, digest: 0 })
          else gateways[which % 2]!.frozen = action === 'freeze'
          check()
          // Not after every step: what is done in one go, before anything is sent, has to come out right too.
          if (which % 3 !== 0) await settled()
          check()
        }
        for (const gateway of gateways) gateway.frozen = false
        await world.run(60_000)
        for (const subscription of subscriptions) {
          if (subscription.state.state === 'ended') continue
          for (const view of subscription.symbols) {
            assert.equal(view.state.state, 'live', `${view.symbol}: ${JSON.stringify(view.state)}`)
            assert.deepEqual(view.values, world.log.latest(view.symbol)?.values)
          }
        }
        const serving = gateways.find(({ node }) => node === client.session?.node)!.connection
        assert.deepEqual([serving.lastPulseAck?.count, serving.lastPulseAck?.digest], [serving.digest.count, serving.digest.value])
        await client.close()
        assert.equal(world.clock.timers, 0)
      }),
      { numRuns: 60 },
    )
  })
}
