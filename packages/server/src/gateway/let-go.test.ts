/** What a gateway holds of symbols when nobody wants them any more: nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld } from '../../../../test/support/gateway-world.ts'

const TRADE = { name: 'trade', mode: 'every' as const }

test('receivers who come and go leave no records of an every feed behind', async () => {
  const world = await GatewayWorld.open({ feeds: [TRADE] })
  const { history, symbols } = world.gateway.hub.feed('trade')!
  for (let crowd = 0; crowd < 5; crowd++) {
    const receiver = world.connect()
    receiver.subscribe(['A', 'B'], { feed: 'trade' })
    for (let i = 0; i < 50; i++) for (const symbol of ['A', 'B']) world.record(symbol, { price: i }, { feed: 'trade' })
    world.pass(1000)
    assert.equal(history!.records >= 100, true)
    receiver.disconnect()
    world.pass(60_000)
    assert.deepEqual([symbols.size, history!.records, history!.bytes], [0, 0, 0], `after crowd ${crowd + 1}`)
  }
  await world.gateway.close()
})
