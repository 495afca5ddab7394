import type { Feed, Hub, StaleCause } from '../hub/index.ts'
import type { LogEvent, LogReader, TopicDescription } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ReadFeed } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { type Hold, type Stage, type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import type { LogFact } from '../trace/index.ts'
import type { DelayedView } from './delay/index.ts'
import { Carried } from './carried.ts'
import { endOf } from './end-of.ts'
import { explainPartition, warming } from './explain.ts'
import type { Intake } from './intake.ts'
import { OrderedIntake } from './ordered-intake.ts'
import { countsOf, type ReadCounts } from './read-counts.ts'
import { TopicShare } from './topic-share.ts'
import { Trouble } from './trouble.ts'
import type { WantedPartitions } from './wanted-partitions.ts'

/** Between two attempts to find a topic that is not there, or a log that does not answer. */
const RETRY_MS = 1000
/** A reader from which nothing came for so long, though pulses are due, is thrown away and made anew. */
const REBUILD_AFTER_MS = 10_000
/** A call that asks every broker of a large cluster that hangs takes minutes; one that takes longer never comes back. */
const LOG_CALL_DEADLINE_MS = 300_000

/** Reads one feed's topic into the hub: warms up, follows, survives whatever the log does, and says why it is stale. */
export class TopicReader {
  readonly #log: DelayedView
  readonly #config: ReadFeed
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #intake: Intake
  readonly #carried: Carried
  readonly #share: TopicShare
  readonly #orderedIntake: OrderedIntake
  readonly #trouble: Trouble
  readonly #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #lastEventAtMs: number
  /** Waits for the log. */
  readonly #calling: Stage
  /** A reader that was closed has to let the loop go on. */
  readonly #rebuilding: Stage
  #rebuild: Hold | null = null
  /** Of the topic that reading began with: one made anew under the same name may come while no reader is open. */
  #topicId: string | null = null

  constructor(options: {
    readonly hub: Hub
    readonly feed: Feed
    readonly log: DelayedView
    readonly config: ReadFeed
    readonly intake: Intake
    readonly partitions: WantedPartitions
    readonly logger: Logger
    /** Told when `answers` may have become true. */
    readonly answerable: () => void
    /** Told when the intake has stopped at a seam in a partition. */
    readonly seamReached?: () => void
    readonly stages?: Stages
  }) {
    const { hub, feed, log, config, intake, logger, answerable, seamReached = () => {}, stages = unwatchedStages } = options
    const { clock } = hub
    this.#log = log
    this.#config = config
    this.#clock = clock
    this.#logger = logger
    this.#intake = intake
    this.#lastEventAtMs = clock.nowMs()
    this.#calling = stages.open(`describe ${feed.name}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
    this.#rebuilding = stages.open(`consume ${feed.name}`)
    this.#trouble = new Trouble(config, logger, answerable)
    const { topic } = config
    const wanted = options.partitions
    const carried = new Carried({ hub, feed, topic, wanted, logger, becameWarm: answerable })
    const share = new TopicShare({ log, config, wanted, carried, clock, logger })
    this.#carried = carried
    this.#share = share
    this.#orderedIntake = new OrderedIntake({ topic, feed: feed.name, share, carried, intake, clock, logger, seamReached, stages })
  }

  get feed(): Feed {
    return this.#carried.feed
  }

  get warm(): boolean {
    return this.#carried.isWarm
  }

  /** Whether what is known of a symbol is all there is to know: also of a topic that does not exist, which holds nothing. */
  get answers(): boolean {
    return this.warm || this.#trouble.isOfNothing
  }

  /** Whether the log does not give what is to be read. */
  get isInTrouble(): boolean {
    return this.#trouble.cause !== null
  }

  /** Whether the partition is read here; of one that is not, images are not kept up to date. */
  reads(partition: number): boolean {
    return this.#carried.reads(partition)
  }

  start(): void {
    this.#carried.announce()
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#share.reader?.close()
    await this.#running
  }

  /** Called now and then, and when the choice may have changed: reads what is wanted, and no more. */
  reshare(): void {
    this.#share.reshare()
  }

  /** This process stood still: it is warm again when it has read up to where the log is now. */
  rewarm(): void {
    this.#share.rewarm()
  }

  /** Called now and then: a client library can stall while everything else looks fine, so a silent reader is replaced. */
  checkStall(): void {
    const { reader } = this.#share
    const { progress } = this.#carried
    if (reader === null || progress.size === progress.heldCount) return
    if (reader.isWaiting === true) this.#lastEventAtMs = this.#clock.nowMs()
    const silentMs = this.#clock.nowMs() - this.#lastEventAtMs
    if (silentMs < REBUILD_AFTER_MS) return
    this.#lastEventAtMs = this.#clock.nowMs()
    if (this.isInTrouble) void this.#replaceIfLogAnswers(reader, silentMs)
    else this.#replace(reader, silentMs)
  }

  // ---- the seam

  /** Whether every partition that is read here has been read up to its seam. */
  get isAtSeam(): boolean {
    return this.#carried.isAtSeam
  }

  /** Whether every partition that there is has been read up to its seam. */
  get isWholeAtSeam(): boolean {
    return this.#carried.isWholeAtSeam
  }

  /** Whether some partition stands at its seam. */
  get isHeld(): boolean {
    return this.#carried.progress.heldCount > 0
  }

  /** Reads on behind the seam. */
  passSeam(): void {
    this.#lastEventAtMs = this.#clock.nowMs()
    this.#share.passSeam()
  }

  /** Another generation of the feed has been read in beside this one, and this reader is to feed the other hub from now on. */
  moveTo(hub: Hub, feed: Feed): void {
    this.#intake.moveTo(hub, feed)
    this.#carried.moveTo(hub, feed)
  }

  /** It tells its feed nothing from now on, and closes. */
  async retire(): Promise<void> {
    this.#intake.end()
    this.#carried.retire()
    await this.close()
  }

  // ---- what it says of itself

  /** What was read, and what of it could not be taken. */
  get counts(): ReadCounts {
    return { ...countsOf(this.#intake), lag: this.#carried.progress.lag }
  }

  /** Why the feed is not served as it should be; `null` when it is. */
  get unready(): StaleCause | null {
    if (this.#trouble.cause !== null) return { hop: 'log', ...this.#trouble.cause }
    return this.warm ? null : warming(this.#carried.hub.nodeId, this.#config.topic)
  }

  /** Why this feed's partitions are stale here. */
  explain(partition: number): StaleCause {
    const { hub, feed, progress } = this.#carried
    const facts = {
      node: hub.nodeId,
      feed: feed.name,
      topic: this.#config.topic,
      partition,
      trouble: this.#trouble.cause,
      holeFrom: this.#orderedIntake.holeOf(partition),
      isHeld: progress.isHeld(partition),
      recordAtMs: this.#intake.recordAtMs.get(partition),
      unprovenSinceMs: this.#intake.unprovenSinceMs.get(partition),
      unknownAtMs: this.#intake.unknownPulseAtMs.get(partition),
      pulseAtMs: feed.freshness.get(partition)?.point?.arrivedAtMs[0],
      isWarm: this.warm,
      delayMs: this.#config.delay?.delayMs ?? 0,
    }
    return explainPartition(facts, this.#clock.nowMs(), feed.freshness.staleAfterMs)
  }

  /** How far the partition has been read, and where it ends, for whoever asks: the log is given a moment to say so. */
  async logFact(partition: number): Promise<Omit<LogFact, 'generation' | 'catalogued' | 'pinned'>> {
    const { topic } = this.#config
    const recordAtMs = this.#intake.recordAtMs.get(partition)
    const range = await endOf(this.#log, topic, partition, this.#clock)
    return {
      topic,
      reads: this.reads(partition),
      warm: this.warm,
      next: this.#carried.progress.next(partition),
      ...range,
      trouble: this.#trouble.cause,
      recordAgoMs: recordAtMs === undefined ? null : Math.round(this.#clock.nowMs() - recordAtMs),
      otherPulses: this.#intake.counts.stalePulses,
      poison: Object.values(this.#intake.poison).reduce((sum, count) => sum + count, 0),
    }
  }

  // ---- reading

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const topic = await this.#calling.during(`topic ${this.#config.topic}`, this.#log.describe(this.#config.topic))
        if (this.#abort.signal.aborted) return
        this.#topicId ??= topic.topicId
        if (topic.topicId === this.#topicId) {
          this.#trouble.over()
          await this.#read(topic)
        } else this.#trouble.recreated()
      } catch (error) {
        if (!this.#abort.signal.aborted) this.#trouble.failed(error)
      }
      if (this.#trouble.isFinal) return
      if (!this.#abort.signal.aborted) await this.#pause()
    }
  }

  async #read(topic: TopicDescription): Promise<void> {
    const reader = this.#share.open(topic)
    this.#lastEventAtMs = this.#clock.nowMs()
    try {
      for await (const event of reader) await this.#take(event)
    } finally {
      this.#share.closed()
      await reader.close()
      this.#rebuild?.[Symbol.dispose]()
      this.#rebuild = null
    }
  }

  async #take(event: LogEvent): Promise<void> {
    this.#lastEventAtMs = this.#clock.nowMs()
    switch (event.kind) {
      case 'records':
      case 'started':
      case 'jumped':
        return this.#orderedIntake.take(event)
      case 'unreachable':
        return this.#trouble.unreachable(event.error.message)
      case 'reachable':
        return this.#trouble.over()
      case 'missing':
        return this.#trouble.missing(`topic ${this.#config.topic} is gone`)
      case 'recreated':
        return this.#trouble.recreated()
      case 'grown':
        return this.#share.grow(event.partitions)
    }
  }

  /** A reader is silent while the log is away, and rightly so. It may have stalled there, and would stay so when the log is back. */
  async #replaceIfLogAnswers(reader: LogReader, silentMs: number): Promise<void> {
    const askedAtMs = this.#lastEventAtMs
    const { unreachable } = await endOf(this.#log, this.#config.topic, 0, this.#clock)
    const isSilentStill = this.#share.reader === reader && this.#lastEventAtMs === askedAtMs
    if (unreachable === null && isSilentStill) this.#replace(reader, silentMs)
  }

  #replace(reader: LogReader, silentMs: number): void {
    const { topic } = this.#config
    this.#logger.warn('reader_rebuilt', `nothing came from ${topic} for ${Math.round(silentMs)} ms; its reader is made anew`, {})
    this.#rebuild ??= this.#rebuilding.hold(`closing the silent reader of ${topic}`)
    void reader.close()
  }

  #pause(): Promise<void> {
    const { signal } = this.#abort
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = this.#clock.after(RETRY_MS, done)
      signal.addEventListener('abort', done)
    })
  }
}
