/** A node that announces a newer generation of a feed than others serve: a move, or one wrong configuration. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeedGeneration } from '../directory/index.ts'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'
import type { Sender } from '../../../../test/support/sender.ts'

const FUTURE = 99

function values(receiver: Receiver): unknown[] {
  return receiver.takeOf('update').map(({ values: { last } }) => last)
}

function catalogue(directory: FakeDirectory, current: number, next: FeedGeneration | null = null): void {
  directory.feeds.set('quote', { feed: 'quote', current: { generation: current, topic: 'quotes' }, next, retired: [], revision: 1 })
  directory.changed()
}

/** With leases, and a catalogue that has the feed. */
function led(): { readonly directory: FakeDirectory; readonly options: GatewayWorldOptions } {
  const directory = new FakeDirectory()
  for (const node of ['a1', 'a2', 'b1']) directory.push(node)
  catalogue(directory, 1)
  return { directory, options: { nodes: { a1: 'A', a2: 'A', b1: 'B' }, directory } }
}

/** In place of the node of that name comes one of another generation; it reads nothing that the test does not give it. */
function replace(world: GatewayWorld, id: string, generation: number): Sender {
  world.cut(id)
  const node = world.start(id, [{ ...world.node(id).feed().options, generation }], true)
  world.restore(id)
  return node
}

/** Time with pulses, also of this node's generation. */
function passWith(world: GatewayWorld, nodes: readonly Sender[], ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 500) {
    for (const node of nodes) node.pulse({ offset: 1000 + world.clock.nowMs() })
    world.pass(500)
  }
}

async function setUp(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open(options)
  world.record('A', { last: 0 })
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  world.pass(2000)
  receiver.take()
  return { world, receiver }
}

for (const [name, options] of [
  ['without a catalogue', { nodes: { a1: 'A', b1: 'B' } }],
  ['with a catalogue', led().options],
] as const) {
  test(`one node that announces a generation from the future changes nothing, ${name}, and is named`, async () => {
    const { world, receiver } = await setUp(options)
    const odd = replace(world, 'a1', FUTURE)
    world.pass(2000)
    odd.record('A', { last: 'odd' }, { generation: FUTURE, offset: 1 })
    world.record('A', { last: 1 })
    world.pass(4000)
    const frames = receiver.take()
    assert.deepEqual(
      frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['last']] : [])),
      [1],
    )
    assert.deepEqual(
      frames.filter(({ t }) => t === 'stale' || t === 'feeds'),
      [],
    )
    const named = world.log.lines.filter(({ code }) => code === 'upstream_ahead').map(({ message }) => message)
    assert.equal(named.length, 1)
    assert.match(named[0]!, /^push node push-a1 \(version 0\.0\.0[^,]*, ws:\/\/push-a1:8081\) serves generation 99 of feed quote/)
    replace(world, 'a1', 1)
    world.catchUp('a1')
    world.pass(2000)
    world.cut('b1')
    world.cut('a2')
    world.record('A', { last: 2 })
    world.pass(3000)
    assert.deepEqual(values(receiver), [2], 'corrected, it is believed')
    await world.gateway.close()
  })
}

test('a gateway that starts with such a node waits for proof of one or the other, and takes what is proven', async () => {
  const world = new GatewayWorld()
  const odd = world.start('a1', [{ generation: FUTURE }], true)
  odd.record('A', { last: 'odd' }, { generation: FUTURE, offset: 1 })
  world.record('A', { last: 0 })
  world.hold('b1')
  await world.gateway.start()
  world.pass(100)
  world.release('b1')
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  world.pass(3000)
  const frames = receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 0 })
  assert.equal(frames.filter(({ t }) => t === 'stale').length, 0)
  assert.deepEqual(
    world.gateway.leaseContent().feeds.map(({ generation }) => generation),
    [1],
  )
  await world.gateway.close()
})

test('alone, such a node without pulses is what there is: it is shown, as stale', async () => {
  const world = await GatewayWorld.open({ nodes: { a1: 'A' } })
  world.record('A', { last: 0 })
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  world.clock.advance(6000)
  const frames = receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 0 })
  assert.ok(frames.some(({ t }) => t === 'stale'))
  await world.gateway.close()
})

test('two nodes of one line, each with a part: none is whole, together they prove their generation against one from the future', async () => {
  const { world, receiver } = await setUp({
    nodes: { a1: 'A', b1: 'B', b2: 'B' },
    partitions: 2,
    carried: { a1: [0], b1: [1] },
  })
  const odd = replace(world, 'b2', FUTURE)
  world.cut('a1')
  world.restore('a1')
  world.pass(4000)
  odd.record('A', { last: 'odd' }, { generation: FUTURE, offset: 1 })
  world.record('A', { last: 1 })
  world.pass(1000)
  assert.deepEqual(values(receiver), [1])
  await world.gateway.close()
})

