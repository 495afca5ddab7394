/**
 * What every log must do, run over each implementation by `log-*.test.ts`. The interface says it in words:
 * `packages/server/src/log/log.ts`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Log, type LogEvent, type LogRecord, partitionForKey } from '../../packages/server/src/log/index.ts'
import { bufferBytesInUse, EARLIEST, from, isLogError, LATEST, makeTopic, numbered, Tap, text } from './log-tap.ts'

/** One implementation, with the faults that the suite puts it through. */
export interface LogUnderTest {
  readonly log: Log
  /** A further log on the same records, for a test to close. */
  open(): Promise<Log>
  /** Makes every broker go away, and come back. */
  breakDown(): Promise<void>
  repair(): Promise<void>
  addPartitions(topic: string, partitions: number): Promise<void>
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>
  close(): Promise<void>
}

const TEST_TIMEOUT_MS = 60_000

export function logContract(name: string, start: () => Promise<LogUnderTest>): void {
  describe(`${name} keeps the log's contract`, { timeout: 10 * TEST_TIMEOUT_MS }, () => {
    let under: LogUnderTest
    before(async () => {
      under = await start()
    })
    after(() => under?.close())

    const use = (): LogUnderTest => under
    describe('topics', () => topics(use))
    describe('records', () => records(use))
    describe('reading', () => reading(use))
    describe('reading what changes', () => changes(use))
    describe('the end', () => theEnd(use))
    describe('an outage', () => outages(use))
  })
}

function it(title: string, body: () => Promise<void>): void {
  void test(title, { timeout: TEST_TIMEOUT_MS }, body)
}

function topics(use: () => LogUnderTest): void {
  it('are described with their ranges and an id that a recreated one does not have', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 3)
    await log.append(topic, numbered(2, 1))
    const description = await log.describe(topic)
    assert.deepEqual(description.partitions, [
      { partition: 0, earliest: 0, latest: 0 },
      { partition: 1, earliest: 0, latest: 2 },
      { partition: 2, earliest: 0, latest: 0 },
    ])
    assert.equal((await log.describe(topic)).topicId, description.topicId)
    await log.deleteTopic(topic)
    await log.createTopic(topic, { partitions: 3 })
    assert.notEqual((await log.describe(topic)).topicId, description.topicId)
  })

  it('are created again without harm, but not with another number of partitions', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 2)
    await log.createTopic(topic, { partitions: 2 })
    await assert.rejects(log.createTopic(topic, { partitions: 5 }), isLogError('log_topic_exists', topic))
  })

  it('that are missing are named by every call', async () => {
    const { log } = use()
    const missing = isLogError('log_topic_missing', 'no-such-topic', 'create|Create')
    await assert.rejects(log.describe('no-such-topic'), missing)
    await assert.rejects(log.append('no-such-topic', [{ key: 'k', value: 'v' }]), missing)
    await assert.rejects(log.deleteTopic('no-such-topic'), missing)
    await using tap = new Tap(log.read('no-such-topic', from(EARLIEST, 0)))
    missing(await tap.ended)
    assert.deepEqual(tap.kinds, [])
  })
}

