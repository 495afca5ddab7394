import assert from 'node:assert/strict'
import { ENCODINGS, ProtocolError, type Encoding } from '@pulsewire/protocol'
import { PulsewireError } from '../../../packages/client/src/errors.ts'
import { settled, type World, worldOf } from '../../../packages/client/src/test-support/world.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import type { Target } from '../engine/target.ts'
import { messageOf } from './from-receivers.ts'
import { sendersMessages } from './from-senders.ts'

/** In so long a client that is cut at once by each gateway tries, with the dice at their middle, not more often than this. */
const WATCH_MS = 2000
const ATTEMPTS_MAX = 20

/** A server that sends what it likes, against the whole SDK with subscriptions of both kinds. */
export const clients: readonly Target[] = await Promise.all(
  ENCODINGS.map(async (encoding) => ({
    name: `client of a hostile server, ${encoding}`,
    weight: 1,
    seeds: [await recorded(encoding), ...sendersMessages(encoding)],
    run: (input: Input) => check(encoding, input),
  })),
)

function subscribe(world: World) {
  const client = world.client()
  const errors: PulsewireError[] = []
  client.on('error', (error) => errors.push(error))
  const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US', 'TSLA.US'] })
  const all = client.subscribe({ feed: 'quote', patterns: ['*'], delivery: 'every' })
  return { client, errors, quotes, all }
}

/** What an honest server sends in the very same situation. */
async function recorded(encoding: Encoding): Promise<Input> {
  const world = worldOf(encoding)
  const gateway = world.gateway('gw-1')
  const { environment } = world
  const messages: Uint8Array[] = []
  const listening: World['environment'] = {
    ...environment,
    openSocket: (url, protocols, events) =>
      environment.openSocket(url, protocols, {
        ...events,
        onMessage: (data) => {
          messages.push(bytesOf(data).slice())
          events.onMessage(data)
        },
      }),
  }
  Object.defineProperty(world, 'environment', { value: listening })
  const { client } = subscribe(world)
  await settled()
  for (let last = 1; last < 4; last++) {
    world.publish('AAPL.US', { last, name: 'x' })
    world.publish('TSLA.US', { last: last / 4 })
    await world.run(500)
  }
  gateway.connection.send({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 250, addresses: ['ws://gw-2:8080'] })
  await settled()
  await client.close()
  return messages
}

async function check(encoding: Encoding, input: Input): Promise<void> {
  const world = worldOf(encoding)
  const gateway = world.gateway('gw-1')
  gateway.welcomes = false
  gateway.answers = false
  const { client, errors, quotes, all } = subscribe(world)
  await settled()
  for (const message of input) {
    gateway.connections.at(-1)?.sendRaw(messageOf(encoding, message))
    await settled()
  }
  await world.clock.advance(WATCH_MS)
  assert.ok(world.attempts.length <= ATTEMPTS_MAX, `${world.attempts.length} attempts`)
  for (const error of errors) {
    assert.ok(error instanceof PulsewireError)
    assert.notEqual(error.code, 'callback_failed')
    if (error.code === 'protocol_error') assert.ok(error.cause instanceof ProtocolError, String(error.cause))
  }
  for (const subscription of [quotes, all]) assert.equal(typeof subscription.state.state, 'string')
  await client.close()
  assert.equal(world.clock.timers, 0, 'no timer is left')
}
