import { createAPI, fetchV13, type Reader } from '@platformatic/kafka'
import { type AbortedTransaction, readInt64 } from './record-batch.ts'

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches, undecoded. */
  readonly bytes: Buffer
}

export interface FetchResponse {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

interface FetchTopic {
  readonly topicId: string
  readonly partitions: readonly fetchV13.FetchRequestPartition[]
}

type FetchArguments = [
  maxWaitMs: number,
  minBytes: number,
  maxBytes: number,
  isolationLevel: number,
  sessionId: number,
  sessionEpoch: number,
  topics: readonly FetchTopic[],
  forgotten: [],
  rackId: string,
]

/**
 * Fetch version 13: the first that names the topic by its id, so that a topic recreated under the same name is an
 * error and never read by mistake. The request is the library's; of the response, record batches stay undecoded.
 */
export const fetchApi = createAPI<FetchArguments, FetchResponse>(1, 13, fetchV13.createRequest, parseFetchResponse)

function parseFetchResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchResponse {
  const bytes = reader.buffer.buffer.subarray(reader.position)
  const parser = new Parser(bytes)
  const throttleTimeMs = parser.int32()
  const errorCode = parser.int16()
  parser.int32() // session id
  const partitions: FetchedPartition[] = []
  for (let topics = parser.arrayLength(); topics > 0; topics--) {
    parser.skip(16) // topic id: only one is ever asked for
    for (let left = parser.arrayLength(); left > 0; left--) partitions.push(parsePartition(parser))
    parser.skipTags()
  }
  return { throttleTimeMs, errorCode, partitions }
}

function parsePartition(parser: Parser): FetchedPartition {
  const partition = parser.int32()
  const errorCode = parser.int16()
  const highWatermark = parser.int64()
  parser.skip(16) // last stable offset, log start offset
  const aborted: AbortedTransaction[] = []
  for (let left = parser.arrayLength(); left > 0; left--) {
    aborted.push({ producerId: parser.int64(), firstOffset: parser.int64() })
    parser.skipTags()
  }
  parser.skip(4) // preferred read replica: not asked for without a rack
  const bytes = parser.compactBytes()
  parser.skipTags()
  return { partition, errorCode, highWatermark, aborted, bytes }
}

/** Kafka's primitive types over one buffer. */
class Parser {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  skip(length: number): void {
    this.#at += length
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  int64(): number {
    this.#at += 8
    return readInt64(this.#bytes, this.#at - 8)
  }

  /** Compact arrays and bytes carry their length plus one; zero is null, here as good as empty. */
  arrayLength(): number {
    return Math.max(0, this.#unsignedVarint() - 1)
  }

  compactBytes(): Buffer {
    const length = this.arrayLength()
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('fetch response ends early')
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  skipTags(): void {
    for (let left = this.#unsignedVarint(); left > 0; left--) {
      this.#unsignedVarint()
      this.#at += this.#unsignedVarint()
    }
  }

  #unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value >>> 0
  }
}
