import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Receiver } from '../../../../test/support/receiver.ts'
import { encodePulse } from '../feeds/index.ts'
import { createEmbeddedLog } from '../log/index.ts'
import { createPushNode } from '../push/index.ts'
import { loadConfig, splitAllConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { Sessions } from '../session/index.ts'
import { createGateway } from './gateway.ts'

/** A push node and a gateway that serves from its hub, as `pulsewire all` makes them. */
async function start() {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const logger = createMemoryLogger()
  const env = { PULSEWIRE_FEEDS: '[{name: quote, topic: quotes}]', PULSEWIRE_LOG_BROKERS: 'kafka:9092', PULSEWIRE_NODE_ID: 'n' }
  const configs = splitAllConfig(loadConfig('all', { env }), ['push', 'gateway'])
  const listen = () => ({ port: 1, listen: async () => {}, stopAccepting() {}, close: async () => {} })
  const push = createPushNode(configs.push!, { log, logger, clock, listen })
  const gateway = createGateway(configs.gateway!, { logger, clock, listen, beside: push })
  await push.start()
  await gateway.start()
  const connect = (sessions: Sessions) => {
    const receiver = new Receiver(clock, (transport) => sessions.accept(transport), { pulseIntervalMs: 0 })
    receiver.hello()
    return receiver
  }
  let sequence = 0
  const pulse = () => log.appendNow('quotes', [encodePulse(0, { writer: 'p', sequence: sequence++, generation: 1, atMs: clock.nowMs() })])
  const record = (key: string, last: number) => log.appendNow('quotes', [{ key, value: JSON.stringify({ last }) }])
  return { clock, log, push, gateway, connect, pulse, record }
}

test('clients of the gateway are served from the hub of the push node beside it, pulses and patterns included', async () => {
  const { clock, log, push, gateway, connect, pulse, record } = await start()
  assert.deepEqual([gateway.hub === push.hub, gateway.ready], [true, false])
  log.createTopicNow('quotes', { partitions: 1 })
  record('A', 1)
  await clock.pass(1500)
  assert.equal(gateway.ready, true)
  const [client, inner] = [connect(gateway.sessions), connect(push.sessions)]
  const names = [client, inner].map((receiver) => receiver.takeOf('welcome')[0]!).map(({ node, role }) => `${node} ${role}`)
  assert.deepEqual(names, ['n-gateway gateway', 'n-push push'])
  client.subscribe(['A'])
  client.subscribe([], { id: 2, patterns: ['B*'] })
  inner.subscribe([], { id: 1, patterns: ['B*'] })
  await clock.pass(100)
  client.take()
  record('A', 2)
  record('B', 3)
  pulse()
  await clock.pass(100)
  assert.deepEqual([client.image('A'), client.image('B', 2), inner.image('B')], [{ last: 2 }, { last: 3 }, { last: 3 }])
  assert.ok(client.takeOf('pulse').length > 0, 'the pulse behind them came as well')
  await gateway.close()
  await push.close()
})

test('its clients are told by the gateway when the feed is stale, with the hop that is to blame, and when it is live', async () => {
  const { clock, log, gateway, push, connect, pulse, record } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  record('A', 1)
  await clock.pass(1000)
  const client = connect(gateway.sessions)
  client.subscribe(['A'])
  pulse()
  await clock.pass(100)
  client.take()
  await clock.pass(3000)
  const [stale, ...more] = client.takeOf('stale')
  assert.deepEqual([stale?.feed, stale?.partitions, more.length], ['quote', [0], 0])
  pulse()
  await clock.pass(200)
  assert.deepEqual(
    client.takeOf('live').map(({ partitions }) => partitions),
    [[0]],
  )
  await gateway.close()
  await push.close()
})

test('a gateway that closes leaves the hub to the receivers of the push node', async () => {
  const { clock, log, gateway, push, connect, record } = await start()
  log.createTopicNow('quotes', { partitions: 1 })
  record('A', 1)
  await clock.pass(1000)
  const inner = connect(push.sessions)
  inner.subscribe(['A'], { maxRate: 2 })
  await clock.pass(600)
  record('A', 2)
  await clock.pass(20)
  await gateway.close()
  await clock.pass(600)
  inner.take()
  assert.deepEqual(inner.image('A'), { last: 2 })
  await push.close()
})
