import type { LogReader, PartitionRange, PartitionStart, TopicDescription } from '../log/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ReadFeed } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Carried } from './carried.ts'
import type { DelayedView } from './delay/index.ts'
import { chosen, type WantedPartitions } from './wanted-partitions.ts'
import { warmUpStart } from './warm-up.ts'

/** Between two attempts to find out how far a topic reaches. */
const LOOK_AGAIN_MS = 1000

/** Keeps a log reader on the partitions of a topic that are wanted here: each from its start, or from where it left off. */
export class TopicShare {
  readonly #log: DelayedView
  readonly #config: ReadFeed
  readonly #wanted: WantedPartitions
  readonly #carried: Carried
  readonly #clock: Clock
  readonly #logger: Logger
  #reader: LogReader | null = null
  /** Partitions that were read and given up: what came meanwhile is not known here. */
  readonly #left = new Set<number>()
  /** The log is being asked how far partitions reach. */
  #isLooking = false
  #lookedAtMs = -Infinity

  constructor(options: {
    readonly log: DelayedView
    readonly config: ReadFeed
    readonly wanted: WantedPartitions
    readonly carried: Carried
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#log = options.log
    this.#config = options.config
    this.#wanted = options.wanted
    this.#carried = options.carried
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** `null` while none is open. */
  get reader(): LogReader | null {
    return this.#reader
  }

  /** Whether the partition was given up, and this is the first time since that it is read. */
  comesBack(partition: number): boolean {
    return this.#left.delete(partition)
  }

  // ---- a reader comes and goes

  open(topic: TopicDescription): LogReader {
    const carried = this.#carried
    const wanted = this.#chosen(topic.partitions.length)
    // Others may have come to own what was read before.
    if (wanted !== undefined) this.#giveUpAllBut(wanted)
    const ranges = topic.partitions.filter(({ partition }) => wanted?.includes(partition) ?? carried.reads(partition))
    for (const range of ranges) carried.expect(range)
    carried.setShape(topic.partitions.length)
    const starts = ranges.filter(({ partition }) => carried.isTaken(partition)).map((range) => this.#startOf(range))
    this.#reader = this.#log.read(this.#config.topic, starts, { stretch: () => carried.hub.stretchOf(carried.feed) })
    if (carried.isStarted || wanted !== undefined) carried.begin()
    return this.#reader
  }

  closed(): void {
    this.#reader = null
  }

  // ---- what is wanted changes

  /** Called now and then, and when the choice may have changed: reads what is wanted, and no more. */
  reshare(): void {
    if (this.#reader === null) return
    if (this.#carried.mustRewarm) void this.#look([])
    if (typeof this.#wanted !== 'function') return
    const wanted = this.#chosen(this.#carried.feed.partitions)
    if (wanted === undefined) return
    this.#giveUpAllBut(wanted)
    const added = wanted.filter((partition) => !this.#carried.reads(partition))
    if (added.length > 0) void this.#look(added)
    else if (!this.#carried.isStarted) this.#carried.begin()
  }

  /** This process stood still: it is warm again when it has read up to where the log is now. */
  rewarm(): void {
    this.#lookedAtMs = -Infinity
    this.#carried.rewarm()
    this.reshare()
  }

  /** The topic has so many partitions now. */
  grow(partitions: number): void {
    this.#logger.warn(
      'topic_grown',
      `topic ${this.#config.topic} has ${partitions} partitions now; symbols may have moved between them`,
      {},
    )
    this.#carried.setShape(partitions)
    const added = (this.#chosen(partitions) ?? []).filter((partition) => !this.#carried.reads(partition))
    for (const partition of added) this.#carried.expectNew(partition)
    this.#reader?.add(added.map((partition) => ({ partition, start: { at: 'earliest' } })))
    this.#carried.tell()
  }

  #chosen(count: number): readonly number[] | undefined {
    return chosen(this.#wanted, count, this.#carried.progress.partitions)
  }

  #giveUpAllBut(wanted: readonly number[]): void {
    const partitions = [...this.#carried.progress.partitions].filter((partition) => !wanted.includes(partition))
    if (partitions.length === 0) return
    this.#reader?.remove(partitions)
    for (const partition of partitions) this.#left.add(partition)
    this.#carried.forget(partitions)
  }

  /** Begins to read partitions, and finds out how far everything reaches that has to be read in. */
  async #look(added: readonly number[]): Promise<void> {
    if (this.#isLooking || this.#clock.nowMs() - this.#lookedAtMs < LOOK_AGAIN_MS) return
    const reader = this.#reader
    this.#isLooking = true
    try {
      const { partitions } = await this.#log.describe(this.#config.topic)
      if (reader === null || this.#reader !== reader) return
      this.#lookedAtMs = -Infinity
      this.#carried.reaches(partitions)
      const ranges = partitions.filter(({ partition }) => added.includes(partition) && !this.#carried.reads(partition))
      for (const range of ranges) this.#carried.expect(range)
      reader.add(ranges.map((range) => this.#startOf(range)))
      this.#carried.begin()
    } catch {
      // The reader itself says what is wrong with the log; this is tried again.
      this.#lookedAtMs = this.#clock.nowMs()
    } finally {
      this.#isLooking = false
    }
  }

  // ---- where partitions are read from

  /** Where it left off; at first as far back as the images need. */
  #startOf(range: PartitionRange): PartitionStart {
    const { partition } = range
    const { progress } = this.#carried
    const next = progress.next(partition)
    if (next >= 0) return { partition, start: { at: 'offset', offset: next } }
    const start = warmUpStart(range, this.#config.warmup, this.#clock.nowMs())
    if (start.at === 'latest') progress.expectNothing(partition)
    return { partition, start }
  }

  /** Records from where reading is now did not come: they are asked for once more, after a while. */
  readAgain(partition: number, afterMs: number): void {
    const { progress } = this.#carried
    const reader = this.#reader
    const next = progress.next(partition)
    reader?.remove([partition])
    const readAgain = () => {
      const isStill = this.#reader === reader && progress.next(partition) === next && this.#carried.isTaken(partition)
      if (isStill) reader?.add([{ partition, start: { at: 'offset', offset: next } }])
    }
    if (afterMs === 0) readAgain()
    else this.#clock.after(afterMs, readAgain)
  }

  /** What follows in the partition waits until the feed is on the other side of the seam. */
  hold(partition: number, next: number): void {
    this.#reader?.remove([partition])
    this.#carried.hold(partition, next)
  }

  /** Reads on behind the seam. */
  passSeam(): void {
    const { progress } = this.#carried
    // Also while no reader is open: the next one reads what is not held.
    const held = progress.letOn()
    this.#reader?.add(held.map((partition) => ({ partition, start: { at: 'offset', offset: progress.next(partition) } })))
    this.#carried.tell()
  }
}
