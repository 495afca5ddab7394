import {
  type Directory,
  type FeedGeneration,
  followedGenerations,
  generationThen,
  isCatalogueKnown,
  type LeasedFeed,
} from '../directory/index.ts'
import { type Feed, type FeedOptions, Hub, oldestPulseAgeMs, type StaleCause, type SymbolState } from '../hub/index.ts'
import type { PulseRecord } from '../feeds/index.ts'
import type { Clusters } from '../log/index.ts'
import type { ReadFeed } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stages } from '../runtime/stages/index.ts'
import type { LogFact } from '../trace/index.ts'
import { viewOf } from './delay/index.ts'
import { Intake } from './intake.ts'
import { sharedBetweenReaders } from './shared-stages.ts'
import { TakeOver } from './take-over.ts'
import { TopicReader } from './topic-reader.ts'
import type { WantedPartitions } from './wanted-partitions.ts'

/** An older topic that cannot be read has so long to come to its seam once the newer one has; then it is left without. */
const OLDER_GONE_WAIT_MS_MAX = 3000
/** And one that can be read, so long: the other line serves meanwhile. */
const OLDER_WAIT_MS_MAX = 30_000
/** A node that stands at a seam of which the catalogue knows nothing for so long reads on: that was lost, and made anew. */
const UNKNOWN_SEAM_MS_MAX = 10_000

export interface FeedInputOptions {
  readonly hub: Hub
  readonly feed: Feed
  readonly clusters: Clusters
  readonly config: ReadFeed
  readonly partitions: (generation: number) => WantedPartitions
  readonly logger: Logger
  /** Told when `answers` may have become true. */
  readonly answerable: () => void
  readonly stages: Stages
  /** Its catalogue says which generations are read. Absent: the one of the configuration. */
  readonly directory?: Directory
}

interface Reading {
  readonly generation: FeedGeneration
  readonly hub: Hub
  readonly intake: Intake
  readonly reader: TopicReader
  /** The feed has moved to it without this node. */
  readonly isClosed: boolean
}

/**
 * One feed of a push node: reads its current generation into the node's hub and, while the feed moves, the next one into
 * a hub of its own, until that takes the place of the first.
 */
export class FeedInput {
  readonly feed: Feed
  readonly #options: FeedInputOptions
  readonly #configured: FeedGeneration
  readonly #stages: Stages
  readonly #closing: Promise<void>[] = []
  /** The newest generation that pulses of the current one named as the next. */
  #namedTo = 0
  /** Seams to generations up to this one are none as long as the catalogue does not know them. */
  #unknownTo = 0
  #strandedSinceMs: number | null = null
  #current: Reading | null = null
  #next: Reading | null = null
  /** A generation whose cluster cannot be reached from here: said once. */
  #unreachable = 0
  #startedAtMs = Infinity
  #readySinceMs: number | null = null
  #isOpen = false

  constructor(options: FeedInputOptions) {
    const { generation, topic } = options.config
    this.#options = options
    this.feed = options.feed
    this.#configured = { generation, topic }
    this.#stages = sharedBetweenReaders(options.stages)
  }

  // ---- what the node asks of the current generation

  get warm(): boolean {
    return this.#current?.reader.warm === true
  }

  /** `null` while nothing is read. */
  get counts(): TopicReader['counts'] | null {
    return this.#current?.reader.counts ?? null
  }

  get answers(): boolean {
    return this.#current?.reader.answers === true
  }

  get unready(): StaleCause | null {
    return this.#current === null ? this.#unknown() : this.#current.reader.unready
  }

