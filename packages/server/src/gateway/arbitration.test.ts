/** Two lines in, one stream out: what a receiver behind a gateway sees while the lines differ. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

async function setUp(symbols = ['A']) {
  const world = await GatewayWorld.open()
  for (const name of symbols) world.record(name, { last: 0 })
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(symbols)
  world.pass(1000)
  receiver.peek()
  return { world, receiver }
}

function updates(receiver: Receiver): (readonly [n: number, last: unknown])[] {
  return receiver.take().flatMap((frame) => (frame.t === 'update' ? [[frame.n, frame.values['last']] as const] : []))
}

test('an update that both lines bring is passed on once', async () => {
  const { world, receiver } = await setUp()
  world.record('A', { last: 1 })
  assert.deepEqual(updates(receiver), [[1, 1]])
  assert.ok(world.gateway.input.counts.duplicates >= 1)
  await world.gateway.close()
})

test('whichever line is first is taken', async () => {
  const { world, receiver } = await setUp()
  for (const [slow, last] of [
    ['a1', 1],
    ['b1', 2],
    ['a1', 3],
  ] as const) {
    world.lag(slow)
    world.record('A', { last })
    assert.deepEqual(updates(receiver), [[1, last]], `while ${slow} lags`)
    world.catchUp(slow)
    assert.deepEqual(updates(receiver), [], 'and what the other brings later is not')
  }
  await world.gateway.close()
})

test('a line that conflates: records are counted once, whoever brings them', async () => {
  const { world, receiver } = await setUp()
  let counted = 0
  for (let i = 1; i <= 100; i++) {
    if (i % 7 === 0) world.hold(i % 2 === 0 ? 'a1' : 'b1')
    world.record('A', { last: i })
    if (i % 3 === 0) world.clock.advance(15)
    if (i % 11 === 0) for (const id of ['a1', 'b1']) world.release(id)
    if (i % 4 === 0) for (const [n] of updates(receiver)) counted += n
  }
  for (const id of ['a1', 'b1']) world.release(id)
  for (const [n] of updates(receiver)) counted += n
  assert.deepEqual([counted, receiver.image('A')], [100, { last: 100 }])
  await world.gateway.close()
})

test('one line gone: nothing is missed, and the pulse goes on', async () => {
  const { world, receiver } = await setUp()
  world.cut('a1')
  world.record('A', { last: 1 })
  assert.deepEqual(updates(receiver), [[1, 1]])
  world.pass(5000)
  const frames = receiver.take()
  assert.deepEqual(
    frames.filter(({ t }) => t === 'stale'),
    [],
  )
  assert.ok(frames.filter((frame) => frame.t === 'pulse' && frame.feed !== undefined).length >= 4)
  world.restore('a1')
  world.pass(3000)
  world.cut('b1')
  world.record('A', { last: 2 })
  assert.deepEqual(updates(receiver), [[1, 2]], 'the line that came back carries on alone')
  await world.gateway.close()
})

test('both lines gone: stale is told, with the cause; the image stays; back again it is live and newest', async () => {
  const { world, receiver } = await setUp()
  for (const id of ['a1', 'b1']) world.cut(id)
  world.record('A', { last: 1 })
  world.pass(4000)
  const [stale] = receiver.takeOf('stale')
  assert.deepEqual([stale?.hop, stale?.reason], ['gw-1', 'upstream_disconnected'])
  assert.match(stale!.message!, /ws:\/\/push-a1:8081 .*ws:\/\/push-b1:8081/)
  assert.deepEqual(receiver.image('A'), { last: 0 })
  for (const id of ['a1', 'b1']) world.restore(id)
  world.pass(4000)
  const frames = receiver.take()
  assert.ok(frames.some(({ t }) => t === 'live'))
  assert.deepEqual(receiver.image('A'), { last: 1 })
  await world.gateway.close()
})

test('a node that is restarted is asked for everything again', async () => {
  const { world, receiver } = await setUp(['A', 'B'])
  world.cut('a1')
  world.start('a1')
  world.restore('a1')
  world.pass(3000)
  assert.deepEqual(
    ['A', 'B'].map((name) => world.node('a1').symbol(name).entries.length),
    [1, 1],
  )
  assert.equal(receiver.takeOf('subscribed').length, 0, 'of which the receiver hears nothing')
  await world.gateway.close()
})

test('a frozen node is dropped; what it says when it wakes is old and changes nothing', async () => {
  const { world, receiver } = await setUp()
  world.hold('a1')
  for (let i = 1; i <= 5; i++) {
    world.record('A', { last: i })
    world.pass(1000)
  }
  assert.match(world.log.lines.findLast(({ code }) => code === 'link_lost')!.message, /says nothing; frozen peer/)
  world.release('a1')
  world.pass(3000)
  const seen = updates(receiver)
  assert.deepEqual(
    seen.map(([, last]) => last),
    [1, 2, 3, 4, 5],
  )
  assert.equal(world.gateway.links[0]!.state, 'open')
  await world.gateway.close()
})

test('a field that only one line has told of yet is put where the other will find it', async () => {
  const { world, receiver } = await setUp()
  world.lag('a1')
  world.record('A', { last: 1, bid: 5 })
  world.record('A', { ask: 6, last: 2 })
  world.lag('b1')
  world.catchUp('a1')
  world.record('A', { ask: 7, bid: 8, size: 9 })
  receiver.take()
  world.catchUp('b1')
  receiver.take()
  assert.deepEqual(receiver.image('A'), { ask: 7, bid: 8, size: 9 })
  await world.gateway.close()
})

test('deleted on one line first, and back: the order of positions decides', async () => {
  const { world, receiver } = await setUp()
  world.lag('b1')
  world.record('A', null)
  world.record('A', { last: 5 })
  receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 5 })
  world.catchUp('b1')
  assert.deepEqual(receiver.takeOf('update'), [])
  world.record('A', null)
  assert.equal(receiver.takeOf('update')[0]?.deleted, true)
  await world.gateway.close()
})
