import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEmbeddedLog } from '../../packages/server/src/log/index.ts'
import { logContract } from './log-contract.ts'
import { from, Tap, text } from './log-tap.ts'

logContract('the embedded log', async () => {
  const log = createEmbeddedLog()
  return {
    log: log.connect(),
    open: async () => log.connect(),
    breakDown: async () => log.setReachable(false),
    repair: async () => log.setReachable(true),
    addPartitions: async (topic, partitions) => log.addPartitions(topic, partitions),
    deleteRecordsBefore: async (topic, partition, offset) => log.deleteRecordsBefore(topic, partition, offset),
    close: () => log.close(),
  }
})

test('the embedded log can be driven without waiting, and its time is the clock it is given', () => {
  let nowMs = 1000.7
  const noTimer = (): never => assert.fail('the embedded log needs no timers')
  const log = createEmbeddedLog({ clock: { nowMs: () => nowMs, after: noTimer, every: noTimer, soon: noTimer } })
  log.createTopicNow('t', { partitions: 1 })
  const reader = log.read('t', from({ at: 'latest' }, 0))
  log.appendNow('t', [{ key: 'a', value: '1' }])
  nowMs = 2000
  log.appendNow('t', [{ key: 'a', value: '2' }])
  assert.equal(reader.take()?.kind, 'started')
  const batch = reader.take()
  assert.ok(batch?.kind === 'records')
  assert.deepEqual(
    batch.records.map((record) => [record.offset, record.timestampMs, text(record.value)]),
    [
      [0, 1000, '1'],
      [1, 2000, '2'],
    ],
  )
  assert.equal(reader.take(), undefined)
})

test('the embedded log keeps what its retention says, by number and by bytes, and always the newest', () => {
  const log = createEmbeddedLog({ retentionRecordsMax: 3000, retentionBytesMax: 1_100_000 })
  log.createTopicNow('t', { partitions: 2 })
  for (let i = 0; i < 10_000; i++) log.appendNow('t', [{ partition: 0, key: null, value: '' }])
  log.appendNow(
    't',
    Array.from({ length: 20 }, () => ({ partition: 1, key: null, value: Buffer.alloc(300_000) })),
  )
  log.appendNow('t', [{ partition: 1, key: null, value: Buffer.alloc(1_000_000) }])
  assert.deepEqual(log.describeNow('t').partitions, [
    { partition: 0, earliest: 7000, latest: 10_000 },
    { partition: 1, earliest: 20, latest: 21 },
  ])
})

test('a record that the embedded log keeps does not keep memory of anybody else alive', () => {
  const log = createEmbeddedLog()
  log.createTopicNow('t', { partitions: 2 })
  const given = Buffer.from('{"last":1}')
  for (const partition of [0, 1, 0]) log.appendNow('t', [{ partition, key: 'A', value: given }])
  given.fill(0)
  const read = (partition: number) => {
    const reader = log.read('t', from({ at: 'earliest' }, partition))
    const events = [reader.take(), reader.take()]
    return events.flatMap((event) => (event?.kind === 'records' ? event.records : [])).map(({ value }) => value!)
  }
  const [first, second] = [read(0), read(1)]
  assert.deepEqual([...first, ...second].map(String), ['{"last":1}', '{"last":1}', '{"last":1}'])
  assert.equal(first[0]!.buffer, first[1]!.buffer)
  assert.notEqual(first[0]!.buffer, second[0]!.buffer)
  assert.notEqual(first[0]!.buffer, Buffer.from('a slice of the pool').buffer)
})