for (const mode of ['latest', 'every'] as const) {
  test(`without a catalogue a newer generation counts once its pulses come, and what came before them is given, of mode ${mode}`, async () => {
    const { world, receiver } = await setUp({ feeds: [{ mode }] })
    const node = world.node('a1')
    world.lag('a1')
    node.hub.setShape(node.feed(), 2, 1)
    node.record('A', { last: 1 }, { generation: 2, offset: 10, ts: world.clock.nowMs() })
    node.record('A', { last: 2 }, { generation: 2, offset: 11, ts: world.clock.nowMs() })
    world.pass(1000)
    assert.deepEqual(values(receiver), [], 'nothing proves it yet')
    passWith(world, [node], 2000)
    const frames = receiver.take()
    assert.deepEqual(
      frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['last']] : [])),
      mode === 'every' ? [1, 2] : [2],
    )
    assert.ok(!frames.some(({ t }) => t === 'stale' || t === 'gap'))
    await world.gateway.close()
  })
}

test('a newer generation that one line proves does not count while more lines prove the other', async () => {
  const { world, receiver } = await setUp({ nodes: { a1: 'A', a2: 'A', b1: 'B' } })
  const odd = replace(world, 'a2', FUTURE)
  odd.record('A', { last: 'odd' }, { generation: FUTURE, offset: 1 })
  passWith(world, [odd], 12_000)
  world.record('A', { last: 1 })
  passWith(world, [odd], 1000)
  assert.deepEqual(values(receiver), [1])
  await world.gateway.close()
})

test('where the catalogue has the feed, what it does not name counts only when what it names has had no pulse for 10 s', async () => {
  const { directory, options } = led()
  const { world, receiver } = await setUp(options)
  const raised = ['a1', 'a2'].map((id) => replace(world, id, FUTURE))
  for (const node of raised) node.record('A', { last: 'raised' }, { generation: FUTURE, offset: 1 })
  passWith(world, raised, 20_000)
  assert.deepEqual(values(receiver), [], 'generation 1 has its pulses')
  // Its topic was made anew, and the generation is raised by hand.
  world.lag('b1')
  passWith(world, raised, 8000)
  assert.deepEqual(values(receiver), [])
  passWith(world, raised, 6000)
  assert.deepEqual(values(receiver), ['raised'])
  assert.equal(directory.feeds.get('quote')!.current.generation, 1)
  await world.gateway.close()
})

test('what the catalogue says that nodes switch to counts at once, also when it says so after the node; what it opens does not', async () => {
  const { directory, options } = led()
  const { world, receiver } = await setUp(options)
  const next = { generation: 2, topic: 'quotes-v2' }
  catalogue(directory, 1, next)
  const node = replace(world, 'a1', 2)
  node.record('A', { last: 1 }, { generation: 2, offset: 1 })
  passWith(world, [node], 3000)
  assert.deepEqual(values(receiver), [], 'pinned to what is being opened, it is a trial')
  catalogue(directory, 1, { ...next, fromMs: 1 })
  world.clock.advance(100)
  assert.deepEqual(values(receiver), [1])
  await world.gateway.close()
})

test('a gateway that cannot hear the catalogue goes by pulses: it follows a move of which it was not told', async () => {
  const { directory, options } = led()
  const { world, receiver } = await setUp(options)
  directory.see('degraded')
  const moved = ['a1', 'a2', 'b1'].map((id) => replace(world, id, 2))
  for (const node of moved) node.record('A', { last: 1 }, { generation: 2, offset: 1 })
  passWith(world, moved, 1500)
  const frames = receiver.take()
  assert.deepEqual(
    frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['last']] : [])),
    [1],
  )
  assert.ok(!frames.some(({ t }) => t === 'stale'))
  await world.gateway.close()
})

test('why it is stale: not the node from the future, while the others are there; without these, that nothing confirms it', async () => {
  const { world, receiver } = await setUp()
  replace(world, 'a1', FUTURE)
  world.clock.advance(4000)
  const [told] = receiver.takeOf('stale')
  assert.deepEqual([told?.hop, told?.reason], ['push-b1', 'no_pulse'])
  world.cut('b1')
  world.clock.advance(1000)
  const later = receiver.takeOf('stale').at(-1)
  assert.equal(later?.reason, 'upstream_disconnected')
  assert.match(later!.message!, /push-a1 serves generation 99 of feed quote, which nothing confirms; current is 1/)
  await world.gateway.close()
})
