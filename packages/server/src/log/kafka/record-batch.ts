import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import type { LogRecord, OffsetRange, OffsetSpan } from '../log.ts'

/*
 * Record batch, magic 2 (https://kafka.apache.org/documentation/#recordbatch). Decoded here rather than by the library
 * because this is the hot path (one object per record, no BigInt), because the library shows records of a transaction
 * whose abort marker lies in a later response, and because decoding can then wait until the reader is asked.
 */
const LENGTH_AT = 8
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const FIRST_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const RECORD_COUNT_AT = 57
const HEADER_BYTES = 61
/** `length` counts from behind itself. */
const LENGTH_END = 12

const COMPRESSION_BITS = 0b111
const LOG_APPEND_TIME_BIT = 1 << 3
const TRANSACTIONAL_BIT = 1 << 4
const CONTROL_BIT = 1 << 5

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** The offset behind the last complete batch in `bytes`; undefined when there is none. Reads batch headers only. */
export function endOffset(bytes: Buffer): number | undefined {
  let end: number | undefined
  for (let at = 0; isComplete(bytes, at); at += LENGTH_END + bytes.readInt32BE(at + LENGTH_AT)) {
    end = readInt64(bytes, at) + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1
  }
  return end
}

/** Decodes what one partition's fetch brought, piece by piece: records committed and not below `from`. */
export class RecordBatches {
  readonly #bytes: Buffer
  readonly #from: number
  /** By first offset; those reached move to `#abortedProducers` until their marker. */
  readonly #aborted: AbortedTransaction[]
  readonly #abortedProducers = new Set<number>()
  /** Where the next batch begins. */
  #at = 0
  /** Offsets below this are taken, or absent. */
  #position: number
  /** Where the last span ended. */
  #spannedTo: number
  /** Since then, in order. */
  #absent: OffsetRange[] = []
  #batch: BatchDecoder | undefined

  constructor(bytes: Buffer, from: number, aborted: readonly AbortedTransaction[] = []) {
    this.#bytes = bytes
    this.#from = from
    this.#position = from
    this.#spannedTo = from
    this.#aborted = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
    this.#batch = this.#nextBatch()
  }

  get isExhausted(): boolean {
    return this.#batch === undefined
  }

