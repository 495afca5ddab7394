import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StateEvent } from '../client.ts'
import { PulsewireError } from '../errors.ts'
import type { SymbolState } from '../freshness/state.ts'
import type { ResumeEvent } from '../subscription/options.ts'
import type { Update } from '../subscription/update.ts'
import { BOTH_ENCODINGS, settled, World, worldOf } from '../test-support/world.ts'

const AAPL = { feed: 'quote', symbols: ['AAPL.US'] }

/** A client that is live on the first of the gateways, with everything it said. */
async function liveWorld(world: World, nodes = ['gw-1', 'gw-2'], options: Parameters<World['client']>[0] = {}) {
  const gateways = nodes.map((node) => world.gateway(node))
  world.publish('AAPL.US', { last: 1, bid: 0.9 })
  const client = world.client(options)
  const updates: Update[] = []
  const states: SymbolState[] = []
  const resumes: ResumeEvent[] = []
  const clientStates: StateEvent[] = []
  const errors: PulsewireError[] = []
  client.on('state', (event) => clientStates.push(event))
  client.on('error', (error) => errors.push(error))
  const quotes = client.subscribe(AAPL, {
    onUpdate: (update) => updates.push(update),
    onState: (state) => states.push(state),
    onResume: (event) => resumes.push(event),
  })
  await settled()
  await world.run(6000)
  assert.equal(quotes.state.state, 'live')
  states.length = 0
  return { client, quotes, updates, states, resumes, clientStates, errors, gateways }
}

for (const encoding of BOTH_ENCODINGS) {
  describe(`reconnecting over ${encoding}`, () => {
    test('a lost connection: images stay, stale; resumed by position elsewhere, and told so', async () => {
      const world = worldOf(encoding)
      const { client, quotes, updates, states, resumes, gateways } = await liveWorld(world)
      const position = quotes.get('AAPL.US')!.position
      const lostAtMs = world.clock.nowMs()
      gateways[0]!.connection.close(1006)
      await settled()
      assert.deepEqual(
        { ...quotes.state, message: '' },
        { state: 'stale', hop: 'gw-1', reason: 'disconnected', sinceMs: lostAtMs, message: '' },
      )
      assert.deepEqual(quotes.get('AAPL.US')!.values, { last: 1, bid: 0.9 })
      assert.equal(client.state, 'waiting')

      world.publish('AAPL.US', { last: 2 })
      await world.clock.advance(250)
      assert.equal(client.state, 'open')
      assert.deepEqual(gateways[1]!.connection.of('subscribe')[0]!.from, { 'AAPL.US': position })
      assert.deepEqual(resumes, [{ recovered: ['AAPL.US'], missed: [] }])
      assert.equal(updates.length, 2)
      assert.equal(updates[1]!.recovered, true)
      assert.deepEqual(updates[1]!.changed, ['last'], 'of the snapshot, only what differs from the image held')
      assert.equal(quotes.state.state, 'stale', 'no pulse has proven the new image yet')
      await world.pulse()
      assert.equal(quotes.state.state, 'live')
      assert.deepEqual(
        states.map(({ state }) => state),
        ['stale', 'live'],
      )
      world.publish('AAPL.US', { last: 3 })
      await settled()
      assert.equal(updates[2]!.recovered, undefined)
      await client.close()
    })

    test('a planned move: the new connection is live before the old one is left', async () => {
      const world = worldOf(encoding)
      const { client, quotes, updates, states, gateways } = await liveWorld(world)
      const [before, after] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
      const old = before.connection
      old.send({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 250, addresses: ['ws://gw-2:8080'] })
      await world.clock.advance(250)
      assert.equal(after.connections.length, 1)
      assert.equal(old.open, true, 'not left before the new one has proven itself')
      world.publish('AAPL.US', { last: 2 })
      await settled()
      assert.equal(updates.length, 2, 'both connections bring it, it is delivered once')
      await world.pulse()
      assert.equal(client.session!.node, 'gw-2')
      assert.equal(old.of('bye').length, 1)
      assert.equal(old.open, false)
      await world.run(3000)
      assert.equal(quotes.state.state, 'live')
      assert.deepEqual(states, [], 'nobody saw a stale flag')
      await client.close()
    })
  })
}

