import type { StaleReason } from '@pulsewire/protocol'
import { WHOLE_FEED, type Feed, type Hub, type StaleCause } from '../hub/index.ts'
import type { Log, LogEvent, LogReader, PartitionStart, TopicDescription } from '../log/index.ts'
import type { FeedConfig } from '../runtime/config/index.ts'
import { LogError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Intake } from './intake.ts'

/** Between two attempts to find a topic that is not there, or a log that does not answer. */
const RETRY_MS = 1000
/** A reader from which nothing came for so long, though pulses are due, is thrown away and made anew. */
const REBUILD_AFTER_MS = 10_000
/** Records taken in one go before sessions get their turn. */
const TURN_RECORDS_MAX = 2000

interface PartitionProgress {
  /** Next offset to be read; −1 before reading began. */
  next: number
  /** The node is warm in this partition once it has read up to here. */
  warmAt: number
}

/** Reads one feed's topic into the hub: warms up, follows, survives whatever the log does, and says why it is stale. */
export class TopicReader {
  readonly feed: Feed
  readonly #hub: Hub
  readonly #log: Log
  readonly #config: FeedConfig
  readonly #intake: Intake
  readonly #wanted: 'all' | readonly number[]
  readonly #logger: Logger
  readonly #answerable: () => void
  readonly #progress = new Map<number, PartitionProgress>()
  readonly #abort = new AbortController()
  #reader: LogReader | null = null
  #running: Promise<void> = Promise.resolve()
  #trouble: { reason: StaleReason; message: string } | null = null
  #lastEventAtMs: number
  #started = false
  /** Of the topic that reading began with: one made anew under the same name may come while no reader is open. */
  #topicId: string | null = null

  constructor(options: {
    readonly hub: Hub
    readonly feed: Feed
    readonly log: Log
    readonly config: FeedConfig
    readonly intake: Intake
    readonly partitions: 'all' | readonly number[]
    readonly logger: Logger
    /** Told when `answers` may have become true. */
    readonly answerable: () => void
  }) {
    this.feed = options.feed
    this.#hub = options.hub
    this.#log = options.log
    this.#config = options.config
    this.#intake = options.intake
    this.#wanted = options.partitions
    this.#logger = options.logger
    this.#answerable = options.answerable
    this.#lastEventAtMs = options.hub.clock.nowMs()
  }

