import { randomUUID } from 'node:crypto'
import type { Clock } from '../../runtime/clock.ts'
import { systemClock } from '../../runtime/clock.ts'
import { LogError } from '../../runtime/errors.ts'
import type { AppendResult, Log, LogAppend, LogRecord, PartitionStart, TopicDescription, TopicOptions } from '../log.ts'
import { partitionForKey } from '../partitioner.ts'
import { closedError, Connection, type EmbeddedConnection, unreachableError } from './connection.ts'
import { Partition, recordBytes } from './partition.ts'
import { EmbeddedReader, type EmbeddedTopic } from './reader.ts'

export interface EmbeddedLogOptions {
  /** Gives records their time. Default: the system's. Nothing here waits, so there are no timers. */
  readonly clock?: Clock
  /** Records kept per partition. Default 100,000. */
  readonly retentionRecordsMax?: number
  /** Bytes kept per partition. Default 64 MiB. */
  readonly retentionBytesMax?: number
  /** Part of the ids of its topics; simulations, which replay from a seed, give one. Default: random, another one for each log. */
  readonly name?: string
  /** Largest record accepted. Default 1 MiB, as Kafka's `message.max.bytes`. */
  readonly recordBytesMax?: number
}

/**
 * The in-memory log: the same interface as Kafka, each call also in a synchronous form for seeded simulations, and
 * the faults that tests, simulations and the demo inject.
 */
export interface EmbeddedLog extends Log {
  appendNow(topic: string, records: readonly LogAppend[]): readonly AppendResult[]
  describeNow(topic: string): TopicDescription
  createTopicNow(topic: string, options: TopicOptions): void
  deleteTopicNow(topic: string): void
  /** The reader has `take()`: the next event without waiting. */
  read(topic: string, partitions: readonly PartitionStart[]): EmbeddedReader
  /** A node's own way in, when several nodes share this log. */
  connect(): EmbeddedConnection
  /** Readers that are open now, through whatever way: for tests that look for leaks. */
  readonly readerCount: number

  /** `false`: every call and every reader fails as if all brokers were gone; `true` brings them back. */
  setReachable(reachable: boolean): void
  /** Appends still succeed, readers get nothing of this partition and are told nothing: a stalled fetch. */
  pauseDelivery(topic: string, partition: number): void
  resumeDelivery(topic: string, partition: number): void
  /** Raises the number of partitions; keys move, as in Kafka. */
  addPartitions(topic: string, partitions: number): void
  /** Takes away the records below `offset`, as retention would. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): void
}

export function createEmbeddedLog(options: EmbeddedLogOptions = {}): EmbeddedLog {
  return new InMemoryLog(options)
}

interface Topic extends EmbeddedTopic {
  /** Records without key and partition go round. */
  nextPartition: number
  readonly isCompacted: boolean
}

class InMemoryLog implements EmbeddedLog {
  readonly #clock: Clock
  readonly #retention: { readonly recordsMax: number; readonly bytesMax: number }
  readonly #recordBytesMax: number
  readonly #topics = new Map<string, Topic>()
  readonly #readers = new Set<EmbeddedReader>()
  readonly #name: string
  #topicsCreated = 0
  #isClosed = false
  #isReachable = true

