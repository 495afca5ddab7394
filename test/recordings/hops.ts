import assert from 'node:assert/strict'
import { ENCODINGS, type Encoding } from '@pulsewire/protocol'
import { GatewayWorld } from '../support/gateway-world.ts'
import { Receiver } from '../support/receiver.ts'
import type { Sender } from '../support/sender.ts'
import type { RecordedHop } from './format.ts'
import { readHop } from './read.ts'
import { Tap } from './tap.ts'

const FEEDS = [{}, { name: 'trade', mode: 'every' }, { name: 'book', codec: 'raw' }] as const
const LAST = { last: 188.5, name: '苹果 🍎', halted: true, depth: [{ p: 1.5, q: [1, 2] }], odd: 0.1 + 0.2 }

/**
 * A push node of each line, a gateway, and a client of each encoding, on a clock that stands still by itself: every time
 * the same to the byte. It goes through what a day has: subscribes of each kind, refusals, records of each codec, deletion,
 * staleness and its end, a resumption, a move to elsewhere.
 */
export async function recordHops(): Promise<RecordedHop[]> {
  const world = new GatewayWorld({ feeds: FEEDS, partitions: 2 })
  const push = new Tap()
  const node = world.node('a1')
  const accept = push.over((transport) => node.sessions.accept(transport))
  world.lines.put('ws://push-a1:8081', { sessions: { accept } as unknown as Sender['sessions'] })
  await world.gateway.start()
  world.clock.advance(50)
  const clients = ENCODINGS.map((encoding) => client(world, encoding))
  day(world, clients)
  for (const { receiver } of clients) assert.deepEqual({ ...receiver.image('AAPL.US') }, LAST, 'what was put in came out')
  const draining = world.gateway.drain(1000)
  world.clock.advance(2000)
  await draining
  await world.gateway.close()
  return [
    hop('push node to gateway', 'pulsewire.bin.v1', push),
    ...clients.map(({ encoding, tap }) => hop('gateway to client', encoding, tap)),
  ]
}

interface RecordedClient {
  readonly encoding: Encoding
  readonly tap: Tap
  readonly receiver: Receiver
}

function client(world: GatewayWorld, encoding: Encoding): RecordedClient {
  const tap = new Tap()
  const accept = tap.over((transport) => world.gateway.sessions.accept(transport))
  const receiver = new Receiver(world.clock, accept, { encoding, pulseIntervalMs: 1000 })
  receiver.send({ t: 'hello', client: 'recording/1', user: 'jo', via: 'https://lb-1.example', pulseIntervalMs: 1000 })
  receiver.take()
  return { encoding, tap, receiver }
}

function day(world: GatewayWorld, clients: readonly RecordedClient[]): void {
  const each = (act: (receiver: Receiver) => void) => {
    for (const { receiver } of clients) act(receiver)
  }
  world.record('AAPL.US', { last: 187.23, name: '苹果 🍎', halted: false, note: null })
  world.record('TSLA.US', { price: 1 }, { feed: 'trade', partition: 1 })
  world.record('0700.HK', Uint8Array.of(1, 2, 3, 255), { feed: 'book' })
  world.pass(500)
  each((receiver) => {
    receiver.send({ t: 'sync', at: 1_764_000_000_000.25 })
    receiver.subscribe(['AAPL.US', 'NEW.US', 'bad\u0000name'])
    receiver.send({ t: 'subscribe', id: 2, feed: 'trade', symbols: ['TSLA.US'], history: 10 })
    receiver.send({ t: 'subscribe', id: 3, feed: 'book', patterns: ['*.HK'] })
    receiver.send({ t: 'subscribe', id: 4, feed: 'quote', symbols: ['AAPL.US'], fields: ['last'], maxRate: 2, image: false })
    receiver.send({ t: 'subscribe', id: 5, feed: 'nowhere', symbols: ['A'] })
  })
  world.pass(1000)
  world.record('AAPL.US', { last: 187.235, name: '苹果 🍎', halted: true })
  for (let price = 2; price < 5; price++) world.record('TSLA.US', { price, size: price * 100 }, { feed: 'trade', partition: 1 })
  world.record('9988.HK', Uint8Array.of(), { feed: 'book' })
  world.record('NEW.US', { last: -1e-7 })
  world.pass(1000)
  world.record('NEW.US', null)
  world.pass(500)
  // Nothing comes for long enough that everything is stale, then it is live again.
  world.clock.advance(3500)
  world.record('AAPL.US', LAST)
  world.pass(1500)
  each((receiver) => {
    receiver.send({ t: 'unsubscribe', id: 2, symbols: ['TSLA.US', 'NOBODY'] })
    receiver.send({ t: 'unsubscribe', id: 3 })
    receiver.send({ t: 'subscribe', id: 6, feed: 'trade', symbols: ['TSLA.US'], from: { 'TSLA.US': '1:1:1' } })
  })
  world.pass(1000)
  // The topic of one feed gets a partition more.
  for (const id of ['a1', 'b1']) {
    const { hub } = world.node(id)
    hub.setShape(hub.feed('book')!, 1, 3, null)
  }
  world.pass(500)
}

function hop(name: string, encoding: Encoding, { messages }: Tap): RecordedHop {
  const means = readHop(encoding, messages)
  return { hop: name, encoding, messages: messages.map((message, index) => ({ ...message, means: means[index]! })) }
}
