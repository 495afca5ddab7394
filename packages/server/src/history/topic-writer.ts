import type { Log } from '../log/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LogError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { SessionEvent } from './event.ts'

export interface TopicWriterOptions {
  readonly log: Log
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Events that wait for the log, at most; more are dropped and counted. */
const WAITING_MAX = 10_000
const BATCH_MAX = 1000
const INTERVAL_MS = 500
const TELL_INTERVAL_MS = 30_000
const RETENTION_MS = 7 * 24 * 3600 * 1000

/** Writes what happens to sessions into a topic, beside everything else: whatever the log does, nobody waits for it. */
export class TopicWriter {
  /** Events that no room was left for, or that the log did not take. */
  dropped = 0
  readonly #options: TopicWriterOptions
  #waiting: SessionEvent[] = []
  readonly #timer: Timer
  #writing: Promise<void> | null = null
  #isMade = false
  #toldAtMs = -Infinity
  #toldDropped = 0

  constructor(options: TopicWriterOptions) {
    this.#options = options
    this.#timer = options.clock.every(INTERVAL_MS, () => this.#write())
  }

  add(event: SessionEvent): void {
    if (this.#waiting.length >= WAITING_MAX) this.#drop(1, 'the log takes less than there is')
    else this.#waiting.push(event)
  }

  /** Writes what waits, as far as the log takes it once. */
  async close(): Promise<void> {
    this.#timer.cancel()
    await this.#writing
    while (this.#waiting.length > 0) {
      const { dropped } = this
      this.#write()
      await this.#writing
      // A log that takes nothing now is not asked as often as there are batches.
      if (this.dropped > dropped) this.#drop(this.#waiting.splice(0).length, 'the log takes nothing at the end')
    }
  }

  #write(): void {
    if (this.#writing !== null || this.#waiting.length === 0) return
    const batch = this.#waiting.splice(0, BATCH_MAX)
    this.#writing = this.#append(batch)
      .catch((error: unknown) => this.#drop(batch.length, error instanceof Error ? error.message : String(error)))
      .finally(() => {
        this.#writing = null
      })
  }

  async #append(batch: readonly SessionEvent[]): Promise<void> {
    const { log, topic } = this.#options
    if (!this.#isMade) await this.#make()
    await log.append(
      topic,
      batch.map((event) => ({ key: event.user || event.session || event.node, value: JSON.stringify(event), timestampMs: event.at })),
    )
  }

  async #make(): Promise<void> {
    const { log, topic } = this.#options
    try {
      await log.describe(topic)
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'log_topic_missing') throw error
      await log.createTopic(topic, { partitions: 1, config: { 'retention.ms': String(RETENTION_MS) } })
    }
    this.#isMade = true
  }

  #drop(count: number, why: string): void {
    const { clock, logger, topic } = this.#options
    this.dropped += count
    if (clock.nowMs() - this.#toldAtMs < TELL_INTERVAL_MS) return
    this.#toldAtMs = clock.nowMs()
    const since = this.dropped - this.#toldDropped
    this.#toldDropped = this.dropped
    logger.warn('session_events_dropped', `${since} events of sessions are not in ${topic}: ${why}`, { topic, dropped: this.dropped })
  }
}
