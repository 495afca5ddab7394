import type { LogError } from '../../runtime/errors.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { describeCode, KAFKA, unreachableError } from './errors.ts'
import { fetchApi, type FetchedPartition } from './fetch-api.ts'
import { Pause } from './pause.ts'
import { endOffset } from './record-batch.ts'

/** How far one partition is read. */
export interface Cursor {
  readonly partition: number
  /** Next offset to fetch; undefined until it is known where to begin. */
  next: number | undefined
  /** `next` lies outside what the partition holds: its range must be looked up. */
  isLost: boolean
  /** The node whose fetcher reads it; undefined while none does. */
  leader: number | undefined
  /** Attempts that failed since the last fetch that succeeded. */
  failures: number
}

/** The reader, as its fetchers see it. */
export interface FetchHost {
  readonly cluster: Cluster
  readonly topicId: string
  /** By how much fetches may stand further apart now than configured: at least 1. */
  stretch(): number
  /** What this leader is to be asked for now. */
  cursorsOf(leader: number): Cursor[]
  isCurrent(cursor: Cursor): boolean
  /** Records arrived; they count as held by `fetcher` until `fetcher.release()`. */
  fetched(fetcher: LeaderFetcher, cursor: Cursor, from: number, data: FetchedPartition): void
  /** A partition of an otherwise good answer could not be read. */
  partitionFailed(cursor: Cursor, errorCode: number): void
  /** All of these were answered. */
  succeeded(cursors: readonly Cursor[]): void
  /** The fetcher has ended; with an error when by itself. */
  ended(fetcher: LeaderFetcher, cursors: readonly Cursor[], error?: LogError): void
}

/** A fetch of less than this shows that the reader is not behind, so the next one may wait a little. */
const SMALL_BYTES_MAX = 64 * 1024
/**
 * By so much more than flushes fetches stand apart where those set the pace. Receivers who have been served since the
 * last batch come round earlier each time, until all are served behind a batch; in step with it they would stay where they are.
 */
const BEHIND_FLUSHES = 1.05
const READ_COMMITTED = 1
/** No fetch session: each request names all its partitions, and nothing is remembered at the broker. */
const NO_SESSION = [0, -1] as const

/**
 * Long-polls one broker for all partitions that it leads. One response may wait at the reader while the next is being
 * fetched; then fetching stops until the reader has taken the first. Lives as long as its connection: after any
 * failure the reader starts another, once it knows who leads now.
 */
export class LeaderFetcher {
  readonly leader: number
  readonly #host: FetchHost
  readonly #pause: Pause
  /** Between two fetches; only `stop` cuts it short. */
  readonly #spacing: Pause
  #connection: BrokerConnection | undefined
  #held = 0
  #isStopped = false

  constructor(host: FetchHost, leader: number) {
    this.leader = leader
    this.#host = host
    this.#pause = new Pause(host.cluster.settings.clock)
    this.#spacing = new Pause(host.cluster.settings.clock)
  }

  async run(): Promise<void> {
    let cursors: Cursor[] = []
    try {
      this.#connection = this.#host.cluster.dedicatedConnectionTo(this.leader)
      for (;;) {
        cursors = this.#host.cursorsOf(this.leader)
        if (cursors.length === 0) break
        const startedAtMs = this.#host.cluster.settings.clock.nowMs()
        const bytes = await this.#fetchOnce(this.#connection, cursors)
        const stretch = this.#host.stretch()
        if (bytes < SMALL_BYTES_MAX * stretch && !this.#isStopped) await this.#spaceOut(startedAtMs, stretch)
        if (this.#isStopped) break
      }
      this.#host.ended(this, cursors)
    } catch (error) {
      this.#host.ended(this, cursors, this.#isStopped ? undefined : (error as LogError))
    } finally {
      this.stop()
    }
  }

  /** Ends at once, also in the middle of a fetch. Idempotent. */
  stop(): void {
    this.#isStopped = true
    this.#connection?.destroy()
    this.#pause.wake()
    this.#spacing.wake()
  }

  /** The reader took one of the partitions that were fetched. */
  release(): void {
    this.#held--
    if (this.#held === 0) this.#pause.wake()
  }

  async #spaceOut(startedAtMs: number, stretch: number): Promise<void> {
    const { clock, fetchIntervalMinMs } = this.#host.cluster.settings
    const intervalMs = fetchIntervalMinMs * (stretch > 1 ? stretch * BEHIND_FLUSHES : 1)
    const spareMs = intervalMs - (clock.nowMs() - startedAtMs)
    if (spareMs > 0) await this.#spacing.wait(spareMs)
  }

  /** @returns how many bytes of records came. */
  async #fetchOnce(connection: BrokerConnection, cursors: readonly Cursor[]): Promise<number> {
    const { fetchWaitMs, fetchBytesMax, fetchPartitionBytesMax, requestTimeoutMs } = this.#host.cluster.settings
    const partitions = cursors.map((cursor) => ({
      partition: cursor.partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(cursor.next!),
      lastFetchedEpoch: -1,
      partitionMaxBytes: fetchPartitionBytesMax,
    }))
    const froms = cursors.map((cursor) => cursor.next!)
    const response = await connection.request(
      fetchApi,
      [fetchWaitMs, 1, fetchBytesMax, READ_COMMITTED, ...NO_SESSION, [{ topicId: this.#host.topicId, partitions }], [], ''],
      fetchWaitMs + requestTimeoutMs,
    )
    if (response.errorCode !== KAFKA.NONE) {
      throw unreachableError(`fetch from broker ${this.leader}: ${describeCode(response.errorCode)}`)
    }
    while (this.#held > 0 && !this.#isStopped) await this.#pause.wait()
    if (this.#isStopped) return 0
    this.#deliver(cursors, froms, response.partitions)
    // A throttled client is not answered before this time: waiting here keeps the deadline meaningful.
    if (response.throttleTimeMs > 0) await this.#pause.wait(response.throttleTimeMs)
    return response.partitions.reduce((bytes, data) => bytes + data.bytes.length, 0)
  }

  #deliver(cursors: readonly Cursor[], froms: readonly number[], partitions: readonly FetchedPartition[]): void {
    const asked = new Map(cursors.map((cursor, index) => [cursor.partition, { cursor, from: froms[index]! }]))
    const good = partitions.filter((data) => data.errorCode === KAFKA.NONE)
    this.#host.succeeded(good.flatMap((data) => asked.get(data.partition)?.cursor ?? []))
    for (const data of good) {
      const { cursor, from } = asked.get(data.partition) ?? {}
      if (cursor === undefined || from === undefined || data.bytes.length === 0) continue
      // Removed, or given to another leader, while this fetch was under way.
      if (!this.#host.isCurrent(cursor) || cursor.leader !== this.leader || cursor.next !== from) continue
      const next = endOffset(data.bytes)
      if (next === undefined || next <= from) {
        throw unreachableError(`broker ${this.leader} sent no whole record batch from offset ${from} on`)
      }
      cursor.next = next
      this.#held++
      this.#host.fetched(this, cursor, from, data)
    }
    for (const data of partitions) {
      const cursor = asked.get(data.partition)?.cursor
      if (cursor !== undefined && data.errorCode !== KAFKA.NONE) this.#host.partitionFailed(cursor, data.errorCode)
    }
  }
}
