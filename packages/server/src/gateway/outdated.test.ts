/** One line has moved to the next generation of a feed, the other has not yet, or never will. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

/** Symbol A and B on generation 1 through both lines; then line A moves. */
async function setUp() {
  const world = await GatewayWorld.open({ feeds: [{ mode: 'every' }] })
  for (const name of ['A', 'B']) world.record(name, { last: 0 })
  const receiver = world.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A', 'B'])
  world.pass(2000)
  receiver.take()
  return { world, receiver }
}

function move({ world }: { readonly world: GatewayWorld }, id: string): void {
  const node = world.node(id)
  node.hub.setShape(node.feed(), 2, 1)
  node.record('A', { last: 1 }, { generation: 2, offset: 10 })
  node.pulse({ offset: 11 })
  world.clock.advance(20)
}

function updates(receiver: Receiver): string[] {
  return receiver
    .take()
    .flatMap((frame) => (frame.t === 'update' ? [`${frame.symbol} ${frame.position} ${String(frame.values['last'])}`] : []))
}

test('just after the switch the last records of the slower line are taken, of symbols that have not moved', async () => {
  const { world, receiver } = await setUp()
  move({ world }, 'a1')
  world.node('b1').record('A', { last: 'late' }, { offset: 900 })
  world.node('b1').record('B', { last: 'late' }, { offset: 901 })
  world.clock.advance(100)
  assert.deepEqual(updates(receiver), ['A 2:0:10 1', 'B 1:0:901 late'])
  world.clock.advance(5000)
  world.node('b1').record('B', { last: 'too late' }, { offset: 902 })
  world.clock.advance(100)
  assert.deepEqual(updates(receiver), [])
  await world.gateway.close()
})

test('a node that does not follow is named once, with version and address; one that does late is not', async () => {
  const { world } = await setUp()
  const named = () => world.log.lines.filter(({ code }) => code === 'upstream_outdated').map(({ message }) => message)
  move({ world }, 'a1')
  world.clock.advance(1500)
  assert.deepEqual(named(), [])
  world.clock.advance(6000)
  assert.equal(named().length, 1)
  assert.match(named()[0]!, /^push node push-b1 \(version 0\.0\.0[^,]*, ws:\/\/push-b1:8081[^)]*\) serves generation 1 of feed quote/)
  move({ world }, 'b1')
  world.clock.advance(2000)
  assert.equal(world.log.lines.filter(({ code }) => code === 'upstream_current').length, 1)
  await world.gateway.close()
})

test('what a node that does not follow gave from beyond the end is passed over when it comes again, and then it goes on', async () => {
  const { world, receiver } = await setUp()
  const [a1, b1] = [world.node('a1'), world.node('b1')]
  const ts = world.clock.nowMs()
  for (const [last, offset] of [
    [1, 900],
    [2, 901],
  ] as const)
    b1.record('A', { last }, { offset, ts: ts + last })
  world.clock.advance(100)
  a1.hub.setShape(a1.feed(), 2, 1)
  // Its last record of before lies here now; then what the other has given already.
  for (const [last, offset] of [
    [0, 10],
    [1, 11],
    [2, 12],
    [3, 13],
  ] as const)
    a1.record('A', { last }, { generation: 2, offset, ts: ts + last })
  a1.pulse({ offset: 14 })
  world.clock.advance(1000)
  const frames = receiver.take()
  assert.deepEqual(
    frames.flatMap((frame) => (frame.t === 'update' ? [`${frame.position} ${String(frame.values['last'])}`] : [])),
    ['1:0:900 1', '1:0:901 2', '2:0:12 2', '2:0:13 3'],
  )
  assert.ok(!frames.some(({ t }) => t === 'stale' || t === 'gap'))
  await world.gateway.close()
})

test('two records of one millisecond at the switch are both taken where nobody lags behind', async () => {
  const { world, receiver } = await setUp()
  const ts = world.clock.nowMs()
  for (const id of ['a1', 'b1']) world.node(id).record('A', { last: 1 }, { offset: 900, ts })
  world.clock.advance(100)
  for (const id of ['a1', 'b1']) {
    const node = world.node(id)
    node.hub.setShape(node.feed(), 2, 1)
  }
  world.clock.advance(100)
  for (const id of ['a1', 'b1']) {
    world.node(id).record('A', { last: 2 }, { generation: 2, offset: 12, ts })
    world.node(id).pulse({ offset: 13 })
  }
  world.clock.advance(100)
  assert.deepEqual(updates(receiver), ['A 1:0:900 1', 'A 2:0:12 2'])
  await world.gateway.close()
})

test('both lines switch one after the other: what both bring is passed on once, and no partition turns stale', async () => {
  const { world, receiver } = await setUp()
  move({ world }, 'a1')
  world.clock.advance(400)
  move({ world }, 'b1')
  for (const id of ['a1', 'b1']) {
    world.node(id).record('A', { last: 2 }, { generation: 2, offset: 12 })
    world.node(id).pulse({ offset: 13 })
  }
  world.clock.advance(100)
  const frames = receiver.take()
  const lasts = frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['last']] : []))
  assert.deepEqual(lasts, [1, 2])
  assert.ok(!frames.some(({ t }) => t === 'stale' || t === 'gap'))
  await world.gateway.close()
})