function records(use: () => LogUnderTest): void {
  it('come back as they were: key, value, headers, time, null and empty', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const timestampMs = 1_700_000_000_123
    const results = await log.append(topic, [
      { key: 'AAPL', value: '{"last":1}', headers: { source: 'test', empty: '' }, timestampMs },
      { key: null, value: 'no key' },
      { key: 'MSFT', value: null },
      { key: '', value: '' },
    ])
    assert.deepEqual(
      results,
      [0, 1, 2, 3].map((offset) => ({ partition: 0, offset })),
    )
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 4)
    const [first, noKey, tombstone, empty] = tap.records(0)
    assert.equal(text(first!.key), 'AAPL')
    assert.equal(text(first!.value), '{"last":1}')
    assert.equal(first!.timestampMs, timestampMs)
    assert.deepEqual(
      [...first!.headers!].map(([header, value]) => [header, text(value)]),
      [
        ['source', 'test'],
        ['empty', ''],
      ],
    )
    assert.equal(noKey!.key, null)
    assert.equal(noKey!.headers, undefined)
    assert.ok(Math.abs(noKey!.timestampMs - Date.now()) < 3_600_000, 'a record without a time gets the present one')
    assert.equal(tombstone!.value, null)
    assert.deepEqual([empty!.key?.length, empty!.value?.length], [0, 0])
  })

  it('pass through untouched whatever bytes they are', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const poison = [everyByte, Buffer.from([0xff, 0xfe, 0x00]), Buffer.alloc(1), Buffer.from('{"a":')]
    await log.append(
      topic,
      poison.map((bytes) => ({ partition: 0, key: bytes, value: bytes })),
    )
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, poison.length)
    tap.records(0).forEach((record, i) => {
      assert.deepEqual(Buffer.from(record.key!), poison[i])
      assert.deepEqual(Buffer.from(record.value!), poison[i])
    })
  })

  it('go to the partition of their key, or the one that is asked for', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 5)
    const keys = Array.from({ length: 50 }, (_, i) => `SYM${i}`)
    const results = await log.append(
      topic,
      keys.map((key) => ({ key, value: key })),
    )
    keys.forEach((key, i) => assert.equal(results[i]!.partition, partitionForKey(key, 5)))
    assert.deepEqual(await log.append(topic, [{ partition: 4, key: keys[0]!, value: 'x' }]).then(([result]) => result!.partition), 4)
    await assert.rejects(log.append(topic, [{ partition: 5, key: null, value: 'x' }]), isLogError('log_append_failed', 'partition 5'))
  })

  it('that are too large are refused, and the next is taken', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const huge = Buffer.alloc(2 * 1024 * 1024, 'x')
    await assert.rejects(log.append(topic, [{ key: 'k', value: huge }]), isLogError('log_record_too_large', topic))
    assert.deepEqual(await log.append(topic, [{ key: 'k', value: 'small' }]), [{ partition: 0, offset: 0 }])
  })

  it('arrive complete and in order, 200,000 of them', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 4)
    const perPartition = 50_000
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0, 1, 2, 3)))
    for (let first = 0; first < perPartition; first += 5000) {
      await log.append(
        topic,
        [0, 1, 2, 3].flatMap((partition) => numbered(5000, partition, first)),
      )
    }
    const count = (): number => tap.events.reduce((sum, event) => sum + (event.kind === 'records' ? event.records.length : 0), 0)
    await tap.until(() => count() >= 4 * perPartition)
    for (const partition of [0, 1, 2, 3]) {
      const records = tap.records(partition)
      assert.equal(records.length, perPartition)
      const wrong = records.findIndex((record, i) => record.offset !== i || text(record.value) !== String(i))
      assert.equal(wrong, -1)
    }
    assert.ok(tap.count('records') < 20_000, 'records come in batches')
    assert.equal(tap.last('records').highWatermark, perPartition)
  })
}

function reading(use: () => LogUnderTest): void {
  it('starts at the earliest, the latest, an offset or a time', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const base = 1_700_000_000_000
    await log.append(
      topic,
      [0, 1, 2, 3, 4].map((i) => ({ key: null, value: String(i), timestampMs: base + i * 1000 })),
    )
    await using earliest = new Tap(log.read(topic, from(EARLIEST, 0)))
    await using latest = new Tap(log.read(topic, from(LATEST, 0)))
    await using offset = new Tap(log.read(topic, from({ at: 'offset', offset: 3 }, 0)))
    await using time = new Tap(log.read(topic, from({ at: 'time', timestampMs: base + 1500 }, 0)))
    await using future = new Tap(log.read(topic, from({ at: 'time', timestampMs: base + 9_999_000_000 }, 0)))
    const taps = [earliest, latest, offset, time, future]
    await Promise.all(taps.map((tap) => tap.untilStarted(1)))
    assert.deepEqual(
      taps.map((tap) => tap.last('started').offset),
      [0, 5, 3, 2, 5],
    )
    assert.deepEqual(
      taps.map((tap) => tap.last('started').highWatermark),
      [5, 5, 5, 5, 5],
    )
    await log.append(topic, [{ key: null, value: 'new' }])
    await Promise.all(taps.map((tap) => tap.until(() => tap.values(0).includes('new'))))
    assert.deepEqual(
      taps.map((tap) => tap.values(0).join()),
      ['0,1,2,3,4,new', 'new', '3,4,new', '2,3,4,new', 'new'],
    )
  })

  it('delivers the partitions asked for and no others, each after its `started`', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 3)
    await log.append(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(3, partition)),
    )
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0, 2)))
    await tap.until(() => tap.records(0).length === 3 && tap.records(2).length === 3)
    assert.equal(tap.records(1).length, 0)
    for (const partition of [0, 2]) {
      assert.equal(tap.events.find((event) => 'partition' in event && event.partition === partition)?.kind, 'started')
    }
  })

  it('takes partitions on and gives them up while it goes on', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 3)
    await log.append(topic, [...numbered(2, 0), ...numbered(2, 1)])
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 2)
    tap.reader.add(from(EARLIEST, 1))
    await tap.untilRecords(1, 2)
    tap.reader.remove([0])
    tap.reader.add(from(LATEST, 2))
    await tap.untilStarted(3)
    await log.append(topic, [...numbered(1, 0, 2), ...numbered(1, 1, 2), ...numbered(1, 2)])
    await tap.until(() => tap.records(1).length === 3 && tap.records(2).length === 1)
    assert.equal(tap.records(0).length, 2, 'a removed partition is silent')
    tap.reader.add(from({ at: 'offset', offset: 1 }, 0))
    await tap.untilRecords(0, 4)
    assert.deepEqual(tap.values(0), ['0', '1', '1', '2'])
    tap.reader.add(from(EARLIEST, 1))
    await log.append(topic, numbered(1, 1, 3))
    await tap.untilRecords(1, 4)
    assert.deepEqual(tap.values(1), ['0', '1', '2', '3'], 'adding what is read already changes nothing')
  })

  it('forgets what it had of a partition that is given up and taken on again', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const big = 'x'.repeat(50_000)
    for (let i = 0; i < 4; i++)
      await log.append(
        topic,
        Array.from({ length: 10 }, (_, j) => ({ key: `${i * 10 + j}`, value: big })),
      )
    const reader = log.read(topic, from(EARLIEST, 0))
    let firstOffsets: number[] | undefined
    const after: LogEvent[] = []
    for await (const event of reader) {
      if (firstOffsets !== undefined) after.push(event)
      if (event.kind !== 'records') continue
      if (firstOffsets !== undefined) break
      firstOffsets = event.records.map((record) => record.offset)
      // Whatever was fetched ahead by now belongs to the partition as it was read before.
      await log.describe(topic)
      reader.remove([0])
      reader.add(from({ at: 'offset', offset: 39 }, 0))
    }
    assert.equal(firstOffsets?.[0], 0)
    assert.deepEqual(
      after.map((event) => event.kind),
      ['started', 'records'],
    )
    assert.deepEqual(
      after.map((event) => (event.kind === 'records' ? event.records.map((record) => record.offset) : [])),
      [[], [39]],
    )
  })

  it('does not flood a reader that does not read', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const total = 40 * 1024 * 1024
    const chunk = 400_000
    for (let bytes = 0; bytes < total; bytes += chunk) await log.append(topic, [{ key: null, value: Buffer.alloc(chunk, 'x') }])
    const before = await bufferBytesInUse()
    await using slow = log.read(topic, from(EARLIEST, 0))
    const iterator = slow[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value?.kind, 'started')
    // While another reads everything, the slow one could have been filled as well.
    await using reader = log.read(topic, from(EARLIEST, 0))
    let read = 0
    for await (const event of reader) {
      if (event.kind === 'records') for (const record of event.records) read += record.value!.length
      if (read >= total) break
    }
    const grown = (await bufferBytesInUse()) - before
    assert.ok(grown < 16 * 1024 * 1024, `holds ${grown} bytes for a reader that took none of ${total}`)
  })
}

