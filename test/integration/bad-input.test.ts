/** What a careless operator or a broken producer gives the main path: each gets a clear message, and nothing else is harmed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openKafkaLog, type Log } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { startKafka, type KafkaForTests } from '../support/kafka.ts'
import { freePorts } from '../support/kafka-files.ts'
import { NodeProcess } from '../support/node-process.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
let kafka: KafkaForTests
let log: Log

before(async () => {
  kafka = await startKafka()
  log = openKafkaLog({ brokers: kafka.brokers })
})

after(async () => {
  await log?.close()
  await kafka?.stop()
})

function pushConfig(topic: string, brokers: readonly string[] = kafka.brokers): object {
  return {
    node: { id: 'push-x' },
    log: { kind: 'kafka', brokers },
    feeds: [{ name: 'quote', topic }],
    push: { listen: { host: '127.0.0.1', port: 0 } },
  }
}

test('a wrong topic name is named, and the node goes on by itself once the topic is there', async () => {
  const topic = `late-${run}`
  await using node = await NodeProcess.start('push', pushConfig(topic))
  const line = await node.line(({ level, code }) => level === 'error' && code === 'topic_missing')
  assert.ok(line.msg.includes(topic), line.msg)
  assert.equal((await fetch(`http://127.0.0.1:${node.port}/ready`)).status, 503)
  assert.equal((await fetch(`http://127.0.0.1:${node.port}/live`)).status, 200)
  await log.createTopic(topic, { partitions: 1 })
  await node.line(({ code }) => code === 'ready')
  assert.equal((await fetch(`http://127.0.0.1:${node.port}/ready`)).status, 200)
})

test('one wrong topic of two keeps back no other feed: its subscribers are told, and /ready names it', async () => {
  const quotes = `served-${run}`
  const trades = `wrong-${run}`
  await log.createTopic(quotes, { partitions: 1 })
  await log.append(quotes, [{ key: 'GOOD.US', value: '{"last":1}' }])
  const feeds = [
    { name: 'quote', topic: quotes },
    { name: 'trade', topic: trades, mode: 'every' },
  ]
  await using fleet = await Fleet.start({ brokers: kafka.brokers, feeds, gateways: 1, ready: 'ready_in_part' })
  await using quote = new ViewRecorder({ url: fleet.urls }, { feed: 'quote', symbols: ['GOOD.US'] })
  await using trade = new ViewRecorder({ url: fleet.urls }, { feed: 'trade', symbols: ['GOOD.US'] })
  await quote.until(() => quote.subscription.state.state === 'live', 'the feed that is there is live')
  assert.equal(quote.subscription.get('GOOD.US')?.values?.['last'], 1)
  await trade.until(() => trade.subscription.state.reason === 'topic_missing', 'the other is stale, with the reason')
  assert.match(trade.subscription.state.message ?? '', new RegExp(trades))
  for (const node of fleet.pushNodes) {
    const answer = await fetch(`http://127.0.0.1:${node.port}/ready`)
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), new RegExp(`^ready\nfeed trade is not ready: topic_missing: .*${trades}`))
  }
  await log.createTopic(trades, { partitions: 1 })
  await trade.until(() => trade.subscription.state.state === 'live', 'live once the topic is there')
  await log.append(trades, [{ key: 'GOOD.US', value: '{"price":2}' }])
  await trade.until(() => trade.subscription.get('GOOD.US')?.values?.['price'] === 2, 'its records arrive')
  assert.ok(!quote.states.some((state) => state.startsWith('stale')), quote.states.join(' → '))
})

test('Kafka not there at start: the brokers tried are named, the process stays up and not ready', async () => {
  const [port] = await freePorts(1)
  await using node = await NodeProcess.start('push', pushConfig('any', [`127.0.0.1:${port}`]))
  const line = await node.line(({ level, code }) => level === 'error' && code === 'log_unreachable')
  assert.ok(line.msg.includes(`127.0.0.1:${port}`), line.msg)
  assert.equal((await fetch(`http://127.0.0.1:${node.port}/ready`)).status, 503)
  assert.equal(await node.stop('SIGTERM'), 0)
})

test('a misspelt key: exit code 2, every mistake listed with what would be right', async () => {
  await assert.rejects(
    NodeProcess.start('push', { ...pushConfig('any'), feeds: [{ name: 'quote', topic: 'any', generatoin: 2, mode: 'latset' }] }),
    (error: Error) => {
      assert.match(error.message, /generatoin/)
      assert.match(error.message, /generation/)
      assert.match(error.message, /latset/)
      return true
    },
  )
})

test('poison of every kind in Kafka is counted, sampled and skipped; neighbours arrive', async () => {
  const topic = `poison-${run}`
  await log.createTopic(topic, { partitions: 1, config: { 'max.message.bytes': '4194304' } })
  await using fleet = await Fleet.start({ brokers: kafka.brokers, feeds: [{ name: 'quote', topic }], push: ['A'], gateways: 1, pulses: 1 })
  await using recorder = new ViewRecorder({ url: fleet.urls }, { feed: 'quote', symbols: ['GOOD.US'] })
  await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
  const good = (last: number) => ({ key: 'GOOD.US', value: JSON.stringify({ last }) })
  await log.append(topic, [
    good(1),
    { key: 'BAD.US', value: 'no json' },
    { key: 'BAD.US', value: '[1, 2]' },
    { key: 'BAD.US', value: Buffer.from([0xff, 0xfe, 0x7b]) },
    { key: null, value: '{"last":1}' },
    { key: 'a\nb', value: '{"last":1}' },
    { key: 'x'.repeat(300), value: '{"last":1}' },
    { key: 'BIG.US', value: JSON.stringify({ last: 'x'.repeat(2 * 1024 * 1024) }) },
    { key: '\u0000pulsewire.pulse', value: 'no pulse' },
    good(2),
  ])
  await recorder.until(() => recorder.subscription.get('GOOD.US')?.values?.['last'] === 2, 'the good record behind the poison')
  const line = await fleet.pushNodes[0]!.line(({ code }) => code === 'poison_record')
  assert.equal(line['topic'], topic)
  assert.equal(typeof line['offset'], 'number')
  assert.equal(recorder.subscription.state.state, 'live')
  assert.ok(!recorder.states.some((state) => state.startsWith('stale')), recorder.states.join(' → '))
})

test('a topic deleted and created again is stale with the reason, and the message says what to do', async () => {
  const topic = `again-${run}`
  await log.createTopic(topic, { partitions: 1 })
  await using fleet = await Fleet.start({ brokers: kafka.brokers, feeds: [{ name: 'quote', topic }], push: ['A'], gateways: 1, pulses: 1 })
  await using recorder = new ViewRecorder({ url: fleet.urls }, { feed: 'quote', symbols: ['GOOD.US'] })
  await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
  await log.deleteTopic(topic)
  await log.createTopic(topic, { partitions: 1 })
  const line = await fleet.pushNodes[0]!.line(({ code }) => code === 'topic_recreated')
  assert.match(line.msg, /raise the generation/)
  await recorder.until(() => recorder.subscription.state.reason === 'topic_recreated', 'stale because of the topic')
})

test('a production start with what is for development: exit code 2, every setting named at once, no secret shown', async () => {
  const env = { NODE_ENV: 'production', PULSEWIRE_OPERATOR_SECRET: 'changeme-changeme', PULSEWIRE_LOG_BROKERS: kafka.brokers.join() }
  const started = (role: string) =>
    runCommand([role, '--set', 'feeds=[{name: quote, topic: any}]', '--set', 'faults.enabled=true'], { env })
  const push = await started('push')
  assert.equal(push.code, 2)
  for (const setting of ['inner.secretFile', 'faults.enabled'])
    assert.match(push.stderr, new RegExp(`^ +${setting.replace('.', '\\.')}: `, 'm'))
  const gateway = await runCommand(['gateway', '--set', 'gateway.upstreams=[{line: A, addresses: [ws://push-a1:8081]}]'], { env })
  assert.equal(gateway.code, 2)
  for (const setting of ['gateway.access.mode', 'gateway.origins', 'gateway.tls.certFile', 'inner.secretFile'])
    assert.match(gateway.stderr, new RegExp(`^ +${setting.replaceAll('.', '\\.')}: `, 'm'))
  assert.doesNotMatch(push.stderr + gateway.stderr, /changeme/)
})
