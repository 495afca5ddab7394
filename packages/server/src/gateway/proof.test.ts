/** What a gateway believes, what it passes on as proven, and how it says why something is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PulseRow } from '@pulsewire/protocol'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

async function setUp(options: GatewayWorldOptions = {}, symbols = ['A']) {
  const world = await GatewayWorld.open(options)
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(symbols)
  receiver.take()
  return { world, receiver }
}

function rows(receiver: Receiver): PulseRow[] {
  return receiver.take().flatMap((frame) => (frame.t === 'pulse' ? [...(frame.partitions ?? [])] : []))
}

test('a pulse that is passed on names every hop, and the age at each', async () => {
  const { world, receiver } = await setUp()
  world.clock.advance(1000)
  rows(receiver)
  world.pulse()
  world.clock.advance(1100)
  const frame = receiver.take().find((each) => each.t === 'pulse' && each.feed !== undefined)
  assert.ok(frame?.t === 'pulse')
  assert.match(frame.paths![0]!.join(' '), /^push-[ab]1 gw-1$/)
  const [, , , ageMs, arrivedAgesMs] = frame.partitions![0]!
  assert.equal(arrivedAgesMs.length, 2)
  assert.ok(ageMs >= arrivedAgesMs[0]! && arrivedAgesMs[0]! >= arrivedAgesMs[1]!, `${ageMs} ${arrivedAgesMs.join()}`)
  await world.gateway.close()
})

test('with one line behind, the pulse of the other goes through', async () => {
  const { world, receiver } = await setUp()
  world.lag('a1')
  world.pass(5000)
  assert.ok(rows(receiver).length >= 4)
  assert.deepEqual(receiver.takeOf('stale'), [])
  await world.gateway.close()
})

test('a symbol that only a line that lags has confirmed holds back the pulse of its partition, and no other', async () => {
  const { world, receiver } = await setUp({ partitions: 2 })
  world.record('A', { last: 1 })
  world.record('B', { last: 1 }, { partition: 1 })
  receiver.subscribe(['B'])
  world.pass(2000)
  world.holdUp('b1')
  receiver.subscribe(['C'])
  world.record('C', { last: 1 }, { partition: 1 })
  world.pass(2000)
  rows(receiver)
  world.lag('a1')
  for (let i = 0; i < 10; i++) {
    world.pulse()
    world.clock.advance(500)
  }
  const passed = new Map(rows(receiver).map(([partition, offset]) => [partition, offset]))
  const newest = world.node('b1').feed().freshness.get(1)!.point!.offset
  assert.ok((passed.get(1) ?? 0) < newest - 5, `partition 1 was passed on up to ${passed.get(1)} of ${newest}`)
  assert.ok((passed.get(0) ?? 0) > world.node('a1').feed().freshness.get(0)!.point!.offset)
  await world.gateway.close()
})

test('a node of an older generation is not believed: neither its images, nor its pulses, nor its silence', async () => {
  const world = await GatewayWorld.open({ feeds: [{ generation: 2 }] })
  world.record('A', { last: 'new' })
  world.cut('a1')
  const zombie = world.start('a1', [{ generation: 1 }])
  zombie.record('A', { last: 'old' }, { offset: 999, generation: 1 })
  zombie.record('ONLY-OLD', { last: 'old' }, { offset: 1000, generation: 1 })
  world.restore('a1')
  world.pass(2000)
  const receiver = world.connect()
  receiver.subscribe(['A', 'ONLY-OLD'], { patterns: ['ONLY*'] })
  world.pass(2000)
  receiver.take()
  assert.deepEqual([receiver.image('A'), receiver.image('ONLY-OLD')], [{ last: 'new' }, {}])
  zombie.pulse({ offset: 5000 })
  zombie.record('A', { last: 'older' }, { offset: 5001, generation: 1 })
  world.pass(1000)
  receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 'new' })
  world.cut('b1')
  for (let i = 0; i < 8; i++) {
    zombie.pulse({ offset: 6000 + i })
    world.clock.advance(500)
  }
  assert.ok(receiver.takeOf('stale').length > 0, 'alone it proves nothing')
  await world.gateway.close()
})

test('a node that stays behind when the other moves on is believed no more, in what it was asked for before either', async () => {
  const world = await GatewayWorld.open()
  const receiver = world.connect()
  receiver.subscribe([], { patterns: ['N*'] })
  world.pass(1000)
  world.cut('b1')
  world.start('b1', [{ generation: 2 }])
  world.restore('b1')
  world.pass(2000)
  receiver.take()
  world.node('a1').record('NEW', { last: 'old' }, { offset: 999, generation: 1 })
  world.clock.advance(1000)
  assert.deepEqual(
    receiver.take().filter(({ t }) => t === 'subscribed' || t === 'update'),
    [],
  )
  await world.gateway.close()
})

test('a node that moves to the new generation is believed from then on', async () => {
  const world = await GatewayWorld.open({ feeds: [{ generation: 2 }] })
  world.cut('a1')
  world.start('a1', [{ generation: 1 }])
  world.restore('a1')
  world.pass(2000)
  const receiver = world.connect()
  receiver.subscribe(['A'])
  world.pass(1000)
  world.cut('a1')
  world.start('a1', [{ generation: 2 }])
  world.restore('a1')
  world.pass(2000)
  world.cut('b1')
  world.record('A', { last: 1 })
  world.pass(2000)
  receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 1 })
  world.pass(5000)
  assert.deepEqual(receiver.takeOf('stale'), [])
  await world.gateway.close()
})

test('a new generation takes over: its images replace the old ones, and its pulses count', async () => {
  const { world, receiver } = await setUp()
  world.record('A', { last: 'old' })
  world.pass(1000)
  receiver.take()
  for (const id of ['a1', 'b1']) {
    world.cut(id)
    const node = world.start(id, [{ generation: 2 }])
    node.record('A', { last: 'new' }, { offset: 0, generation: 2 })
    world.restore(id)
  }
  world.clock.advance(3000)
  const frames = receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 'new' })
  assert.equal(frames.findLast((frame) => frame.t === 'feeds')?.t, 'feeds')
  await world.gateway.close()
})

test('split partitions: each node proves its own; one that is lost makes its partitions stale and no others', async () => {
  const nodes = { a1: 'A', a2: 'A' } as const
  const { world, receiver } = await setUp({ nodes, partitions: 4, carried: { a1: [0, 1], a2: [2, 3] } }, ['A', 'B', 'X'])
  world.record('A', { last: 1 }, { partition: 0 })
  world.record('B', { last: 2 }, { partition: 3 })
  world.pass(2000)
  receiver.take()
  assert.deepEqual([receiver.image('A'), receiver.image('B')], [{ last: 1 }, { last: 2 }])
  world.pass(2000)
  assert.deepEqual([...new Set(rows(receiver).map(([partition]) => partition))].sort(), [0, 1, 2, 3])
  world.cut('a2')
  world.pass(4000)
  const stale = receiver.takeOf('stale').flatMap(({ partitions }) => partitions ?? [])
  assert.deepEqual([...new Set(stale)].sort(), [2, 3])
  await world.gateway.close()
})

test('why a partition is stale: what the node says goes first, then who is silent, then who cannot be reached', async () => {
  const { world, receiver } = await setUp()
  world.pass(1000)
  receiver.take()
  world.clock.advance(3000)
  const [silent] = receiver.takeOf('stale')
  assert.deepEqual([silent?.hop, silent?.reason], ['push-a1', 'no_pulse'])
  for (const id of ['a1', 'b1']) world.node(id).hub.checkFreshness()
  world.clock.advance(500)
  const [told] = receiver.takeOf('stale')
  assert.deepEqual([told?.hop, told?.reason, told?.message], ['log', 'no_pulse', 'nothing comes'])
  for (const id of ['a1', 'b1']) world.cut(id)
  world.clock.advance(500)
  const [gone] = receiver.takeOf('stale')
  assert.deepEqual([gone?.hop, gone?.reason], ['gw-1', 'upstream_disconnected'])
  await world.gateway.close()
})

test('a push node that has just been met is not called silent', async () => {
  const { world, receiver } = await setUp()
  for (const id of ['a1', 'b1']) world.cut(id)
  world.clock.advance(4000)
  assert.equal(receiver.takeOf('stale').at(-1)?.reason, 'upstream_disconnected')
  for (const id of ['a1', 'b1']) world.restore(id)
  while (!world.gateway.links.some(({ state }) => state === 'open')) world.clock.advance(50)
  world.clock.advance(300)
  const [met] = receiver.takeOf('stale')
  assert.deepEqual([met?.hop, met?.reason], ['gw-1', 'resyncing'])
  world.clock.advance(4000)
  const [silent] = receiver.takeOf('stale')
  assert.deepEqual([silent?.hop, silent?.reason], ['push-a1', 'no_pulse'])
  await world.gateway.close()
})

test('pulses that come, but too old, lag', async () => {
  const { world, receiver } = await setUp()
  for (let i = 0; i < 10; i++) {
    for (const id of ['a1', 'b1']) world.node(id).pulse({ writtenAtMs: world.clock.nowMs() - 5000, offset: 100 + i })
    world.clock.advance(500)
  }
  const [stale] = receiver.takeOf('stale')
  assert.deepEqual([stale?.hop, stale?.reason], ['push-a1', 'lagging'])
  await world.gateway.close()
})

test('pulses that come and are not passed on, because a symbol is not confirmed: a subscription is being repaired', async () => {
  const { world, receiver } = await setUp({ gateway: { subscribeDeadlineMs: 500 } })
  world.pass(1000)
  for (const id of ['a1', 'b1']) world.holdUp(id)
  receiver.subscribe(['UNCONFIRMED'])
  world.pass(4000)
  const [stale] = receiver.takeOf('stale')
  assert.deepEqual([stale?.hop, stale?.reason], ['gw-1', 'resyncing'])
  await world.gateway.close()
})

test('what was said of a feed that nobody here subscribes to any more is taken back: it is judged no longer', async () => {
  const { world, receiver } = await setUp()
  world.pass(1000)
  world.clock.advance(4000)
  assert.ok(receiver.takeOf('stale').length > 0)
  receiver.send({ t: 'unsubscribe', id: 1 })
  world.clock.advance(15_000)
  world.pass(2000)
  receiver.subscribe(['A'], { id: 2 })
  world.pass(2000)
  const last = receiver.take().findLast(({ t }) => t === 'stale' || t === 'live')
  assert.equal(last?.t, 'live', 'a notice that is never taken back is in force for ever')
  await world.gateway.close()
})

test('a gateway has as many upstream nodes as it can tell apart, and refuses more', () => {
  const nodes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, 'A' as const]))
  assert.throws(() => new GatewayWorld({ nodes }), /at most 31 upstream nodes/)
})