test('of a compacted topic the embedded log keeps the newest record of each key, and reading it from the start stays short', () => {
  const log = createEmbeddedLog({ retentionRecordsMax: 100 })
  log.createTopicNow('t', { partitions: 1, config: { 'cleanup.policy': 'compact' } })
  const append = (key: string, value: string | null) => log.appendNow('t', [{ key, value }])[0]!.offset
  append('word', 'first')
  append('word', 'offline')
  append('gone', 'x')
  append('gone', null)
  for (let i = 0; i < 10_000; i++) assert.ok(append(`beat-${i % 5}`, String(i)) >= i)
  const reader = log.read('t', from({ at: 'earliest' }, 0))
  const held = new Map<string, string>()
  let count = 0
  for (let event = reader.take(); event !== undefined; event = reader.take()) {
    for (const record of event.kind === 'records' ? event.records : []) {
      held.set(text(record.key)!, text(record.value)!)
      count++
    }
  }
  assert.deepEqual([...held].sort(), [
    ['beat-0', '9995'],
    ['beat-1', '9996'],
    ['beat-2', '9997'],
    ['beat-3', '9998'],
    ['beat-4', '9999'],
    ['word', 'offline'],
  ])
  assert.ok(count <= 101, `${count} records`)
  for (let i = 0; i < 500; i++) append(`key-${i}`, 'more keys than records')
  assert.ok(log.describeNow('t').partitions[0]!.latest > 0)
})

test('a compacted topic is kept short by itself, and of many keys it holds some records each', () => {
  const log = createEmbeddedLog()
  const beat = (topic: string, keys: number, beats: number) => {
    log.createTopicNow(topic, { partitions: 1, config: { 'cleanup.policy': 'compact' } })
    for (let i = 0; i < beats; i++) log.appendNow(topic, [{ key: `node-${i % keys}`, value: '' }])
    const { earliest, latest } = log.describeNow(topic).partitions[0]!
    return { held: latest - earliest, putAgain: latest - beats }
  }
  assert.deepEqual(beat('few', 10, 20_000), { held: 1000, putAgain: 0 })
  assert.deepEqual(beat('many', 2000, 60_000), { held: 20_000, putAgain: 0 })
})

test('the embedded log can hold one partition back while the others go on', async () => {
  const log = createEmbeddedLog()
  log.createTopicNow('t', { partitions: 2 })
  await using tap = new Tap(log.read('t', from({ at: 'earliest' }, 0, 1)))
  await tap.untilStarted(2)
  log.pauseDelivery('t', 0)
  log.appendNow('t', [
    { partition: 0, key: null, value: 'held' },
    { partition: 1, key: null, value: 'through' },
  ])
  await tap.untilRecords(1, 1)
  assert.equal(tap.records(0).length, 0)
  log.resumeDelivery('t', 0)
  await tap.untilRecords(0, 1)
  assert.deepEqual(tap.values(0), ['held'])
})

test('one node can be cut off from a shared embedded log while another goes on', async () => {
  const log = createEmbeddedLog()
  log.createTopicNow('t', { partitions: 1 })
  const [cut, whole] = [log.connect(), log.connect()]
  await using cutTap = new Tap(cut.read('t', from({ at: 'earliest' }, 0)))
  await using wholeTap = new Tap(whole.read('t', from({ at: 'earliest' }, 0)))
  await Promise.all([cutTap.untilStarted(1), wholeTap.untilStarted(1)])
  cut.setReachable(false)
  await cutTap.until(() => cutTap.count('unreachable') === 1)
  await assert.rejects(cut.append('t', [{ key: 'a', value: 'x' }]), { code: 'log_unreachable' })
  await whole.append('t', [{ key: 'a', value: '1' }])
  await wholeTap.untilRecords(0, 1)
  cut.setReachable(true)
  await cutTap.untilRecords(0, 1)
  assert.deepEqual(cutTap.kinds, ['started', 'unreachable', 'reachable', 'records'])
  await cut.close()
  assert.equal(await cutTap.ended, undefined)
  assert.equal(log.readerCount, 1)
})

test('topics of two logs have different ids: what is remembered of one is not taken for the other', async () => {
  const ids = [createEmbeddedLog(), createEmbeddedLog()].map((log) => {
    log.createTopicNow('t', { partitions: 1 })
    return log.describeNow('t').topicId
  })
  assert.equal(new Set(ids).size, 2, ids.join(', '))
  const named = [createEmbeddedLog({ name: 'n' }), createEmbeddedLog({ name: 'n' })]
  for (const log of named) log.createTopicNow('t', { partitions: 1 })
  assert.equal(new Set(named.map((log) => log.describeNow('t').topicId)).size, 1, 'a simulation replays')
})