  /** Whether every partition has been read up to where it ended when reading began. */
  get warm(): boolean {
    if (!this.#started) return false
    for (const { next, warmAt } of this.#progress.values()) if (next < warmAt) return false
    return true
  }

  /** Whether what is known of a symbol is all there is to know: also of a topic that does not exist, which holds nothing. */
  get answers(): boolean {
    return this.warm || this.#trouble?.reason === 'topic_missing' || this.#trouble?.reason === 'topic_recreated'
  }

  /** Why the feed is not served as it should be; `null` when it is. */
  get unready(): StaleCause | null {
    if (this.#trouble !== null) return { hop: 'log', ...this.#trouble }
    return this.warm ? null : this.#warming
  }

  get #warming(): StaleCause {
    return { hop: this.#hub.nodeId, reason: 'warming', message: `topic ${this.#config.topic} is being read in` }
  }

  start(): void {
    this.feed.freshness.expect(WHOLE_FEED, this.#hub.clock.nowMs())
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#reader?.close()
    await this.#running
  }

  /** Why this feed's partitions are stale here. */
  explain(partition: number): StaleCause {
    if (this.#trouble !== null) return { hop: 'log', ...this.#trouble }
    const { topic } = this.#config
    const nowMs = this.#hub.clock.nowMs()
    const recordAgeMs = nowMs - (this.#intake.recordAtMs.get(partition) ?? -Infinity)
    if (recordAgeMs < this.feed.freshness.staleAfterMs) {
      return {
        hop: 'log',
        reason: 'unproven',
        message: `records of ${topic}/${partition} flow but no pulses do: is a pulse writer running?`,
      }
    }
    const pulse = this.feed.freshness.get(partition)?.point
    if (pulse !== null && pulse !== undefined && nowMs - pulse.arrivedAtMs[0]! < this.feed.freshness.staleAfterMs) {
      return { hop: 'log', reason: 'lagging', message: `pulses of ${topic}/${partition} arrive late` }
    }
    if (!this.warm) return this.#warming
    return { hop: 'log', reason: 'no_pulse', message: `neither pulses nor records come from ${topic}/${partition}` }
  }

  /** Called now and then: a client library can stall while everything else looks fine, so a silent reader is replaced. */
  checkStall(): void {
    if (this.#reader === null || this.#trouble !== null) return
    const silentMs = this.#hub.clock.nowMs() - this.#lastEventAtMs
    if (silentMs < REBUILD_AFTER_MS) return
    this.#lastEventAtMs = this.#hub.clock.nowMs()
    this.#logger.warn(
      'reader_rebuilt',
      `nothing came from ${this.#config.topic} for ${Math.round(silentMs)} ms; its reader is made anew`,
      {},
    )
    void this.#reader.close()
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const topic = await this.#log.describe(this.#config.topic)
        if (this.#abort.signal.aborted) return
        this.#topicId ??= topic.topicId
        if (topic.topicId === this.#topicId) {
          this.#hopeAgain()
          await this.#read(topic)
        } else this.#recreated()
      } catch (error) {
        this.#fail(error)
      }
      // Offsets of a topic made anew mean nothing under this generation: reading on would mix two histories.
      if (this.#trouble?.reason === 'topic_recreated') return
      if (!this.#abort.signal.aborted) await this.#pause()
    }
  }

  async #read(topic: TopicDescription): Promise<void> {
    const partitions = topic.partitions.filter(({ partition }) => this.#wanted === 'all' || this.#wanted.includes(partition))
    this.#hub.setShape(this.feed, this.feed.generation, topic.partitions.length, this.#wanted === 'all' ? null : this.#wanted)
    const nowMs = this.#hub.clock.nowMs()
    for (const { partition, earliest, latest } of partitions) {
      this.feed.freshness.expect(partition, nowMs)
      if (!this.#progress.has(partition)) this.#progress.set(partition, { next: -1, warmAt: latest > earliest ? latest : 0 })
    }
    this.#started = true
    const reader = this.#log.read(
      this.#config.topic,
      partitions.map(({ partition, earliest, latest }) => this.#startOf(partition, earliest, latest)),
    )
    this.#reader = reader
    this.#lastEventAtMs = nowMs
    try {
      for await (const event of reader) await this.#take(event)
    } finally {
      this.#reader = null
      await reader.close()
    }
  }

  /** Where it left off; at first as far back as the images need. */
  #startOf(partition: number, earliest: number, latest: number): PartitionStart {
    const next = this.#progress.get(partition)!.next
    if (next >= 0) return { partition, start: { at: 'offset', offset: next } }
    const { spanMs, recordsMax } = this.#config.warmup
    if (spanMs === 0 || recordsMax === 0) {
      this.#progress.get(partition)!.warmAt = 0
      return { partition, start: { at: 'latest' } }
    }
    // By count when the topic holds more than that, else by time.
    if (latest - earliest > recordsMax) return { partition, start: { at: 'offset', offset: latest - recordsMax } }
    return { partition, start: { at: 'time', timestampMs: Math.floor(this.#hub.clock.nowMs() - spanMs) } }
  }

  async #take(event: LogEvent): Promise<void> {
    this.#lastEventAtMs = this.#hub.clock.nowMs()
    switch (event.kind) {
      case 'records':
        await this.#takeRecords(event)
        break
      case 'started':
        this.#advance(event.partition, event.offset)
        break
      case 'jumped':
        this.#logger.warn('records_lost', `records of ${this.#config.topic}/${event.partition} were gone before they were read`, {
          from: event.from,
          to: event.offset,
        })
        this.#advance(event.partition, event.offset)
        break
      case 'unreachable':
        this.#setTrouble('log_unreachable', event.error.message)
        break
      case 'reachable':
        this.#hopeAgain()
        break
      case 'missing':
        this.#setTrouble('topic_missing', `topic ${this.#config.topic} is gone`)
        break
      case 'recreated':
        this.#recreated()
        break
      case 'grown':
        this.#grow(event.partitions)
        break
    }
  }

  async #takeRecords(event: Extract<LogEvent, { kind: 'records' }>): Promise<void> {
    const { records } = event
    for (let from = 0; from < records.length; from += TURN_RECORDS_MAX) {
      const turn = records.length <= TURN_RECORDS_MAX ? event : { ...event, records: records.slice(from, from + TURN_RECORDS_MAX) }
      this.#intake.take(turn)
      if (from + TURN_RECORDS_MAX < records.length) await new Promise<void>((resolve) => this.#hub.clock.soon(resolve))
    }
    const last = records[records.length - 1]
    if (last !== undefined) this.#advance(event.partition, last.offset + 1)
  }

  #advance(partition: number, next: number): void {
    const progress = this.#progress.get(partition)
    if (progress === undefined) return
    const wasWarm = this.warm
    progress.next = next
    if (wasWarm || !this.warm) return
    this.#logger.info('warm', `${this.#config.topic} has been read in`, { symbols: this.feed.symbols.size })
    this.#answerable()
  }

  #grow(partitions: number): void {
    this.#logger.warn(
      'topic_grown',
      `topic ${this.#config.topic} has ${partitions} partitions now; symbols may have moved between them`,
      {},
    )
    this.#hub.setShape(this.feed, this.feed.generation, partitions, this.#wanted === 'all' ? null : this.#wanted)
    const added: PartitionStart[] = []
    for (let partition = 0; partition < partitions; partition++) {
      if (this.#progress.has(partition) || (this.#wanted !== 'all' && !this.#wanted.includes(partition))) continue
      this.#progress.set(partition, { next: -1, warmAt: 0 })
      this.feed.freshness.expect(partition, this.#hub.clock.nowMs())
      added.push({ partition, start: { at: 'earliest' } })
    }
    this.#reader?.add(added)
  }

  #recreated(): void {
    this.#setTrouble(
      'topic_recreated',
      `topic ${this.#config.topic} was deleted and created again: raise the generation of feed ${this.feed.name} (now ${this.feed.generation}) in the configuration of every node and restart them`,
    )
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof LogError && error.code === 'log_topic_missing') this.#setTrouble('topic_missing', message)
    else if (error instanceof LogError) this.#setTrouble('log_unreachable', message)
    else this.#setTrouble('reader_stalled', message)
  }

  #setTrouble(reason: StaleReason, message: string): void {
    if (this.#trouble?.reason !== reason) this.#logger.error(reason, message, { feed: this.feed.name, topic: this.#config.topic })
    this.#trouble = { reason, message }
    this.#answerable()
  }

  #hopeAgain(): void {
    if (this.#trouble === null) return
    this.#logger.info('log_reachable', `${this.#config.topic} can be read again`, { feed: this.feed.name })
    this.#trouble = null
  }

  #pause(): Promise<void> {
    const { signal } = this.#abort
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#hub.clock.after(RETRY_MS, done)
      signal.addEventListener('abort', done)
    })
  }
}
