import type { LogEvent } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Exclusive, Stage, Stages } from '../runtime/stages/index.ts'
import { type Batch, Continuity, isWhole, soundPart } from './continuity.ts'
import type { Carried } from './carried.ts'
import type { Intake } from './intake.ts'
import type { TopicShare } from './topic-share.ts'

/** Readers of one feed, at most as many as it has topics. */
const INTAKE_QUEUE_MAX = 8
/** At most one line about records that were left out per topic in this time. */
const HOLE_LOG_INTERVAL_MS = 5000
/** Records taken in one go before sessions get their turn. */
const TURN_RECORDS_MAX = 2000

/** What the log says of one partition. */
type PartitionEvent = Extract<LogEvent, { readonly partition: number }>

/** Takes what the log gives of a topic's partitions into the intake: each record once and in order, and none behind a hole. */
export class OrderedIntake {
  readonly #topic: string
  readonly #share: TopicShare
  readonly #carried: Carried
  readonly #intake: Intake
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #seamReached: () => void
  readonly #continuity = new Continuity()
  #holesLoggedAtMs = -Infinity
  /** One batch at a time goes into a feed, also while two topics of it are read. */
  readonly #intaking: Exclusive
  readonly #decoding: Stage

  constructor(options: {
    readonly topic: string
    readonly feed: string
    readonly share: TopicShare
    readonly carried: Carried
    readonly intake: Intake
    readonly clock: Clock
    readonly logger: Logger
    /** Told when the intake has stopped at a seam in a partition. */
    readonly seamReached: () => void
    readonly stages: Stages
  }) {
    this.#topic = options.topic
    this.#share = options.share
    this.#carried = options.carried
    this.#intake = options.intake
    this.#clock = options.clock
    this.#logger = options.logger
    this.#seamReached = options.seamReached
    this.#intaking = options.stages.exclusive(`intake ${options.feed}`, { queueMax: INTAKE_QUEUE_MAX })
    this.#decoding = options.stages.open(`decode ${options.feed}`)
  }

  /** The offset from which records of the partition are missing now. */
  holeOf(partition: number): number | undefined {
    return this.#continuity.holeOf(partition)
  }

  async take(event: PartitionEvent): Promise<void> {
    const { partition } = event
    // It may have been given up meanwhile.
    if (!this.#carried.isTaken(partition)) return
    switch (event.kind) {
      case 'records':
        this.#carried.progress.ends(partition, event.highWatermark)
        await this.#takeBatch(event)
        break
      case 'started':
        if (this.#share.comesBack(partition)) this.#intake.lost(partition, event.offset)
        this.#advance(partition, event.offset)
        break
      case 'jumped':
        this.#logger.warn('records_lost', `records of ${this.#topic}/${partition} were gone before they were read`, {
          from: event.from,
          to: event.offset,
        })
        this.#intake.lost(partition, event.offset)
        this.#advance(partition, event.offset)
        break
    }
  }

  async #takeBatch(batch: Batch): Promise<void> {
    const { partition } = batch
    const next = this.#carried.progress.next(partition)
    if (isWhole(batch, next)) return this.#takeRecords(batch)
    if (batch.span.next <= next) {
      this.#continuity.counts.repeated++
      return
    }
    const sound = soundPart(batch, next)
    if (sound !== undefined) await this.#takeRecords(sound)
    // A hole behind a seam is none of this generation's.
    if (sound?.span.next !== batch.span.next && this.#carried.isTaken(partition)) await this.#mend(batch)
  }

  /**
   * Records are missing, and so is whatever else came behind them: a chain over a hole would look whole to receivers, and
   * a pulse behind it would prove what is not here. Both wait until the log has been asked for them again.
   */
  async #mend(batch: Batch): Promise<void> {
    const { partition, span, records } = batch
    const next = this.#carried.progress.next(partition)
    const nowMs = this.#clock.nowMs()
    const remedy = this.#continuity.torn(partition, next, nowMs)
    const place = `${this.#topic}/${partition}`
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
    if (remedy.kind === 'rebuild') void this.#share.reader?.close()
    else this.#share.readAgain(partition, remedy.afterMs)
  }

  async #takeRecords(event: Batch): Promise<void> {
    const { records } = event
    using _ = await this.#intaking.enter(`records of ${this.#topic}/${event.partition}`)
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
      if (from + TURN_RECORDS_MAX < records.length) await new Promise<void>((resolve) => this.#clock.soon(resolve))
      if (!this.#carried.reads(event.partition)) return
    }
    this.#advance(event.partition, event.span.next)
  }

  #hold(partition: number, next: number): void {
    this.#continuity.passed(partition, next)
    this.#share.hold(partition, next)
    this.#seamReached()
  }

  #advance(partition: number, next: number): void {
    this.#continuity.passed(partition, next)
    this.#carried.advance(partition, next)
  }
}
