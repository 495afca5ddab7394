import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PulsewireError } from '../errors.ts'
import type { SymbolState } from '../freshness/state.ts'
import type { Update } from '../subscription/update.ts'
import { BOTH_ENCODINGS, settled, World, worldOf } from '../test-support/world.ts'

const AAPL = { feed: 'quote', symbols: ['AAPL.US'] }

/** A client that is live on the first gateway, with what it said since. */
async function live(world: World, nodes: number, options: Parameters<World['client']>[0] = {}, feed: Parameters<World['gateway']>[1] = {}) {
  const gateways = Array.from({ length: nodes }, (_, index) => world.gateway(`gw-${index + 1}`, feed))
  world.publish('AAPL.US', { last: 1 })
  const client = world.client(options)
  const states: SymbolState[] = []
  const updates: Update[] = []
  const errors: PulsewireError[] = []
  client.on('error', (error) => errors.push(error))
  const quotes = client.subscribe(AAPL, { onState: (state) => states.push(state), onUpdate: (update) => updates.push(update) })
  await settled()
  await world.run(6000)
  assert.equal(quotes.state.state, 'live')
  states.length = 0
  return { client, quotes, states, updates, errors, gateways }
}

describe('a hedged connect', () => {
  test('the second address is tried beside a slow first one; the first welcome wins, the other is left', async () => {
    const world = new World()
    const [slow, quick] = [world.gateway('gw-1'), world.gateway('gw-2')]
    slow.welcomes = false
    await using client = world.client()
    await world.clock.advance(699)
    assert.equal(world.attempts.length, 1)
    await world.clock.advance(1)
    assert.equal(client.session?.node, quick.node)
    assert.deepEqual([slow.connections[0]!.open, slow.connections[0]!.closeCode], [false, 1000])
    slow.connections[0]!.welcome()
    await world.run(10_000)
    assert.equal(client.session?.node, quick.node)
    assert.equal(world.attempts.length, 2)
  })

  test('the first one may still win', async () => {
    const world = new World()
    const [first, second] = [world.gateway('gw-1'), world.gateway('gw-2')]
    first.welcomes = second.welcomes = false
    await using client = world.client({ hedgeAfterMs: 200 })
    await world.clock.advance(300)
    assert.equal(world.attempts.length, 2)
    first.connection.welcome()
    await settled()
    assert.equal(client.session?.node, first.node)
    assert.equal(second.connections[0]!.open, false)
  })

  test('one that fails leaves the other running; when both are out, there is a pause', async () => {
    const world = new World()
    const [first, second] = [world.gateway('gw-1'), world.gateway('gw-2')]
    first.welcomes = second.welcomes = false
    await using client = world.client()
    const codes: string[] = []
    client.on('error', ({ code }) => codes.push(code))
    await world.clock.advance(800)
    second.connection.close(1006)
    await settled()
    assert.equal(client.state, 'connecting')
    await world.clock.advance(1000)
    assert.equal(world.attempts.length, 2, 'no third beside the first')
    first.connection.close(1006)
    await settled()
    assert.equal(client.state, 'waiting')
    assert.deepEqual(codes, ['connect_failed', 'connect_failed'])
  })

  test('with one address there is nothing to hedge with', async () => {
    const world = new World()
    world.gateway('gw-1').welcomes = false
    await using client = world.client()
    await world.clock.advance(3900)
    assert.equal(world.attempts.length, 1)
    assert.equal(client.state, 'connecting')
  })

  test('"do not come back" of one counts when the other is out too', async () => {
    const world = new World()
    const [first, second] = [world.gateway('gw-1'), world.gateway('gw-2')]
    first.welcomes = second.welcomes = false
    await using client = world.client()
    await world.clock.advance(800)
    first.connection.close(4002)
    await settled()
    assert.equal(client.state, 'connecting')
    second.connection.close(1006)
    await settled()
    assert.equal(client.state, 'failed')
  })
})

