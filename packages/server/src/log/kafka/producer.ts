import { LogError } from '../../runtime/errors.ts'
import type { AppendResult, LogAppend } from '../log.ts'
import { partitionForKey } from '../partitioner.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { deniedError, describeCode, isDenied, isNotLeading, isRetryable, KAFKA, unreachableError } from './errors.ts'
import { Backoff, Pause } from './pause.ts'
import { type OutgoingRecord, produceApi } from './produce-api.ts'

const ACKS_ALL = -1
/** Records of one request stay well below Kafka's default `message.max.bytes` of 1 MiB per partition. */
const REQUEST_BYTES_MAX = 512 * 1024
const RECORD_OVERHEAD_BYTES = 64
const METADATA_MAX_AGE_MS = 5000

/** A record on its way, and where its result goes. */
interface Pending {
  readonly index: number
  readonly partition: number
  readonly record: OutgoingRecord
  readonly bytes: number
}

/** Records that nobody took and may be sent again, and why. */
interface Outcome {
  readonly retry: readonly Pending[]
  readonly error?: LogError
}

/**
 * Appends with acknowledgement of all in-sync replicas. A record is sent again only when the broker certainly did not
 * take it (it does not lead, or could not be reached); where that is unknown, the caller is told. So nothing is
 * appended twice, without the state that an idempotent producer must keep at the broker.
 */
export class Producer {
  readonly #cluster: Cluster
  readonly #metadata = new Map<string, { readonly metadata: TopicMetadata; readonly readAtMs: number }>()
  #nextPartition = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  async append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    if (records.length === 0) return []
    const metadata = await this.#topicMetadata(topic)
    const pending = this.#prepare(metadata, records)
    const results: AppendResult[] = []
    for (const request of splitByBytes(pending)) await this.#send(topic, request, results)
    return results
  }

  #prepare(metadata: TopicMetadata, records: readonly LogAppend[]): Pending[] {
    const { topic } = metadata
    const count = metadata.leaders.length
    const nowMs = this.#cluster.settings.clock.nowMs()
    const keyless = this.#nextPartition++ % count
    return records.map((append, index) => {
      const partition = append.partition ?? (append.key === null ? keyless : partitionForKey(append.key, count))
      if (partition < 0 || partition >= count) {
        throw new LogError('log_append_failed', `topic ${topic} has no partition ${partition}, only 0 to ${count - 1}`)
      }
      const record = toRecord(append, nowMs)
      return { index, partition, record, bytes: RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0) }
    })
  }

  /** Sends one request's worth, again and again for those records that nobody took, until the deadline. */
  async #send(topic: string, records: readonly Pending[], results: AppendResult[]): Promise<void> {
    const { clock, random, backoffMs, backoffMaxMs, appendTimeoutMs } = this.#cluster.settings
    const backoff = new Backoff(backoffMs, backoffMaxMs, random)
    const deadlineMs = clock.nowMs() + appendTimeoutMs
    let left = records
    for (;;) {
      const outcome = await this.#sendOnce(topic, left, results)
      if (outcome.retry.length === 0) return
      if (clock.nowMs() >= deadlineMs) throw outcome.error
      left = outcome.retry
      this.#metadata.delete(topic)
      await new Pause(clock).wait(backoff.nextMs())
    }
  }

  async #sendOnce(topic: string, records: readonly Pending[], results: AppendResult[]): Promise<Outcome> {
    const metadata = await this.#topicMetadata(topic)
    const byLeader = Map.groupBy(records, (record) => metadata.leaders[record.partition] ?? -1)
    const outcomes = await Promise.allSettled([...byLeader].map(([leader, group]) => this.#sendToLeader(topic, leader, group, results)))
    return merge(
      outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason
        return outcome.value
      }),
    )
  }

  async #sendToLeader(topic: string, leader: number, records: readonly Pending[], results: AppendResult[]): Promise<Outcome> {
    if (leader < 0) return { retry: records, error: unreachableError(`topic ${topic}: partitions without a leader`) }
    let connection: BrokerConnection
    try {
      connection = this.#cluster.connectionTo(leader, 'append')
      await connection.connect()
    } catch (error) {
      // Nothing was sent.
      if (error instanceof LogError && error.code === 'log_unreachable') return { retry: records, error }
      throw error
    }
    const { requestTimeoutMs } = this.#cluster.settings
    const byPartition = Map.groupBy(records, (record) => record.partition)
    const batches = [...byPartition].map(([partition, group]) => ({ partition, records: group.map(({ record }) => record) }))
    const request = connection.request(produceApi, [topic, ACKS_ALL, requestTimeoutMs, batches], requestTimeoutMs * 2)
    const response = await request.catch((cause) => {
      throw unreachableError(`append to ${topic}: no answer, so the records may or may not be in the log (${cause.message})`, cause)
    })
    const outcomes: Outcome[] = []
    for (const answer of response.responses[0]?.partitionResponses ?? []) {
      outcomes.push(await this.#settle(topic, byPartition.get(answer.index) ?? [], answer, results))
    }
    return merge(outcomes)
  }

  /** What one partition's answer means for the records sent to it. */
  async #settle(
    topic: string,
    records: readonly Pending[],
    answer: { readonly index: number; readonly errorCode: number; readonly baseOffset: bigint },
    results: AppendResult[],
  ): Promise<Outcome> {
    const { index: partition, errorCode, baseOffset } = answer
    if (errorCode === KAFKA.NONE) {
      records.forEach((record, position) => (results[record.index] = { partition, offset: Number(baseOffset) + position }))
      return { retry: [] }
    }
    if (isTooLarge(errorCode) && records.length > 1) {
      // The topic takes less than one request's worth: halves, in order.
      const middle = records.length >> 1
      await this.#send(topic, records.slice(0, middle), results)
      await this.#send(topic, records.slice(middle), results)
      return { retry: [] }
    }
    const error = appendError(topic, records, errorCode)
    if (isNotLeading(errorCode) || errorCode === KAFKA.NOT_ENOUGH_REPLICAS) return { retry: records, error }
    throw error
  }

  async #topicMetadata(topic: string): Promise<TopicMetadata> {
    const nowMs = this.#cluster.settings.clock.nowMs()
    const cached = this.#metadata.get(topic)
    if (cached !== undefined && nowMs - cached.readAtMs < METADATA_MAX_AGE_MS) return cached.metadata
    const metadata = await this.#cluster.existing(topic)
    this.#metadata.set(topic, { metadata, readAtMs: nowMs })
    return metadata
  }
}

