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

test('names that do not exist are refused beyond a few, keep nobody from those that do, and do not linger', async () => {
  const world = await GatewayWorld.open({ gateway: { symbolsMax: 10 }, feeds: [{ symbolsMax: 10 }], session: { unknownSymbolsMax: 20 } })
  for (let n = 0; n < 9; n++) world.record(`S${n}`, { last: n })
  const hostile = world.connect()
  hostile.subscribe(Array.from({ length: 1000 }, (_, n) => `FAKE-${n}`))
  world.pass(1000)
  const rows = hostile.takeOf('subscribed')
  assert.deepEqual(
    [rows.flatMap(({ ok = [] }) => ok).length, rows.flatMap(({ refused = [] }) => refused.map(([, code]) => code)).length],
    [20, 980],
  )
  assert.equal(world.gateway.hub.feed('quote')!.symbols.size, 20, 'what was refused is let go of in the same turn')
  assert.equal(world.node('a1').feed().symbols.size, 9 + 20)
  const receiver = world.connect()
  receiver.subscribe(['S3', 'NEW'])
  receiver.take()
  world.record('NEW', { last: 7 })
  receiver.take()
  assert.deepEqual([receiver.image('S3'), receiver.image('NEW')], [{ last: 3 }, { last: 7 }])
  hostile.send({ t: 'unsubscribe', id: 1 })
  hostile.take()
  assert.equal(world.gateway.hub.feed('quote')!.symbols.size, 2)
  await world.gateway.close()
})
