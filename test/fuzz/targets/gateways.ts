import assert from 'node:assert/strict'
import type { Transport, TransportHandler } from '../../../packages/server/src/session/index.ts'
import { GatewayWorld } from '../../support/gateway-world.ts'
import type { MemoryTransport } from '../../support/receiver.ts'
import type { Sender } from '../../support/sender.ts'
import { bytesOf, type Input } from '../engine/input.ts'
import type { Target } from '../engine/target.ts'

const HOSTILE = 'ws://push-a1:8081'
const timersOfNodes = await timersWithoutGateway()
/** How the engine words an error of our own code: a link gives its connection up with the message of whatever was thrown. */
const OUR_FAULT =
  /Cannot |is not (a function|iterable|defined|a constructor)|Invalid (array|typed|string|time)|call stack|out of range|cannot be a varint|assert|undefined/i

/**
 * A push node that sends what it likes, beside an honest one of the other line. What it says of quotes is believed, for it has
 * the inner secret; but it cannot bring the gateway down, nor keep it from clients.
 */
export const gateways: readonly Target[] = [
  { name: 'gateway behind a hostile push node, pulsewire.bin.v1', weight: 0.05, seeds: [await recorded()], run: (input) => check(input) },
]

/** What an honest node sends in the very same situation, so that numbers fit where the input has not changed them. */
async function recorded(): Promise<Input> {
  const world = new GatewayWorld()
  const messages: Uint8Array[] = []
  const { sessions } = world.node('a1')
  const accept: Sender['sessions']['accept'] = (transport) => {
    const send = transport.send.bind(transport)
    transport.send = (message) => {
      messages.push(bytesOf(message).slice())
      send(message)
    }
    return sessions.accept(transport)
  }
  world.lines.put(HOSTILE, { sessions: { accept } as Sender['sessions'] })
  await world.gateway.start()
  world.clock.advance(50)
  const client = world.connect()
  client.subscribe(['A', 'B'], { patterns: ['*'] })
  for (let last = 1; last < 6; last++) {
    world.record('A', { last: last / 4, name: 'x', ...(last > 3 ? { book: [{ p: 1 }] } : {}) })
    if (last === 4) world.record('B', null)
    world.pass(500)
  }
  await world.gateway.close()
  return messages
}

async function check(input: Input): Promise<void> {
  const world = new GatewayWorld()
  const transports: MemoryTransport[] = []
  const accept = (transport: Transport): TransportHandler => {
    transports.push(transport as MemoryTransport)
    return { message() {}, drained() {}, closed() {}, unasked() {} }
  }
  world.lines.put(HOSTILE, { sessions: { accept } as unknown as Sender['sessions'] })
  await world.gateway.start()
  world.clock.advance(50)
  const client = world.connect()
  client.subscribe(['A', 'B'], { patterns: ['*'] })
  world.clock.advance(20)
  for (const message of input) {
    transports.at(-1)!.onSend(message)
    world.record('A', { last: 1 })
    world.pass(100)
  }
  for (const { code, message } of world.log.lines) {
    if (code.startsWith('link_')) assert.doesNotMatch(message, OUR_FAULT)
  }
  assert.ok(!world.log.lines.some(({ level }) => level === 'error'))
  assert.equal(client.closed.code, 0, client.closed.reason)
  const late = world.connect()
  late.send({ t: 'subscribe', id: 5, feed: 'quote', symbols: ['GOOD'] })
  world.record('GOOD', { last: 1 })
  world.pass(5000)
  const answered = late.take().flatMap((frame) => (frame.t === 'subscribed' ? [...(frame.ok ?? []), ...(frame.refused ?? [])] : []))
  assert.deepEqual(
    answered.map(([name]) => name),
    ['GOOD'],
    'who comes later is answered, once',
  )
  await world.gateway.close()
  assert.equal(world.clock.timers, timersOfNodes, 'no timer is left')
}

/** Of the nodes, which go on. */
async function timersWithoutGateway(): Promise<number> {
  const world = new GatewayWorld()
  await world.gateway.start()
  await world.gateway.close()
  return world.clock.timers
}