function changes(use: () => LogUnderTest): void {
  it('jumps, and says so, when the start lies outside what is held', async () => {
    const under = use()
    const { log } = under
    const topic = await makeTopic(log, 2)
    await log.append(topic, [...numbered(10, 0), ...numbered(10, 1)])
    await under.deleteRecordsBefore(topic, 0, 6)
    await using low = new Tap(log.read(topic, from({ at: 'offset', offset: 2 }, 0)))
    await using high = new Tap(log.read(topic, from({ at: 'offset', offset: 99 }, 1)))
    await low.untilRecords(0, 4)
    await high.until(() => high.count('jumped') === 1)
    assert.deepEqual(low.events.slice(0, 2), [
      { kind: 'started', partition: 0, offset: 6, highWatermark: 10 },
      { kind: 'jumped', partition: 0, from: 2, offset: 6 },
    ])
    assert.deepEqual(low.values(0), ['6', '7', '8', '9'])
    assert.deepEqual(high.last('jumped'), { kind: 'jumped', partition: 1, from: 99, offset: 10 })
    await log.append(topic, numbered(1, 1, 10))
    await high.untilRecords(1, 1)
    assert.deepEqual(high.values(1), ['10'])
  })

  it('jumps when records are taken away before a slow reader gets to them', async () => {
    const under = use()
    const { log } = under
    const topic = await makeTopic(log, 1)
    const big = 'x'.repeat(100_000)
    const count = 200
    for (let i = 0; i < count; i += 20)
      await log.append(
        topic,
        Array.from({ length: 20 }, () => ({ key: null, value: big })),
      )
    await using reader = log.read(topic, from(EARLIEST, 0))
    const iterator = reader[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value?.kind, 'started')
    const first = await iterator.next()
    assert.equal(first.value?.kind, 'records')
    await under.deleteRecordsBefore(topic, 0, count - 1)
    let next = 0
    for (let step = first; ; step = await iterator.next()) {
      const event = step.value
      assert.ok(event)
      if (event.kind === 'records') next = event.records.at(-1)!.offset + 1
      if (event.kind !== 'jumped') continue
      assert.deepEqual(event, { kind: 'jumped', partition: 0, from: next, offset: count - 1 })
      break
    }
    const rest = await iterator.next()
    assert.deepEqual(rest.value?.kind === 'records' && rest.value.records.map(({ offset }: LogRecord) => offset), [count - 1])
  })

  it('tells of new partitions and reads them when asked to', async () => {
    const under = use()
    const { log } = under
    const topic = await makeTopic(log, 1)
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilStarted(1)
    await under.addPartitions(topic, 3)
    await tap.until(() => tap.count('grown') === 1)
    assert.equal(tap.last('grown').partitions, 3)
    await log.append(topic, numbered(1, 2))
    tap.reader.add(from(EARLIEST, 1, 2))
    await tap.untilRecords(2, 1)
    assert.equal(tap.count('grown'), 1)
  })

  it('says that the topic is missing, then recreated, and ends', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    await log.append(topic, numbered(1, 0))
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0)))
    await tap.untilRecords(0, 1)
    await log.deleteTopic(topic)
    await tap.until(() => tap.count('missing') === 1)
    await log.createTopic(topic, { partitions: 1 })
    await log.append(topic, numbered(5, 0, 100))
    assert.equal(await tap.ended, undefined)
    assert.deepEqual(tap.kinds, ['started', 'records', 'missing', 'recreated'])
    assert.equal(tap.last('recreated').topicId, (await log.describe(topic)).topicId)
    assert.deepEqual(tap.values(0), ['0'], 'nothing of the new topic was taken for the old')
  })
}

