/** Symbols that are wanted and that no pattern brings, or none any more: links are asked for them by name, and none holds up its partition. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

const LINES = ['a1', 'b1'] as const
const TRADE = { name: 'trade', mode: 'every' as const }

async function setUp(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open(options)
  const [byPattern, byName] = [world.connect(), world.connect()]
  const subscribersOn = (name: string, feed = 'quote') =>
    LINES.map((id) => world.node(id).feed(feed).symbols.get(name)?.entries.length ?? 0)
  return { world, byPattern, byName, subscribersOn }
}

/** A.HK is wanted by pattern, and by name. */
async function wantedTwice() {
  const given = await setUp()
  const { world, byPattern, byName } = given
  world.record('A.HK', { last: 1 })
  byPattern.subscribe([], { patterns: ['*.HK'] })
  byPattern.take()
  byName.subscribe(['A.HK'])
  byName.take()
  return given
}

/** Whether nothing of its feed is stale, and pulses come. */
function isLive(world: GatewayWorld, receiver: Receiver, feed = 'quote'): boolean {
  receiver.take()
  world.pass(1000)
  const { freshness } = world.gateway.hub.feed(feed)!
  return [...freshness.partitions].every(({ stale }) => stale === null) && receiver.takeOf('pulse').some((frame) => frame.feed === feed)
}

/** A pattern is answered by line A first. */
function answeredByAFirst(world: GatewayWorld, receiver: Receiver): void {
  world.pulse()
  world.hold('b1')
  receiver.subscribe([], { patterns: ['*.HK'] })
  receiver.take()
  world.release('b1')
  world.pass(1000)
}

test('a pattern that goes while no link is open leaves its symbols to those who want them by name', async () => {
  const { world, byPattern, byName } = await wantedTwice()
  for (const id of LINES) world.cut(id)
  byPattern.send({ t: 'unsubscribe', id: 1 })
  world.record('A.HK', { last: 2 })
  world.pass(3000)
  for (const id of LINES) world.restore(id)
  world.pass(3000)
  assert.ok(isLive(world, byName))
  assert.deepEqual(byName.image('A.HK'), { last: 2 })
  await world.gateway.close()
})

test('nor does it leave behind what nobody wants: nothing waits for that', async () => {
  const { world, byPattern, byName } = await setUp()
  for (const name of ['A.HK', 'B.US']) world.record(name, { last: 1 })
  byPattern.subscribe([], { patterns: ['*.HK'] })
  byPattern.take()
  byName.subscribe(['B.US'])
  byName.take()
  for (const id of LINES) world.cut(id)
  byPattern.disconnect()
  world.pass(1000)
  for (const id of LINES) world.restore(id)
  world.pass(3000)
  assert.ok(isLive(world, byName))
  world.pass(12_000)
  assert.deepEqual([...world.gateway.hub.feed('quote')!.symbols.keys()], ['B.US'])
  await world.gateway.close()
})

test('a pattern that goes before links have answered it leaves its symbols to those who want them by name', async () => {
  const { world, byPattern, byName } = await wantedTwice()
  for (const id of LINES) world.cut(id)
  for (const id of LINES) world.holdUp(id)
  for (const id of LINES) world.restore(id)
  world.pass(3000)
  byPattern.send({ t: 'unsubscribe', id: 1 })
  world.clock.advance(100)
  for (const id of LINES) world.release(id)
  world.pass(3000)
  assert.ok(isLive(world, byName))
  await world.gateway.close()
})

test('a link that was asked by name for the rest after a hole: the others are, too, when the pattern goes', async () => {
  const { world, byPattern, byName, subscribersOn } = await setUp({
    feeds: [{ ...TRADE, history: { recordsPerSymbolMax: 5, bytesMax: 1_000_000 } }],
  })
  let price = 0
  const trade = (count: number) => {
    for (let i = 0; i < count; i++) world.record('A.HK', { price: ++price }, { feed: 'trade' })
  }
  trade(2)
  byPattern.subscribe([], { feed: 'trade', patterns: ['*.HK'] })
  byPattern.take()
  byName.subscribe(['A.HK'], { feed: 'trade' })
  byName.take()
  // B reads at once what it has missed, and its history is too short for all of it.
  world.lag('b1')
  for (let i = 0; i < 20; i++) {
    trade(1)
    byName.take()
  }
  world.catchUp('b1')
  world.pass(1000)
  assert.deepEqual(subscribersOn('A.HK', 'trade'), [1, 2], 'B was asked by name')
  byPattern.send({ t: 'unsubscribe', id: 1 })
  world.pass(1000)
  assert.deepEqual(subscribersOn('A.HK', 'trade'), [1, 1])
  world.lag('b1')
  world.pass(5000)
  assert.ok(isLive(world, byName, 'trade'))
  await world.gateway.close()
})

test('a symbol that was deleted while no link was open does not hold up the others of its pattern', async () => {
  const { world, byPattern } = await setUp()
  for (const name of ['A.HK', 'B.HK']) world.record(name, { last: 1 })
  byPattern.subscribe([], { patterns: ['*.HK'] })
  byPattern.take()
  for (const id of LINES) world.cut(id)
  world.record('A.HK', null)
  world.record('B.HK', { last: 2 })
  world.pass(1000)
  for (const id of LINES) world.restore(id)
  world.pass(3000)
  const deleted = byPattern.takeOf('update').flatMap((update) => (update.deleted ? [update.symbol] : []))
  assert.deepEqual([deleted, byPattern.image('B.HK')], [['A.HK'], { last: 2 }])
  assert.ok(isLive(world, byPattern))
  await world.gateway.close()
})

test('a symbol that one line alone knows does not hold up the others when that one is lost', async () => {
  const { world, byPattern, subscribersOn } = await setUp()
  // B has not read back as far as to A.HK, of which nothing new comes.
  world.node('a1').record('A.HK', { last: 1 })
  for (const name of ['B.HK', 'C.HK']) world.record(name, { last: 1 })
  answeredByAFirst(world, byPattern)
  assert.deepEqual(subscribersOn('A.HK'), [1, 0])
  world.cut('a1')
  world.pass(3000)
  assert.ok(isLive(world, byPattern))
  await world.gateway.close()
})

test('nor when that one stays behind as the feed moves', async () => {
  const { world, byPattern } = await setUp()
  world.node('a1').record('A.HK', { last: 1 })
  for (const name of ['B.HK', 'C.HK']) world.record(name, { last: 1 })
  answeredByAFirst(world, byPattern)
  const node = world.node('b1')
  node.hub.setShape(node.feed(), 2, 1)
  for (let i = 0; i < 10; i++) {
    node.pulse({ offset: i })
    world.clock.advance(500)
  }
  const { freshness } = world.gateway.hub.feed('quote')!
  assert.deepEqual(
    [...freshness.partitions].map(({ stale, point }) => [stale, point?.generation]),
    [[null, 2]],
  )
  await world.gateway.close()
})

test('what a line was asked for by name and has not answered is not asked for once more when the other is lost', async () => {
  const { world, byName } = await setUp()
  world.record('A.HK', { last: 1 })
  world.pulse()
  world.hold('b1')
  byName.subscribe(['A.HK'])
  byName.take()
  const asked = () => world.lines.sentUp.get('ws://push-b1:8081')!.length
  const before = asked()
  world.cut('a1')
  world.clock.advance(20)
  assert.equal(asked(), before)
  world.release('b1')
  world.pass(1000)
  assert.ok(isLive(world, byName))
  await world.gateway.close()
})
