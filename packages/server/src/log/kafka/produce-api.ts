import { crc32c, createAPI, produceV9, Writer } from '@platformatic/kafka'

/** A record about to be written; its offset within the batch is its place. */
export interface OutgoingRecord {
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: Buffer, value: Buffer])[]
}

export interface OutgoingBatch {
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
}

type ProduceArguments = [topic: string, acks: number, timeoutMs: number, batches: readonly OutgoingBatch[]]

/**
 * Produce version 9. Request framing and response are the library's; batches are written here, because its encoder
 * garbles times that lie more than 24 days from the first of their batch, and takes many times as long.
 */
export const produceApi = createAPI<ProduceArguments, produceV9.ProduceResponse>(0, 9, createProduceRequest, produceV9.parseResponse)

function createProduceRequest(topic: string, acks: number, timeoutMs: number, batches: readonly OutgoingBatch[]): Writer {
  return Writer.create()
    .appendString(null) // no transaction
    .appendInt16(acks)
    .appendInt32(timeoutMs)
    .appendArray([topic], (topicWriter, name) => {
      topicWriter.appendString(name).appendArray([...batches], (writer, { partition, records }) => {
        const bytes = encodeRecordBatch(records)
        writer
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes)
      })
    })
    .appendTaggedFields()
}

/** Layout: see record-batch.ts. The base offset is the broker's to fill in. */
const HEADER_BYTES = 61
const LENGTH_END = 12
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const MAGIC = 2
const NO_PRODUCER = -1

export function encodeRecordBatch(records: readonly OutgoingRecord[]): Buffer {
  const firstMs = records[0]?.timestampMs ?? 0
  const bodies = records.map((record, i) => bodyBytes(record, record.timestampMs - firstMs, i))
  const size = bodies.reduce((sum, body) => sum + varintBytes(body) + body, HEADER_BYTES)
  const out = Buffer.allocUnsafe(size)
  writeHeader(out, records, firstMs)
  const writer = new VarintWriter(out, HEADER_BYTES)
  records.forEach((record, i) => {
    writer.varint(bodies[i]!)
    out[writer.at++] = 0 // record attributes, unused
    writer.varint(record.timestampMs - firstMs)
    writer.varint(i)
    writer.bytes(record.key)
    writer.bytes(record.value)
    writer.varint(record.headers.length)
    for (const [name, value] of record.headers) {
      writer.bytes(name)
      writer.bytes(value)
    }
  })
  out.writeUInt32BE(crc32c(out.subarray(ATTRIBUTES_AT)), CRC_AT)
  return out
}

function writeHeader(out: Buffer, records: readonly OutgoingRecord[], firstMs: number): void {
  const maxMs = records.reduce((max, record) => Math.max(max, record.timestampMs), firstMs)
  let at = out.writeBigInt64BE(0n, 0) // base offset
  at = out.writeInt32BE(out.length - LENGTH_END, at)
  at = out.writeInt32BE(-1, at) // partition leader epoch
  at = out.writeInt8(MAGIC, at)
  at += 4 // CRC, once the rest is written
  at = out.writeInt16BE(0, at) // attributes: no compression, create time
  at = out.writeInt32BE(records.length - 1, at)
  at = out.writeBigInt64BE(BigInt(firstMs), at)
  at = out.writeBigInt64BE(BigInt(maxMs), at)
  at = out.writeBigInt64BE(BigInt(NO_PRODUCER), at)
  at = out.writeInt16BE(NO_PRODUCER, at)
  at = out.writeInt32BE(NO_PRODUCER, at) // base sequence
  out.writeInt32BE(records.length, at)
}

function bodyBytes(record: OutgoingRecord, timestampDelta: number, offsetDelta: number): number {
  let bytes = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(record.headers.length)
  bytes += prefixedBytes(record.key) + prefixedBytes(record.value)
  for (const [name, value] of record.headers) bytes += prefixedBytes(name) + prefixedBytes(value)
  return bytes
}

function prefixedBytes(bytes: Buffer | null): number {
  return bytes === null ? varintBytes(-1) : varintBytes(bytes.length) + bytes.length
}

/** Zigzag in plain numbers: exact up to 2^52, which times and lengths stay far below. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

class VarintWriter {
  readonly #out: Buffer
  at: number

  constructor(out: Buffer, at: number) {
    this.#out = out
    this.at = at
  }

  varint(value: number): void {
    let rest = zigzag(value)
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#out[this.at++] = (rest % 128) | 0x80
    this.#out[this.at++] = rest
  }

  /** Length and bytes; length -1 is null. */
  bytes(bytes: Buffer | null): void {
    this.varint(bytes === null ? -1 : bytes.length)
    if (bytes === null) return
    this.#out.set(bytes, this.at)
    this.at += bytes.length
  }
}
