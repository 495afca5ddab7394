import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecordsBatch, type MessageRecord } from '@platformatic/kafka'
import { encodeRecordBatch } from './produce-api.ts'
import { endOffset, RecordBatches } from './record-batch.ts'

const BASE_MS = 1_700_000_000_000

/** A batch as a broker stores it: the library's encoder, with the first offset that the broker assigns. */
function batch(firstOffset: number, records: readonly Partial<MessageRecord>[], compression: 'none' | 'gzip' = 'none'): Buffer {
  const messages = records.map((record) => ({ topic: 't', partition: 0, value: Buffer.alloc(0), timestamp: BigInt(BASE_MS), ...record }))
  const bytes = Buffer.from(createRecordsBatch(messages, { compression }).buffer)
  bytes.writeBigInt64BE(BigInt(firstOffset), 0)
  return bytes
}

function values(count: number): { value: Buffer }[] {
  return Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${i}`) }))
}

test('what is encoded is decoded: offsets, times far before and after the first, keys, headers, null and empty', () => {
  const header = [Buffer.from('h'), Buffer.from('1')] as const
  const outgoing = [
    { timestampMs: BASE_MS, key: Buffer.from('k'), value: Buffer.from('a'), headers: [] },
    { timestampMs: BASE_MS - 1_600_000_000_000, key: null, value: Buffer.alloc(300_000, 'b'), headers: [header] },
    { timestampMs: BASE_MS + 900_000_000_000, key: Buffer.alloc(0), value: null, headers: [] },
  ]
  const bytes = encodeRecordBatch(outgoing)
  bytes.writeBigInt64BE(1_000_000_000_000n, 0)
  const records = new RecordBatches(bytes, 0).take(10)
  assert.deepEqual(
    records.map((record) => record.offset - 1_000_000_000_000),
    [0, 1, 2],
  )
  assert.deepEqual(
    records.map((record) => record.timestampMs),
    outgoing.map((record) => record.timestampMs),
  )
  assert.deepEqual(
    records.map((record) => [record.key, record.value]),
    outgoing.map((record) => [record.key, record.value]),
  )
  const headers = records.map((record) => [...(record.headers ?? [])].map(([name, value]) => `${name}=${String(value)}`))
  assert.deepEqual(headers, [[], ['h=1'], []])
})

test('the encoder writes what the client library writes', () => {
  const records = values(50).map(({ value }, i) => ({ timestampMs: BASE_MS + i * 977, key: Buffer.from(`k${i}`), value, headers: [] }))
  const messages = records.map(({ timestampMs, key, value }) => ({ topic: 't', partition: 0, key, value, timestamp: BigInt(timestampMs) }))
  const library = Buffer.from(createRecordsBatch(messages, { partitionLeaderEpoch: -1, producerId: -1n, producerEpoch: -1 }).buffer)
  const own = encodeRecordBatch(records)
  // The library's base sequence is 0 even without a producer; Kafka's own client writes -1.
  library.writeInt32BE(-1, 53)
  own.copy(library, 17, 17, 21)
  assert.deepEqual(own, library)
})

test('records come in the pieces asked for, across batches, from the offset on that was fetched', () => {
  const bytes = Buffer.concat([batch(10, values(5)), batch(15, values(5), 'gzip'), batch(30, values(2))])
  assert.equal(endOffset(bytes), 32)
  const batches = new RecordBatches(bytes, 12)
  assert.deepEqual(
    batches.take(4).map((record) => record.offset),
    [12, 13, 14, 15],
  )
  assert.equal(batches.isExhausted, false)
  assert.deepEqual(
    batches.take(100).map((record) => record.offset),
    [16, 17, 18, 19, 30, 31],
  )
  assert.equal(batches.isExhausted, true)
})

test('what is taken says which offsets it speaks for, and where the log itself has nothing', () => {
  const compacted = batch(15, values(5))
  // Its header names seven offsets: compaction has taken the last two.
  const survivors = batch(22, values(2))
  compacted.writeInt32BE(6, 23)
  const batches = new RecordBatches(Buffer.concat([batch(10, values(5)), compacted, survivors]), 12)
  assert.equal(batches.take(2).length, 2)
  assert.deepEqual(batches.spanTaken(), { from: 12, next: 14, absent: [] })
  assert.equal(batches.take(100).length, 8)
  assert.deepEqual(batches.spanTaken(), { from: 14, next: 24, absent: [{ from: 20, next: 22 }] })
  assert.deepEqual(batches.spanTaken(), { from: 24, next: 24, absent: [] })
})

test('a batch that the fetch limit cut off is left for the next fetch', () => {
  const whole = batch(0, values(3))
  const bytes = Buffer.concat([whole, batch(3, values(3)).subarray(0, 70)])
  assert.equal(endOffset(bytes), 3)
  assert.equal(new RecordBatches(bytes, 0).take(100).length, 3)
  assert.equal(endOffset(whole.subarray(0, 40)), undefined)
})

test('records in front of broken bytes are delivered, the rest of that batch is skipped by its offsets', () => {
  const broken = batch(3, [{ value: Buffer.from('good') }, { value: Buffer.alloc(50, 'x') }, { value: Buffer.from('lost') }])
  broken.fill(0xff, broken.indexOf('xxx') - 6, broken.indexOf('xxx') + 10)
  const batches = new RecordBatches(Buffer.concat([batch(0, values(3)), broken, batch(6, values(1))]), 0)
  assert.deepEqual(
    batches.take(100).map((record) => record.offset),
    [0, 1, 2, 3],
  )
  assert.throws(() => batches.take(100))
  assert.deepEqual(batches.skipBatch(), { from: 4, to: 6 })
  assert.deepEqual(
    batches.take(100).map((record) => record.offset),
    [6],
  )
})

test('what a producer aborted is left out until its marker, also when it transacts again', () => {
  const transactional = (firstOffset: number, producerId: number): Buffer => {
    const messages = [{ topic: 't', partition: 0, value: Buffer.from(`p${producerId}`), timestamp: BigInt(BASE_MS) }]
    const bytes = Buffer.from(createRecordsBatch(messages, { transactionalId: 'x', producerId: BigInt(producerId) }).buffer)
    bytes.writeBigInt64BE(BigInt(firstOffset), 0)
    return bytes
  }
  const marker = (firstOffset: number, producerId: number, type: 0 | 1): Buffer => {
    const key = Buffer.from([0, 0, 0, type])
    const messages = [{ topic: 't', partition: 0, key, value: Buffer.alloc(6), timestamp: BigInt(BASE_MS) }]
    const bytes = Buffer.from(createRecordsBatch(messages, { transactionalId: 'x', producerId: BigInt(producerId) }).buffer)
    bytes.writeBigInt64BE(BigInt(firstOffset), 0)
    bytes.writeInt16BE(bytes.readInt16BE(21) | 0b110000, 21)
    return bytes
  }
  const bytes = Buffer.concat([
    transactional(0, 7),
    transactional(1, 8),
    marker(2, 7, 0),
    transactional(3, 7),
    marker(4, 8, 1),
    marker(5, 7, 1),
    transactional(6, 7),
    // No marker for this one: it lies behind what was fetched.
  ])
  const aborted = [
    { producerId: 7, firstOffset: 6 },
    { producerId: 7, firstOffset: 0 },
  ]
  assert.deepEqual(
    new RecordBatches(bytes, 0, aborted).take(100).map((record) => record.offset),
    [1, 3],
  )
})
