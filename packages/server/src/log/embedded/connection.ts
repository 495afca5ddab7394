import { LogError } from '../../runtime/errors.ts'
import type { AppendResult, Log, LogAppend, PartitionStart, TopicDescription, TopicOptions } from '../log.ts'
import type { EmbeddedLog } from './embedded-log.ts'
import type { EmbeddedReader } from './reader.ts'

/**
 * One node's way to an embedded log that several share: it can be cut off alone, and closing it ends its own readers
 * and leaves the log open.
 */
export interface EmbeddedConnection extends Log {
  read(topic: string, partitions: readonly PartitionStart[]): EmbeddedReader
  /** `false`: to this node alone, the log is gone. */
  setReachable(reachable: boolean): void
}

type OpenReader = (topic: string, partitions: readonly PartitionStart[], connection: Connection) => EmbeddedReader

export class Connection implements EmbeddedConnection {
  readonly #log: EmbeddedLog
  readonly #openReader: OpenReader
  readonly #readers = new Set<EmbeddedReader>()
  #isClosed = false
  isReachable = true

  constructor(log: EmbeddedLog, openReader: OpenReader) {
    this.#log = log
    this.#openReader = openReader
  }

  async describe(topic: string): Promise<TopicDescription> {
    return this.#usable().describeNow(topic)
  }

  async createTopic(topic: string, options: TopicOptions): Promise<void> {
    this.#usable().createTopicNow(topic, options)
  }

  async deleteTopic(topic: string): Promise<void> {
    this.#usable().deleteTopicNow(topic)
  }

  async append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    return this.#usable().appendNow(topic, records)
  }

  read(topic: string, partitions: readonly PartitionStart[]): EmbeddedReader {
    if (this.#isClosed) throw closedError()
    const reader = this.#openReader(topic, partitions, this)
    this.#readers.add(reader)
    return reader
  }

  setReachable(reachable: boolean): void {
    this.isReachable = reachable
    for (const reader of [...this.#readers]) reader.wake()
  }

  forget(reader: EmbeddedReader): void {
    this.#readers.delete(reader)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const reader of [...this.#readers]) await reader.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #usable(): EmbeddedLog {
    if (this.#isClosed) throw closedError()
    if (!this.isReachable) throw unreachableError()
    return this.#log
  }
}

export function unreachableError(): LogError {
  return new LogError('log_unreachable', 'the embedded log is set unreachable', { retryable: true })
}

export function closedError(): LogError {
  return new LogError('log_closed', 'the log is closed')
}
