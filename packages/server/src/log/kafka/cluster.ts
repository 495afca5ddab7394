import { listOffsetsV7, metadataV12 } from '@platformatic/kafka'
import { LogError } from '../../runtime/errors.ts'
import { BrokerConnection } from './connection.ts'
import { closedError, deniedError, isDenied, KAFKA, missingTopicError, unreachableError } from './errors.ts'
import { type Address, formatAddress, type KafkaSettings } from './options.ts'
import { Pause } from './pause.ts'

export interface TopicMetadata {
  readonly topic: string
  /** 0, or why the broker does not describe the topic. */
  readonly errorCode: number
  readonly topicId: string
  /** By partition: the node id of its leader, -1 while it has none. */
  readonly leaders: readonly number[]
}

/** A new topic reaches brokers one by one, and one that has just started may not know any: so often is it asked for. */
export const MISSING_LOOKS = 3
export const MISSING_LOOK_INTERVAL_MS = 250

/** What ListOffsets understands beside a time. */
export const LATEST = -1
export const EARLIEST = -2

/** What a connection is for. A long produce must not delay metadata: a broker answers a connection in order. */
export type Purpose = 'control' | 'append'

/**
 * The brokers as last heard of, and one connection to each per purpose. Requests are sent in fixed versions that
 * Apache Kafka 3.1 (January 2022) and later understand, so nothing is negotiated.
 */
export class Cluster {
  readonly settings: KafkaSettings
  readonly #nodes = new Map<number, Address>()
  readonly #connections = new Map<string, BrokerConnection>()
  /** Bootstrap and discovered addresses; one that fails goes to the end. */
  #addresses: Address[]
  #isClosed = false

  constructor(settings: KafkaSettings) {
    this.settings = settings
    this.#addresses = [...settings.bootstrap]
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws LogError `log_unreachable` naming every broker tried; `log_denied`. */
  async metadata(topic: string): Promise<TopicMetadata> {
    const response = await this.ask((connection) => connection.request(metadataV12.api, [[topic], false, false]))
    if (response.brokers.length > 0) this.#learn(response.brokers)
    const found = response.topics[0]
    if (found === undefined || found.errorCode !== KAFKA.NONE) {
      const errorCode = found?.errorCode ?? KAFKA.UNKNOWN_TOPIC_OR_PARTITION
      if (isDenied(errorCode)) throw deniedError(`topic ${topic}`, errorCode)
      return { topic, errorCode, topicId: '', leaders: [] }
    }
    const leaders: number[] = []
    for (const partition of found.partitions) leaders[partition.partitionIndex] = partition.leaderId
    return { topic, errorCode: KAFKA.NONE, topicId: found.topicId, leaders }
  }

  /** As `metadata`. @throws LogError also `log_topic_missing`, when several looks do not find the topic. */
  async existing(topic: string): Promise<TopicMetadata> {
    for (let look = 1; ; look++) {
      const metadata = await this.metadata(topic)
      if (metadata.errorCode === KAFKA.NONE) return metadata
      if (metadata.errorCode === KAFKA.INVALID_TOPIC || look === MISSING_LOOKS) throw missingTopicError(topic, this.settings.bootstrap)
      await new Pause(this.settings.clock).wait(MISSING_LOOK_INTERVAL_MS)
    }
  }

  /**
   * Offsets of partitions: `EARLIEST`, `LATEST`, or the first record not older than a time (-1 when there is none).
   * Partitions whose leader does not answer for them are left out.
   */
  async offsets(metadata: TopicMetadata, partitions: ReadonlyMap<number, number>): Promise<Map<number, number>> {
    const byLeader = Map.groupBy(partitions, ([partition]) => metadata.leaders[partition] ?? -1)
    const found = new Map<number, number>()
    await Promise.all(
      [...byLeader].map(async ([leader, wanted]) => {
        if (leader < 0) return
        const request = wanted.map(([partitionIndex, at]) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: BigInt(at) }))
        const topics = [{ name: metadata.topic, partitions: request }]
        const response = await this.connectionTo(leader, 'control').request(listOffsetsV7.api, [-1, 0, topics])
        for (const partition of response.topics[0]?.partitions ?? []) {
          if (isDenied(partition.errorCode)) throw deniedError(`topic ${metadata.topic}`, partition.errorCode)
          if (partition.errorCode === KAFKA.NONE) found.set(partition.partitionIndex, Number(partition.offset))
        }
      }),
    )
    return found
  }

  /** Asks any broker, one after the other until one answers. */
  async ask<T>(request: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const failures: LogError[] = []
    for (const address of [...this.#addresses]) {
      if (this.#isClosed) throw closedError()
      try {
        return await request(this.#connection(address, 'control'))
      } catch (error) {
        if (!(error instanceof LogError) || error.code !== 'log_unreachable') throw error
        failures.push(error)
        this.#addresses = [...this.#addresses.filter((other) => other !== address), address]
      }
    }
    if (this.#isClosed) throw closedError()
    throw unreachableError(`no Kafka broker answers; tried ${failures.map((failure) => failure.message).join('; ')}`, failures[0])
  }

  /** The shared connection to a node, for this purpose. @throws LogError `log_unreachable` for a node nobody told of. */
  connectionTo(node: number, purpose: Purpose): BrokerConnection {
    return this.#connection(this.#address(node), purpose)
  }

  /** A connection of one's own, for long polls; the caller destroys it. */
  dedicatedConnectionTo(node: number): BrokerConnection {
    if (this.#isClosed) throw closedError()
    return new BrokerConnection(this.#address(node), this.settings)
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#connections.values()) connection.destroy(closedError())
    this.#connections.clear()
  }

  #address(node: number): Address {
    const address = this.#nodes.get(node)
    if (address === undefined) throw unreachableError(`broker ${node} is not in the cluster's metadata`)
    return address
  }

  #connection(address: Address, purpose: Purpose): BrokerConnection {
    if (this.#isClosed) throw closedError()
    const key = `${purpose} ${formatAddress(address)}`
    let connection = this.#connections.get(key)
    if (connection === undefined || connection.isDestroyed) {
      connection = new BrokerConnection(address, this.settings)
      this.#connections.set(key, connection)
    }
    return connection
  }

  #learn(brokers: readonly { nodeId: number; host: string; port: number }[]): void {
    this.#nodes.clear()
    for (const { nodeId, host, port } of brokers) this.#nodes.set(nodeId, { host, port })
    const wanted = [...this.settings.bootstrap, ...this.#nodes.values()]
    const known = new Set(this.#addresses.map(formatAddress))
    const keep = new Set(wanted.map(formatAddress))
    this.#addresses = this.#addresses.filter((address) => keep.has(formatAddress(address)))
    for (const address of wanted) {
      if (!known.has(formatAddress(address))) {
        known.add(formatAddress(address))
        this.#addresses.push(address)
      }
    }
  }
}
