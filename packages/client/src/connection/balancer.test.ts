import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PulsewireClient } from '../client.ts'
import type { PulsewireError } from '../errors.ts'
import { World } from '../test-support/world.ts'
import type { GatewaysEvent } from './gateways.ts'

const BALANCERS = ['http://b1', 'http://b2']
const AAPL = { feed: 'quote', symbols: ['AAPL.US'] }

/** A world with balancers that hand out every gateway, until a test has them do otherwise. */
function balanced(gateways = 2, options: Parameters<World['client']>[0] = {}) {
  const world = new World()
  world.publish('AAPL.US', { last: 1 })
  for (let i = 1; i <= gateways; i++) world.gateway(`gw-${i}`)
  const asked: { url: string; atMs: number }[] = []
  const state = {
    /** By host: gives an answer, or none for ever. */
    down: new Set<string>(),
    stuck: new Set<string>(),
    more: {} as Record<string, unknown>,
    nodes: world.gateways.map(({ node }) => node),
    zones: {} as Record<string, string>,
  }
  world.balancer = (url, signal) => {
    asked.push({ url, atMs: world.clock.nowMs() })
    const { host } = new URL(url)
    if (state.down.has(host)) return Promise.reject(new Error('connection refused'))
    if (state.stuck.has(host)) {
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    }
    const gateways = state.nodes.map((node) => ({ node, address: `ws://${node}:8080`, zone: state.zones[node] ?? 'z1' }))
    return Promise.resolve({ status: 200, text: JSON.stringify({ gateways, ttlMs: 10_000, ...state.more }) })
  }
  const client = new PulsewireClient({ balancer: BALANCERS, environment: world.environment, ...options })
  const errors: PulsewireError[] = []
  const events: GatewaysEvent[] = []
  client.on('error', (error) => errors.push(error))
  client.on('gateways', (event) => events.push(event))
  const quotes = client.subscribe(AAPL)
  return { world, state, asked, client, quotes, errors, events }
}

