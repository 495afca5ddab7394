import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Receiver } from '../../../../test/support/receiver.ts'
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
  const connect = () => {
    const receiver = new Receiver(clock, (transport) => node.sessions.accept(transport), { pulseIntervalMs: 0 })
    receiver.hello()
    return receiver
  }
  return { clock, log, logger, node, connect, stopped, served: served! }
}

test('it is ready once every feed has been read in, and says so once', async () => {
  const { clock, log, logger, node, served } = await start([
    { name: 'quote', topic: 'quotes' },
    { name: 'trade', topic: 'trades', mode: 'every' },
  ])
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(1500)
  assert.deepEqual([node.ready, served.ready()], [false, false])
  log.createTopicNow('trades', { partitions: 1 })
  await clock.pass(1500)
  assert.deepEqual([node.ready, served.ready()], [true, true])
  assert.equal(logger.lines.filter(({ code }) => code === 'ready').length, 1)
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