describe('a gateway that is lost', () => {
  for (const encoding of BOTH_ENCODINGS) {
    for (const fault of ['killed', 'frozen'] as const) {
      test(`${fault}: live again elsewhere within 5 s, nothing lost on an "every" feed, even when the next is frozen too (${encoding})`, async () => {
        const world = worldOf(encoding)
        const { client, quotes, updates, gateways } = await live(world, 3, {}, { mode: 'every' })
        gateways[1]!.frozen = true
        if (fault === 'frozen') gateways[0]!.frozen = true
        else {
          gateways[0]!.down = true
          gateways[0]!.connection.close(1006)
        }
        const from = world.clock.nowMs()
        for (let last = 2; client.session?.node !== 'gw-3' || quotes.state.state !== 'live'; last++) {
          assert.ok(world.clock.nowMs() - from < 5000, `after ${world.clock.nowMs() - from} ms: ${quotes.state.state}`)
          world.publish('AAPL.US', { last })
          await world.clock.advance(100)
          if (last % 5 === 0) await world.pulse()
        }
        const seen = updates.map((update) => update.values['last'])
        assert.deepEqual(
          seen,
          world.log.records.map(({ values }) => values['last']),
        )
        await client.close()
      })
    }
  }
})

describe('data that is old', () => {
  const fault = (world: World) =>
    ({ t: 'stale', feed: 'quote', hop: 'gw-1', reason: 'upstream_disconnected', since: world.clock.nowMs() }) as const

  test('through the fault of the gateway: the client is live elsewhere within 5 s, having left nothing before', async () => {
    const world = new World()
    const { client, quotes, gateways } = await live(world, 2)
    const old = gateways[0]!.connection
    old.send(fault(world))
    await world.run(5000)
    assert.equal(client.session?.node, 'gw-2')
    assert.equal(quotes.state.state, 'live')
    assert.equal(old.of('bye').length, 1)
    await client.close()
  })

  test('everywhere: nobody is left, trials grow rare, and live symbols are never given up', async () => {
    const world = new World()
    const { client, quotes, gateways } = await live(world, 3)
    for (const gateway of gateways) gateway.pulseAgeMs = 9000
    const old = gateways[0]!.connection
    await world.run(600_000)
    assert.equal(quotes.state.state, 'stale')
    assert.equal(old.open, true)
    const trials = world.attempts.slice(1).map(({ atMs }) => atMs)
    assert.ok(trials.length >= 8 && trials.length <= 24, `${trials.length} trials in ten minutes`)
    const last = trials.slice(-4)
    for (const [index, atMs] of last.slice(1).entries()) assert.ok(atMs - last[index]! >= 25_000, 'seldom in the end')
    await client.close()
  })

  test('of partitions that nothing is subscribed to in: no reason to look around', async () => {
    const world = new World()
    const { client, quotes, gateways } = await live(world, 2)
    const own = world.log.partitionOf('AAPL.US')
    gateways[0]!.connection.send({ ...fault(world), partitions: [1 - own] })
    await world.run(30_000)
    assert.equal(quotes.state.state, 'live')
    assert.equal(world.attempts.length, 1)
    await client.close()
  })

  for (const [name, said] of [
    ['the log is gone', { hop: 'log', reason: 'log_unreachable' }],
    ['all pulse writers are gone', { hop: 'log', reason: 'unproven' }],
  ] as const) {
    test(`because ${name}: no movement at all, however long`, async () => {
      const world = new World()
      const { client, quotes, gateways } = await live(world, 3)
      for (const gateway of gateways) for (const each of gateway.connections) each.send({ ...fault(world), ...said })
      for (let i = 0; i < 300; i++) {
        await world.clock.advance(1000)
        for (const gateway of gateways) gateway.heartbeat()
      }
      assert.deepEqual([quotes.state.state, quotes.state.hop, quotes.state.reason], ['stale', 'log', said.reason])
      assert.equal(world.attempts.length, 1)
      assert.equal(gateways[0]!.connection.open, true)
      await client.close()
    })
  }

  test('because a thin line brings updates and no pulse: the session is kept, and trials grow rare', async () => {
    const world = new World()
    const { client, quotes, updates, gateways } = await live(world, 3)
    const old = gateways[0]!.connection
    for (let last = 2; last < 1200; last++) {
      world.publish('AAPL.US', { last })
      await world.clock.advance(500)
    }
    assert.deepEqual([quotes.state.state, quotes.state.hop, quotes.state.reason], ['stale', 'gw-1', 'no_pulse'])
    assert.equal(old.open, true)
    assert.equal(updates.at(-1)?.values['last'], 1199)
    const trials = world.attempts.length - 1
    assert.ok(trials >= 8 && trials <= 24, `${trials} trials in ten minutes`)
    await client.close()
  })

  test('because a gateway gives updates and no pulse: one that gives pulses is found within 5 s', async () => {
    const world = new World()
    const { client, quotes, gateways } = await live(world, 2)
    for (let last = 2; last < 22; last++) {
      world.publish('AAPL.US', { last })
      gateways[1]!.pulse()
      await world.clock.advance(250)
    }
    assert.deepEqual([client.session?.node, quotes.state.state], ['gw-2', 'live'])
    await client.close()
  })

  test('is over before the trial is: the client stays', async () => {
    const world = new World()
    const { client, quotes, gateways } = await live(world, 2)
    const old = gateways[0]!.connection
    gateways[1]!.answers = false
    old.send(fault(world))
    await world.run(3000)
    assert.equal(gateways[1]!.connections.length, 1)
    old.send({ t: 'live', feed: 'quote' })
    await world.run(1000)
    assert.equal(gateways[1]!.connections[0]!.open, false)
    await world.run(60_000)
    assert.equal(client.session?.node, 'gw-1')
    assert.equal(quotes.state.state, 'live')
    assert.equal(world.attempts.length, 2)
    await client.close()
  })
})

