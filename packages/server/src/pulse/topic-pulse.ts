import type { FeedGeneration } from '../directory/index.ts'
import { encodePulse, type PulseRecord } from '../feeds/index.ts'
import type { Log } from '../log/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Stage, Stages } from '../runtime/stages/index.ts'

/** How often a topic is looked at for new partitions, and looked for when it is not there. */
const DESCRIBE_INTERVAL_MS = 2000
/** A call that asks every broker of a large cluster that hangs takes minutes; one that takes longer never comes back. */
const LOG_CALL_DEADLINE_MS = 300_000

export interface TopicPulseOptions {
  readonly writer: string
  /** When the writer started. */
  readonly startedAtMs: number
  readonly intervalMs: number
  readonly log: Log
  readonly logger: Logger
  readonly clock: Clock
  readonly stages: Stages
}

/** Where the feed moves, and when. */
export interface Move {
  readonly to: number
  readonly fromMs: number
}

/** Puts pulses into every partition of one topic of a feed. */
export class TopicPulse {
  readonly feed: string
  readonly generation: FeedGeneration
  readonly #writer: string
  readonly #life: number
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
  #move: Move | null = null
  /** An operator has told this writer to leave it to others. */
  isPaused = false

  constructor(feed: string, generation: FeedGeneration, options: TopicPulseOptions) {
    const { writer, startedAtMs, intervalMs, ...deps } = options
    this.feed = feed
    this.generation = generation
    this.#writer = writer
    this.#life = Math.floor(startedAtMs)
    this.#intervalMs = intervalMs
    this.#log = deps.log
    this.#logger = deps.logger
    this.#clock = deps.clock
    this.#calling = deps.stages.open(`describe ${feed}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
    this.#appending = deps.stages.open(`append ${feed}`, { deadlineMs: LOG_CALL_DEADLINE_MS })
  }

  start(): void {
    void this.#describe()
    this.#timers = [
      this.#clock.every(DESCRIBE_INTERVAL_MS, () => void this.#describe()),
      this.#clock.every(this.#intervalMs, () => this.#beat()),
    ]
  }

  /**
   * From that moment on pulses say that the feed moves, beginning with one of that very moment: nodes wait for it. `null`: it
   * does not, or has moved.
   */
  moves(move: Move | null): void {
    if (move?.to === this.#move?.to && move?.fromMs === this.#move?.fromMs) return
    this.#move = move
    if (move !== null) this.#timers.push(this.#clock.after(Math.max(0, Math.ceil(move.fromMs - this.#clock.nowMs())), () => this.#beat()))
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
  }

  async #describe(): Promise<void> {
    if (this.#describing) return
    this.#describing = true
    try {
      const topic = await this.#calling.during(`topic ${this.generation.topic}`, this.#log.describe(this.generation.topic))
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
    const atMs = this.#clock.nowMs()
    const pulse: PulseRecord = {
      writer: this.#writer,
      life: this.#life,
      sequence: this.#sequence++,
      generation: this.generation.generation,
      atMs,
      ...(this.#move !== null && atMs >= this.#move.fromMs ? { to: this.#move.to } : {}),
    }
    const due: number[] = []
    for (let partition = 0; partition < this.#partitions; partition++) if (!this.#onTheWay.has(partition)) due.push(partition)
    if (this.#apart) for (const partition of due) void this.#append([partition], pulse)
    else void this.#append(due, pulse)
  }

  async #append(partitions: readonly number[], pulse: PulseRecord): Promise<void> {
    for (const partition of partitions) this.#onTheWay.set(partition, pulse)
    try {
      const records = partitions.map((partition) => encodePulse(partition, pulse))
      await this.#appending.during(`pulse ${pulse.sequence} of ${this.generation.topic}`, this.#log.append(this.generation.topic, records))
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
    this.#logger.info('pulse_resumed', `pulses of feed ${this.feed} are written again`, { topic: this.generation.topic })
  }

  #failed(error: unknown): void {
    if (this.#failing || this.#closed) return
    this.#failing = true
    const message = error instanceof Error ? error.message : String(error)
    this.#logger.error('pulse_failed', `pulses of feed ${this.feed} cannot be written: ${message}`, { topic: this.generation.topic })
  }
}
