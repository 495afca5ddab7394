/**
 * The log: partitioned, ordered, replayable. Kafka in production, an in-memory one in the demo and in simulations.
 * One contract suite (`test/integration/log-contract.ts`) holds every implementation to what is written here.
 */

/** One record as it lies in a partition. Buffers may be views into a fetch response: copy what you keep. */
export interface LogRecord {
  readonly offset: number
  /** The record's own time, milliseconds since the Unix epoch, as its producer (or the broker) wrote it. */
  readonly timestampMs: number
  readonly key: Uint8Array | null
  /** `null` is a tombstone: the symbol is gone. */
  readonly value: Uint8Array | null
  /** Absent when the record has none. */
  readonly headers?: ReadonlyMap<string, Uint8Array>
}

/** A record to be appended. Without `partition`, the key decides by Kafka's default partitioner (murmur2). */
export interface LogAppend {
  readonly partition?: number
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds since the Unix epoch; now, when absent. */
  readonly timestampMs?: number
}

/** Where reading a partition starts. `offset` is the first offset to be delivered; `time` the first record not older than it. */
export type LogStart =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'offset'; readonly offset: number }
  | { readonly at: 'time'; readonly timestampMs: number }

export interface PartitionStart {
  readonly partition: number
  readonly start: LogStart
}

export interface PartitionRange {
  readonly partition: number
  /** First offset still held. */
  readonly earliest: number
  /** Offset that the next record will get (the high watermark): `earliest === latest` is an empty partition. */
  readonly latest: number
}

export interface TopicDescription {
  readonly topic: string
  /** Changes when a topic is deleted and created again under the same name. */
  readonly topicId: string
  readonly partitions: readonly PartitionRange[]
}

/** Offsets from `from` up to, but not including, `next`. */
export interface OffsetRange {
  readonly from: number
  readonly next: number
}

/**
 * The offsets that a batch speaks for: each has its record in it, except those that are said to be `absent`, in order.
 * Where one span ends, the next of the partition begins, unless `started` or `jumped` stands between them. So whatever
 * gets lost, is repeated or changes places on its way shows.
 */
export interface OffsetSpan extends OffsetRange {
  /** The log itself has nothing to give there: markers and aborted records of transactions, what compaction took. */
  readonly absent: readonly OffsetRange[]
}

/** What a reader meets, in order within each partition. */
export type LogEvent =
  | {
      readonly kind: 'records'
      readonly partition: number
      /** Empty where the span is absent as a whole. */
      readonly records: readonly LogRecord[]
      readonly span: OffsetSpan
      /** The partition's high watermark as known with this batch: tells how far behind the reader is. */
      readonly highWatermark: number
    }
  /**
   * The partition's range is known and reading has begun at `offset`; comes before its first records. When the start
   * asked for lies outside the range held, `jumped` follows at once.
   */
  | { readonly kind: 'started'; readonly partition: number; readonly offset: number; readonly highWatermark: number }
  /** The log cannot be read (once per outage, then `reachable`). Reading goes on by itself at the next offset. */
  | { readonly kind: 'unreachable'; readonly error: Error }
  | { readonly kind: 'reachable' }
  /** Retention, or an unclean election, took records away before they were read; reading goes on at `offset`. */
  | { readonly kind: 'jumped'; readonly partition: number; readonly from: number; readonly offset: number }
  /** The topic was deleted and created again: offsets have no meaning any more, so the iteration ends after this event. */
  | { readonly kind: 'recreated'; readonly topicId: string }
  /**
   * The topic is gone (and was there before; else the iteration throws `log_topic_missing`). Reading goes on if it
   * returns with the same id, else `recreated` follows.
   */
  | { readonly kind: 'missing' }
  /** The topic has more partitions than before. Nothing reads them yet: call `add`. */
  | { readonly kind: 'grown'; readonly partitions: number }

/**
 * Reads explicit partitions of one topic. Iterate it once; the next batch is fetched only when the last was taken,
 * with at most a bounded number of bytes prefetched, so a slow consumer is never flooded. Leaving the loop closes the reader.
 * @throws LogError from the iteration, which is then over: `log_topic_missing` when the topic has never been there,
 * `log_denied`. An outage is an event instead, because a reader lives through it.
 */
export interface LogReader extends AsyncIterable<LogEvent>, AsyncDisposable {
  readonly topic: string
  /** Something is there that is not to be given yet: until then it is no stall when nothing comes. Absent: never. */
  readonly isWaiting?: boolean
  /**
   * Reads further partitions of the same topic, beginning now. One that is read already stays as it is; one that the
   * topic does not have yet is read as soon as it exists.
   */
  add(partitions: readonly PartitionStart[]): void
  /** Stops reading partitions; batches of theirs that were already fetched are dropped. */
  remove(partitions: readonly number[]): void
  /** Ends the iteration and frees connections. Idempotent. */
  close(): Promise<void>
}

export interface ReadOptions {
  /**
   * How many times longer than the log would by itself it may wait before it asks for more, while there is little to give:
   * whoever takes what is read collects it for so much longer now. Default: 1.
   */
  readonly stretch?: () => number
}

export interface TopicOptions {
  readonly partitions: number
  /** The topic's own settings, as Kafka names them. */
  readonly config?: Readonly<Record<string, string>>
}

export interface AppendResult {
  readonly partition: number
  readonly offset: number
}

/** @throws LogError from every call; its `code` and `retryable` say what to do. */
export interface Log extends AsyncDisposable {
  /** @throws LogError `log_topic_missing` naming the topic, `log_unreachable` naming the brokers tried. */
  describe(topic: string): Promise<TopicDescription>
  /**
   * For tests, the demo and first set-up; a production topic is made by its owner. Idempotent when it exists with as
   * many partitions, else `log_topic_exists`.
   */
  createTopic(topic: string, options: TopicOptions): Promise<void>
  deleteTopic(topic: string): Promise<void>
  /** Settings that hold for the topic, as Kafka names them, those of them that there are. Absent: this log has none. */
  settings?(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Appends in order within a partition; resolves once durable, with one result per record. */
  append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]>
  read(topic: string, partitions: readonly PartitionStart[], options?: ReadOptions): LogReader
  close(): Promise<void>
}
