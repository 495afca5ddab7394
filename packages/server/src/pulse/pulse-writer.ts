import {
  type Directory,
  type FeedGeneration,
  followedGenerations,
  isCatalogueKnown,
  type LeaseContent,
  type Member,
  type NodeWord,
} from '../directory/index.ts'
import { alone, type Clusters, type Log } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import type { FeedConfig, PulseConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { type Stages, unwatchedStages } from '../runtime/stages/index.ts'
import { type Move, TopicPulse } from './topic-pulse.ts'

const LOOK_INTERVAL_MS = 100

export interface PulseDeps {
  readonly log: Log
  readonly logger: Logger
  readonly clock?: Clock
  /** Where its stages are watched. Default: nowhere. */
  readonly stages?: Stages
  /** Its catalogue says which generations are pulsed. Default: those of the configuration. */
  readonly directory?: Directory
  /** Where feeds lie that were moved to another cluster. Default: there is none but `log`. */
  readonly clusters?: Clusters
}

/**
 * The small process whose pulses prove every hop fresh. Two or more of them run anywhere; they need not know of each other.
 * Only the current generation of a feed is pulsed, and the one that is being opened: in a topic that was left, pulses cease.
 */
export class PulseWriter implements Service, Member {
  readonly #config: PulseConfig
  readonly #deps: Required<Omit<PulseDeps, 'directory'>>
  readonly #directory: Directory | undefined
  readonly #logger: Logger
  readonly #closed = Promise.withResolvers<void>()
  #topics: TopicPulse[] = []
  #timer: Timer | null = null
  #startedAtMs = 0
  #isOpen = false
  #word: NodeWord = 'online'
  #beatNow: () => void = () => {}
  #stopListening: () => void = () => {}

  constructor(config: PulseConfig, deps: PulseDeps) {
    this.#config = config
    this.#directory = deps.directory
    this.#deps = {
      log: deps.log,
      logger: deps.logger,
      clock: deps.clock ?? systemClock,
      stages: deps.stages ?? unwatchedStages,
      clusters: deps.clusters ?? alone(deps.log),
    }
    this.#logger = deps.logger
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    this.#isOpen = true
    this.#startedAtMs = this.#deps.clock.nowMs()
    if (this.#directory !== undefined) this.#stopListening = this.#directory.onChange(() => this.#look())
    this.#look()
    // Told of nothing, it begins all the same after a while.
    if (this.#topics.length === 0) this.#timer = this.#deps.clock.every(LOOK_INTERVAL_MS, () => this.#look())
    this.#logger.info('pulsing', 'writes pulses', { feeds: this.#config.feeds.length })
  }

  async drain(): Promise<void> {}

  async close(): Promise<void> {
    this.#isOpen = false
    this.#stopListening()
    this.#timer?.cancel()
    for (const topic of this.#topics) topic.close()
    this.#closed.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---- what is pulsed

  #look(): void {
    if (!this.#isOpen) return
    if (!isCatalogueKnown(this.#directory, this.#deps.clock.nowMs() - this.#startedAtMs)) return
    this.#timer?.cancel()
    const before = this.#topics
    this.#topics = this.#config.feeds.flatMap((feed) => this.#wanted(feed).map((generation) => this.#topicOf(feed, generation)))
    for (const topic of this.#topics) topic.moves(this.#moveOf(topic))
    const closed = before.filter((topic) => !this.#topics.includes(topic))
    for (const topic of closed) topic.close()
    if (closed.length > 0 || this.#topics.length > before.length) this.#beatNow()
  }

  /** Pulses of both topics say from the moment of the switch on that it has come. A pinned writer knows of none. */
  #moveOf({ feed }: TopicPulse): Move | null {
    const { next } = followedGenerations(this.#directory, this.#config.feeds.find(({ name }) => name === feed)!)
    return next?.fromMs === undefined ? null : { to: next.generation, fromMs: next.fromMs }
  }

  #wanted(feed: FeedConfig): FeedGeneration[] {
    const { current, next } = followedGenerations(this.#directory, feed)
    return next === null ? [current] : [current, next]
  }

  #topicOf(feed: FeedConfig, generation: FeedGeneration): TopicPulse {
    let topic = this.#topics.find((each) => each.feed === feed.name && each.generation.generation === generation.generation)
    if (topic === undefined) {
      const { clusters, ...deps } = this.#deps
      topic = new TopicPulse(feed.name, generation, {
        ...deps,
        log: clusters.of(generation),
        writer: this.#config.pulse.writerId,
        startedAtMs: this.#startedAtMs,
        intervalMs: this.#config.pulse.intervalMs ?? feed.pulseIntervalMs,
      })
      topic.isPaused = this.#word !== 'online'
      topic.start()
    }
    return topic
  }

  // ---- as a member of the directory

  leaseContent(): LeaseContent {
    return {
      addresses: [],
      feeds: this.#topics.map(({ feed, generation: { generation, topic } }) => ({ feed, generation, topic, pulseAgeMs: null })),
      load: { sessions: 0, sessionsMax: 0 },
      ready: this.#word === 'online',
      draining: this.#word !== 'online',
    }
  }

  beatsBy(beatNow: () => void): void {
    this.#beatNow = beatNow
  }

  /** A pulse is written now or not at all: there is nothing to catch up with. */
  lapsed(): void {}

  told(word: NodeWord): void {
    this.#word = word
    for (const topic of this.#topics) topic.isPaused = word !== 'online'
  }
}

export function createPulseWriter(config: PulseConfig, deps: PulseDeps): PulseWriter {
  return new PulseWriter(config, deps)
}
