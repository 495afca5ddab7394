/** A gateway whose push nodes come and go by their leases. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'

async function setUp({ directory = new FakeDirectory(), ...options }: GatewayWorldOptions & { readonly directory?: FakeDirectory } = {}) {
  const world = await GatewayWorld.open({ nodes: { a1: 'A', a2: 'A', b1: 'B' }, directory, ...options })
  const linked = () => world.gateway.links.map(({ address }) => /push-(\w+):/.exec(address)![1])
  const proven = (receiver: ReturnType<typeof world.connect>) =>
    receiver.take().some((frame) => frame.t === 'pulse' && (frame.partitions?.length ?? 0) > 0)
  return { directory, world, linked, proven }
}

test('links are opened and closed as leases come and go; a bit is used again, and a receiver notices nothing', async () => {
  const { directory, world, linked, proven } = await setUp()
  assert.deepEqual(linked(), [])
  directory.push('a1')
  directory.push('b1')
  world.pass(1000)
  const receiver = world.connect()
  world.record('A', { last: 1 })
  receiver.subscribe(['A'], { patterns: ['B*'] })
  world.pass(1000)
  assert.deepEqual(linked(), ['a1', 'b1'])
  directory.push('a1', { state: 'expired' })
  directory.push('a2')
  assert.deepEqual(
    [linked(), world.gateway.links.map(({ index }) => index)],
    [
      ['a2', 'b1'],
      [0, 1],
    ],
  )
  assert.equal(world.node('a1').sessions.size, 0)
  for (let round = 2; round < 12; round++) {
    world.record('A', { last: round })
    world.pass(1000)
    assert.equal(proven(receiver), true)
    assert.deepEqual(receiver.image('A'), { last: round })
  }
  world.cut('b1')
  directory.push('b1', { state: 'left' })
  world.record('A', { last: 12 })
  world.record('B1', { last: 1 })
  world.pass(1000)
  assert.equal(proven(receiver), true)
  assert.deepEqual([receiver.image('A'), receiver.image('B1'), linked()], [{ last: 12 }, { last: 1 }, ['a2']])
  assert.equal(
    receiver
      .take()
      .concat(receiver.peek())
      .filter(({ t }) => t === 'stale').length,
    0,
  )
  await world.gateway.close()
  assert.equal(directory.listeners, 0)
})

test('nodes that come and go thirty times use no more than their bits', async () => {
  const { directory, world, linked, proven } = await setUp()
  directory.push('b1')
  const receiver = world.connect()
  receiver.subscribe(['A'])
  for (let i = 0; i < 30; i++) {
    directory.push('a1', { state: i % 2 === 0 ? 'live' : 'left' })
    directory.push('a2', { state: i % 3 === 0 ? 'live' : 'left' })
    world.pass(500)
  }
  assert.ok(Math.max(...world.gateway.links.map(({ index }) => index)) <= 2)
  receiver.take()
  world.record('A', { last: 5 })
  world.pass(1000)
  assert.deepEqual([receiver.image('A'), proven(receiver), linked()], [{ last: 5 }, true, ['b1']])
  await world.gateway.close()
})

test('without a lease of any push node, receivers are told so', async () => {
  const { directory, world } = await setUp()
  directory.push('a1')
  const receiver = world.connect()
  receiver.subscribe(['A'])
  world.pass(1000)
  directory.push('a1', { word: 'offline' })
  world.pass(5000)
  const stale = receiver.take().findLast((frame) => frame.t === 'stale')
  assert.ok(
    stale?.t === 'stale' && stale.reason === 'upstream_disconnected' && /push-a1:8081: it was taken offline/.test(stale.message ?? ''),
  )
  await world.gateway.close()
})

test('a node is not blamed for a partition that it does not have', async () => {
  const { directory, world } = await setUp({ nodes: { a1: 'A', a2: 'A' }, partitions: 2, carried: { a1: [0], a2: [1] } })
  directory.push('a1')
  directory.push('a2')
  const receiver = world.connect()
  receiver.subscribe(['A'])
  world.pass(2000)
  receiver.take()
  world.hold('a2')
  world.pass(2500)
  world.cut('a2')
  world.pass(1000)
  const stale = receiver.takeOf('stale')
  const [silent, gone] = [stale[0]!, stale.at(-1)!]
  assert.deepEqual([silent.hop, silent.partitions], ['push-a2', [1]])
  assert.deepEqual([gone.hop, gone.reason, gone.message?.includes('push-a1')], ['gw-1', 'upstream_disconnected', false])
  await world.gateway.close()
})

test('told to go, it takes nobody new and asks all to move; offline, it cuts those who stay; online, it is ready again', async () => {
  const { directory, world } = await setUp()
  directory.push('a1')
  world.pass(500)
  const { gateway } = world
  const receiver = world.connect()
  assert.deepEqual([gateway.ready, gateway.leaseContent().draining], [true, false])
  gateway.told('draining')
  world.clock.advance(20)
  assert.deepEqual([gateway.ready, gateway.leaseContent().draining, receiver.takeOf('goodbye').length], [false, true, 1])
  await world.clock.pass(20_000)
  assert.equal(gateway.sessions.size, 1)
  gateway.told('offline')
  await world.clock.settle()
  assert.equal(receiver.closed.code, 4200)
  gateway.told('online')
  assert.deepEqual([gateway.ready, gateway.leaseContent().draining], [true, false])
  receiver.disconnect()
  const again = world.connect()
  again.subscribe(['A'])
  world.pass(1000)
  assert.equal(again.takeOf('subscribed').length > 0, true, 'who comes now is served')
  await world.clock.pass(20_000)
  assert.equal(gateway.sessions.size, 1, 'and stays: the drain of before goes no further')
  await gateway.close()
})

test('a node that is linked to no more has no say in what is refused', async () => {
  const { directory, world } = await setUp({ feeds: [{ symbolsMax: 1 }] })
  for (const node of ['a1', 'b1']) directory.push(node)
  world.record('A', { last: 1 })
  world.pass(1000)
  directory.push('a1', { state: 'left' })
  const receiver = world.connect()
  receiver.subscribe(['A', 'B'])
  const refused = receiver.takeOf('subscribed').flatMap((frame) => frame.refused ?? [])
  assert.deepEqual(
    refused.map(([name, code]) => [name, code]),
    [['B', 'upstream_refused']],
  )
  await world.gateway.close()
})

/** A gateway that stood still for ten seconds. */
async function standStill(what: { readonly follows: boolean }, meanwhile: (world: GatewayWorld) => void) {
  const { directory, world } = await setUp()
  directory.push('a1')
  if (what.follows) world.connect().subscribe(['A'])
  world.pass(1000)
  const { gateway } = world
  let beats = 0
  gateway.beatsBy(() => beats++)
  assert.equal(gateway.leaseContent().ready, true)
  meanwhile(world)
  world.clock.spend(10_000)
  gateway.lapsed()
  return { world, gateway, ready: () => gateway.leaseContent().ready, beats: () => beats }
}