  constructor(options: EmbeddedLogOptions) {
    this.#clock = options.clock ?? systemClock
    this.#name = options.name ?? randomUUID()
    this.#retention = {
      recordsMax: options.retentionRecordsMax ?? 100_000,
      bytesMax: options.retentionBytesMax ?? 64 * 1024 * 1024,
    }
    this.#recordBytesMax = options.recordBytesMax ?? 1024 * 1024
  }

  describeNow(name: string): TopicDescription {
    const topic = this.#get(name)
    return {
      topic: name,
      topicId: topic.id,
      partitions: topic.partitions.map(({ earliest, latest }, partition) => ({ partition, earliest, latest })),
    }
  }

  createTopicNow(name: string, { partitions, config }: TopicOptions): void {
    this.#assertUsable()
    const existing = this.#topics.get(name)
    if (existing?.partitions.length === partitions) return
    if (existing !== undefined) {
      throw new LogError('log_topic_exists', `topic ${name} exists with ${existing.partitions.length} partitions, not ${partitions}`)
    }
    this.#topicsCreated++
    const topic: Topic = {
      name,
      id: `${this.#name}-${this.#topicsCreated}`,
      partitions: [],
      nextPartition: 0,
      isCompacted: config?.['cleanup.policy'] === 'compact',
    }
    this.#grow(topic, partitions)
    this.#topics.set(name, topic)
    this.#wakeReaders(name)
  }

  deleteTopicNow(name: string): void {
    this.#get(name)
    this.#topics.delete(name)
    this.#wakeReaders(name)
  }

  appendNow(name: string, records: readonly LogAppend[]): readonly AppendResult[] {
    const topic = this.#get(name)
    const timestampMs = Math.floor(this.#clock.nowMs())
    // All are checked before the first is appended: a refused call leaves nothing behind.
    const prepared = records.map((append) => {
      const record = toRecord(append, timestampMs)
      const bytes = recordBytes(record)
      if (bytes > this.#recordBytesMax) {
        throw new LogError('log_record_too_large', `a record of ${bytes} bytes for topic ${name} exceeds ${this.#recordBytesMax}`)
      }
      const index = choosePartition(topic, append)
      const partition = topic.partitions[index]
      if (partition === undefined) {
        throw new LogError('log_append_failed', `topic ${name} has no partition ${index}, only 0 to ${topic.partitions.length - 1}`)
      }
      return { index, partition, record }
    })
    const results = prepared.map(({ index, partition, record }) => ({ partition: index, offset: partition.append(record) }))
    this.#wakeReaders(name)
    return results
  }

  read(topic: string, partitions: readonly PartitionStart[]): EmbeddedReader {
    return this.#openReader(topic, partitions)
  }

  connect(): EmbeddedConnection {
    return new Connection(this, (topic, partitions, connection) => this.#openReader(topic, partitions, connection))
  }

  get readerCount(): number {
    return this.#readers.size
  }

  async describe(topic: string): Promise<TopicDescription> {
    return this.describeNow(topic)
  }

  async createTopic(topic: string, options: TopicOptions): Promise<void> {
    this.createTopicNow(topic, options)
  }

  async deleteTopic(topic: string): Promise<void> {
    this.deleteTopicNow(topic)
  }

  async append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    return this.appendNow(topic, records)
  }

  setReachable(reachable: boolean): void {
    this.#isReachable = reachable
    for (const reader of [...this.#readers]) reader.wake()
  }

  pauseDelivery(topic: string, partition: number): void {
    this.#partition(topic, partition).delivering = false
  }

  resumeDelivery(topic: string, partition: number): void {
    this.#partition(topic, partition).delivering = true
    this.#wakeReaders(topic)
  }

  addPartitions(name: string, partitions: number): void {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw this.#missingError(name)
    this.#grow(topic, partitions)
    this.#wakeReaders(name)
  }

  deleteRecordsBefore(topic: string, partition: number, offset: number): void {
    this.#partition(topic, partition).deleteBefore(offset)
    this.#wakeReaders(topic)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#readers].map((reader) => reader.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #openReader(topic: string, partitions: readonly PartitionStart[], connection?: Connection): EmbeddedReader {
    if (this.#isClosed) throw closedError()
    const reader = new EmbeddedReader(
      {
        isReachable: () => this.#isReachable && connection?.isReachable !== false,
        topic: (name) => this.#topics.get(name),
        missingError: (name) => this.#missingError(name),
        forget: (ended) => {
          this.#readers.delete(ended)
          connection?.forget(ended)
        },
      },
      topic,
      partitions,
    )
    this.#readers.add(reader)
    return reader
  }

  #missingError(topic: string): LogError {
    const known = [...this.#topics.keys()].join(', ') || 'none'
    return new LogError('log_topic_missing', `topic ${topic} does not exist; create it or correct its name (existing topics: ${known})`)
  }

  #assertUsable(): void {
    if (this.#isClosed) throw closedError()
    if (!this.#isReachable) throw unreachableError()
  }

  #get(name: string): Topic {
    this.#assertUsable()
    const topic = this.#topics.get(name)
    if (topic === undefined) throw this.#missingError(name)
    return topic
  }

  #partition(name: string, partition: number): Partition {
    const found = this.#topics.get(name)?.partitions[partition]
    if (found === undefined) throw this.#missingError(`${name}, partition ${partition}`)
    return found
  }

  #grow(topic: Topic, partitions: number): void {
    while (topic.partitions.length < partitions) topic.partitions.push(new Partition(this.#retention, topic.isCompacted))
  }

  #wakeReaders(topic: string): void {
    for (const reader of [...this.#readers]) if (reader.topic === topic) reader.wake()
  }
}

function choosePartition(topic: Topic, append: LogAppend): number {
  if (append.partition !== undefined) return append.partition
  if (append.key !== null) return partitionForKey(append.key, topic.partitions.length)
  topic.nextPartition = (topic.nextPartition + 1) % topic.partitions.length
  return topic.nextPartition
}

function toRecord(append: LogAppend, nowMs: number): Omit<LogRecord, 'offset'> {
  const record = { timestampMs: append.timestampMs ?? nowMs, key: toBytes(append.key), value: toBytes(append.value) }
  const headers = Object.entries(append.headers ?? {})
  if (headers.length === 0) return record
  return { ...record, headers: new Map(headers.map(([name, value]) => [name, Buffer.from(value)])) }
}

/** Copies bytes: what the caller does with its buffer later must not change the log. */
function toBytes(data: string | Uint8Array | null): Uint8Array | null {
  return data === null ? null : Buffer.from(data as string)
}
