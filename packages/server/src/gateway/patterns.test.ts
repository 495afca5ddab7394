import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OkRow } from '@pulsewire/protocol'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver, Seen } from '../../../../test/support/receiver.ts'

async function setUp(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open(options)
  for (const name of ['A.HK', 'B.HK', 'C.US']) world.record(name, { last: 1 })
  return { world, receiver: world.connect() }
}

function rows(frames: readonly Seen[]): OkRow[] {
  return frames.flatMap((frame) => (frame.t === 'subscribed' ? [...(frame.ok ?? [])] : []))
}

function names(frames: readonly Seen[]): string[] {
  return rows(frames)
    .map(([name]) => name)
    .sort()
}

function subscribe(receiver: Receiver, pattern: string, id = 1): Seen[] {
  receiver.subscribe([], { id, patterns: [pattern] })
  return receiver.take()
}

test('a pattern brings what every line knows, each symbol once, and is done when the images are there', async () => {
  const { world, receiver } = await setUp()
  const frames = subscribe(receiver, '*.HK')
  assert.deepEqual([names(frames), frames.filter((frame) => frame.t === 'subscribed').at(-1)?.done], [['A.HK', 'B.HK'], true])
  assert.deepEqual([receiver.image('A.HK'), receiver.image('B.HK')], [{ last: 1 }, { last: 1 }])
  await world.gateway.close()
})

test('what appears later comes by itself, once, whichever line is first', async () => {
  const { world, receiver } = await setUp()
  subscribe(receiver, '*.HK')
  world.lag('a1')
  world.record('D.HK', { last: 2 })
  assert.deepEqual(names(receiver.take()), ['D.HK'])
  world.catchUp('a1')
  world.record('D.HK', { last: 3 })
  const frames = receiver.take()
  assert.deepEqual([names(frames), receiver.image('D.HK')], [[], { last: 3 }])
  await world.gateway.close()
})

test('a pattern that is asked for again while it waits is answered, once, and done', async () => {
  const { world, receiver } = await setUp()
  for (const id of ['a1', 'b1']) world.hold(id)
  for (let i = 0; i < 2; i++) receiver.subscribe([], { patterns: ['*.HK'] })
  receiver.take()
  for (const id of ['a1', 'b1']) world.release(id)
  const frames = receiver.take().filter((frame) => frame.t === 'subscribed')
  assert.equal(frames.at(-1)?.done, true)
  world.pass(6000)
  assert.equal(receiver.transport.closedWith, undefined)
  assert.equal(receiver.digest.count, 2)
  await world.gateway.close()
})

test('a second receiver of the same pattern is answered at once', async () => {
  const { world, receiver } = await setUp()
  subscribe(receiver, '*.HK')
  for (const id of ['a1', 'b1']) world.hold(id)
  assert.deepEqual(names(subscribe(world.connect(), '*.HK')), ['A.HK', 'B.HK'])
  await world.gateway.close()
})

test('what a pattern brought and a name asks for outlives the pattern', async () => {
  const { world, receiver } = await setUp()
  const other = world.connect()
  subscribe(receiver, '*.HK')
  other.subscribe(['A.HK'])
  other.take()
  receiver.send({ t: 'unsubscribe', id: 1 })
  receiver.take()
  world.pass(12_000)
  world.record('A.HK', { last: 9 })
  other.take()
  assert.deepEqual(other.image('A.HK'), { last: 9 })
  assert.deepEqual(
    ['A.HK', 'B.HK'].map((name) => world.node('a1').symbol(name).entries.length),
    [1, 0],
  )
  await world.gateway.close()
})

test('a pattern is let go of on every line with all that it brought', async () => {
  const { world, receiver } = await setUp()
  subscribe(receiver, '*.HK')
  receiver.send({ t: 'unsubscribe', id: 1 })
  receiver.take()
  world.pass(12_000)
  for (const id of ['a1', 'b1'])
    assert.deepEqual([world.node(id).feed().patterns.size, world.node(id).symbol('A.HK').entries.length], [0, 0])
  assert.equal(world.gateway.hub.feed('quote')!.symbols.size, 0)
  await world.gateway.close()
})

test('a line that opens later is asked for the patterns too', async () => {
  const { world, receiver } = await setUp()
  world.cut('b1')
  subscribe(receiver, '*.HK')
  world.restore('b1')
  world.pass(3000)
  world.cut('a1')
  world.record('E.HK', { last: 4 })
  assert.deepEqual(names(receiver.take()), ['E.HK'])
  await world.gateway.close()
})

test('on split partitions a pattern is done only when every partition has been heard', async () => {
  const { world, receiver } = await setUp({ nodes: { a1: 'A', a2: 'A' }, partitions: 2, carried: { a1: [0], a2: [1] } })
  world.record('P1.HK', { last: 1 }, { partition: 1 })
  world.hold('a2')
  receiver.subscribe([], { patterns: ['P1*'] })
  world.clock.advance(500)
  const early = receiver.take().filter((frame) => frame.t === 'subscribed')
  assert.deepEqual(early, [])
  world.release('a2')
  const frames = [...early, ...receiver.take()]
  assert.deepEqual(names(frames), ['P1.HK'])
  assert.equal(frames.filter((frame) => frame.t === 'subscribed').at(-1)?.done, true)
  await world.gateway.close()
})