test('after a standstill it is not ready while something that it follows is stale', async () => {
  const { world, gateway, ready, beats } = await standStill({ follows: true }, (world) => world.lag('a1'))
  for (let i = 0; i < 10; i++) {
    world.node('a1').pulse({ feed: 'quote', partition: 0, offset: 1000 + i, writtenAtMs: world.clock.nowMs() - 8000 })
    world.clock.advance(200)
  }
  assert.equal(world.gateway.links[0]!.state, 'open')
  assert.deepEqual([ready(), beats()], [false, 0])
  world.node('a1').pulse({ feed: 'quote', partition: 0, offset: 2000, writtenAtMs: world.clock.nowMs() })
  world.clock.advance(200)
  assert.deepEqual([ready(), beats()], [true, 1])
  await gateway.close()
})

test('after a standstill it is not ready before a link has brought anything', async () => {
  const { world, gateway, ready } = await standStill({ follows: false }, (world) => world.hold('a1'))
  world.clock.advance(1000)
  assert.equal(ready(), false)
  world.release('a1')
  world.pass(4000)
  assert.equal(ready(), true)
  await gateway.close()
})

test('receivers are told the log that positions are of as soon as the directory knows it', async () => {
  const directory = new FakeDirectory()
  directory.logId = null
  const { world } = await setUp({ directory })
  directory.push('a1')
  world.pass(1000)
  const receiver = world.connect()
  const inWelcome = () => world.gateway.hub.info().map(({ log }) => log)
  assert.deepEqual(inWelcome(), [undefined])
  directory.logId = 'log-1'
  directory.changed()
  const logs = receiver.takeOf('feeds').map(({ feeds }) => feeds.map(({ log }) => log))
  assert.deepEqual([logs, inWelcome()], [[['log-1']], ['log-1']])
  await world.gateway.close()
  assert.equal(directory.listeners, 0)
})