describe('goodbye', () => {
  const goodbye = (code: string, ...addresses: string[]) => ({ t: 'goodbye', code, message: '', reconnectAfterMs: 50, addresses }) as const

  test('draining: to the address that the gateway names, live there before the old one is left, each record once', async () => {
    const world = new World()
    const { client, updates, states, gateways } = await live(world, 3, {}, { mode: 'every' })
    const old = gateways[0]!.connection
    old.send(goodbye('draining', 'ws://gw-3:8080'))
    for (let last = 2; last < 60; last++) {
      world.publish('AAPL.US', { last })
      await world.clock.advance(50)
      if (last % 10 === 0) await world.pulse()
    }
    assert.equal(client.session?.node, 'gw-3')
    assert.equal(gateways[1]!.connections.length, 0)
    assert.deepEqual(
      updates.map((update) => update.values['last']),
      world.log.records.map(({ values }) => values['last']),
    )
    assert.deepEqual(states, [])
    assert.equal(old.of('bye').length, 1)
    assert.equal(gateways[2]!.connection.of('subscribe')[0]!.from?.['AAPL.US'] !== undefined, true)
    await client.close()
  })

  test('draining, and the address that is named is dead: another one of the list', async () => {
    const world = new World()
    const { client, states, gateways } = await live(world, 2)
    gateways[0]!.connection.send(goodbye('draining', 'ws://nobody:1'))
    await world.run(4000)
    assert.equal(client.session?.node, 'gw-2')
    assert.deepEqual(states, [])
    await client.close()
  })

  test('rebalance: moves where it is as live; where it is not, stays, without a second try', async () => {
    const world = new World()
    const { client, quotes, states, gateways } = await live(world, 3)
    gateways[1]!.pulseAgeMs = 9000
    const old = gateways[0]!.connection
    old.send(goodbye('rebalance', 'ws://gw-2:8080'))
    await world.run(60_000)
    assert.deepEqual([client.session?.node, gateways[1]!.connections.length, gateways[1]!.connections[0]!.open], ['gw-1', 1, false])
    gateways[2]!.down = true
    old.send(goodbye('rebalance', 'ws://gw-3:8080'))
    await world.run(60_000)
    assert.deepEqual([client.session?.node, world.attempts.length], ['gw-1', 3])
    gateways[2]!.down = false
    old.send(goodbye('rebalance', 'ws://gw-3:8080'))
    await world.run(4000)
    assert.equal(client.session?.node, 'gw-3')
    assert.equal(quotes.state.state, 'live')
    assert.deepEqual(states, [])
    await client.close()
  })

  test('a rebalance that becomes a drain is obeyed', async () => {
    const world = new World()
    const { client, gateways } = await live(world, 2)
    gateways[1]!.down = true
    const old = gateways[0]!.connection
    old.send(goodbye('rebalance', 'ws://gw-2:8080'))
    await world.run(1000)
    old.send(goodbye('draining', 'ws://gw-2:8080'))
    await world.run(1000)
    gateways[1]!.down = false
    await world.run(4000)
    assert.equal(client.session?.node, 'gw-2')
    await client.close()
  })
})
