import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PulsewireError } from '../errors.ts'
import type { FakeConnection } from '../test-support/fake-gateway.ts'
import { settled, World } from '../test-support/world.ts'

/** What a broken or malicious server may do once it is connected to. */
const ATTACKS: Record<string, (connection: FakeConnection) => void> = {
  'closes at once': (connection) => connection.close(1006),
  'closes with a code that nobody knows': (connection) => connection.close(4999),
  'sends no JSON': (connection) => connection.sendRaw('}{'),
  'sends frames of the wrong shape': (connection) => connection.sendRaw('[{"t":"welcome"}]'),
  'sends null for a frame': (connection) => connection.sendRaw('[null]'),
  'sends a binary message on a text session': (connection) => connection.sendRaw(new Uint8Array([1, 2, 3])),
  'sends a huge message': (connection) => connection.sendRaw(' '.repeat(2_000_000)),
  'welcomes and then closes at once': (connection) => {
    connection.welcome()
    connection.close(4200)
  },
  'welcomes and says goodbye again and again': (connection) => {
    connection.welcome()
    for (let i = 0; i < 10; i++) connection.send({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 0, addresses: [] })
  },
  'names a feed with a wild number of partitions': (connection) => {
    const { feed } = connection.gateway
    connection.gateway.feed = { ...feed, partitions: 2 ** 52 }
    connection.welcome()
    connection.gateway.feed = feed
    connection.close(1011)
  },
}

describe('a hostile server', () => {
  for (const [name, attack] of Object.entries(ATTACKS)) {
    test(`${name}: a typed error and a backoff that grows, even when the dice always show zero`, async () => {
      const world = new World()
      const gateway = world.gateway('gw-1')
      gateway.encoding = 'pulsewire.json.v1'
      gateway.welcomes = false
      world.random = () => 0
      const errors: PulsewireError[] = []
      await using client = world.client({ messageBytesMax: 1_000_000 })
      client.on('error', (error) => errors.push(error))
      client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
      let attacked = 0
      for (let second = 0; second < 10; second++) {
        for (; attacked < gateway.connections.length; attacked++) attack(gateway.connections[attacked]!)
        await settled()
        for (let step = 0; step < 20; step++) {
          await world.clock.advance(50)
          for (; attacked < gateway.connections.length; attacked++) attack(gateway.connections[attacked]!)
        }
      }
      assert.ok(world.attempts.length > 1, 'it goes on trying')
      assert.ok(world.attempts.length <= 110, `${world.attempts.length} attempts in 10 s with a floor of 100 ms`)
      assert.ok(errors.every(({ code }) => code !== 'callback_failed'))
      if (name !== 'welcomes and says goodbye again and again') {
        assert.ok(errors.length > 0)
        assert.ok(errors.every(({ retryable }) => retryable))
      }
    })
  }

  test('an average client tries ever more seldom', async () => {
    const world = new World()
    world.gateway('gw-1').down = true
    await using client = world.client()
    await world.clock.advance(600_000)
    assert.equal(client.state, 'waiting')
    const gaps = world.attempts.slice(1).map(({ atMs }, index) => atMs - world.attempts[index]!.atMs)
    assert.deepEqual(gaps.slice(0, 9), [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
  })

  test('a subprotocol that was not offered is refused', async () => {
    const world = new World()
    world.gateway('gw-1')
    const errors: PulsewireError[] = []
    const { environment } = world
    const client = world.client({
      environment: {
        ...environment,
        openSocket: (url, protocols, events) =>
          environment.openSocket(url, protocols, { ...events, onOpen: () => events.onOpen('graphql-ws') }),
      },
    })
    client.on('error', (error) => errors.push(error))
    await settled()
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['encoding_unsupported'],
    )
    await client.close()
  })

  test('a server that never answers subscribes is asked again, then left', async () => {
    const world = new World()
    const gateway = world.gateway('gw-1')
    gateway.answers = false
    const errors: PulsewireError[] = []
    await using client = world.client()
    client.on('error', (error) => errors.push(error))
    const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
    await settled()
    for (let second = 0; second < 45; second++) {
      await world.clock.advance(1000)
      for (const each of world.gateways) each.heartbeat()
      await settled()
      assert.equal(quotes.state.state, 'pending')
    }
    assert.ok(gateway.connections.length >= 2)
    assert.equal(gateway.connections[0]!.of('subscribe').length, 4)
    assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(['subscribe_timeout']))
  })
})
