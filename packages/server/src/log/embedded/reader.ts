import type { LogError } from '../../runtime/errors.ts'
import type { LogEvent, LogReader, LogStart, PartitionStart } from '../log.ts'
import { unreachableError } from './connection.ts'
import type { Partition } from './partition.ts'

/** The state of a topic as its readers look at it; changed only by the embedded log. */
export interface EmbeddedTopic {
  readonly name: string
  readonly id: string
  readonly partitions: Partition[]
}

/** What a reader asks of the log that it belongs to. */
export interface ReaderHost {
  isReachable(): boolean
  topic(name: string): EmbeddedTopic | undefined
  missingError(topic: string): LogError
  forget(reader: EmbeddedReader): void
}

interface Cursor {
  readonly partition: number
  readonly start: LogStart
  /** Next offset to deliver; undefined until the partition could be looked at. */
  next: number | undefined
  isStarted: boolean
}

/** Offsets are dense here. */
const NONE_ABSENT: readonly never[] = []
const BATCH_RECORDS_MAX = 1000
const BATCH_BYTES_MAX = 256 * 1024

/**
 * Reads by pulling: nothing is copied or queued, so a reader that nobody iterates costs nothing. `take` is the whole
 * reader, synchronous and deterministic; the async iteration only waits for it to have something.
 */
export class EmbeddedReader implements LogReader {
  readonly topic: string
  readonly #host: ReaderHost
  readonly #cursors: Cursor[] = []
  #turn = 0
  /** What the reader has been told; compared with what is, each difference becomes one event. */
  #topicId: string | undefined
  #partitionCount = 0
  #isToldMissing = false
  #isToldUnreachable = false
  #isEnded = false
  #waiting: (() => void) | undefined

  constructor(host: ReaderHost, topic: string, partitions: readonly PartitionStart[]) {
    this.#host = host
    this.topic = topic
    this.add(partitions)
  }

  add(partitions: readonly PartitionStart[]): void {
    for (const { partition, start } of partitions) {
      if (this.#cursors.some((cursor) => cursor.partition === partition)) continue
      this.#cursors.push({ partition, start, next: undefined, isStarted: false })
    }
    this.#learnTopic()
    this.wake()
  }

  remove(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const index = this.#cursors.findIndex((cursor) => cursor.partition === partition)
      if (index >= 0) this.#cursors.splice(index, 1)
    }
  }

  /** The next event, or undefined when there is none now. Throws what the iteration would. */
  take(): LogEvent | undefined {
    if (this.#isEnded) return undefined
    if (!this.#host.isReachable()) {
      if (this.#isToldUnreachable) return undefined
      this.#isToldUnreachable = true
      return { kind: 'unreachable', error: unreachableError() }
    }
    if (this.#isToldUnreachable) {
      this.#isToldUnreachable = false
      return { kind: 'reachable' }
    }
    const topic = this.#host.topic(this.topic)
    return this.#takeTopicChange(topic) ?? (topic === undefined ? undefined : this.#takeFromPartitions(topic))
  }

  /** Called by the log after every change. */
  wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  /** Resolves an `at: 'latest'` as early as possible, so that what is appended after `read` or `add` is delivered. */
  #learnTopic(): void {
    if (!this.#host.isReachable() || this.#isEnded) return
    const topic = this.#host.topic(this.topic)
    if (topic === undefined || (this.#topicId !== undefined && this.#topicId !== topic.id)) return
    if (this.#topicId === undefined) {
      this.#topicId = topic.id
      this.#partitionCount = topic.partitions.length
    }
    for (const cursor of this.#cursors) cursor.next ??= topic.partitions[cursor.partition]?.resolve(cursor.start)
  }

  #takeTopicChange(topic: EmbeddedTopic | undefined): LogEvent | undefined {
    if (topic === undefined) {
      if (this.#topicId === undefined) {
        this.#end()
        throw this.#host.missingError(this.topic)
      }
      if (this.#isToldMissing) return undefined
      this.#isToldMissing = true
      return { kind: 'missing' }
    }
    this.#learnTopic()
    if (topic.id !== this.#topicId) {
      this.#end()
      return { kind: 'recreated', topicId: topic.id }
    }
    if (topic.partitions.length > this.#partitionCount) {
      this.#partitionCount = topic.partitions.length
      return { kind: 'grown', partitions: topic.partitions.length }
    }
    return undefined
  }

  /** Partitions take turns, so that a busy one cannot starve the others. */
  #takeFromPartitions(topic: EmbeddedTopic): LogEvent | undefined {
    const count = this.#cursors.length
    for (let i = 0; i < count; i++) {
      const index = (this.#turn + i) % count
      const cursor = this.#cursors[index]!
      const partition = topic.partitions[cursor.partition]
      const event = partition?.delivering ? takeFrom(cursor, partition) : undefined
      if (event === undefined) continue
      // Stay with a partition until it delivered records: `started` and `jumped` are followed by its own.
      this.#turn = event.kind === 'records' ? index + 1 : index
      return event
    }
    return undefined
  }

  #end(): void {
    this.#isEnded = true
    this.#host.forget(this)
    this.wake()
  }

  async #next(): Promise<IteratorResult<LogEvent, undefined>> {
    for (;;) {
      const event = this.take()
      if (event !== undefined) return { done: false, value: event }
      if (this.#isEnded) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<LogEvent, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#end()
        return { done: true, value: undefined }
      },
    }
  }

  async close(): Promise<void> {
    this.#end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function takeFrom(cursor: Cursor, partition: Partition): LogEvent | undefined {
  const { earliest, latest } = partition
  const wanted = cursor.next
  if (wanted === undefined) return undefined
  const held = wanted < earliest ? earliest : Math.min(wanted, latest)
  if (!cursor.isStarted) {
    cursor.isStarted = true
    return { kind: 'started', partition: cursor.partition, offset: held, highWatermark: latest }
  }
  cursor.next = held
  if (held !== wanted) return { kind: 'jumped', partition: cursor.partition, from: wanted, offset: held }
  if (held === latest) return undefined
  const records = partition.slice(held, BATCH_RECORDS_MAX, BATCH_BYTES_MAX)
  cursor.next = held + records.length
  const span = { from: held, next: cursor.next, absent: NONE_ABSENT }
  return { kind: 'records', partition: cursor.partition, records, span, highWatermark: latest }
}