function theEnd(use: () => LogUnderTest): void {
  it('of a reader ends a `next` that waits, and is the same twice', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const reader = log.read(topic, from(EARLIEST, 0))
    const iterator = reader[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value?.kind, 'started')
    const waiting = iterator.next()
    await Promise.all([reader.close(), reader.close()])
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
  })

  it('of a loop ends the reader', async () => {
    const { log } = use()
    const topic = await makeTopic(log, 1)
    const reader = log.read(topic, from(EARLIEST, 0))
    for await (const event of reader) if (event.kind === 'started') break
    assert.deepEqual(await reader[Symbol.asyncIterator]().next(), { done: true, value: undefined })
  })

  it('of the log ends its readers and refuses further calls', async () => {
    const under = use()
    const { log } = under
    const other = await under.open()
    const topic = await makeTopic(other, 1)
    const tap = new Tap(other.read(topic, from(EARLIEST, 0)))
    await tap.untilStarted(1)
    await other.close()
    await other.close()
    assert.equal(await tap.ended, undefined)
    await assert.rejects(other.describe(topic), isLogError('log_closed'))
    await assert.rejects(other.append(topic, numbered(1, 0)), isLogError('log_closed'))
    assert.throws(() => other.read(topic, from(EARLIEST, 0)), isLogError('log_closed'))
    assert.equal((await log.describe(topic)).partitions.length, 1, 'other logs are not affected')
  })
}

function outages(use: () => LogUnderTest): void {
  it('is told once, refuses appends, and costs no record', async () => {
    const under = use()
    const { log } = under
    const topic = await makeTopic(log, 2)
    await log.append(topic, [...numbered(3, 0), ...numbered(3, 1)])
    await using tap = new Tap(log.read(topic, from(EARLIEST, 0, 1)))
    await tap.until(() => tap.records(0).length === 3 && tap.records(1).length === 3)
    await under.breakDown()
    await tap.until(() => tap.count('unreachable') === 1)
    isLogError('log_unreachable')(tap.last('unreachable').error)
    await assert.rejects(log.describe(topic), isLogError('log_unreachable'))
    await under.repair()
    await tap.until(() => tap.count('reachable') === 1)
    await log.append(topic, [...numbered(3, 0, 3), ...numbered(3, 1, 3)])
    await tap.until(() => tap.records(0).length >= 6 && tap.records(1).length >= 6)
    for (const partition of [0, 1]) assert.deepEqual(tap.values(partition), ['0', '1', '2', '3', '4', '5'])
    assert.deepEqual([tap.count('unreachable'), tap.count('reachable'), tap.count('jumped')], [1, 1, 0])
  })

  it('at the start is waited for by a reader; a call rejects', async () => {
    const under = use()
    const { log } = under
    const topic = await makeTopic(log, 1)
    await log.append(topic, numbered(2, 0))
    const other = await under.open()
    await under.breakDown()
    await using tap = new Tap(other.read(topic, from(EARLIEST, 0)))
    await tap.until(() => tap.count('unreachable') === 1)
    await assert.rejects(other.describe(topic), (error: { retryable?: boolean }) => {
      isLogError('log_unreachable')(error)
      return error.retryable === true
    })
    await under.repair()
    await tap.untilRecords(0, 2)
    assert.deepEqual(tap.kinds.slice(0, 3), ['unreachable', 'reachable', 'started'])
    await tap.reader.close()
    await other.close()
  })
}
