import { createTopicsV7, deleteTopicsV6, describeConfigsV4 } from '@platformatic/kafka'
import { LogError } from '../../runtime/errors.ts'
import type {
  AppendResult,
  Log,
  LogAppend,
  LogReader,
  PartitionRange,
  PartitionStart,
  ReadOptions,
  TopicDescription,
  TopicOptions,
} from '../log.ts'
import { Cluster, EARLIEST, LATEST, type TopicMetadata } from './cluster.ts'
import { closedError, deniedError, describeCode, isDenied, KAFKA, missingTopicError, unreachableError } from './errors.ts'
import { type KafkaLogOptions, resolveOptions } from './options.ts'
import { Backoff, Pause } from './pause.ts'
import { Producer } from './producer.ts'
import { KafkaReader } from './reader.ts'

/** A change of topics takes the brokers a moment to agree on. */
const TOPIC_CHANGE_TIMEOUT_MS = 15_000
const TOPIC_CHANGE_POLL_MS = 50
/** Lets the brokers' `default.replication.factor` decide. */
const DEFAULT_REPLICATION = -1
/** Kafka's number for a topic among the kinds of things that have settings. */
const TOPIC_RESOURCE = 2 as const

/**
 * Kafka, 3.1 or later. Connects when it is first used, so opening never fails for an absent broker.
 * @throws TypeError when `brokers` is empty or malformed.
 */
export function openKafkaLog(options: KafkaLogOptions): Log {
  return new KafkaLog(options)
}

class KafkaLog implements Log {
  readonly #cluster: Cluster
  readonly #producer: Producer
  readonly #readers = new Set<KafkaReader>()

  constructor(options: KafkaLogOptions) {
    this.#cluster = new Cluster(resolveOptions(options))
    this.#producer = new Producer(this.#cluster)
  }

  async describe(topic: string): Promise<TopicDescription> {
    const { clock, random, backoffMs, backoffMaxMs, requestTimeoutMs } = this.#cluster.settings
    const backoff = new Backoff(backoffMs, backoffMaxMs, random)
    const deadlineMs = clock.nowMs() + requestTimeoutMs
    for (;;) {
      const metadata = await this.#cluster.existing(topic)
      const ranges = await this.#ranges(metadata)
      if (ranges.length === metadata.leaders.length) return { topic, topicId: metadata.topicId, partitions: ranges }
      // A new or moving leader does not answer for its partitions yet.
      if (clock.nowMs() >= deadlineMs) {
        const silent = metadata.leaders.length - ranges.length
        throw unreachableError(`topic ${topic}: no leader answers for ${silent} of its partitions`)
      }
      await new Pause(clock).wait(backoff.nextMs())
    }
  }

  async createTopic(topic: string, options: TopicOptions): Promise<void> {
    const configs = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }))
    const request = { name: topic, numPartitions: options.partitions, replicationFactor: DEFAULT_REPLICATION, assignments: [], configs }
    const response = await this.#cluster.ask((connection) =>
      connection.request(createTopicsV7.api, [[request], TOPIC_CHANGE_TIMEOUT_MS, false], TOPIC_CHANGE_TIMEOUT_MS),
    )
    const errorCode = response.topics[0]?.errorCode ?? KAFKA.NONE
    if (isDenied(errorCode)) throw deniedError(`creating topic ${topic}`, errorCode)
    if (errorCode !== KAFKA.NONE && errorCode !== KAFKA.TOPIC_ALREADY_EXISTS) {
      const why = response.topics[0]?.errorMessage ?? describeCode(errorCode)
      throw new LogError('log_append_failed', `topic ${topic} cannot be created: ${why}`)
    }
    const isReady = ({ errorCode, leaders }: TopicMetadata): boolean => errorCode === KAFKA.NONE && leaders.every((leader) => leader >= 0)
    const { leaders } = await this.#until(topic, isReady)
    if (leaders.length !== options.partitions) {
      throw new LogError('log_topic_exists', `topic ${topic} exists with ${leaders.length} partitions, not ${options.partitions}`)
    }
  }

  async deleteTopic(topic: string): Promise<void> {
    const response = await this.#cluster.ask((connection) =>
      connection.request(deleteTopicsV6.api, [[{ name: topic }], TOPIC_CHANGE_TIMEOUT_MS], TOPIC_CHANGE_TIMEOUT_MS),
    )
    const errorCode = response.responses[0]?.errorCode ?? KAFKA.NONE
    if (isDenied(errorCode)) throw deniedError(`deleting topic ${topic}`, errorCode)
    if (errorCode === KAFKA.UNKNOWN_TOPIC_OR_PARTITION) throw missingTopicError(topic, this.#cluster.settings.bootstrap)
    if (errorCode !== KAFKA.NONE) throw new LogError('log_append_failed', `topic ${topic} cannot be deleted: ${describeCode(errorCode)}`)
    await this.#until(topic, (metadata) => metadata.errorCode !== KAFKA.NONE)
  }

  async settings(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const asked = { resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: [...names] }
    const response = await this.#cluster.ask((connection) => connection.request(describeConfigsV4.api, [[asked], false, false]))
    const { errorCode = KAFKA.UNKNOWN_TOPIC_OR_PARTITION, configs = [] } = response.results[0] ?? {}
    if (isDenied(errorCode)) throw deniedError(`settings of topic ${topic}`, errorCode)
    if (errorCode !== KAFKA.NONE) throw unreachableError(`settings of topic ${topic}: ${describeCode(errorCode)}`)
    return new Map(configs.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value] as const] : [])))
  }

  append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    return this.#producer.append(topic, records)
  }

  read(topic: string, partitions: readonly PartitionStart[], options: ReadOptions = {}): LogReader {
    if (this.#cluster.isClosed) throw closedError()
    const reader = new KafkaReader(this.#cluster, topic, partitions, { ...options, forget: (ended) => this.#readers.delete(ended) })
    this.#readers.add(reader)
    return reader
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()))
    this.#cluster.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The ranges of those partitions whose leader answers. */
  async #ranges(metadata: TopicMetadata): Promise<PartitionRange[]> {
    const partitions = [...metadata.leaders.keys()]
    const all = (at: number): Map<number, number> => new Map(partitions.map((partition) => [partition, at]))
    const cluster = this.#cluster
    const [earliest, latest] = await Promise.all([cluster.offsets(metadata, all(EARLIEST)), cluster.offsets(metadata, all(LATEST))])
    return partitions.flatMap((partition) => {
      const range = { partition, earliest: earliest.get(partition), latest: latest.get(partition) }
      return range.earliest === undefined || range.latest === undefined ? [] : [range as PartitionRange]
    })
  }

  async #until(topic: string, isDone: (metadata: TopicMetadata) => boolean): Promise<TopicMetadata> {
    const { clock } = this.#cluster.settings
    const deadlineMs = clock.nowMs() + TOPIC_CHANGE_TIMEOUT_MS
    for (;;) {
      const metadata = await this.#cluster.metadata(topic)
      if (isDone(metadata)) return metadata
      if (clock.nowMs() > deadlineMs) {
        throw unreachableError(`the brokers did not take over the change of topic ${topic}`)
      }
      await new Pause(clock).wait(TOPIC_CHANGE_POLL_MS)
    }
  }
}
