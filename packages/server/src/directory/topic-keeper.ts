import type { Log, LogAppend, PartitionRange } from '../log/index.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { complaintOf, policyOf, type TopicPolicy } from './control-topic.ts'
import type { LastingRecords } from './lasting-records.ts'

const LOOK_INTERVAL_MS = 60_000
/** Reading has come by then to where the topic ended when it was looked at. */
const SETTLE_MS = 1000
/** All who miss a record begin to write it again within so long; whoever has heard of it by then leaves it. */
const SPREAD_MS = 5000
/** Records that are written again in one go. */
const AGAIN_MAX = 500
/** Records that Kafka is going to remove are written again in good time. */
const PARTS_OF_RETENTION = 4
/** Named in messages. */
const NAMED_MAX = 10

/** How far the reader of the topic has come. */
export interface Progress {
  /** Of the topic that is read; `null`: none yet. */
  readonly topicId: string | null
  /** Next offset to be read; `null`: from the earliest. */
  readonly next: number | null
}

export interface TopicKeeperOptions {
  readonly log: Log
  readonly topic: string
  readonly records: LastingRecords
  readonly progress: () => Progress
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Sees to it that the topic keeps what is to last: says when its settings take records away, and writes again what it has not,
 * whoever removed it. Every node does, because any of them may be the last that holds it.
 */
export class TopicKeeper {
  readonly #options: TopicKeeperOptions
  #timer: Timer | null = null
  #again: Timer | null = null
  #policy: TopicPolicy | null = null
  #complained: string | null = null
  #isClosed = false

  constructor(options: TopicKeeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.clock.every(LOOK_INTERVAL_MS, () => {
      void this.judgeSettings()
      void this.look()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#again?.cancel()
  }

  /** Asked when the topic begins to be read, and from then on: somebody may change them, and mend them. */
  async judgeSettings(): Promise<void> {
    const { log, topic, logger } = this.#options
    const policy = await policyOf(log, topic)
    if (policy === null || this.#isClosed) return
    this.#policy = policy
    const complaint = complaintOf(policy, topic)
    if (complaint?.what === this.#complained) return
    if (complaint !== null) {
      const { what, todo } = complaint
      logger.error(
        'control_topic_policy',
        `${what}. They are written again as long as any node runs, and lost with the last. Mend it: ${todo}`,
        {
          topic,
        },
      )
    } else if (this.#complained !== null) logger.info('control_topic_policy', `topic ${topic} is compacted now`, { topic })
    this.#complained = complaint?.what ?? null
  }

  /** Looks what the topic has not, and writes it again in a moment unless somebody else does. */
  async look(): Promise<void> {
    const { log, topic, records, clock, random } = this.#options
    if (records.size === 0 || this.#again !== null) return
    const found = await log.describe(topic).catch(() => undefined)
    const range = found?.partitions[0]
    if (range === undefined || this.#isClosed || this.#missing(range).length === 0) return
    this.#again ??= clock.after(SETTLE_MS + random() * SPREAD_MS, () => {
      this.#again = null
      void this.#writeAgain(found!.topicId, range)
    })
  }

  async #writeAgain(topicId: string, range: PartitionRange): Promise<void> {
    const { log, topic, progress, logger } = this.#options
    const at = progress()
    // What takes the place of what is held may lie where it was not read yet.
    if (at.topicId !== topicId || at.next === null || at.next < range.latest) return this.look()
    const missing = this.#missing(range)
    const some = missing.slice(0, AGAIN_MAX)
    if (some.length === 0) return
    try {
      await log.append(topic, some)
    } catch {
      // The next look finds them again.
      return
    }
    const named = some.slice(0, NAMED_MAX).map(({ key }) => String(key))
    const more = some.length > named.length ? ` and ${some.length - named.length} more` : ''
    logger.warn(
      'control_records_again',
      `topic ${topic} was about to lose, or did not have, what holds; it is written again: ${named.join(', ')}${more}`,
      {
        count: some.length,
      },
    )
    if (missing.length > some.length) await this.look()
  }

  #missing({ earliest }: PartitionRange): LogAppend[] {
    const { records, clock } = this.#options
    const retentionMs = this.#policy?.deletesAfterMs ?? Infinity
    return records.missing({ earliest, nowMs: clock.nowMs(), ageMsMax: retentionMs / PARTS_OF_RETENTION })
  }
}