describe('a client with balancers', () => {
  test('asks one for gateways, saying who and where it is, and connects to the first', async () => {
    const { world, asked, client, events } = balanced(2, { zone: 'z 1', track: 'grey', user: 'ann' })
    await world.run(2000)
    assert.equal(client.session?.node, 'gw-1')
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['http://b2/v1/gateways?zone=z+1&track=grey&user=ann'],
    )
    assert.deepEqual(events, [{ addresses: ['ws://gw-1:8080/v1/stream', 'ws://gw-2:8080/v1/stream'], degraded: false }])
    await client.close()
    assert.equal(world.clock.timers, 0)
  })

  test('one that refuses, or does not answer, is passed over for the next; the one that answered is asked first later', async () => {
    for (const trouble of ['down', 'stuck'] as const) {
      const { world, state, asked, client } = balanced()
      state[trouble].add('b2')
      state.more['ttlMs'] = 0
      await world.run(2000)
      assert.equal(client.state, 'open', trouble)
      world.gateways[0]!.connection.close(1006)
      await world.run(2000)
      assert.deepEqual(
        asked.map(({ url }) => new URL(url).host),
        ['b2', 'b1', 'b1'],
      )
      await client.close()
    }
  })

  test('within its time to live a list is used without asking again; after it, or when all of it has failed, not', async () => {
    const { world, asked, client } = balanced()
    await world.run(6000)
    world.gateways[0]!.connection.close(1006)
    await world.run(2000)
    assert.deepEqual([client.session?.node, asked.length], ['gw-2', 1])
    await world.run(10_000)
    world.gateways[1]!.connection.close(1006)
    await world.run(2000)
    assert.equal(asked.length, 2)
    for (const gateway of world.gateways) gateway.down = true
    world.gateways.find(({ node }) => node === client.session?.node)!.connection.close(1006)
    await world.run(5000)
    assert.ok(asked.length > 2)
    await client.close()
  })

  for (const trouble of ['down', 'stuck'] as const) {
    test(`all balancers ${trouble} and then a gateway killed: live again within 5 s by the last list (fault 23)`, async () => {
      const { world, state, client, quotes, errors } = balanced(3)
      await world.run(3_600_000)
      assert.equal(quotes.state.state, 'live')
      state[trouble].add('b1').add('b2')
      await world.run(120_000)
      const victim = world.gateways.find(({ node }) => node === client.session?.node)!
      victim.down = true
      victim.connection.close(1006)
      await world.run(5000)
      assert.equal(quotes.state.state, 'live')
      assert.notEqual(client.session?.node, victim.node)
      assert.ok(errors.some(({ code }) => code === 'balancer_unavailable'))
      await client.close()
    })
  }

  test('clients whose balancers are silent may be a crowd: the second is asked after a second, and none goes by its list before its own moment', async () => {
    const startsMs: number[] = []
    for (const drawn of [0.1, 0.9]) {
      const { world, state, asked, client } = balanced(2, { backoffMaxMs: 10 })
      world.random = () => drawn
      await world.run(60_000)
      state.stuck.add('b1').add('b2')
      const lostAtMs = world.clock.nowMs()
      const [askedBefore, attemptsBefore] = [asked.length, world.attempts.length]
      const victim = world.gateways.find(({ node }) => node === client.session?.node)!
      victim.down = true
      victim.connection.close(1006)
      await world.run(500)
      assert.equal(asked.length - askedBefore, 1)
      await world.run(1000)
      assert.equal(asked.length - askedBefore, 2)
      for (let i = 0; i < 200 && world.attempts.length === attemptsBefore; i++) await world.run(20)
      startsMs.push(world.clock.nowMs() - lostAtMs)
      await client.close()
    }
    assert.ok(Math.abs(startsMs[1]! - startsMs[0]! - 800) < 100, startsMs.join(' and '))
  })

  test('while all are down and no list is known, they are asked ever more seldom, and never in a loop', async () => {
    const { world, state, asked, client } = balanced()
    state.down.add('b1').add('b2')
    await world.clock.advance(600_000)
    assert.ok(asked.length < 100, `${asked.length} questions in ten minutes`)
    assert.equal(world.attempts.length, 0)
    assert.equal(client.state, 'waiting')
    state.down.clear()
    await world.run(40_000)
    assert.equal(client.state, 'open')
    await client.close()
  })

  test('with a list but all of it dead, balancers and gateways are asked at a pace', async () => {
    const { world, state, asked, client } = balanced()
    await world.run(2000)
    for (const gateway of world.gateways) gateway.down = true
    world.gateways[0]!.connection.close(1006)
    const before = asked.length
    await world.clock.advance(600_000)
    assert.ok(asked.length - before < 200, `${asked.length - before} questions in ten minutes`)
    assert.ok(world.attempts.length < 200, `${world.attempts.length} attempts in ten minutes`)
    state.nodes = ['gw-1']
    world.gateways[0]!.down = false
    await world.run(40_000)
    assert.equal(client.state, 'open')
    await client.close()
  })

  test('waits for its turn when it is given one, and says so', async () => {
    const { world, state, client } = balanced()
    state.more['connectAfterMs'] = 7000
    const waits: number[] = []
    client.on('state', ({ retryInMs }) => retryInMs !== undefined && waits.push(retryInMs))
    await world.clock.advance(6999)
    assert.deepEqual([world.attempts.length, client.state, waits], [0, 'waiting', [7000]])
    await world.clock.advance(1)
    assert.equal(client.state, 'open')
    await client.close()
  })

  test('in a crowd it has twice the patience: whoever gives up and comes again makes the row longer', async () => {
    const { world, state, client } = balanced(1, { connectTimeoutMs: 3000 })
    state.more['connectAfterMs'] = 1000
    world.gateways[0]!.frozen = true
    const errors: string[] = []
    client.on('error', ({ code }) => errors.push(code))
    await world.clock.advance(1000 + 5999)
    assert.deepEqual([world.attempts.length, errors], [1, []])
    await world.clock.advance(1)
    assert.deepEqual(errors, ['connect_timeout'])
    await client.close()
  })

  test('what it has waited for does not grow because the list gets shorter', async () => {
    const { world, state, client } = balanced(4)
    world.random = () => 1
    for (const gateway of world.gateways) gateway.down = true
    const waits: number[] = []
    client.on('state', ({ state: of, retryInMs }) => of === 'waiting' && waits.push(retryInMs!))
    while (waits.length < 8) await world.run(50)
    state.nodes = ['gw-1']
    while (waits.length < 11) await world.run(50)
    assert.deepEqual(
      waits.map((ms) => Math.log2(ms / waits[0]!)),
      [0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5],
    )
    await client.close()
  })

  test('refused by every gateway, it says so once: it is sent after the crowd at their doors', async () => {
    const { world, state, asked, client } = balanced()
    state.more['ttlMs'] = 0
    for (const gateway of world.gateways) gateway.down = true
    const refused = () => asked.map(({ url }) => new URL(url).searchParams.get('refused'))
    while (asked.length < 2) await world.run(100)
    assert.deepEqual(refused(), [null, 'true'])
    for (const gateway of world.gateways) gateway.down = false
    while (client.state !== 'open') await world.run(100)
    const before = asked.length
    world.gateways.find(({ node }) => node === client.session?.node)!.connection.close(1006)
    while (asked.length === before) await world.run(100)
    assert.equal(refused()[before], null, 'a session that is lost was not refused')
    await client.close()
  })

  test('closed while it waits for its turn, it leaves no timer', async () => {
    const { world, state, client } = balanced()
    state.more['connectAfterMs'] = 7000
    await world.clock.advance(1000)
    await client.close()
    assert.equal(world.clock.timers, 0)
  })

  test('falls back on url where no balancer has ever answered', async () => {
    const { world, state, client } = balanced(1, { url: 'ws://gw-1:8080' })
    state.down.add('b1').add('b2')
    await world.run(2000)
    assert.equal(client.session?.node, 'gw-1')
    await client.close()
  })

  test('renews its list now and then while all is well, so that it is of use when nothing else is', async () => {
    const { world, state, asked, client, events } = balanced(2)
    await world.run(10_000)
    state.nodes = ['gw-2', 'gw-1']
    state.more['degraded'] = true
    await world.run(3_600_000)
    assert.ok(asked.length >= 8 && asked.length <= 25, `${asked.length} questions in an hour`)
    assert.deepEqual(events.at(-1), { addresses: ['ws://gw-2:8080/v1/stream', 'ws://gw-1:8080/v1/stream'], degraded: true })
    assert.equal(client.session?.node, 'gw-1', 'a new list is no reason to move')
    await client.close()
  })

  test('its zone is lost: another one serves it, also after a goodbye there, until its own is there again; then it goes back, once and without a flag', async () => {
    const { world, state, client, quotes } = balanced(3, { zone: 'z1', gatewaysRenewMs: 60_000 })
    state.zones = { 'gw-2': 'z2', 'gw-3': 'z2' }
    state.nodes = ['gw-1', 'gw-2']
    await world.run(10_000)
    assert.equal(client.session?.node, 'gw-1')
    world.gateways[0]!.down = true
    state.nodes = ['gw-2', 'gw-3']
    world.gateways[0]!.connection.close(1006)
    await world.run(600_000)
    assert.equal(client.session?.node, 'gw-2')
    world.gateways[1]!.connection.send({ t: 'goodbye', code: 'rebalance', message: '', reconnectAfterMs: 0, addresses: ['ws://gw-3:8080'] })
    await world.run(200_000)
    assert.equal(client.session?.node, 'gw-3', 'none of its zone is there')
    const flags: string[] = []
    const shown = client.subscribe(AAPL, { onState: ({ state: now }) => void flags.push(now) })
    await world.run(1000)
    flags.length = 0
    world.gateways[0]!.down = false
    state.nodes = ['gw-2', 'gw-1']
    await world.run(200_000)
    assert.equal(client.session?.node, 'gw-3', 'the balancer would rather have it elsewhere')
    state.nodes = ['gw-1', 'gw-2']
    state.more['degraded'] = true
    await world.run(200_000)
    assert.equal(client.session?.node, 'gw-3', 'nobody vouches for it')
    delete state.more['degraded']
    state.more['connectAfterMs'] = 20_000
    const attempts = world.attempts.length
    await world.run(111_000)
    assert.equal(client.session?.node, 'gw-1')
    await world.run(600_000)
    assert.deepEqual([world.attempts.length - attempts, flags], [1, []])
    assert.deepEqual([quotes.state.state, shown.state.state], ['live', 'live'])
    await client.close()
    assert.equal(world.clock.timers, 0)
  })

  test('clients go back to their zone over the time in which lists are renewed, each at its own turn', async () => {
    const { world, state, client } = balanced(2, { zone: 'z1', gatewaysRenewMs: 60_000 })
    state.zones = { 'gw-2': 'z2' }
    state.nodes = ['gw-2']
    await world.run(20_000)
    const sinceMs = world.clock.nowMs()
    state.nodes = ['gw-1', 'gw-2']
    state.more['connectAfterMs'] = 30_000
    while (client.session?.node !== 'gw-1') await world.run(100)
    const tookMs = world.clock.nowMs() - sinceMs
    assert.ok(tookMs >= 30_000 + 10_000 && tookMs <= 30_000 + 71_000, `after ${tookMs} ms`)
    await client.close()
  })

  test('an empty list does not take the place of one that was good', async () => {
    const { world, state, client, errors } = balanced(2)
    await world.run(12_000)
    state.nodes = []
    world.gateways[0]!.connection.close(1006)
    await world.run(3000)
    assert.equal(client.session?.node, 'gw-2')
    assert.ok(errors.some(({ code, message }) => code === 'balancer_unavailable' && /knows no gateway/.test(message)))
    await client.close()
  })

  test('options that cannot be right are refused', () => {
    for (const balancer of ['ws://b1', 'b1', 'https://user:secret@b1', ['']]) {
      assert.throws(() => new PulsewireClient({ balancer }), { code: 'address_invalid' }, String(balancer))
    }
    assert.throws(() => new PulsewireClient({}), { code: 'options_invalid' })
    assert.throws(() => new PulsewireClient({ balancer: 7 as never }), { code: 'options_invalid' })
  })
})
