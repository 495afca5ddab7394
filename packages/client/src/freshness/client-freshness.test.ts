import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Update } from '../subscription/update.ts'
import { BOTH_ENCODINGS, settled, World, worldOf } from '../test-support/world.ts'

for (const encoding of BOTH_ENCODINGS) {
  describe(`what an application sees of freshness over ${encoding}`, () => {
    test('after a sleep, or a blocked event loop, the very first read says stale', async () => {
      const world = worldOf(encoding)
      world.gateway('gw-1')
      world.publish('AAPL.US', { last: 1 })
      await using client = world.client()
      const told: string[] = []
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onState: ({ state }) => told.push(state) })
      await world.run(2000)
      const view = quotes.get('AAPL.US')!
      world.clock.jump(3_600_000)
      assert.equal(view.state.state, 'stale', 'no timer has run, no message has come')
      assert.equal(quotes.state.state, 'stale')
      assert.equal(client.freshness('quote')[0]!.state.state, 'stale')
      assert.ok(view.ageMs! > 3_600_000)
      assert.deepEqual(told, ['pending', 'live'], 'a getter calls nobody back')
      await settled()
      assert.deepEqual(told, ['pending', 'live', 'stale'])
    })

    test('a delayed feed is live with its delay, which costs it nothing, and stale for what makes any feed stale', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1', { delayMs: 900_000, delayOf: 'real' })
      world.publish('AAPL.US', { last: 1 })
      await using client = world.client()
      const told: string[] = []
      const quotes = client.subscribe(
        { feed: 'quote', symbols: ['AAPL.US'] },
        { onState: ({ state, delayMs }) => told.push(`${state} ${delayMs}`) },
      )
      assert.equal(quotes.delayMs, undefined, 'nobody has said')
      await world.run(5000)
      assert.equal(quotes.delayMs, 900_000)
      assert.deepEqual(quotes.get('AAPL.US')!.state, { state: 'live', delayMs: 900_000 })
      gateway.feed = { ...gateway.feed, delayMs: 1_200_000 }
      gateway.connection.send({ t: 'feeds', feeds: [gateway.feed] })
      await settled()
      assert.equal(quotes.delayMs, 1_200_000)
      await world.clock.advance(3000)
      assert.equal(quotes.state.state, 'stale')
      gateway.down = true
      gateway.connection.close(1006)
      await settled()
      assert.equal(quotes.delayMs, 1_200_000, 'what is held is as late as it was')
      assert.deepEqual(told.slice(0, 4), ['pending undefined', 'live 900000', 'live 1200000', 'stale undefined'])
    })

    test('a feed that is not delayed says so', async () => {
      const world = worldOf(encoding)
      world.gateway('gw-1')
      await using client = world.client()
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
      await world.run(2000)
      assert.deepEqual([quotes.delayMs, quotes.state], [0, { state: 'live' }])
    })

    test('that a feed is stale is shown also when the answer of another feed comes in the same message', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      world.publish('AAPL.US', { last: 1 })
      await using client = world.client()
      const told: string[] = []
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] }, { onState: ({ state }) => told.push(state) })
      await world.run(2000)
      const { connection } = gateway
      connection.send({ t: 'feeds', feeds: [gateway.feed, { ...gateway.feed, feed: 'trade' }] })
      await settled()
      gateway.answers = false
      client.subscribe({ feed: 'trade', symbols: ['AAPL.US'] })
      await settled()
      const { id } = connection.of('subscribe').at(-1)!
      connection.send(
        { t: 'stale', feed: 'quote', hop: 'log', reason: 'unproven', since: gateway.nowMs() },
        { t: 'subscribed', id, ok: [['AAPL.US', 99, 'empty']], done: true },
      )
      await settled()
      assert.deepEqual(told, ['pending', 'live', 'stale'])
      assert.equal(quotes.get('AAPL.US')!.state.reason, 'unproven')
    })

    test('a queue of old messages after a blocked event loop proves nothing', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      await using client = world.client()
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
      await world.run(3000)
      assert.equal(quotes.state.state, 'live')
      // Sent now, read ten seconds later.
      gateway.pulse()
      world.clock.jump(10_000)
      await settled()
      assert.equal(quotes.state.state, 'stale')
      assert.equal(quotes.state.reason, 'lagging')
      await world.pulse()
      assert.equal(quotes.state.state, 'live')
    })

    test('says per partition how old the data is, and where it spent its time', async () => {
      const world = worldOf(encoding)
      const gateway = world.gateway('gw-1')
      gateway.skewMs = -86_400_000
      gateway.pulseAgeMs = 14
      await using client = world.client()
      client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
      await world.run(2000)
      await world.clock.advance(100)
      const reports = client.freshness('quote')
      assert.deepEqual(
        reports.map(({ partition }) => partition),
        [0, 1],
      )
      const [{ ageMs, endToEndMs, hops, position, state }] = reports as [(typeof reports)[0]]
      assert.equal(state.state, 'live')
      assert.match(position!, /^1:0:\d+$/)
      assert.ok(Math.abs(endToEndMs! - 14) < 1, `${endToEndMs}: a gateway whose clock is a day behind makes no difference`)
      assert.ok(Math.abs(ageMs! - 114) < 1)
      assert.deepEqual(
        hops.map(({ node, ms }) => [node, Math.round(ms)]),
        [
          ['push-a1', 5],
          ['gw-1', 8],
          ['client', 1],
        ],
      )
      assert.deepEqual(client.freshness('other'), [])
    })

    test('a view tells all about its symbol', async () => {
      const world = worldOf(encoding)
      world.gateway('gw-1')
      await using client = world.client()
      const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
      await world.run(1000)
      const view = quotes.get('AAPL.US')!
      assert.deepEqual(
        [view.values, view.position, view.ts, view.latencyMs, view.n],
        [undefined, undefined, undefined, undefined, undefined],
      )
      world.publish('AAPL.US', { last: 1.5 })
      await settled()
      assert.deepEqual(view.values, { last: 1.5 })
      assert.equal(view.ts, world.clock.nowMs())
      assert.equal(view.n, 1)
      assert.ok(Math.abs(view.latencyMs!) < 1)
      assert.throws(() => Object.assign(view.values!, { last: 9 }), TypeError)
      assert.equal(JSON.parse(JSON.stringify(view)).state.state, 'live')
      assert.equal(quotes.get('OTHER'), undefined)
    })
  })
}

