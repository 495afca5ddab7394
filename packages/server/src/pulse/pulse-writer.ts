import type { LeaseContent, Member, NodeWord } from '../directory/index.ts'
import { encodePulse, type PulseRecord } from '../feeds/index.ts'
import type { Log } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import type { FeedConfig, PulseConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { type Stage, type Stages, unwatchedStages } from '../runtime/stages/index.ts'

/** How often a topic is looked at for new partitions, and looked for when it is not there. */
const DESCRIBE_INTERVAL_MS = 2000
/** A call that asks every broker of a large cluster that hangs takes minutes; one that takes longer never comes back. */
const LOG_CALL_DEADLINE_MS = 300_000

export interface PulseDeps {
  readonly log: Log
  readonly logger: Logger
  readonly clock?: Clock
  /** Where its stages are watched. Default: nowhere. */
  readonly stages?: Stages
}

/** Puts pulses into every partition of one feed's topic. */
class FeedPulse {
  readonly #feed: FeedConfig
  readonly #writer: string
  readonly #log: Log
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #calling: Stage
  readonly #appending: Stage
  #partitions = 0
  #sequence = 0
  #describing = false
  /** Per partition the pulse that is on its way to it. */
  readonly #onTheWay = new Map<number, PulseRecord>()
  /** Whether each partition has an append of its own, because one for all of them did not come back in time. */
  #apart = false
  #failing = false
  #timers: Timer[] = []
  #closed = false
  /** An operator has told this writer to leave it to others. */
  isPaused = false

  constructor(feed: FeedConfig, writer: string, intervalMs: number, deps: Required<PulseDeps>) {
    this.#feed = feed
    this.#writer = writer
    this.#intervalMs = intervalMs
    this.#log = deps.log
    this.#logger = deps.logger
    this.#clock = deps.clock
    this.#calling = deps.stages.open(`describe ${feed.name}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
    this.#appending = deps.stages.open(`append ${feed.name}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
  }

  start(): void {
    void this.#describe()
    this.#timers = [
      this.#clock.every(DESCRIBE_INTERVAL_MS, () => void this.#describe()),
      this.#clock.every(this.#intervalMs, () => this.#beat()),
    ]
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  async #describe(): Promise<void> {
    if (this.#describing) return
    this.#describing = true
    try {
      const topic = await this.#calling.during(`topic ${this.#feed.topic}`, this.#log.describe(this.#feed.topic))
      const first = this.#partitions === 0
      this.#partitions = topic.partitions.length
      if (first) this.#beat()
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#describing = false
    }
  }

  /**
   * One append for all partitions, as long as that comes back before the next is due. One partition without a leader
   * holds it up until its deadline, and the pulses of all others with it: then each goes on its own for a while.
   * A partition whose pulse is still on its way gets no further one: it would tell a time that is over.
   */
  #beat(): void {
    if (this.#closed || this.isPaused || this.#partitions === 0) return
    const isLate = this.#onTheWay.size > 0
    // Which partition holds up an append for all, nobody knows.
    if (isLate && !this.#apart) this.#onTheWay.clear()
    this.#apart = isLate
    const pulse = { writer: this.#writer, sequence: this.#sequence++, generation: this.#feed.generation, atMs: this.#clock.nowMs() }
    const due: number[] = []
    for (let partition = 0; partition < this.#partitions; partition++) if (!this.#onTheWay.has(partition)) due.push(partition)
    if (this.#apart) for (const partition of due) void this.#append([partition], pulse)
    else void this.#append(due, pulse)
  }

  async #append(partitions: readonly number[], pulse: PulseRecord): Promise<void> {
    for (const partition of partitions) this.#onTheWay.set(partition, pulse)
    try {
      const records = partitions.map((partition) => encodePulse(partition, pulse))
      await this.#appending.during(`pulse ${pulse.sequence} of ${this.#feed.topic}`, this.#log.append(this.#feed.topic, records))
      this.#succeeded()
    } catch (error) {
      this.#failed(error)
    } finally {
      for (const partition of partitions) if (this.#onTheWay.get(partition) === pulse) this.#onTheWay.delete(partition)
    }
  }

  #succeeded(): void {
    // Others may still fail.
    if (!this.#failing || this.#apart) return
    this.#failing = false
    this.#logger.info('pulse_resumed', `pulses of feed ${this.#feed.name} are written again`, { topic: this.#feed.topic })
  }

  #failed(error: unknown): void {
    if (this.#failing || this.#closed) return
    this.#failing = true
    const message = error instanceof Error ? error.message : String(error)
    this.#logger.error('pulse_failed', `pulses of feed ${this.#feed.name} cannot be written: ${message}`, { topic: this.#feed.topic })
  }
}

/** The small process whose pulses prove every hop fresh. Two or more of them run anywhere; they need not know of each other. */
export class PulseWriter implements Service, Member {
  readonly #config: PulseConfig
  readonly #feeds: FeedPulse[]
  readonly #logger: Logger
  readonly #closed = Promise.withResolvers<void>()
  #word: NodeWord = 'online'

  constructor(config: PulseConfig, deps: PulseDeps) {
    this.#config = config
    const all = { ...deps, clock: deps.clock ?? systemClock, stages: deps.stages ?? unwatchedStages }
    this.#logger = deps.logger
    this.#feeds = config.feeds.map(
      (feed) => new FeedPulse(feed, config.pulse.writerId, config.pulse.intervalMs ?? feed.pulseIntervalMs, all),
    )
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  async start(): Promise<void> {
    for (const feed of this.#feeds) feed.start()
    this.#logger.info('pulsing', 'writes pulses', { feeds: this.#feeds.length })
  }

  async drain(): Promise<void> {}

  async close(): Promise<void> {
    for (const feed of this.#feeds) feed.close()
    this.#closed.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---- as a member of the directory

  leaseContent(): LeaseContent {
    return {
      addresses: [],
      feeds: this.#config.feeds.map(({ name: feed, generation, topic }) => ({ feed, generation, topic, pulseAgeMs: null })),
      load: { sessions: 0, sessionsMax: 0 },
      ready: this.#word === 'online',
      draining: this.#word !== 'online',
    }
  }

  /** A pulse is written now or not at all: there is nothing to catch up with. */
  lapsed(): void {}

  told(word: NodeWord): void {
    this.#word = word
    for (const feed of this.#feeds) feed.isPaused = word !== 'online'
  }
}

export function createPulseWriter(config: PulseConfig, deps: PulseDeps): PulseWriter {
  return new PulseWriter(config, deps)
}
