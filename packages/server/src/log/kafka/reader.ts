import type { LogError } from '../../runtime/errors.ts'
import type { LogEvent, LogReader, LogStart, PartitionStart, ReadOptions } from '../log.ts'
import { type Cluster, EARLIEST, LATEST, MISSING_LOOK_INTERVAL_MS, MISSING_LOOKS, type TopicMetadata } from './cluster.ts'
import { BrokerTimeoutError, deniedError, describeCode, isDenied, KAFKA, missingTopicError, unreachableError } from './errors.ts'
import type { FetchedPartition } from './fetch-api.ts'
import { type Cursor, type FetchHost, LeaderFetcher } from './fetcher.ts'
import { Backoff, Pause } from './pause.ts'
import { EventQueue } from './event-queue.ts'

/** A partition that fails this often in a row is an outage; a moved leader or one lost connection fails once. */
const OUTAGE_FAILURES = 2

/** A fetch by topic id meets these when the topic is deleted or another by that name. */
const TOPIC_CHANGED: readonly number[] = [KAFKA.UNKNOWN_TOPIC_OR_PARTITION, KAFKA.UNKNOWN_TOPIC_ID, KAFKA.INCONSISTENT_TOPIC_ID]

interface PartitionCursor extends Cursor {
  readonly start: LogStart
  isStarted: boolean
}

export interface KafkaReaderOptions extends ReadOptions {
  /** The reader has ended. */
  readonly forget: (reader: KafkaReader) => void
}

const unstretched = () => 1

/**
 * Reads partitions of one topic. This class decides who reads what: it looks up the topic, where each partition begins
 * and who leads it, starts one fetcher per leader, and starts again when one ends. What it finds goes into the queue
 * that the iteration takes from.
 */
export class KafkaReader implements LogReader, FetchHost {
  readonly topic: string
  readonly cluster: Cluster
  readonly stretch: () => number
  readonly #forget: (reader: KafkaReader) => void
  readonly #cursors = new Map<number, PartitionCursor>()
  readonly #fetchers = new Map<number, LeaderFetcher>()
  readonly #queue: EventQueue
  readonly #pause: Pause
  readonly #backoff: Backoff
  readonly #backoffPause: Pause
  #topicId: string | undefined
  #partitionCount = 0
  #missingLooks = 0
  #isToldMissing = false
  #isToldUnreachable = false
  /** Something failed since the last look: the next one waits for its turn. */
  #hasFailed = false
  /** The last look found no broker. */
  #isBlind = false
  #isEnded = false

  constructor(cluster: Cluster, topic: string, partitions: readonly PartitionStart[], { stretch, forget }: KafkaReaderOptions) {
    this.topic = topic
    this.cluster = cluster
    this.stretch = stretch ?? unstretched
    this.#forget = forget
    const { clock, random, backoffMs, backoffMaxMs } = cluster.settings
    this.#queue = new EventQueue((cursor) => this.isCurrent(cursor))
    this.#pause = new Pause(clock)
    this.#backoffPause = new Pause(clock)
    this.#backoff = new Backoff(backoffMs, backoffMaxMs, random)
    this.add(partitions)
    void this.#run()
  }

  get topicId(): string {
    return this.#topicId ?? ''
  }