describe('freshness and the application', () => {
  test('a slow reader of `latest` finds the newest of each symbol, with the count of records', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.publish('A.US', { last: 0 })
    await using client = world.client()
    const quotes = client.subscribe({ feed: 'quote', symbols: ['A.US', 'B.US'] })
    const seen: Update[] = []
    const iterator = quotes[Symbol.asyncIterator]()
    seen.push((await iterator.next()).value!)
    for (const last of [1, 2, 3]) world.publish('A.US', { last })
    world.publish('B.US', { last: 9 })
    await settled()
    assert.equal(gateway.connection.subs.length, 2)
    seen.push((await iterator.next()).value!, (await iterator.next()).value!)
    assert.deepEqual(
      seen.map(({ symbol, values, n }) => [symbol, values['last'], n]),
      [
        ['A.US', 0, 0],
        ['A.US', 3, 3],
        ['B.US', 9, 1],
      ],
    )
    const late = quotes[Symbol.asyncIterator]()
    assert.deepEqual((await late.next()).value!.values, { last: 3 }, 'an iterator begins with the images held')
  })

  test('before the clocks are compared, a pulse that was composed before the welcome is older by that', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.tellsTime = false
    await using client = world.client({})
    const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
    await settled()
    const pulse = async (offset: number, composedAgoMs: number) => {
      const rows = [0, 1].map((partition) => [partition, offset, 0, 10, [5]] as const)
      const at = world.clock.nowMs() - composedAgoMs
      gateway.connection.send({ t: 'pulse', pulse: offset, at, feed: 'quote', generation: 1, paths: [['gw-1']], partitions: rows })
      await settled()
      return quotes.state.state
    }
    assert.notEqual(await pulse(200, 4000), 'live')
    assert.equal(await pulse(201, 0), 'live')
  })

  test('staleAfterMs of the application overrides that of the server', async () => {
    const world = new World()
    world.gateway('gw-1')
    await using client = world.client({ staleAfterMs: 5000, pulseIntervalMs: 3000 })
    const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
    await settled()
    await world.pulse()
    assert.equal(world.gateways[0]!.connection.hello.pulseIntervalMs, 3000)
    await world.clock.advance(4900)
    assert.equal(quotes.state.state, 'live')
    await world.clock.advance(200)
    assert.equal(quotes.state.state, 'stale')
  })

  test('asks for the time three times at first and then once a minute; anew when the clock made a step', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    await using client = world.client()
    await world.run(10_000)
    const { connection } = gateway
    assert.equal(connection.of('sync').length, 3)
    await world.run(60_000)
    assert.equal(connection.of('sync').length, 4)
    world.clock.steppedMs = 5000
    await world.run(2000)
    assert.equal(connection.of('sync').length, 7)
    assert.equal(client.state, 'open')
  })

  test('a subscription without symbols yet is as fresh as its feed', async () => {
    const world = new World()
    world.gateway('gw-1')
    world.publish('A.US', { last: 1 })
    await using client = world.client()
    const told: string[] = []
    client.subscribe({ feed: 'quote', symbols: ['A.US'] })
    const none = client.subscribe({ feed: 'quote', patterns: ['*.HK'] }, { onState: ({ state }) => told.push(state) })
    assert.equal(none.state.state, 'pending')
    await settled()
    await world.pulse()
    assert.equal(none.state.state, 'live')
    await world.clock.advance(2600)
    assert.equal(none.state.state, 'stale')
    await world.pulse()
    assert.deepEqual(told, ['live', 'stale', 'live'])
  })

  test('one timer, whatever the number of symbols', async () => {
    const world = new World()
    world.gateway('gw-1').messageBytesMax = 1_000_000
    await using client = world.client()
    client.subscribe({ feed: 'quote', symbols: Array.from({ length: 2000 }, (_, index) => `S${index}`) })
    await world.run(5000)
    assert.ok(world.clock.timers <= 3, `${world.clock.timers} timers`)
  })
})