function merge(outcomes: readonly Outcome[]): Outcome {
  const error = outcomes.find((outcome) => outcome.error !== undefined)?.error
  const retry = outcomes.flatMap((outcome) => outcome.retry)
  return error === undefined ? { retry } : { retry, error }
}

function isTooLarge(code: number): boolean {
  return code === KAFKA.MESSAGE_TOO_LARGE || code === KAFKA.RECORD_LIST_TOO_LARGE
}

function appendError(topic: string, records: readonly Pending[], code: number): LogError {
  if (isDenied(code)) return deniedError(`appending to topic ${topic}`, code)
  if (isTooLarge(code)) {
    const bytes = Math.max(...records.map((record) => record.bytes))
    return new LogError('log_record_too_large', `a record of about ${bytes} bytes for topic ${topic} exceeds its max.message.bytes`)
  }
  const isUncertain = code === KAFKA.REQUEST_TIMED_OUT || code === KAFKA.NOT_ENOUGH_REPLICAS_AFTER_APPEND
  const fate = isUncertain ? '; the records may or may not stay in the log' : ''
  return new LogError('log_append_failed', `append to ${topic}: ${describeCode(code)}${fate}`, { retryable: isRetryable(code) })
}

/** Cuts in order; a record larger than a request goes alone. */
function* splitByBytes(records: readonly Pending[]): Generator<readonly Pending[]> {
  let start = 0
  let bytes = 0
  for (let i = 0; i < records.length; i++) {
    bytes += records[i]!.bytes
    if (bytes <= REQUEST_BYTES_MAX || i === start) continue
    yield records.slice(start, i)
    start = i
    bytes = records[i]!.bytes
  }
  yield records.slice(start)
}

function toRecord(append: LogAppend, nowMs: number): OutgoingRecord {
  return {
    timestampMs: Math.floor(append.timestampMs ?? nowMs),
    key: append.key === null ? null : toBuffer(append.key),
    value: append.value === null ? null : toBuffer(append.value),
    headers: Object.entries(append.headers ?? {}).map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const),
  }
}

function toBuffer(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