  add(partitions: readonly PartitionStart[]): void {
    for (const { partition, start } of partitions) {
      if (this.#cursors.has(partition)) continue
      const cursor = { partition, start, next: undefined, isLost: false, leader: undefined, failures: 0, isStarted: false }
      this.#cursors.set(partition, cursor)
    }
    this.#pause.wake()
  }

  remove(partitions: readonly number[]): void {
    for (const partition of partitions) this.#cursors.delete(partition)
    this.#queue.purge()
    this.#reportReachability()
  }

  async close(): Promise<void> {
    this.#end()
    this.#queue.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<LogEvent, undefined> {
    return {
      next: () => this.#queue.next(),
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  // ---- For the fetchers

  cursorsOf(leader: number): PartitionCursor[] {
    return [...this.#cursors.values()].filter((cursor) => cursor.leader === leader && cursor.next !== undefined && !cursor.isLost)
  }

  isCurrent(cursor: Cursor): boolean {
    return this.#cursors.get(cursor.partition) === cursor
  }

  fetched(fetcher: LeaderFetcher, cursor: Cursor, from: number, data: FetchedPartition): void {
    this.#queue.pushFetched(fetcher, cursor, from, data)
  }

  partitionFailed(cursor: Cursor, errorCode: number): void {
    cursor.leader = undefined
    this.#hasFailed = true
    if (errorCode === KAFKA.OFFSET_OUT_OF_RANGE) {
      cursor.isLost = true
    } else if (TOPIC_CHANGED.includes(errorCode)) {
      // The next look at the topic says what has become of it.
    } else if (isDenied(errorCode)) {
      this.#fail(deniedError(`reading topic ${this.topic}`, errorCode))
    } else {
      this.#noteFailure([cursor], unreachableError(`partition ${cursor.partition} of ${this.topic}: ${describeCode(errorCode)}`))
    }
    this.#pause.wake()
  }

  succeeded(cursors: readonly Cursor[]): void {
    for (const cursor of cursors) cursor.failures = 0
    this.#reportReachability()
    if (cursors.length > 0 && this.#isHealthy()) this.#backoff.reset()
  }

  ended(fetcher: LeaderFetcher, cursors: readonly Cursor[], error?: LogError): void {
    if (this.#fetchers.get(fetcher.leader) === fetcher) this.#fetchers.delete(fetcher.leader)
    for (const cursor of this.#cursors.values()) if (cursor.leader === fetcher.leader) cursor.leader = undefined
    if (error?.code === 'log_denied') this.#fail(error)
    else if (error !== undefined) this.#noteFailure(cursors, error)
    this.#pause.wake()
  }

  // ---- Looking after the topic

  async #run(): Promise<void> {
    while (!this.#isEnded) {
      if (this.#hasFailed) {
        this.#hasFailed = false
        await this.#backoffPause.wait(this.#backoff.nextMs())
        if (this.#isEnded) return
      }
      let pauseMs = 0
      try {
        pauseMs = await this.#look()
        this.#isBlind = false
        this.#reportReachability()
      } catch (error) {
        if (this.#isEnded) return
        const failure = error as LogError
        if (failure.code !== 'log_unreachable') return this.#fail(failure)
        this.#isBlind = true
        const unread = [...this.#cursors.values()].filter((cursor) => cursor.leader === undefined)
        // Every broker was tried: that is an outage at once.
        this.#noteFailure(unread, failure, OUTAGE_FAILURES)
        continue
      }
      if (!this.#isEnded) await this.#pause.wait(pauseMs)
    }
  }

  /** One look at the topic, and whatever follows from it. Returns how long it is good for. */
  async #look(): Promise<number> {
    const metadata = await this.cluster.metadata(this.topic)
    if (this.#isEnded) return 0
    if (metadata.errorCode !== KAFKA.NONE) return this.#lookAgainForTopic(metadata.errorCode)
    this.#missingLooks = 0
    if (this.#topicId !== undefined && metadata.topicId !== this.#topicId) {
      this.#queue.push({ kind: 'recreated', topicId: metadata.topicId })
      this.#queue.end({ keepQueued: true })
      this.#end()
      return 0
    }
    if (this.#topicId === undefined) this.#partitionCount = metadata.leaders.length
    this.#topicId = metadata.topicId
    this.#isToldMissing = false
    if (metadata.leaders.length > this.#partitionCount) {
      this.#partitionCount = metadata.leaders.length
      this.#queue.push({ kind: 'grown', partitions: this.#partitionCount })
    }
    await this.#place(metadata)
    if (!this.#isEnded) this.#assign(metadata)
    return this.cluster.settings.metadataIntervalMs
  }

  #lookAgainForTopic(errorCode: number): number {
    if (errorCode === KAFKA.INVALID_TOPIC) this.#missingLooks = MISSING_LOOKS
    else if (errorCode !== KAFKA.UNKNOWN_TOPIC_OR_PARTITION) {
      throw unreachableError(`topic ${this.topic}: ${describeCode(errorCode)}`)
    }
    if (++this.#missingLooks < MISSING_LOOKS) return MISSING_LOOK_INTERVAL_MS
    if (this.#topicId === undefined) {
      this.#fail(missingTopicError(this.topic, this.cluster.settings.bootstrap))
    } else if (!this.#isToldMissing) {
      this.#isToldMissing = true
      this.#queue.push({ kind: 'missing' })
    }
    return this.cluster.settings.metadataIntervalMs
  }

  /** Finds where to begin, or to go on, for cursors that do not know. */
  async #place(metadata: TopicMetadata): Promise<void> {
    const unplaced = [...this.#cursors.values()].filter(
      (cursor) => (cursor.next === undefined || cursor.isLost) && metadata.leaders[cursor.partition] !== undefined,
    )
    if (unplaced.length === 0) return
    const all = (at: number): Map<number, number> => new Map(unplaced.map((cursor) => [cursor.partition, at]))
    const timed = unplaced.flatMap((cursor) =>
      cursor.next === undefined && cursor.start.at === 'time' ? [[cursor.partition, Math.ceil(cursor.start.timestampMs)] as const] : [],
    )
    const [earliest, latest, byTime] = await Promise.all([
      this.cluster.offsets(metadata, all(EARLIEST)),
      this.cluster.offsets(metadata, all(LATEST)),
      this.cluster.offsets(metadata, new Map(timed)),
    ])
    const left: Cursor[] = []
    for (const cursor of unplaced) {
      const range = { earliest: earliest.get(cursor.partition), latest: latest.get(cursor.partition) }
      if (!this.isCurrent(cursor)) continue
      if (range.earliest === undefined || range.latest === undefined) left.push(cursor)
      else this.#placeAt(cursor, range.earliest, range.latest, byTime.get(cursor.partition))
    }
    if (left.length > 0) {
      this.#noteFailure(left, unreachableError(`no leader answers for ${left.length} partitions of ${this.topic}`))
      this.#pause.wake()
    }
  }

  #placeAt(cursor: PartitionCursor, earliest: number, latest: number, byTime: number | undefined): void {
    const wanted = cursor.next ?? wantedOffset(cursor.start, earliest, latest, byTime)
    const offset = wanted < earliest ? earliest : Math.min(wanted, latest)
    cursor.next = offset
    cursor.isLost = false
    cursor.failures = 0
    this.#reportReachability()
    const { partition } = cursor
    if (!cursor.isStarted) {
      cursor.isStarted = true
      this.#queue.push({ kind: 'started', partition, offset, highWatermark: latest }, cursor)
    }
    if (offset !== wanted) this.#queue.push({ kind: 'jumped', partition, from: wanted, offset }, cursor)
  }

  /** Gives every placed cursor to the fetcher of its leader. */
  #assign(metadata: TopicMetadata): void {
    const leaderless: Cursor[] = []
    for (const cursor of this.#cursors.values()) {
      if (cursor.next === undefined || cursor.isLost) continue
      const leader = metadata.leaders[cursor.partition] ?? -1
      if (leader >= 0) cursor.leader = leader
      else if (cursor.leader === undefined) leaderless.push(cursor)
    }
    if (leaderless.length > 0) {
      this.#noteFailure(leaderless, unreachableError(`${leaderless.length} partitions of ${this.topic} have no leader`))
      this.#pause.wake()
    }
    for (const cursor of this.#cursors.values()) {
      if (cursor.leader === undefined || this.#fetchers.has(cursor.leader)) continue
      const fetcher = new LeaderFetcher(this, cursor.leader)
      this.#fetchers.set(cursor.leader, fetcher)
      void fetcher.run()
    }
  }

  // ---- Outages and the end

  #noteFailure(cursors: readonly Cursor[], error: LogError, weight = error instanceof BrokerTimeoutError ? OUTAGE_FAILURES : 1): void {
    this.#hasFailed = true
    for (const cursor of cursors) cursor.failures += weight
    this.#reportReachability(error)
  }

  #isHealthy(): boolean {
    return [...this.#cursors.values()].every((cursor) => cursor.failures === 0)
  }

  #reportReachability(error?: LogError): void {
    if (this.#isEnded) return
    const cursors = [...this.#cursors.values()]
    const isOutage = cursors.length === 0 ? this.#isBlind : cursors.some((cursor) => cursor.failures >= OUTAGE_FAILURES)
    if (isOutage && !this.#isToldUnreachable && error !== undefined) {
      this.#isToldUnreachable = true
      this.#queue.push({ kind: 'unreachable', error })
    } else if (this.#isToldUnreachable && !isOutage && this.#isHealthy()) {
      this.#isToldUnreachable = false
      this.#queue.push({ kind: 'reachable' })
    }
  }

  #fail(error: LogError): void {
    this.#queue.end({ keepQueued: true, error })
    this.#end()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#pause.wake()
    this.#backoffPause.wake()
    for (const fetcher of [...this.#fetchers.values()]) fetcher.stop()
    this.#forget(this)
  }
}

function wantedOffset(start: LogStart, earliest: number, latest: number, byTime: number | undefined): number {
  switch (start.at) {
    case 'earliest':
      return earliest
    case 'latest':
      return latest
    case 'offset':
      return start.offset
    case 'time':
      // No record is that young: whatever comes next will be.
      return byTime === undefined || byTime < 0 ? latest : byTime
  }
}
