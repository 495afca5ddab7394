import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld } from '../../../../test/support/gateway-world.ts'

const DELAYED = { delay: { of: 'real', delayMs: 900_000 } }

test('a gateway says what its push nodes say of a delayed feed, and takes nothing from one with another delay', async () => {
  const world = new GatewayWorld({ feeds: [DELAYED] })
  // Of line B somebody has forgotten the delay.
  world.start('b1', [{}])
  await world.gateway.start()
  await world.clock.pass(1000)
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  assert.deepEqual(
    world.gateway.hub.info().map(({ feed, delayMs, delayOf }) => [feed, delayMs, delayOf]),
    [['quote', 900_000, 'real']],
  )
  receiver.subscribe(['A'])
  world.pass(1000)
  receiver.take()
  world.lag('a1')
  world.record('A', { last: 1 })
  world.pass(1000)
  assert.deepEqual(receiver.takeOf('update'), [], 'what only the other line has is not shown')
  world.catchUp('a1')
  world.pass(1000)
  assert.deepEqual(
    receiver.takeOf('update').map(({ values }) => values['last']),
    [1],
  )
  const told = world.log.lines.filter(({ code }) => code === 'delay_differs')
  assert.equal(told.length, 1)
  assert.match(told[0]!.message, /delays feed quote by 0 ms, others by 900000 ms/)
  assert.deepEqual(
    world.gateway.leaseContent().feeds.map(({ delayOf, delayMs }) => [delayOf, delayMs]),
    [['real', 900_000]],
  )
  await world.gateway.close()
})
