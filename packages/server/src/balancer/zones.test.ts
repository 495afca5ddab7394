/** A balancer that looks at two zones, each with a log of its own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Directory } from '../directory/index.ts'
import { startBalancer } from './test-support/balancer-world.ts'

const QUOTE = (generation: number) => ({ feeds: [{ feed: 'quote', generation, pulseAgeMs: 5 }] })

/** Zone `a` is the balancer's own, at generation 1; `b` is at generation 7. */
async function start(view: Directory['view'] = 'current') {
  const world = await startBalancer([], [], { zone: 'b', view })
  const { directory, other, gateways } = world
  other.catalogue('quote', { generation: 7, topic: 'quotes-b' })
  const beat = (node: string, part = node.startsWith('b') ? other : directory) =>
    part.beat(node, { zone: node.slice(0, 1), ...QUOTE(part === other ? 7 : 1) })
  for (const node of ['a1', 'a2', 'b1', 'b2']) {
    gateways.add(node)
    if (node.startsWith('b')) gateways.of(node).generation = 7
    beat(node)
  }
  const first = (zone: string) => world.balancer.api.gateways({ track: 'stable', zone })?.gateways[0]?.zone
  return { ...world, beat, first, [Symbol.asyncDispose]: () => world.balancer.close() }
}

describe('a balancer over two zones with logs of their own', () => {
  it('hands out the gateways of both, those of the client first, each judged by the catalogue of its own log', async () => {
    await using world = await start()
    world.pass(5000)
    assert.deepEqual([world.nodes().length, world.first('a'), world.first('b')], [3, 'a', 'b'])
    for (const node of ['a1', 'a2', 'b1', 'b2']) assert.deepEqual([world.verdict(node).handedOut, world.codes(node)], [true, []])
    assert.deepEqual([world.verdict('a1').otherZone, world.verdict('b1').otherZone], [undefined, 'b'])
    world.gateways.move('b1', 1)
    world.other.beat('b1', QUOTE(1))
    world.pass(3000)
    assert.ok(world.codes('b1').includes('generation_retired'), 'what is current elsewhere is not here')
    assert.match(world.verdict('b1').reasons[0]!.message, /current is generation 7 \(topic quotes-b\)/)
    const { feeds, otherZones } = world.balancer.api.topology()
    assert.deepEqual([feeds[0]?.generation, otherZones?.map(({ zone, feeds: all }) => [zone, all[0]?.topic])], [1, [['b', 'quotes-b']]])
  })

  it('hands out the other zone alone within 3 s when one is lost with its log, unmarked, and both once it is back', async () => {
    await using world = await start()
    world.pass(5000)
    for (const node of ['b1', 'b2']) {
      world.gateways.freeze(node)
      world.other.become(node, 'kept')
    }
    world.other.see('degraded')
    world.pass(3000)
    assert.deepEqual([world.nodes(), world.first('b'), world.answer()!.degraded], [['a1', 'a2'], 'a', false])
    assert.equal(world.balancer.ready, true)
    for (const node of ['b1', 'b2']) {
      world.gateways.thaw(node)
      world.beat(node)
    }
    world.other.see('current')
    world.pass(6000)
    assert.deepEqual([world.first('b'), world.first('a')], ['b', 'a'])
  })

  it('sends the clients of a zone to the other when their log alone is gone, whichever of the two it is', async () => {
    for (const [gone, lost, there] of [
      ['a', 'directory', ['b1', 'b2']],
      ['b', 'other', ['a1', 'a2']],
    ] as const) {
      await using world = await start()
      world.pass(5000)
      for (const node of [`${gone}1`, `${gone}2`]) world.gateways.of(node).pulses = false
      world[lost].see('degraded')
      world.pass(5000)
      const answer = world.balancer.api.gateways({ track: 'stable', zone: gone })!
      assert.deepEqual(answer.gateways.map(({ node }) => node).sort(), there)
      assert.deepEqual([answer.degraded, answer.reasons], [false, []], 'what is handed out is proven')
    }
  })

  it('keeps all of them when both logs are gone', async () => {
    await using world = await start()
    world.pass(5000)
    for (const node of ['a1', 'a2', 'b1', 'b2']) world.gateways.of(node).pulses = false
    world.directory.see('degraded')
    world.other.see('degraded')
    world.pass(10_000)
    assert.deepEqual([world.first('a'), world.first('b'), world.answer()!.degraded], ['a', 'b', true])
  })

  it('waits for its own zone before it gives away those of others, and not for ever', async () => {
    await using world = await start('loading')
    for (const node of ['a1', 'a2']) world.directory.become(node, 'left')
    world.pass(5000)
    assert.deepEqual([world.answer(), world.balancer.ready], [null, false], 'clients of its own zone would be sent away')
    world.pass(6000)
    assert.deepEqual([world.nodes(), world.balancer.ready], [['b1', 'b2'], true])
  })

  it('is ready without the others, whose nodes are known when they come', async () => {
    await using world = await start()
    for (const node of ['b1', 'b2']) world.other.become(node, 'left')
    world.other.see('loading')
    world.pass(3000)
    assert.deepEqual([world.balancer.ready, world.nodes()], [true, ['a1', 'a2']])
  })

  it('shares the pace of gateways with the balancers of a zone as long as something is heard of it', async () => {
    await using world = await start()
    for (const [part, node] of [
      [world.directory, 'lb-2'],
      [world.other, 'lb-b'],
    ] as const)
      part.beat(node, { role: 'balancer', addresses: [] })
    world.pass(5000)
    const pace = () => {
      const row = Array.from({ length: 1200 }, () => world.balancer.api.gateways({ track: 'stable', zone: 'a' })!.connectAfterMs)
      world.pass(20_000)
      const waiting = row.filter((ms) => ms > 0)
      return Math.max(...waiting) / waiting.length
    }
    const three = pace()
    world.other.become('lb-b', 'kept')
    world.other.see('degraded')
    world.pass(500)
    const two = pace()
    assert.ok(two < three * 0.8 && two > three * 0.5, `${two} ms for each that waits against ${three} ms`)
  })

  it('compares the tracks of its own log alone', async () => {
    await using world = await start()
    world.gateways.add('b9')
    world.gateways.of('b9').generation = 7
    world.other.beat('b9', { zone: 'b', track: 'grey', ...QUOTE(7) })
    world.pass(5000)
    assert.deepEqual(world.balancer.api.topology().tracks, [])
    world.gateways.add('a9')
    world.directory.beat('a9', { zone: 'a', track: 'grey', ...QUOTE(1) })
    world.pass(5000)
    assert.deepEqual(
      world.balancer.api.topology().tracks.map(({ track, gateways }) => [track, gateways]),
      [
        ['stable', 2],
        ['grey', 1],
      ],
    )
  })
})
