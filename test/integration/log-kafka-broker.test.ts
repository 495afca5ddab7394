/** What only a real broker can show: compression, transactions, limits, freezing, several ways to be absent. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { type KafkaLogOptions, type Log, openKafkaLog } from '../../packages/server/src/log/index.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { EARLIEST, from, makeTopic, Tap } from './log-tap.ts'

describe('the Kafka log with a real broker', { timeout: 120_000 }, () => {
  let kafka: KafkaForTests
  let log: Log
  const open = (options: Partial<KafkaLogOptions> = {}): Log =>
    openKafkaLog({ brokers: kafka.brokers, metadataIntervalMs: 300, ...options })
  before(async () => {
    kafka = await startKafka({ own: true })
    log = open()
  })
  after(async () => {
    await log?.close()
    await kafka?.stop()
  })

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd']) {
    test(`reads what the broker compressed with ${compression}`, async () => {
      const topic = await makeTopic(log, 1, { 'compression.type': compression })
      const expected = Array.from({ length: 3000 }, (_, i) => `${compression} ${i} ${'abc'.repeat(i % 20)}`)
      await log.append(
        topic,
        expected.map((value) => ({ key: 'k', value })),
      )
      await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
      await tap.untilRecords(0, expected.length)
      assert.deepEqual(tap.values(0), expected)
    })
  }

  test('leaves out aborted transactions, markers and what is not committed, however small the fetches', async () => {
    const topic = await makeTopic(log, 1)
    const producer = new Producer({
      clientId: 'tx',
      bootstrapBrokers: [...kafka.brokers],
      transactionalId: 'tx',
      idempotent: true,
      serializers: stringSerializers,
    })
    const transact = async (name: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.beginTransaction()
      for (let i = 0; i < 5; i++) {
        await transaction.send({ messages: [{ topic, partition: 0, key: 'k', value: `${name}${i} ${'x'.repeat(500)}` }] })
      }
      await transaction[end]()
    }
    await log.append(topic, [{ key: 'k', value: 'plain ' }])
    await transact('committed', 'commit')
    await transact('aborted', 'abort')
    await transact('aborted-again', 'abort')
    await transact('last', 'commit')
    await producer.close()
    await log.append(topic, [{ key: 'k', value: 'end ' }])
    // A few hundred bytes at a time: markers come in other responses than what they end.
    await using small = open({ fetchPartitionBytesMax: 300 })
    for (const source of [log, small]) {
      await using tap = new Tap(source.read(topic, from(EARLIEST, 0)))
      await tap.until(() => tap.values(0).includes('end '))
      const names = tap.values(0).map((value) => value.split(' ')[0])
      const five = (name: string): string[] => [0, 1, 2, 3, 4].map((i) => `${name}${i}`)
      assert.deepEqual(names, ['plain', ...five('committed'), ...five('last'), 'end'])
    }
  })

  test('reads records larger than its fetch limits', async () => {
    const topic = await makeTopic(log, 2)
    await using small = open({ fetchBytesMax: 4096, fetchPartitionBytesMax: 1024 })
    for (let i = 0; i < 5; i++) {
      await log.append(
        topic,
        [0, 1].map((partition) => ({ partition, key: null, value: Buffer.alloc(100_000, String(i)) })),
      )
    }
    await using tap = new Tap(small.read(topic, from(EARLIEST, 0, 1)))
    await tap.until(() => tap.records(0).length === 5 && tap.records(1).length === 5)
    assert.deepEqual(
      tap.values(1).map((value) => [value.length, value[0]]),
      [0, 1, 2, 3, 4].map((i) => [100_000, String(i)]),
    )
  })

  test('splits an append that the topic does not take at once, in order', async () => {
    const topic = await makeTopic(log, 1, { 'max.message.bytes': '20000' })
    const results = await log.append(
      topic,
      Array.from({ length: 300 }, (_, i) => ({ key: 'k', value: `${i} `.padEnd(1000) })),
    )
    assert.deepEqual(
      results.map((result) => result.offset),
      Array.from({ length: 300 }, (_, i) => i),
    )
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 300)
    assert.ok(tap.values(0).every((value, i) => Number(value) === i))
    await assert.rejects(log.append(topic, [{ key: 'k', value: 'x'.repeat(30_000) }]), { code: 'log_record_too_large' })
  })

  test('takes the time of the broker where the topic says so', async () => {
    const topic = await makeTopic(log, 1, { 'message.timestamp.type': 'LogAppendTime' })
    await log.append(topic, [{ key: 'k', value: 'v', timestampMs: 1000 }])
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 1)
    assert.ok(tap.records(0)[0]!.timestampMs > 1_700_000_000_000)
  })

  test('takes nothing of a topic that was swapped for another between two looks', async () => {
    const topic = await makeTopic(log, 1)
    await using rare = open({ metadataIntervalMs: 60_000 })
    await log.append(topic, [{ key: 'k', value: 'old' }])
    await using tap = new Tap(rare.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 1)
    await log.deleteTopic(topic)
    await log.createTopic(topic, { partitions: 1 })
    await log.append(topic, [
      { key: 'k', value: 'new' },
      { key: 'k', value: 'newer' },
    ])
    assert.equal(await tap.ended, undefined)
    assert.deepEqual(tap.values(0), ['old'])
    assert.equal(tap.kinds.at(-1), 'recreated')
  })

  test('a frozen broker is an outage past the deadline, and no record is lost or doubled by it', async () => {
    const topic = await makeTopic(log, 1)
    await using impatient = open({ requestTimeoutMs: 400, connectTimeoutMs: 400, fetchWaitMs: 100 })
    await using tap = new Tap(impatient.read(topic, from(EARLIEST, 0)))
    await impatient.append(topic, [{ key: 'k', value: '1' }])
    await tap.untilRecords(0, 1)
    kafka.freeze()
    try {
      await tap.until(() => tap.count('unreachable') === 1)
      await assert.rejects(impatient.describe(topic), { code: 'log_unreachable', retryable: true, message: /not answered within 400 ms/ })
      // It was sent, and is not answered: the caller must learn that it may be there.
      await assert.rejects(impatient.append(topic, [{ key: 'k', value: 'perhaps' }]), { code: 'log_unreachable', retryable: true })
    } finally {
      kafka.thaw()
    }
    await tap.until(() => tap.count('reachable') === 1)
    await log.append(topic, [{ key: 'k', value: '2' }])
    await tap.until(() => tap.values(0).includes('2'))
    assert.deepEqual(
      tap.values(0).filter((value) => value !== 'perhaps'),
      ['1', '2'],
    )
    assert.equal(tap.count('unreachable'), 1)
  })

  test('closes at once in the middle of a fetch that a frozen broker never answers', async () => {
    const topic = await makeTopic(log, 1)
    const patient = open({ requestTimeoutMs: 600_000, fetchWaitMs: 600_000 })
    const tap = new Tap(patient.read(topic, from(EARLIEST, 0)))
    await tap.untilStarted(1)
    kafka.freeze()
    try {
      const call = assert.rejects(patient.describe(topic), { code: 'log_closed' })
      await patient.close()
      assert.equal(await tap.ended, undefined)
      await call
    } finally {
      kafka.thaw()
    }
  })

  test('leaves nothing behind that keeps a process alive', async () => {
    const topic = await makeTopic(log, 1)
    const script = `
      import { openKafkaLog } from ${JSON.stringify(new URL('../../packages/server/src/log/index.ts', import.meta.url).href)}
      const log = openKafkaLog({ brokers: ${JSON.stringify(kafka.brokers)} })
      await log.append(${JSON.stringify(topic)}, [{ key: 'k', value: 'v' }])
      const reader = log.read(${JSON.stringify(topic)}, [{ partition: 0, start: { at: 'earliest' } }])
      for await (const event of reader) if (event.kind === 'records') break
      const idle = log.read(${JSON.stringify(topic)}, [{ partition: 0, start: { at: 'latest' } }])
      for await (const event of idle) { if (event.kind === 'started') break }
      await log.close()
      console.log('closed')
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const said = once(child.stdout, 'data')
    assert.deepEqual(await once(child, 'exit'), [0, null])
    assert.equal(String((await said)[0]).trim(), 'closed')
  })

  test('credentials never appear in an error', async () => {
    const secret = 'very-secret-word'
    await using denied = open({ sasl: { mechanism: 'PLAIN', username: 'somebody', password: secret } })
    await assert.rejects(denied.describe('any'), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }), new RegExp(secret))
      return true
    })
  })
})

test('a Kafka that is not there: every broker tried is named, and why', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  await using log = openKafkaLog({ brokers: [`127.0.0.1:${port}`, `localhost:${port}`] })
  await assert.rejects(log.describe('quotes'), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'log_unreachable')
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED.*localhost:${port}`))
    return true
  })
})

test('a server that accepts and says nothing is given up after the deadline', async () => {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await using log = openKafkaLog({ brokers: [`127.0.0.1:${port}`], requestTimeoutMs: 100 })
  await using tap = new Tap(log.read('quotes', from(EARLIEST, 0)))
  await tap.until(() => tap.count('unreachable') === 1)
  await assert.rejects(log.describe('quotes'), { code: 'log_unreachable', message: /not answered within 100 ms/ })
  for (const socket of sockets) socket.destroy()
  server.close()
})

test('malformed broker addresses are refused at once', () => {
  for (const brokers of [[], ['host:port'], ['a:1:2'], ['host:99999'], ['']]) assert.throws(() => openKafkaLog({ brokers }), TypeError)
})