  /** Up to `recordsMax` records. @throws RangeError, Error when a batch cannot be decoded; `skipBatch` goes past it. */
  take(recordsMax: number): LogRecord[] {
    const records: LogRecord[] = []
    while (this.#batch !== undefined) {
      try {
        this.#batch.decodeInto(records, recordsMax, this.#from, this.#absent)
      } catch (error) {
        // What came before the bad record is good; the next call meets it first.
        this.#position = Math.max(this.#position, this.#batch.nextOffset)
        if (records.length > 0) return records
        throw error
      }
      this.#position = Math.max(this.#position, this.#batch.nextOffset)
      if (this.#batch.remaining > 0) break
      // Only of a batch that names fewer records than offsets, compaction took the last ones.
      if (this.#batch.isDense) this.#position = this.#batch.endOffset
      else this.#passOver(this.#batch.endOffset)
      this.#batch = this.#nextBatch()
    }
    return records
  }

  /** The offsets that everything taken since the last call speaks for. What is absent is told by batch headers, not by what was decoded. */
  spanTaken(): OffsetSpan {
    const span = { from: this.#spannedTo, next: this.#position, absent: this.#absent }
    this.#spannedTo = this.#position
    if (this.#absent.length > 0) this.#absent = []
    return span
  }

  /** Goes past the batch that could not be decoded; says which offsets are lost. */
  skipBatch(): { readonly from: number; readonly to: number } | undefined {
    const batch = this.#batch
    if (batch === undefined) return undefined
    this.#absent = []
    this.#position = this.#spannedTo = batch.endOffset
    this.#batch = this.#nextBatch()
    return { from: Math.max(batch.nextOffset, this.#from), to: batch.endOffset }
  }

  /** Nothing is there up to this offset. */
  #passOver(next: number): void {
    if (next > this.#position) this.#absent.push({ from: this.#position, next })
    this.#position = Math.max(this.#position, next)
  }

  #nextBatch(): BatchDecoder | undefined {
    while (isComplete(this.#bytes, this.#at)) {
      const start = this.#at
      this.#at += LENGTH_END + this.#bytes.readInt32BE(start + LENGTH_AT)
      const batch = new BatchDecoder(this.#bytes.subarray(start, this.#at))
      if (batch.endOffset <= this.#from) continue
      this.#passOver(batch.firstOffset)
      if (!this.#isAborted(batch) && !batch.isControl) return batch
      this.#passOver(batch.endOffset)
    }
    return undefined
  }

  /** Kafka's own rule: a producer's batches are aborted from a listed first offset on, until its next abort marker. */
  #isAborted(batch: BatchDecoder): boolean {
    while (this.#aborted.length > 0 && this.#aborted[0]!.firstOffset < batch.endOffset) {
      this.#abortedProducers.add(this.#aborted.shift()!.producerId)
    }
    if (this.#abortedProducers.size === 0) return false
    if (batch.isControl) {
      if (batch.isAbortMarker()) this.#abortedProducers.delete(batch.producerId)
      return true
    }
    return batch.isTransactional && this.#abortedProducers.has(batch.producerId)
  }
}

/** One batch. The header is read at once, records when asked for. */
class BatchDecoder {
  readonly #header: Buffer
  readonly firstOffset: number
  /** Whether it holds a record at each of its offsets, as every batch does that compaction has not come to. */
  readonly isDense: boolean
  readonly #attributes: number
  readonly #firstTimestampMs: number
  readonly #appendTimestampMs: number | undefined
  /** Records, decompressed; undefined until the first is wanted. */
  #bytes: Buffer | undefined
  #at = 0
  #nextOffset: number
  remaining: number

  constructor(bytes: Buffer) {
    this.#header = bytes
    this.firstOffset = readInt64(bytes, 0)
    this.#nextOffset = this.firstOffset
    this.#attributes = bytes.readInt16BE(ATTRIBUTES_AT)
    this.#firstTimestampMs = readInt64(bytes, FIRST_TIMESTAMP_AT)
    this.#appendTimestampMs = this.#attributes & LOG_APPEND_TIME_BIT ? readInt64(bytes, MAX_TIMESTAMP_AT) : undefined
    this.remaining = bytes.readInt32BE(RECORD_COUNT_AT)
    this.isDense = this.endOffset - this.firstOffset === this.remaining
  }

  get endOffset(): number {
    return this.firstOffset + this.#header.readInt32BE(LAST_OFFSET_DELTA_AT) + 1
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  get producerId(): number {
    return readInt64(this.#header, PRODUCER_ID_AT)
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL_BIT) !== 0
  }

  get isControl(): boolean {
    return (this.#attributes & CONTROL_BIT) !== 0
  }

  /** A control record's key is version (int16), type (int16); type 0 is abort. */
  isAbortMarker(): boolean {
    const records: LogRecord[] = []
    this.decodeInto(records, 1, 0)
    const key = records[0]?.key
    return key !== undefined && key !== null && key.length >= 4 && key[2] === 0 && key[3] === 0
  }

  /** @param absent gets the ranges from `from` on that compaction has emptied. */
  decodeInto(records: LogRecord[], recordsMax: number, from: number, absent: OffsetRange[] = []): void {
    this.#bytes ??= this.#openRecords()
    const reader = new VarintReader(this.#bytes, this.#at)
    while (this.remaining > 0 && records.length < recordsMax) {
      const end = reader.varint() + reader.at
      reader.at++ // record attributes, unused
      const timestampMs = this.#firstTimestampMs + reader.varint()
      const offset = this.firstOffset + reader.varint()
      const key = reader.bytes()
      const value = reader.bytes()
      const headerCount = reader.varint()
      const headers = headerCount > 0 ? readHeaders(reader, headerCount) : undefined
      if (reader.at !== end) throw new RangeError(`record at offset ${offset} does not end where its length says`)
      this.remaining--
      if (!this.isDense && offset > this.#nextOffset && offset > from) absent.push({ from: Math.max(this.#nextOffset, from), next: offset })
      this.#nextOffset = offset + 1
      this.#at = end
      // A fetch may begin inside a batch, which comes whole.
      if (offset < from) continue
      const record = { offset, timestampMs: this.#appendTimestampMs ?? timestampMs, key, value }
      records.push(headers === undefined ? record : { ...record, headers })
    }
  }

  #openRecords(): Buffer {
    const magic = this.#header[MAGIC_AT]
    if (magic !== 2) throw new Error(`record batch of format ${magic}: only 2 (Kafka 0.11 and later) is understood`)
    const bytes = this.#header.subarray(HEADER_BYTES)
    const compression = this.#attributes & COMPRESSION_BITS
    if (compression === 0) return bytes
    const algorithm = compressionsAlgorithmsByBitmask[compression]
    if (algorithm === undefined) throw new Error(`unknown compression ${compression}`)
    const plain = algorithm.decompressSync(bytes)
    // Declared a Buffer, but some codecs return a bare Uint8Array.
    return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  }
}

function readHeaders(reader: VarintReader, count: number): Map<string, Uint8Array> {
  const headers = new Map<string, Uint8Array>()
  for (let i = 0; i < count; i++) {
    const name = reader.bytes()
    headers.set(name === null ? '' : name.toString('utf8'), reader.bytes() ?? EMPTY)
  }
  return headers
}

const EMPTY = Buffer.alloc(0)

class VarintReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** Zigzag varint of up to 64 bits, exact up to 2^53. */
  varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let low = byte & 0x7f
    let shift = 7
    while (shift < 28) {
      byte = bytes[this.at++]!
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
      shift += 7
    }
    return this.#longVarint(low)
  }

  #longVarint(low: number): number {
    let value = low
    for (let factor = 2 ** 28; factor < 2 ** 64; factor *= 2 ** 7) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw new RangeError('record ends early')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Length-prefixed bytes as a view; length -1 is null. */
  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    if (!(this.at <= this.#bytes.length)) throw new RangeError('record ends early')
    return this.#bytes.subarray(start, this.at)
  }
}

function isComplete(bytes: Buffer, at: number): boolean {
  if (at + HEADER_BYTES > bytes.length) return false
  return at + LENGTH_END + bytes.readInt32BE(at + LENGTH_AT) <= bytes.length
}

export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}
