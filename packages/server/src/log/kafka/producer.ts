import { LogError } from '../../runtime/errors.ts'
import type { AppendResult, LogAppend } from '../log.ts'
import { partitionForKey } from '../partitioner.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { deniedError, describeCode, isDenied, isNotLeading, isRetryable, KAFKA } from './errors.ts'
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

  async #sendOnce(topic: string, records: readonly Pending[], results: AppendResult[]): Promise<{ retry: Pending[]; error?: LogError }> {
    const metadata = await this.#topicMetadata(topic)
    const byLeader = Map.groupBy(records, (record) => metadata.leaders[record.partition] ?? -1)
    const outcomes = await Promise.allSettled([...byLeader].map(([leader, group]) => this.#sendToLeader(topic, leader, group, results)))
    const retry: Pending[] = []
    let error: LogError | undefined
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
      retry.push(...outcome.value.retry)
      error ??= outcome.value.error
    }
    return error === undefined ? { retry } : { retry, error }
  }

  async #sendToLeader(
    topic: string,
    leader: number,
    records: readonly Pending[],
    results: AppendResult[],
  ): Promise<{ retry: readonly Pending[]; error?: LogError }> {
    if (leader < 0) return { retry: records, error: new LogError('log_unreachable', `topic ${topic}: partitions without a leader`, { retryable: true }) }
    try {
      await this.#cluster.connectionTo(leader, 'append').connect()
    } catch (error) {
      // Nothing was sent.
      if (error instanceof LogError && error.code === 'log_unreachable') return { retry: records, error }
      throw error
    }
    const { requestTimeoutMs } = this.#cluster.settings
    const connection = this.#cluster.connectionTo(leader, 'append')
    const byPartition = Map.groupBy(records, (record) => record.partition)
    const batches = [...byPartition].map(([partition, group]) => ({ partition, records: group.map(({ record }) => record) }))
    const response = await connection.request(produceApi, [topic, ACKS_ALL, requestTimeoutMs, batches], requestTimeoutMs * 2).catch((cause) => {
      throw new LogError('log_unreachable', `append to ${topic}: no answer, so the records may or may not be in the log`, { cause, retryable: true })
    })
    const retry: Pending[] = []
    let error: LogError | undefined
    for (const { index: partition, errorCode, baseOffset } of response.responses[0]?.partitionResponses ?? []) {
      const group = byPartition.get(partition) ?? []
      if (errorCode === KAFKA.NONE) {
        group.forEach((record, position) => (results[record.index] = { partition, offset: Number(baseOffset) + position }))
      } else if (isTooLarge(errorCode) && group.length > 1) {
        // The topic takes less than one request's worth: halves, in order.
        const middle = group.length >> 1
        await this.#send(topic, group.slice(0, middle), results)
        await this.#send(topic, group.slice(middle), results)
      } else if (isNotLeading(errorCode) || errorCode === KAFKA.NOT_ENOUGH_REPLICAS) {
        retry.push(...group)
        error = new LogError('log_append_failed', `append to ${topic}, partition ${partition}: ${describeCode(errorCode)}`, { retryable: true })
      } else {
        throw appendError(topic, group, errorCode)
      }
    }
    return error === undefined ? { retry } : { retry, error }
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
