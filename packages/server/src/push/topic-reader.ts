import type { StaleReason } from '@pulsewire/protocol'
import { type Content, Hub, WHOLE_FEED, type Feed, type StaleCause, type SymbolState } from '../hub/index.ts'
import type { LogEvent, LogReader, PartitionRange, PartitionStart, TopicDescription } from '../log/index.ts'
import type { ReadFeed } from '../runtime/config/index.ts'
import { LogError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { type Exclusive, type Hold, type Stage, type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import type { LogFact } from '../trace/index.ts'
import type { DelayedView } from './delay/index.ts'
import { endOf } from './end-of.ts'
import { explainPartition, warming } from './explain.ts'
import type { Intake } from './intake.ts'
import { type Batch, Continuity, isWhole, soundPart } from './continuity.ts'
import { Progress } from './progress.ts'
import { countsOf, type ReadCounts } from './read-counts.ts'
import type { Succession } from './succession.ts'

/** Between two attempts to find a topic that is not there, or a log that does not answer. */
const RETRY_MS = 1000
/** A reader from which nothing came for so long, though pulses are due, is thrown away and made anew. */
const REBUILD_AFTER_MS = 10_000
/** A call that asks every broker of a large cluster that hangs takes minutes; one that takes longer never comes back. */
const LOG_CALL_DEADLINE_MS = 300_000
/** Readers of one feed, at most as many as it has topics. */
const INTAKE_QUEUE_MAX = 8
/** At most one line about records that were left out per topic in this time. */
const HOLE_LOG_INTERVAL_MS = 5000
/** Records taken in one go before sessions get their turn. */
const TURN_RECORDS_MAX = 2000

/**
 * Which of a feed's partitions this node is to read, of so many that there are and given those that it reads now.
 * `undefined`: that is not known yet.
 */
export type ChoosePartitions = (partitions: number, held: Iterable<number>) => readonly number[] | undefined

/** Reads one feed's topic into the hub: warms up, follows, survives whatever the log does, and says why it is stale. */
export class TopicReader {
  #feed: Feed
  #hub: Hub
  readonly #log: DelayedView
  readonly #config: ReadFeed
  readonly #intake: Intake
  readonly #wanted: 'all' | readonly number[] | ChoosePartitions
  readonly #logger: Logger
  readonly #answerable: () => void
  readonly #seamReached: () => void
  readonly #progress = new Progress()
  readonly #continuity = new Continuity()
  #holesLoggedAtMs = -Infinity
  readonly #abort = new AbortController()
  #reader: LogReader | null = null
  #running: Promise<void> = Promise.resolve()
  #trouble: { reason: StaleReason; message: string } | null = null
  #lastEventAtMs: number
  #started = false
  #isWarm = false
  /** Partitions that were read and given up: what came meanwhile is not known here. */
  readonly #left = new Set<number>()
  /** The log is being asked how far partitions reach. */
  #isLooking = false
  #lookedAtMs = -Infinity
  /** Everything must be read up to where the log is now before this node may be believed again. */
  #mustRewarm = false
  /** Waits for the log. */
  readonly #calling: Stage
  /** A reader that was closed has to let the loop go on. */
  readonly #rebuilding: Stage
  #rebuild: Hold | null = null
  /** One batch at a time goes into a feed, also while two topics of it are read. */
  readonly #intaking: Exclusive
  readonly #decoding: Stage
  /** Of the topic that reading began with: one made anew under the same name may come while no reader is open. */
  #topicId: string | null = null

  constructor(options: {
    readonly hub: Hub
    readonly feed: Feed
    readonly log: DelayedView
    readonly config: ReadFeed
    readonly intake: Intake
    readonly partitions: 'all' | readonly number[] | ChoosePartitions
    readonly logger: Logger
    /** Told when `answers` may have become true. */
    readonly answerable: () => void
    /** Told when the intake has stopped at a seam in a partition. */
    readonly seamReached?: () => void
    readonly stages?: Stages
  }) {
    this.#feed = options.feed
    const stages = options.stages ?? unwatchedStages
    this.#calling = stages.open(`describe ${this.#feed.name}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
    this.#rebuilding = stages.open(`consume ${this.#feed.name}`)
    this.#intaking = stages.exclusive(`intake ${this.#feed.name}`, { queueMax: INTAKE_QUEUE_MAX })
    this.#decoding = stages.open(`decode ${this.#feed.name}`)
    this.#hub = options.hub
    this.#log = options.log
    this.#config = options.config
    this.#intake = options.intake
    this.#wanted = options.partitions
    this.#logger = options.logger
    this.#answerable = options.answerable
    this.#seamReached = options.seamReached ?? (() => {})
    this.#lastEventAtMs = options.hub.clock.nowMs()
  }

  /** What was read, and what of it could not be taken. */
  get counts(): ReadCounts {
    return { ...countsOf(this.#intake), lag: this.#progress.lag }
  }

  get feed(): Feed {
    return this.#feed
  }

  /** Another generation of the feed has been read in beside this one, and this reader is to feed the other hub from now on. */
  moveTo(hub: Hub, feed: Feed): void {
    const { generation, partitions } = this.#feed
    this.#hub = hub
    this.#feed = feed
    this.#intake.moveTo(hub, feed)
    hub.setShape(feed, generation, partitions, this.#carried())
    hub.forgetPartitions(feed, (partition) => !this.reads(partition))
    for (const partition of this.#progress.partitions) feed.freshness.expect(partition, hub.clock.nowMs())
  }

  /** Whether every partition that is read here has been read up to its seam. */
  get isAtSeam(): boolean {
    return this.#started && this.#progress.heldCount === this.#progress.size
  }

  /** Whether every partition that there is has been read up to its seam. */
  get isWholeAtSeam(): boolean {
    return this.isAtSeam && this.#feed.partitions > 0 && this.#progress.size >= this.#feed.partitions
  }

  /** Whether some partition stands at its seam. */
  get isHeld(): boolean {
    return this.#progress.heldCount > 0
  }

  /** Whether the log does not give what is to be read. */
  get isInTrouble(): boolean {
    return this.#trouble !== null
  }

  /** The part of the records that could not be made anything of, 0 to 1. */
  get unreadable(): number {
    return this.#intake.unreadable
  }

  /** Record time since which every partition was read. */
  get sinceMs(): number {
    return this.#intake.sinceMs
  }

  /** The feed is about to move: what symbols were within their last millisecond is kept. */
  keepBefore(): void {
    this.#intake.keepBefore()
  }

  /** It does not move after all. */
  forgetBefore(): void {
    this.#intake.forgetBefore()
  }

  /** What the symbol was before its last record, in the very millisecond of that. */
  before(symbol: SymbolState): readonly Content[] {
    return this.#intake.before(symbol)
  }

  /** Some of what comes was given by the generation before. */
  succeeds(succession: Succession): void {
    this.#intake.succeeds(succession)
  }

  /** Reads on behind the seam. */
  passSeam(): void {
    this.#lastEventAtMs = this.#hub.clock.nowMs()
    // Also while no reader is open: the next one reads what is not held.
    const held = this.#progress.letOn()
    this.#reader?.add(held.map((partition) => ({ partition, start: { at: 'offset', offset: this.#progress.next(partition) } })))
    this.#tellCarried()
  }

  /** It tells its feed nothing from now on, and closes. */
  async retire(): Promise<void> {
    this.#intake.end()
    const { clock, nodeId } = this.#hub
    this.#hub = new Hub({ nodeId, clock, feeds: [this.#feed.options] })
    this.#feed = this.#hub.feeds[0]!
    await this.close()
  }

  /**
   * Whether all that was its own has been read up to where it ended then. A partition that falls to it later does not
   * make it cold again: until that is read in, it is not said to be carried.
   */
  get warm(): boolean {
    return this.#isWarm
  }

  /** Whether what is known of a symbol is all there is to know: also of a topic that does not exist, which holds nothing. */
  get answers(): boolean {
    return this.warm || this.#trouble?.reason === 'topic_missing' || this.#trouble?.reason === 'topic_recreated'
  }

  /** Why the feed is not served as it should be; `null` when it is. */
  get unready(): StaleCause | null {
    if (this.#trouble !== null) return { hop: 'log', ...this.#trouble }
    return this.warm ? null : warming(this.#hub.nodeId, this.#config.topic)
  }

  /** Whether the partition is read here; of one that is not, images are not kept up to date. */
  reads(partition: number): boolean {
    return this.#progress.has(partition)
  }

  /** Called now and then, and when the choice may have changed: reads what is wanted, and no more. */
  reshare(): void {
    if (this.#reader === null) return
    if (this.#mustRewarm) void this.#look([])
    if (typeof this.#wanted !== 'function') return
    const wanted = this.#wanted(this.#feed.partitions, this.#progress.partitions)
    if (wanted === undefined) return
    this.#giveUp([...this.#progress.partitions].filter((partition) => !wanted.includes(partition)))
    const added = wanted.filter((partition) => !this.#progress.has(partition))
    if (added.length > 0) void this.#look(added)
    else if (!this.#started) this.#begin()
  }

  /** This process stood still: it is warm again when it has read up to where the log is now. */
  rewarm(): void {
    this.#mustRewarm = true
    this.#isWarm = false
    this.#lookedAtMs = -Infinity
    this.#tellCarried()
    this.reshare()
  }

  start(): void {
    this.#feed.freshness.expect(WHOLE_FEED, this.#hub.clock.nowMs())
    if (typeof this.#wanted === 'function') this.#hub.setShape(this.#feed, this.#feed.generation, this.#feed.partitions, [])
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#reader?.close()
    await this.#running
  }

  /** Why this feed's partitions are stale here. */
  explain(partition: number): StaleCause {
    const { freshness } = this.#feed
    const facts = {
      node: this.#hub.nodeId,
      feed: this.#feed.name,
      topic: this.#config.topic,
      partition,
      trouble: this.#trouble,
      holeFrom: this.#continuity.holeOf(partition),
      isHeld: this.#progress.isHeld(partition),
      recordAtMs: this.#intake.recordAtMs.get(partition),
      unprovenSinceMs: this.#intake.unprovenSinceMs.get(partition),
      pulseAtMs: freshness.get(partition)?.point?.arrivedAtMs[0],
      isWarm: this.warm,
      delayMs: this.#config.delay?.delayMs ?? 0,
    }
    return explainPartition(facts, this.#hub.clock.nowMs(), freshness.staleAfterMs)
  }

  /** How far the partition has been read, and where it ends, for whoever asks: the log is given a moment to say so. */
  async logFact(partition: number): Promise<Omit<LogFact, 'generation' | 'catalogued' | 'pinned'>> {
    const { topic } = this.#config
    const { clock } = this.#hub
    const recordAtMs = this.#intake.recordAtMs.get(partition)
    const range = await endOf(this.#log, topic, partition, clock)
    return {
      topic,
      reads: this.#progress.has(partition),
      warm: this.warm,
      next: this.#progress.next(partition),
      ...range,
      trouble: this.#trouble,
      recordAgoMs: recordAtMs === undefined ? null : Math.round(clock.nowMs() - recordAtMs),
      otherPulses: this.#intake.counts.stalePulses,
      poison: Object.values(this.#intake.poison).reduce((sum, count) => sum + count, 0),
    }
  }

  /** Called now and then: a client library can stall while everything else looks fine, so a silent reader is replaced. */
  checkStall(): void {
    if (this.#reader === null || this.#trouble !== null || this.#progress.size === this.#progress.heldCount) return
    if (this.#reader.isWaiting === true) this.#lastEventAtMs = this.#hub.clock.nowMs()
    const silentMs = this.#hub.clock.nowMs() - this.#lastEventAtMs
    if (silentMs < REBUILD_AFTER_MS) return
    this.#lastEventAtMs = this.#hub.clock.nowMs()
    this.#logger.warn(
      'reader_rebuilt',
      `nothing came from ${this.#config.topic} for ${Math.round(silentMs)} ms; its reader is made anew`,
      {},
    )
    this.#rebuild ??= this.#rebuilding.hold(`closing the silent reader of ${this.#config.topic}`)
    void this.#reader.close()
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const topic = await this.#calling.during(`topic ${this.#config.topic}`, this.#log.describe(this.#config.topic))
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
    const count = topic.partitions.length
    const wanted = this.#chosen(count)
    // Others may have come to own what was read before.
    if (wanted !== undefined) this.#giveUp([...this.#progress.partitions].filter((partition) => !wanted.includes(partition)))
    const partitions = topic.partitions.filter(({ partition }) => wanted?.includes(partition) ?? this.#progress.has(partition))
    const nowMs = this.#hub.clock.nowMs()
    for (const range of partitions) this.#expect(range, nowMs)
    this.#hub.setShape(this.#feed, this.#feed.generation, count, this.#carried())
    this.#started ||= wanted !== undefined
    const reader = this.#log.read(
      this.#config.topic,
      partitions
        .filter(({ partition }) => !this.#progress.isHeld(partition))
        .map(({ partition, earliest, latest }) => this.#startOf(partition, earliest, latest)),
      { stretch: () => this.#hub.stretch },
    )
    this.#reader = reader
    this.#lastEventAtMs = nowMs
    if (this.#started) this.#begin()
    try {
      for await (const event of reader) await this.#take(event)
    } finally {
      this.#reader = null
      await reader.close()
      this.#rebuild?.[Symbol.dispose]()
      this.#rebuild = null
    }
  }

  /** Those that this node is to read; `undefined` while that is not known. */
  #chosen(count: number): readonly number[] | undefined {
    const all = Array.from({ length: count }, (_, partition) => partition)
    if (this.#wanted === 'all') return all
    if (typeof this.#wanted === 'function') return this.#wanted(count, this.#progress.partitions)
    return all.filter((partition) => (this.#wanted as readonly number[]).includes(partition))
  }

  /** What receivers are told that this node has: of a choice that changes, those that have been read in. */
  #carried(): readonly number[] | null {
    if (this.#wanted === 'all') return null
    if (typeof this.#wanted !== 'function') return this.#wanted
    if (this.#mustRewarm) return []
    return this.#progress.readIn()
  }

  #begin(): void {
    this.#started = true
    // Without a share there is nothing here that could be fresh or stale.
    if (this.#progress.size === 0) this.#hub.forgetPartitions(this.#feed, (partition) => partition === WHOLE_FEED)
    this.#tellCarried()
    this.#settle()
  }

  #settle(): void {
    if (this.#isWarm || !this.#started || this.#mustRewarm) return
    if (this.#progress.readIn().length < this.#progress.size) return
    this.#isWarm = true
    this.#logger.info('warm', `${this.#config.topic} has been read in`, { symbols: this.#feed.symbols.size })
    this.#answerable()
  }

  #tellCarried(): void {
    if (this.#started) this.#hub.setShape(this.#feed, this.#feed.generation, this.#feed.partitions, this.#carried())
  }

  #expect(range: PartitionRange, nowMs: number): void {
    this.#feed.freshness.expect(range.partition, nowMs)
    this.#progress.expect(range)
  }

  /** Begins to read partitions, and finds out how far everything reaches that has to be read in. */
  async #look(added: readonly number[]): Promise<void> {
    const nowMs = this.#hub.clock.nowMs()
    if (this.#isLooking || nowMs - this.#lookedAtMs < RETRY_MS) return
    const reader = this.#reader
    this.#isLooking = true
    try {
      const { partitions } = await this.#log.describe(this.#config.topic)
      if (reader === null || this.#reader !== reader) return
      this.#lookedAtMs = -Infinity
      if (this.#mustRewarm) this.#progress.raise(partitions)
      this.#mustRewarm = false
      const ranges = partitions.filter(({ partition }) => added.includes(partition) && !this.#progress.has(partition))
      for (const range of ranges) this.#expect(range, this.#hub.clock.nowMs())
      reader.add(ranges.map(({ partition, earliest, latest }) => this.#startOf(partition, earliest, latest)))
      this.#begin()
    } catch {
      // The reader itself says what is wrong with the log; this is tried again.
      this.#lookedAtMs = this.#hub.clock.nowMs()
    } finally {
      this.#isLooking = false
    }
  }

  /** Reads these no longer. Their images go, except those that somebody subscribes to: they are not shown as live by anybody. */
  #giveUp(partitions: readonly number[]): void {
    if (partitions.length === 0) return
    this.#reader?.remove(partitions)
    for (const partition of partitions) {
      this.#progress.forget(partition)
      this.#left.add(partition)
    }
    this.#hub.forgetPartitions(this.#feed, (partition) => partitions.includes(partition))
    for (const symbol of this.#feed.symbols.values()) {
      if (partitions.includes(symbol.partition) && symbol.entries.length === 0) this.#feed.drop(symbol)
    }
    this.#tellCarried()
  }

  /** Where it left off; at first as far back as the images need. */
  #startOf(partition: number, earliest: number, latest: number): PartitionStart {
    const next = this.#progress.next(partition)
    if (next >= 0) return { partition, start: { at: 'offset', offset: next } }
    const { spanMs, recordsMax } = this.#config.warmup
    if (spanMs === 0 || recordsMax === 0) {
      this.#progress.expectNothing(partition)
      return { partition, start: { at: 'latest' } }
    }
    // By count when the topic holds more than that, else by time.
    if (latest - earliest > recordsMax) return { partition, start: { at: 'offset', offset: latest - recordsMax } }
    return { partition, start: { at: 'time', timestampMs: Math.floor(this.#hub.clock.nowMs() - spanMs) } }
  }

  async #take(event: LogEvent): Promise<void> {
    this.#lastEventAtMs = this.#hub.clock.nowMs()
    // It may have been given up meanwhile.
    if ('partition' in event && !this.#isRead(event.partition)) return
    switch (event.kind) {
      case 'records':
        this.#progress.ends(event.partition, event.highWatermark)
        await this.#takeBatch(event)
        break
      case 'started':
        if (this.#left.delete(event.partition)) this.#intake.lost(event.partition, event.offset)
        this.#advance(event.partition, event.offset)
        break
      case 'jumped':
        this.#logger.warn('records_lost', `records of ${this.#config.topic}/${event.partition} were gone before they were read`, {
          from: event.from,
          to: event.offset,
        })
        this.#intake.lost(event.partition, event.offset)
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

  /** Whether what comes of the partition is taken now. */
  #isRead(partition: number): boolean {
    return this.#progress.has(partition) && !this.#progress.isHeld(partition)
  }

  async #takeBatch(batch: Batch): Promise<void> {
    const { partition } = batch
    const next = this.#progress.next(partition)
    if (isWhole(batch, next)) return this.#takeRecords(batch)
    if (batch.span.next <= next) {
      this.#continuity.counts.repeated++
      return
    }
    const sound = soundPart(batch, next)
    if (sound !== undefined) await this.#takeRecords(sound)
    // A hole behind a seam is none of this generation's.
    if (sound?.span.next !== batch.span.next && this.#isRead(partition)) await this.#mend(batch)
  }

  /**
   * Records are missing, and so is whatever else came behind them: a chain over a hole would look whole to receivers, and
   * a pulse behind it would prove what is not here. Both wait until the log has been asked for them again.
   */
  async #mend(batch: Batch): Promise<void> {
    const { partition, span, records } = batch
    const next = this.#progress.next(partition)
    const nowMs = this.#hub.clock.nowMs()
    const remedy = this.#continuity.torn(partition, next, nowMs)
    const reader = this.#reader
    const place = `${this.#config.topic}/${partition}`
    if (remedy.kind === 'leave') {
      const offset = Math.max(span.from, next + 1, records.find((record) => record.offset > next)?.offset ?? span.next)
      const message = `records of ${place} did not come, though read again for ${Math.round(nowMs - remedy.sinceMs)} ms: this node goes on without them`
      this.#logger.error('records_unreadable', message, { from: next, to: offset })
      this.#intake.lost(partition, offset)
      this.#advance(partition, offset)
      return this.#takeBatch(batch)
    }
    if (nowMs - this.#holesLoggedAtMs >= HOLE_LOG_INTERVAL_MS) {
      this.#holesLoggedAtMs = nowMs
      const message = `the reader of ${place} left records out; they are read again before anything behind them is believed`
      this.#logger.warn('records_left_out', message, { from: next, ...this.#continuity.counts })
    }
    if (remedy.kind === 'rebuild') return void reader?.close()
    reader?.remove([partition])
    const readAgain = () => {
      const isStill = this.#reader === reader && this.#progress.next(partition) === next && this.#isRead(partition)
      if (isStill) reader?.add([{ partition, start: { at: 'offset', offset: next } }])
    }
    if (remedy.afterMs === 0) readAgain()
    else this.#hub.clock.after(remedy.afterMs, readAgain)
  }

  async #takeRecords(event: Batch): Promise<void> {
    const { records } = event
    using _ = await this.#intaking.enter(`records of ${this.#config.topic}/${event.partition}`)
    for (let from = 0; from < records.length; from += TURN_RECORDS_MAX) {
      const turn = records.length <= TURN_RECORDS_MAX ? event : { ...event, records: records.slice(from, from + TURN_RECORDS_MAX) }
      let seamAt: number | null
      this.#decoding.enter()
      try {
        seamAt = this.#intake.take(turn)
      } finally {
        this.#decoding.leave()
      }
      if (seamAt !== null) return this.#hold(event.partition, seamAt)
      // It may be given up while sessions have their turn.
      if (from + TURN_RECORDS_MAX < records.length) await new Promise<void>((resolve) => this.#hub.clock.soon(resolve))
      if (!this.#progress.has(event.partition)) return
    }
    this.#advance(event.partition, event.span.next)
  }

  /** What follows in the partition waits until the feed is on the other side of the seam. */
  #hold(partition: number, next: number): void {
    this.#continuity.passed(partition, next)
    this.#progress.hold(partition, next)
    this.#reader?.remove([partition])
    this.#tellCarried()
    this.#settle()
    this.#seamReached()
  }

  #advance(partition: number, next: number): void {
    this.#continuity.passed(partition, next)
    if (!this.#progress.advance(partition, next)) return
    this.#tellCarried()
    this.#settle()
  }

  #grow(partitions: number): void {
    this.#logger.warn(
      'topic_grown',
      `topic ${this.#config.topic} has ${partitions} partitions now; symbols may have moved between them`,
      {},
    )
    this.#hub.setShape(this.#feed, this.#feed.generation, partitions, this.#carried())
    const added: PartitionStart[] = []
    for (const partition of this.#chosen(partitions) ?? []) {
      if (this.#progress.has(partition)) continue
      this.#progress.expectNothing(partition)
      this.#feed.freshness.expect(partition, this.#hub.clock.nowMs())
      added.push({ partition, start: { at: 'earliest' } })
    }
    this.#reader?.add(added)
    this.#tellCarried()
  }

  #recreated(): void {
    this.#setTrouble(
      'topic_recreated',
      `topic ${this.#config.topic} was deleted and created again: raise the generation of feed ${this.#feed.name} (now ${this.#feed.generation}) in the configuration of every node and restart them`,
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
    if (this.#trouble?.reason !== reason) this.#logger.error(reason, message, { feed: this.#feed.name, topic: this.#config.topic })
    this.#trouble = { reason, message }
    this.#answerable()
  }

  #hopeAgain(): void {
    if (this.#trouble === null) return
    this.#logger.info('log_reachable', `${this.#config.topic} can be read again`, { feed: this.#feed.name })
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
