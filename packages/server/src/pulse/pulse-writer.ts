import { encodePulse } from '../feeds/index.ts'
import type { Log } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import type { FeedConfig, PulseConfig } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'

/** How often a topic is looked at for new partitions, and looked for when it is not there. */
const DESCRIBE_INTERVAL_MS = 2000

export interface PulseDeps {
  readonly log: Log
  readonly logger: Logger
  readonly clock?: Clock
}

/** Puts pulses into every partition of one feed's topic. */
class FeedPulse {
  readonly #feed: FeedConfig
  readonly #writer: string
  readonly #log: Log
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #intervalMs: number
  #partitions = 0
  #sequence = 0
  #appending = false
  #failing = false
  #timers: Timer[] = []

  constructor(feed: FeedConfig, writer: string, intervalMs: number, deps: Required<PulseDeps>) {
    this.#feed = feed
    this.#writer = writer
    this.#intervalMs = intervalMs
    this.#log = deps.log
    this.#logger = deps.logger
    this.#clock = deps.clock
  }

  start(): void {
    void this.#describe()
    this.#timers = [
      this.#clock.every(DESCRIBE_INTERVAL_MS, () => void this.#describe()),
      this.#clock.every(this.#intervalMs, () => void this.#beat()),
    ]
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel()
  }

  async #describe(): Promise<void> {
    try {
      const topic = await this.#log.describe(this.#feed.topic)
      const first = this.#partitions === 0
      this.#partitions = topic.partitions.length
      if (first) await this.#beat()
    } catch (error) {
      this.#failed(error)
    }
  }

  async #beat(): Promise<void> {
    // A pulse that waits for the one before it would tell a time that is over: it is left out instead.
    if (this.#appending || this.#partitions === 0) return
    this.#appending = true
    const pulse = { writer: this.#writer, sequence: this.#sequence++, generation: this.#feed.generation, atMs: this.#clock.nowMs() }
    try {
      await this.#log.append(
        this.#feed.topic,
        Array.from({ length: this.#partitions }, (_, partition) => encodePulse(partition, pulse)),
      )
      if (this.#failing)
        this.#logger.info('pulse_resumed', `pulses of feed ${this.#feed.name} are written again`, { topic: this.#feed.topic })
      this.#failing = false
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#appending = false
    }
  }

  #failed(error: unknown): void {
    if (this.#failing) return
    this.#failing = true
    const message = error instanceof Error ? error.message : String(error)
    this.#logger.error('pulse_failed', `no pulse of feed ${this.#feed.name} can be written: ${message}`, { topic: this.#feed.topic })
  }
}

/** The small process whose pulses prove every hop fresh. Two or more of them run anywhere; they need not know of each other. */
export class PulseWriter implements Service {
  readonly #feeds: FeedPulse[]
  readonly #logger: Logger
  readonly #closed = Promise.withResolvers<void>()

  constructor(config: PulseConfig, deps: PulseDeps) {
    const all = { ...deps, clock: deps.clock ?? systemClock }
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
}

export function createPulseWriter(config: PulseConfig, deps: PulseDeps): PulseWriter {
  return new PulseWriter(config, deps)
}