test('many receivers that come and go with patterns leave nothing behind', async () => {
  const { world } = await setUp()
  for (let i = 0; i < 30; i++) {
    const receiver = world.connect()
    receiver.subscribe(['C.US'], { patterns: ['*.HK', `?.${i % 2 === 0 ? 'HK' : 'US'}`] })
    if (i % 3 !== 0) receiver.take()
    receiver.disconnect()
    world.pass(i % 5 === 0 ? 2000 : 20)
  }
  world.pass(15_000)
  const feed = world.gateway.hub.feed('quote')!
  assert.deepEqual([feed.symbols.size, feed.patterns.size], [0, 0])
  for (const id of ['a1', 'b1']) assert.equal(world.node(id).feed().patterns.size, 0)
  await world.gateway.close()
})

function refusals(frames: readonly Seen[]): string[][] {
  return frames.flatMap((frame) => (frame.t === 'subscribed' ? (frame.refused ?? []).map(([name, code]) => [name, code]) : []))
}

test('a pattern that no push node takes is refused to who asked for it, and keeps nobody’s pulses back', async () => {
  const { world, receiver } = await setUp({ nodeSessions: { a1: { patternsMax: 1 }, b1: { patternsMax: 1 } } })
  subscribe(receiver, '*.HK')
  const other = world.connect()
  assert.deepEqual(refusals(subscribe(other, '*.US')), [['*.US', 'upstream_refused']])
  receiver.take()
  world.pass(8000)
  const frames = receiver.take()
  assert.deepEqual([frames.some(({ t }) => t === 'pulse'), frames.filter(({ t }) => t === 'stale')], [true, []])
  assert.deepEqual([...world.gateway.hub.feed('quote')!.patterns.keys()], ['*.HK'])
  receiver.send({ t: 'unsubscribe', id: 1 })
  receiver.take()
  assert.deepEqual(names(subscribe(other, '*.US')), ['C.US'], 'there is room again')
  await world.gateway.close()
})

test('a pattern that one of the push nodes takes is brought by that one', async () => {
  const { world, receiver } = await setUp({ nodeSessions: { a1: { patternsMax: 1 } } })
  subscribe(receiver, '*.HK')
  const frames = subscribe(receiver, '*.US', 2)
  world.pass(1000)
  frames.push(...receiver.take())
  assert.deepEqual([names(frames), refusals(frames)], [['C.US'], []])
  world.record('D.US', { last: 2 })
  assert.deepEqual(names(receiver.take()), ['D.US'])
  world.pass(8000)
  assert.deepEqual(receiver.takeOf('stale'), [])
  await world.gateway.close()
})

test('when push nodes have no room for what appears, the pattern is over; what it brought goes on by name', async () => {
  const { world, receiver } = await setUp({ nodeSessions: { a1: { subscriptionsMax: 4 }, b1: { subscriptionsMax: 4 } } })
  subscribe(receiver, '*.HK')
  for (const name of ['D.HK', 'E.HK']) world.record(name, { last: 1 })
  const frames = receiver.take()
  assert.deepEqual([names(frames), refusals(frames)], [['D.HK'], [['*.HK', 'upstream_refused']]])
  world.pass(3000)
  for (const name of ['A.HK', 'B.HK', 'D.HK', 'E.HK']) world.record(name, { last: 7 })
  receiver.take()
  assert.deepEqual(
    ['A.HK', 'B.HK', 'D.HK', 'E.HK'].map((name) => receiver.image(name)),
    [{ last: 7 }, { last: 7 }, { last: 7 }, undefined],
  )
  world.pass(8000)
  assert.deepEqual(receiver.takeOf('stale'), [])
  await world.gateway.close()
})

test('in the middle of an update a pattern may be over for want of room here, on every line', async () => {
  const { world, receiver } = await setUp({ session: { subscriptionsMax: 3 } })
  const other = world.connect()
  subscribe(receiver, '*.HK')
  other.subscribe(['B.HK'])
  for (const name of ['D.HK', 'A.HK']) world.record(name, { last: 4 })
  assert.deepEqual(refusals(receiver.take()), [['*.HK', 'subscriptions_limit']])
  world.pass(3000)
  for (const name of ['A.HK', 'B.HK']) world.record(name, { last: 8 })
  for (const each of [receiver, other]) each.take()
  assert.deepEqual([receiver.image('A.HK'), receiver.image('B.HK'), other.image('B.HK')], [{ last: 8 }, { last: 8 }, { last: 8 }])
  for (const id of ['a1', 'b1']) assert.equal(world.node(id).feed().patterns.size, 0)
  await world.gateway.close()
})