  /** What is read now, for whoever wants to see whether that has changed. */
  get reading(): unknown {
    return [this.#current?.generation.generation, this.feed.carried, this.#next?.generation.generation, this.#next?.reader.feed.carried]
  }

  reads(partition: number): boolean {
    return this.#current?.reader.reads(partition) === true
  }

  explain(partition: number): StaleCause {
    return this.#current === null ? this.#unknown() : this.#current.reader.explain(partition)
  }

  #unknown(): StaleCause {
    const message = `the catalogue, which says what topic feed ${this.feed.name} is on, is being read`
    return { hop: this.#options.hub.nodeId, reason: 'warming', message }
  }

  /** How far the partition has been read, and where it ends, for whoever asks. */
  async logFact(partition: number): Promise<LogFact | null> {
    const current = this.#current
    if (current === null) return null
    const { directory, config } = this.#options
    // One that is delayed is rightly where the feed was.
    const catalogued = directory?.feeds.get(config.name)?.current
    return {
      ...(await current.reader.logFact(partition)),
      generation: current.generation.generation,
      catalogued: catalogued === undefined ? null : { generation: catalogued.generation, topic: catalogued.topic },
      pinned: config.pinned,
    }
  }

  checkStall(): void {
    for (const reading of this.#readings()) reading.reader.checkStall()
    this.#next?.hub.checkFreshness()
  }

  rewarm(): void {
    for (const reading of this.#readings()) reading.reader.rewarm()
  }

  /** Called now and then, and when the directory has changed. */
  reshare(): void {
    this.#follow()
    for (const reading of this.#readings()) reading.reader.reshare()
    this.#checkStranded()
    this.#switchWhenDue()
  }

  leased(nowMs: number): LeasedFeed[] {
    const leased = this.#readings().map(({ generation: { generation, topic }, reader: { feed }, intake: { unreadable } }) => ({
      feed: feed.name,
      generation,
      topic,
      ...(feed.carried === null ? {} : { partitions: feed.carried }),
      pulseAgeMs: oldestPulseAgeMs(feed, nowMs),
      ...delayed(this.#options.config),
      ...(generation === this.#next?.generation.generation && unreadable > 0 ? { unreadable } : {}),
    }))
    if (leased.length > 0) return leased
    return [{ feed: this.feed.name, ...this.#configured, partitions: [], pulseAgeMs: null, ...delayed(this.#options.config) }]
  }

  start(): void {
    this.#isOpen = true
    this.#startedAtMs = this.#options.hub.clock.nowMs()
    this.#follow()
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await Promise.all([...this.#readings().map(({ reader }) => reader.close()), ...this.#closing])
  }

  #readings(): Reading[] {
    return [this.#current, this.#next].filter((reading) => reading !== null)
  }

  // ---- which generations are read

  #follow(): void {
    const { hub, directory, config } = this.#options
    if (!this.#isOpen) return
    if (!config.pinned && !isCatalogueKnown(directory, hub.clock.nowMs() - this.#startedAtMs)) return
    const { name, delay } = { ...config, name: config.delay?.of ?? config.name }
    const { current, next } = followedGenerations(directory, { ...config, name })
    const thenMs = delay === undefined ? Infinity : hub.clock.nowMs() - delay.delayMs
    this.#current ??= this.#openCurrent(generationThen(directory?.feeds.get(name), current, thenMs))
    if (this.#current === null) return
    const own = this.#current.generation.generation
    const target = [next, current].find((generation) => generation !== null && generation.generation > own) ?? null
    if (this.#next !== null && this.#next.generation.generation !== target?.generation) this.#abandon(this.#next)
    if (target === null) return
    this.#next ??= this.#openNext(target)
    if (this.#next === null) return
    this.#current.intake.keepBefore()
    // Of a migration that is closed, the pulses that say so may be behind.
    const fromMs = target.fromMs ?? (target === current ? 0 : undefined)
    const isClosed = target === current
    if (fromMs === this.#next.generation.fromMs && isClosed === this.#next.isClosed) return
    this.#next = { ...this.#next, isClosed, generation: fromMs === undefined ? target : { ...target, fromMs } }
  }

  /**
   * Whether a reader of this generation has come to the seam between two topics: the pulse says of the older one that it is
   * over from here on, and of the newer one that it counts from here on.
   */
  #isSeam(generation: number, { to, atMs }: PulseRecord): boolean {
    if (this.#options.config.pinned) return false
    const next = this.#next?.generation
    if (next?.generation === generation) return to === generation || (this.#next!.isClosed && atMs >= (next.fromMs ?? Infinity))
    if (to === undefined || to <= generation) return false
    this.#namedTo = Math.max(this.#namedTo, to)
    // A catalogue that was made anew may come to the same number: then only what was said since its own moment counts.
    return to > this.#unknownTo || (next?.generation === to && atMs >= (next.fromMs ?? Infinity))
  }

  /** The catalogue may have been lost: what it does not know of is no reason to wait for ever. */
  #checkStranded(): void {
    const { directory, hub, logger } = this.#options
    const current = this.#current
    if (current?.reader.isHeld !== true || this.#next !== null || directory?.view !== 'current') {
      this.#strandedSinceMs = null
      return
    }
    const nowMs = hub.clock.nowMs()
    this.#strandedSinceMs ??= nowMs
    if (nowMs - this.#strandedSinceMs < UNKNOWN_SEAM_MS_MAX) return
    const { generation, topic } = current.generation
    logger.error(
      'seam_unknown',
      `pulses of ${topic} say that feed ${this.feed.name} left it, of which the catalogue knows nothing: this node goes on with generation ${generation}`,
      { feed: this.feed.name, generation, topic },
    )
    this.#unknownTo = this.#namedTo
    current.reader.passSeam()
  }

  #openCurrent(generation: FeedGeneration): Reading | null {
    const { hub, feed } = this.#options
    if (feed.generation !== generation.generation) hub.setShape(feed, generation.generation, feed.partitions, feed.carried)
    return this.#open(generation, hub, feed)
  }

  #openNext(generation: FeedGeneration): Reading | null {
    const { hub, config, logger } = this.#options
    const beside = new Hub({ nodeId: hub.nodeId, clock: hub.clock, feeds: [feedOptions(config, generation.generation)] })
    const reading = this.#open(generation, beside, beside.feeds[0]!)
    if (reading === null) return null
    beside.connect(
      {
        want: () => true,
        unwant() {},
        wantPattern: () => true,
        unwantPattern() {},
        explain: (_feed, partition) => reading.reader.explain(partition),
      },
      { pulse() {}, freshness() {}, withdrawn() {}, feeds() {} },
    )
    logger.info('generation_opened', `generation ${generation.generation} of feed ${config.name} is read beside the current one`, {
      ...generation,
    })
    // Once the moment is set, the reading is given it with the rest.
    const { fromMs: _, ...rest } = generation
    return { ...reading, generation: rest }
  }

  #open(generation: FeedGeneration, hub: Hub, feed: Feed): Reading | null {
    const { clusters, config, logger, answerable } = this.#options
    if (this.#unreachable === generation.generation) return null
    const own = { ...config, topic: generation.topic, generation: generation.generation }
    try {
      const intake = new Intake(hub, feed, own, logger, (pulse) => this.#isSeam(generation.generation, pulse))
      const reader = new TopicReader({
        hub,
        feed,
        log: viewOf(clusters.of(generation), config.delay, hub.clock),
        config: own,
        intake,
        partitions: this.#partitionsOf(generation.generation),
        logger,
        answerable,
        seamReached: () => hub.clock.soon(() => this.#switchWhenDue()),
        stages: this.#stages,
      })
      reader.start()
      return { generation, hub, intake, reader, isClosed: false }
    } catch (error) {
      this.#unreachable = generation.generation
      const message = error instanceof Error ? error.message : String(error)
      logger.error('generation_unreachable', `generation ${generation.generation} of feed ${config.name} cannot be read: ${message}`, {
        ...generation,
      })
      return null
    }
  }

  /**
   * While the feed moves, all of the topic that it leaves: where symbols come to lie with other nodes, each of these has to
   * know up to which record they were given.
   */
  #partitionsOf(generation: number): WantedPartitions {
    const own = this.#options.partitions(generation)
    if (own === 'all' || this.#options.directory === undefined) return own
    return (count, held) => {
      const all = Array.from({ length: count }, (_, partition) => partition)
      if (this.#next !== null && this.#current?.generation.generation === generation) return all
      return typeof own === 'function' ? own(count, held) : all.filter((partition) => own.includes(partition))
    }
  }

  #abandon(next: Reading): void {
    const { generation } = next.generation
    this.#next = null
    this.#readySinceMs = null
    this.#current?.intake.forgetBefore()
    this.#options.logger.info(
      'generation_abandoned',
      `generation ${generation} of feed ${this.feed.name} is read no longer: it was given up`,
      {},
    )
    this.#leave(next)
  }

  #leave({ reader }: Reading): void {
    const closed: Promise<void> = reader.retire().catch((error: unknown) => {
      // Nothing is read by it any more, whatever the log says to that.
      this.#options.logger.warn(
        'reader_close_failed',
        `a reader of feed ${this.feed.name} that was left did not close: ${String(error)}`,
        {},
      )
    })
    this.#closing.push(closed)
    void closed.then(() => this.#closing.splice(this.#closing.indexOf(closed), 1))
  }

  // ---- the switch

  /** Both topics must have been read up to their seams, and no further; then nothing is given twice or left out. */
  #switchWhenDue(): void {
    const current = this.#current
    const next = this.#next
    const fromMs = next?.generation.fromMs
    if (!this.#isOpen || current === null || next === null || fromMs === undefined) return
    if (!next.reader.warm || !next.reader.isAtSeam) return
    const nowMs = this.#options.hub.clock.nowMs()
    this.#readySinceMs ??= nowMs
    const isComplete = current.reader.isWholeAtSeam
    const waitMs = current.reader.isInTrouble ? OLDER_GONE_WAIT_MS_MAX : OLDER_WAIT_MS_MAX
    if (isComplete || nowMs - this.#readySinceMs >= waitMs) this.#switch(current, next, fromMs, isComplete)
  }

  #switch(older: Reading, newer: Reading, fromMs: number, isComplete: boolean): void {
    const { hub, feed, config, logger } = this.#options
    const beside = newer.reader.feed
    const olderSinceMs = older.intake.sinceMs
    this.#current = { ...newer, hub }
    this.#next = null
    this.#readySinceMs = null
    this.#leave(older)
    newer.reader.moveTo(hub, feed)
    const reads = (partition: number) => newer.reader.reads(partition)
    const before = (symbol: SymbolState) => older.intake.before(symbol)
    newer.intake.succeeds(new TakeOver(hub, feed, beside, { fromMs, merge: config.merge, olderSinceMs, before, reads }).run())
    for (const { point } of beside.freshness.partitions) if (point !== null) hub.pulse(feed, point)
    newer.reader.passSeam()
    this.#options.answerable()
    const { generation, topic } = newer.generation
    const fields = { feed: feed.name, generation, topic, from: older.generation.topic, symbols: feed.symbols.size }
    if (isComplete) logger.info('generation_switched', `feed ${feed.name} is on generation ${generation} (topic ${topic}) now`, fields)
    else
      logger.warn(
        'generation_switched',
        `feed ${feed.name} is on generation ${generation} (topic ${topic}) now; ${older.generation.topic} could not be read up to its end: what was not read of it was taken from the newer one, and may differ from what other nodes gave`,
        fields,
      )
  }
}

function delayed({ delay }: ReadFeed): Pick<LeasedFeed, 'delayOf' | 'delayMs'> {
  return delay === undefined ? {} : { delayOf: delay.of, delayMs: delay.delayMs }
}

export function feedOptions(config: ReadFeed, generation: number): FeedOptions {
  const { name, codec, mode, merge, symbolsMax, staleAfterMs, history } = config
  const delay = config.delay && { delay: config.delay }
  return { name, codec, mode, merge, generation, symbolsMax, staleAfterMs, history, ...delay }
}
