import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Receiver } from '../../../../test/support/receiver.ts'
import { ENCODINGS, type Encoding } from '@pulsewire/protocol'
import { encodePulse } from '../feeds/index.ts'
import { createEmbeddedLog } from '../log/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { StreamServerOptions } from '../session/index.ts'
import { createPushNode } from './push-node.ts'

async function start(feeds: readonly Readonly<Record<string, unknown>>[] = [{ name: 'quote', topic: 'quotes' }]) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const logger = createMemoryLogger()
  const config = loadConfig('push', {
    env: {
      PULSEWIRE_FEEDS: JSON.stringify(feeds),
      PULSEWIRE_LOG_BROKERS: 'kafka:9092',
      PULSEWIRE_NODE_ID: 'push-a1',
      PULSEWIRE_NODE_LINE: 'A',
    },
  })
  const stopped: string[] = []
  let served: StreamServerOptions | undefined
  const node = createPushNode(config, {
    log,
    logger,
    clock,
    listen: (options) => {
      served = options
      return {
        port: 1,
        listen: async () => {},
        stopAccepting: () => void stopped.push('accepting'),
        close: async () => void stopped.push('server'),
      }
    },
  })
  await node.start()
  const connect = (encoding: Encoding = ENCODINGS[0]) => {
    const receiver = new Receiver(clock, (transport) => node.sessions.accept(transport), { pulseIntervalMs: 0, encoding })
    receiver.hello()
    return receiver
  }
  return { clock, log, logger, node, connect, stopped, served: served! }
}

const TWO_FEEDS = [
  { name: 'quote', topic: 'quotes' },
  { name: 'trade', topic: 'trades', mode: 'every' },
]

test('it serves each feed once it has been read in: one whose topic is missing keeps back no other, and is named', async () => {
  const { clock, log, logger, node, served } = await start(TWO_FEEDS)
  const codes = () => logger.lines.map(({ code }) => code).filter((code) => code.startsWith('ready'))
  await clock.pass(1500)
  assert.deepEqual([node.ready, served.ready()], [false, false])
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  assert.deepEqual([node.ready, served.ready(), codes()], [true, true, ['ready_in_part']])
  const [line, ...others] = served.readiness!()
  assert.match(line!, /^feed trade is not ready: topic_missing: .*trades/)
  assert.deepEqual(others, [])
  log.createTopicNow('trades', { partitions: 1 })
  await clock.pass(1500)
  assert.deepEqual([served.ready(), served.readiness!(), codes()], [true, [], ['ready_in_part', 'ready']])
  await node.close()
})

test('of a feed whose topic is missing, subscribers are answered, and told that all of it is stale and why', async () => {
  const { clock, log, node, connect } = await start(TWO_FEEDS)
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(3000)
  const receiver = connect()
  receiver.subscribe(['A'], { id: 1, feed: 'trade' })
  await clock.pass(200)
  const frames = receiver.take()
  assert.deepEqual(
    frames.flatMap((frame) => (frame.t === 'subscribed' ? frame.ok!.map(([, , state]) => state) : [])),
    ['empty'],
  )
  const stale = frames.find((frame) => frame.t === 'stale')
  assert.deepEqual(stale?.t === 'stale' && [stale.feed, stale.partitions, stale.hop, stale.reason], [
    'trade',
    undefined,
    'log',
    'topic_missing',
  ])
  log.createTopicNow('trades', { partitions: 1 })
  await clock.pass(1500)
  log.appendNow('trades', [
    { key: 'A', value: '{"last":1}' },
    encodePulse(0, { writer: 'p', sequence: 0, generation: 1, atMs: clock.nowMs() }),
  ])
  await clock.pass(200)
  const told = receiver.take().flatMap((frame) => (frame.t === 'stale' || frame.t === 'live' ? [[frame.t, frame.partitions]] : []))
  assert.deepEqual(
    [told[0], told.at(-1)],
    [
      ['live', undefined],
      ['live', [0]],
    ],
  )
  await node.close()
})

test('what is asked of a feed that is still being read in is answered when it has been', async () => {
  const { clock, log, node, connect } = await start(TWO_FEEDS)
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  const receiver = connect()
  log.createTopicNow('trades', { partitions: 1 })
  log.appendNow('trades', [{ key: 'A', value: '{"last":7}' }])
  log.pauseDelivery('trades', 0)
  await clock.pass(1500)
  receiver.subscribe(['A'], { id: 1, feed: 'trade' })
  receiver.subscribe([], { id: 2, feed: 'trade', patterns: ['*'] })
  receiver.subscribe(['Q'], { id: 3, feed: 'quote' })
  await clock.pass(1500)
  const answered = () =>
    receiver
      .take()
      .flatMap((frame) => (frame.t === 'subscribed' ? frame.ok!.map(([symbol, , state]) => `${frame.id} ${symbol} ${state}`) : []))
  assert.deepEqual(answered(), ['3 Q empty'])
  log.resumeDelivery('trades', 0)
  await clock.pass(1500)
  assert.deepEqual(answered(), ['1 A snapshot', '2 A snapshot'])
  await node.close()
})