describe('the connector', () => {
  test('moves when its gateway freezes, within the staleness bound and a moment', async () => {
    const world = new World()
    const { client, quotes, states, gateways } = await liveWorld(world)
    gateways[0]!.frozen = true
    await world.run(2000)
    assert.equal(quotes.state.state, 'live')
    await world.run(2000)
    assert.equal(client.session!.node, 'gw-2')
    assert.equal(quotes.state.state, 'live')
    assert.deepEqual(
      states.map(({ state, reason, hop }) => ({ state, reason, hop })),
      [
        { state: 'stale', reason: 'no_pulse', hop: 'gw-1' },
        { state: 'live', reason: undefined, hop: undefined },
      ],
    )
    assert.equal(gateways[0]!.connections[0]!.open, false, 'left, although it does not hear it')
    await client.close()
  })

  test('waits no longer and longer where connections are welcomed and cut soon after, as in a storm of resets', async () => {
    const world = new World()
    world.random = () => 1
    const { client, quotes, clientStates, gateways } = await liveWorld(world)
    const waits: number[] = []
    for (let cut = 0; cut < 30; cut++) {
      gateways.find(({ node }) => node === client.session!.node)!.connection.close(1006)
      await settled()
      waits.push(clientStates.at(-1)!.retryInMs!)
      await world.run(waits.at(-1)! + 250)
      assert.equal(client.state, 'open')
    }
    assert.equal(Math.max(...waits), 2000)
    assert.equal(quotes.state.state, 'live')
    await world.run(6000)
    gateways.find(({ node }) => node === client.session!.node)!.connection.close(1006)
    await settled()
    assert.equal(clientStates.at(-1)!.retryInMs, 250, 'one that lasted starts anew')
    await client.close()
  })

  test('gives a gateway up that accepts and then says nothing', async () => {
    const world = new World()
    const [frozen, good] = [world.gateway('gw-1'), world.gateway('gw-2')]
    frozen.frozen = true
    await using client = world.client({ connectTimeoutMs: 3000, hedgeAfterMs: 10_000 })
    const errors: PulsewireError[] = []
    client.on('error', (error) => errors.push(error))
    await world.clock.advance(3400)
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['connect_timeout'],
    )
    assert.equal(good.connections.length, 1)
    assert.equal(client.state, 'open')
  })

  test('a step of our own clock is not the gateway’s silence: it is asked, and stays', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    for (const stepMs of [1_500, 60_000, 3_600_000]) {
      world.step(stepMs)
      // The check comes before the next pulse does.
      world.wake()
      await world.run(3000)
      assert.deepEqual([client.session!.node, quotes.state.state], ['gw-1', 'live'])
    }
    assert.equal(gateways.flatMap(({ connections }) => connections).length, 1)
    await client.close()
  })

  test('a gateway that does not answer after our sleep is left at once', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    gateways[0]!.frozen = true
    world.step(3_600_000)
    world.wake()
    await world.run(2000)
    assert.deepEqual([client.session!.node, quotes.state.state], ['gw-2', 'live'])
    await client.close()
  })

  test('stays where it is when a silent gateway is heard again before the move is done', async () => {
    const world = new World()
    const { client, gateways } = await liveWorld(world)
    const [one, two] = gateways
    two!.frozen = true
    one!.frozen = true
    await world.run(3000)
    one!.frozen = false
    await world.run(2000)
    two!.frozen = false
    await world.run(20_000)
    assert.equal(client.session!.node, 'gw-1')
    assert.equal(one!.connections.length, 1)
    await client.close()
  })

  test('a silent gateway without a substitute is given up in the end, and said so', async () => {
    const world = new World()
    const { client, quotes, errors, gateways } = await liveWorld(world, ['gw-1'])
    gateways[0]!.frozen = true
    await world.clock.advance(20_000)
    assert.match(errors.find(({ code }) => code === 'connection_silent')!.message, /gw-1 .*nothing comes: it is frozen/)
    assert.notEqual(client.state, 'open')
    assert.equal(quotes.state.reason, 'disconnected')
    await client.close()
  })

  test('a close code from 4000 to 4099 ends it: subscriptions say so, iterators throw; connect() tries again', async () => {
    const world = new World()
    const { client, quotes, clientStates, gateways } = await liveWorld(world)
    const next = quotes[Symbol.asyncIterator]()
    await next.next()
    const waiting = next.next()
    const pending = client.subscribe({ feed: 'quote', symbols: ['B.HK'] })
    gateways[0]!.connection.close(4002, 'no quotes for you')
    await assert.rejects(waiting, (error) => error instanceof PulsewireError && error.closeCode === 4002 && !error.retryable)
    assert.equal(client.state, 'failed')
    assert.equal(clientStates.at(-1)!.error!.closeCode, 4002)
    assert.equal(pending.state.state, 'stale', 'pending would sound as if something were on its way')
    const attempts = world.attempts.length
    await world.clock.advance(600_000)
    assert.equal(world.attempts.length, attempts)
    client.connect()
    await world.run(2000)
    assert.equal(quotes.state.state, 'live')
    await client.close()
  })

  for (const code of [4001, 4003])
    test(`${code} is worth one fresh token, not two`, async () => {
      const world = new World()
      const gateway = world.gateway('gw-1')
      gateway.welcomes = false
      let tokens = 0
      const client = world.client({ token: () => Promise.resolve(`token-${++tokens}`) })
      await settled()
      gateway.connection.close(code)
      await world.clock.advance(1000)
      assert.equal(gateway.connection.hello.token, 'token-2')
      gateway.connection.close(code)
      await world.clock.advance(60_000)
      assert.equal(client.state, 'failed')
      assert.equal(tokens, 2)
      await client.close()
    })

  test('answers a request for a new token, and reports a token function that fails', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    let token: () => string = () => 'first'
    await using client = world.client({ token: () => token() })
    const errors: PulsewireError[] = []
    client.on('error', (error) => errors.push(error))
    await settled()
    token = () => 'second'
    gateway.connection.send({ t: 'token', refresh: true })
    await settled()
    assert.deepEqual(
      gateway.connection.of('token').map((frame) => frame.token),
      ['second'],
    )
    token = () => {
      throw new Error('no network')
    }
    gateway.connection.send({ t: 'token', refresh: true })
    await settled()
    assert.deepEqual(
      errors.map(({ code, message }) => [code, message]),
      [['token_failed', 'no network']],
    )
    assert.equal(client.state, 'open')
  })

  test('keeps the last addresses when the function that gives them fails; reports it', async () => {
    const world = new World()
    const [one, two] = [world.gateway('gw-1'), world.gateway('gw-2')]
    let broken = false
    const errors: PulsewireError[] = []
    await using client = world.client({
      url: () => {
        if (broken) throw new Error('balancer down')
        return ['ws://gw-1:8080', 'ws://gw-2:8080']
      },
    })
    client.on('error', (error) => errors.push(error))
    await settled()
    broken = true
    one.connection.close(4200)
    await world.clock.advance(300)
    assert.equal(two.connections.length, 1)
    assert.equal(client.state, 'open')
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['connection_lost', 'addresses_unavailable'],
    )
  })

  test('a token or address function that never answers does not hold it up for ever', async () => {
    const world = new World()
    world.gateway('gw-1')
    let stuck = true
    await using client = world.client({ token: () => (stuck ? new Promise<string>(() => {}) : 'good') })
    await world.clock.advance(4100)
    stuck = false
    await world.clock.advance(1000)
    assert.equal(client.state, 'open')
  })

  test('goes elsewhere when its data is old through the fault of its gateway, and only to one that does better', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    const [one, two] = gateways
    const stale = { t: 'stale', feed: 'quote', hop: 'gw-1', reason: 'upstream_disconnected', since: world.clock.nowMs() } as const
    one!.connection.send(stale)
    two!.pulseAgeMs = 9000
    await world.run(1000)
    assert.equal(quotes.state.reason, 'upstream_disconnected')
    assert.equal(two!.connections.length, 0, 'not at once')
    await world.run(9000)
    assert.ok(two!.connections.length >= 1)
    assert.equal(client.session!.node, 'gw-1', 'the other one is no better')
    two!.pulseAgeMs = 10
    await world.run(60_000)
    assert.equal(client.session!.node, 'gw-2')
    assert.equal(quotes.state.state, 'live')
    await client.close()
  })

  test('does not run from gateway to gateway when the log is at fault', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    gateways[0]!.connection.send({ t: 'stale', feed: 'quote', hop: 'log', reason: 'log_unreachable', since: world.clock.nowMs() })
    await world.run(60_000)
    assert.equal(quotes.state.reason, 'log_unreachable')
    assert.equal(quotes.state.hop, 'log')
    assert.equal(world.attempts.length, 1)
    await client.close()
  })

  test('stays when the log is back, until the first pulse has had its time to come', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    const { connection } = gateways[0]!
    connection.send({ t: 'stale', feed: 'quote', hop: 'log', reason: 'log_unreachable', since: world.clock.nowMs() })
    for (let pulse = 1_000; pulse < 1_060; pulse++) {
      connection.send({ t: 'pulse', pulse, at: world.clock.nowMs() })
      await world.clock.advance(1000)
    }
    connection.send({ t: 'pulse', pulse: 1_060, at: world.clock.nowMs() })
    connection.send({ t: 'live', feed: 'quote' })
    assert.equal(quotes.state.state, 'stale')
    await world.run(5_000)
    assert.equal(quotes.state.state, 'live')
    assert.equal(world.attempts.length, 1)
    await client.close()
  })

  test('never leads a token from an encrypted connection to a plain one', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    world.gateway('evil')
    world.address = (each) => (each === gateway ? 'wss://gw-1' : 'ws://evil:8080')
    await using client = world.client({ url: 'wss://gw-1', token: 'secret' })
    await settled()
    assert.equal(client.state, 'open')
    gateway.connection.send({ t: 'goodbye', code: 'draining', message: '', addresses: ['ws://evil:8080', 'nonsense'] })
    await world.clock.advance(60_000)
    assert.ok(world.attempts.every(({ url }) => url.startsWith('wss://gw-1')))
  })

  test('skips the wait when the network is back', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.down = true
    await using client = world.client()
    await world.clock.advance(120_000)
    assert.equal(client.state, 'waiting')
    gateway.down = false
    world.wake()
    await settled()
    assert.equal(client.state, 'open')
  })

  test('close: says bye, ends everything, and stays closed', async () => {
    const world = new World()
    const { client, quotes, gateways } = await liveWorld(world)
    const { connection } = gateways[0]!
    const iterator = quotes[Symbol.asyncIterator]()
    await iterator.next()
    const waiting = iterator.next()
    await client.close()
    await client.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    await settled()
    assert.equal(connection.of('bye').length, 1)
    assert.equal(connection.closeCode, 1000)
    assert.equal(client.state, 'closed')
    assert.equal(quotes.state.state, 'ended')
    assert.throws(() => client.subscribe(AAPL), { code: 'client_closed' })
    await world.clock.advance(600_000)
    assert.equal(world.attempts.length, 1)
    assert.equal(world.clock.timers, 0, 'no timer is left')
  })
})