test('a record reaches a receiver, and the pulse behind it proves it', async () => {
  const { clock, log, node, connect } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  const receiver = connect()
  receiver.subscribe(['A'])
  receiver.take()
  log.appendNow('quotes', [
    { key: 'A', value: '{"last":1}' },
    encodePulse(0, { writer: 'p', sequence: 0, generation: 1, atMs: clock.nowMs() }),
  ])
  await clock.pass(20)
  const frames = receiver.peek()
  assert.deepEqual(
    frames.map((frame) => (frame.t === 'pulse' ? frame.partitions?.map((row) => row.slice(0, 3)) : frame.t)),
    ['update', [[0, 1, 0]]],
  )
  await node.close()
})

for (const encoding of ENCODINGS) {
  test(`records and pulses with absurd times reach receivers of ${encoding} as what they can say, and hurt nobody`, async () => {
    const { clock, log, logger, node, connect } = await start()
    log.createTopicNow('quotes', { partitions: 1 })
    await clock.pass(1500)
    const receiver = connect(encoding)
    receiver.subscribe(['A', 'B'])
    receiver.take()
    const pulse = (sequence: number, atMs: number) => ({
      ...encodePulse(0, { writer: 'p', sequence, generation: 1, atMs }),
      timestampMs: clock.nowMs(),
    })
    log.appendNow('quotes', [
      pulse(0, clock.nowMs()),
      { key: 'A', value: '{"last":1}', timestampMs: 1_764_000_000_000_000_000 },
      { key: 'B', value: '{"last":2}', timestampMs: -1_764_000_000_000_000_000 },
      pulse(1, -1e300),
      pulse(2, 0),
      pulse(3, 8e15),
      pulse(4, clock.nowMs()),
    ])
    await clock.pass(50)
    const frames = receiver.take()
    assert.deepEqual(
      frames.flatMap((frame) => (frame.t === 'update' ? [[frame.symbol, frame.values['last']]] : [])),
      [
        ['A', 1],
        ['B', 2],
      ],
    )
    assert.ok(frames.some((frame) => frame.t === 'pulse' && frame.partitions?.some(([, offset]) => offset === 6)))
    assert.ok(logger.lines.some(({ message }) => message.startsWith('bad_timestamp: ')))
    await node.close()
  })
}

test('symbols that receivers made up are gone with them; those of the log stay', async () => {
  const { clock, log, node, connect } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  log.appendNow('quotes', [
    { key: 'A', value: '{"last":1}' },
    { key: 'D', value: '{"last":1}' },
  ])
  await clock.pass(1500)
  const symbols = () => [...node.hub.feed('quote')!.symbols.keys()]
  const receiver = connect()
  receiver.subscribe(['A', 'D', ...Array.from({ length: 100 }, (_, i) => `X${i}`)])
  receiver.take()
  assert.equal(symbols().length, 102)
  log.appendNow('quotes', [{ key: 'D', value: null }])
  await clock.pass(20)
  receiver.disconnect()
  assert.deepEqual(symbols(), ['A', 'D'])
  await node.close()
})

test('stale partitions are told with their cause', async () => {
  const { clock, log, node, connect } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  const receiver = connect()
  receiver.subscribe(['A'])
  log.setReachable(false)
  await clock.pass(3000)
  const stale = receiver.peek().findLast((frame) => frame.t === 'stale')
  assert.deepEqual(stale?.t === 'stale' && [stale.hop, stale.reason, stale.partitions], ['log', 'log_unreachable', [0]])
  await node.close()
})

test('drained, it takes nobody new; closed, it frees everything, once', async () => {
  const { clock, log, node, connect, stopped } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  const receiver = connect()
  const drained = node.drain(500)
  await clock.pass(1000)
  await drained
  assert.deepEqual([receiver.takeOf('goodbye').length, stopped], [1, ['accepting']])
  await Promise.all([node.close(), node.close()])
  await node.closed
  assert.equal(receiver.closed.code, 4200)
  receiver.disconnect()
  assert.deepEqual([stopped, clock.timers, log.readerCount], [['accepting', 'server'], 0, 0])
})
