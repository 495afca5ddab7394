import { Hub, WHOLE_FEED, type Feed } from '../hub/index.ts'
import type { PartitionRange } from '../log/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { Progress } from './progress.ts'
import type { WantedPartitions } from './wanted-partitions.ts'

/**
 * How far the partitions of a topic have been read into a feed: whether this node has read in what was its own, whether
 * it stands at the seam, and which partitions receivers are told that it has.
 */
export class Carried {
  readonly progress = new Progress()
  #hub: Hub
  #feed: Feed
  readonly #topic: string
  readonly #wanted: WantedPartitions
  readonly #logger: Logger
  readonly #becameWarm: () => void
  #isStarted = false
  #isWarm = false
  #mustRewarm = false

  constructor(options: {
    readonly hub: Hub
    readonly feed: Feed
    readonly topic: string
    readonly wanted: WantedPartitions
    readonly logger: Logger
    readonly becameWarm: () => void
  }) {
    this.#hub = options.hub
    this.#feed = options.feed
    this.#topic = options.topic
    this.#wanted = options.wanted
    this.#logger = options.logger
    this.#becameWarm = options.becameWarm
  }

  get hub(): Hub {
    return this.#hub
  }

  get feed(): Feed {
    return this.#feed
  }

  /** Whether it is known what is to be read. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  /**
   * Whether all that was its own has been read up to where it ended then. A partition that falls to it later does not
   * make it cold again: until that is read in, it is not said to be carried.
   */
  get isWarm(): boolean {
    return this.#isWarm
  }

  /** Everything must be read up to where the log is now before this node may be believed again. */
  get mustRewarm(): boolean {
    return this.#mustRewarm
  }

  /** Whether the partition is read here; of one that is not, images are not kept up to date. */
  reads(partition: number): boolean {
    return this.progress.has(partition)
  }

  /** Whether what comes of the partition is taken now. */
  isTaken(partition: number): boolean {
    return this.reads(partition) && !this.progress.isHeld(partition)
  }

  // ---- what is read

  /** Before anything is known of the topic. */
  announce(): void {
    this.#feed.freshness.expect(WHOLE_FEED, this.#hub.clock.nowMs())
    if (typeof this.#wanted === 'function') this.#hub.setShape(this.#feed, this.#feed.generation, this.#feed.partitions, [])
  }

  /** The topic has so many partitions. */
  setShape(partitions: number): void {
    this.#hub.setShape(this.#feed, this.#feed.generation, partitions, this.#carried())
  }

  /** From now on the partition is read, as far at least as it reaches now. */
  expect(range: PartitionRange): void {
    this.#feed.freshness.expect(range.partition, this.#hub.clock.nowMs())
    this.progress.expect(range)
  }

  /** From now on the partition is read, and nothing was in it before. */
  expectNew(partition: number): void {
    this.progress.expectNothing(partition)
    this.#feed.freshness.expect(partition, this.#hub.clock.nowMs())
  }

  /** These are read no longer. Their images go, except those that somebody subscribes to: they are not shown as live by anybody. */
  forget(partitions: readonly number[]): void {
    for (const partition of partitions) this.progress.forget(partition)
    this.#hub.forgetPartitions(this.#feed, (partition) => partitions.includes(partition))
    for (const symbol of this.#feed.symbols.values()) {
      if (partitions.includes(symbol.partition) && symbol.entries.length === 0) this.#feed.drop(symbol)
    }
    this.tell()
  }

  // ---- how far

  /** What is to be read is known, and is being read. */
  begin(): void {
    this.#isStarted = true
    // Without a share there is nothing here that could be fresh or stale.
    if (this.progress.size === 0) this.#hub.forgetPartitions(this.#feed, (partition) => partition === WHOLE_FEED)
    this.tell()
    this.#settle()
  }

  advance(partition: number, next: number): void {
    if (!this.progress.advance(partition, next)) return
    this.tell()
    this.#settle()
  }

  /** It is believed again when it has read up to where the log is; that is not known yet. */
  rewarm(): void {
    this.#mustRewarm = true
    this.#isWarm = false
    this.tell()
  }

  /** So far the log reaches now. */
  reaches(ranges: readonly PartitionRange[]): void {
    if (this.#mustRewarm) this.progress.raise(ranges)
    this.#mustRewarm = false
  }

  #settle(): void {
    if (this.#isWarm || !this.#isStarted || this.#mustRewarm) return
    if (this.progress.readIn().length < this.progress.size) return
    this.#isWarm = true
    this.#logger.info('warm', `${this.#topic} has been read in`, { symbols: this.#feed.symbols.size })
    this.#becameWarm()
  }

  // ---- the seam

  /** Whether every partition that is read here has been read up to its seam. */
  get isAtSeam(): boolean {
    return this.#isStarted && this.progress.heldCount === this.progress.size
  }

  /** Whether every partition that there is has been read up to its seam. */
  get isWholeAtSeam(): boolean {
    return this.isAtSeam && this.#feed.partitions > 0 && this.progress.size >= this.#feed.partitions
  }

  /** The partition has been read up to its seam. */
  hold(partition: number, next: number): void {
    this.progress.hold(partition, next)
    this.tell()
    this.#settle()
  }

  /** What is read goes into this hub from now on. */
  moveTo(hub: Hub, feed: Feed): void {
    const { generation, partitions } = this.#feed
    this.#hub = hub
    this.#feed = feed
    hub.setShape(feed, generation, partitions, this.#carried())
    hub.forgetPartitions(feed, (partition) => !this.reads(partition))
    for (const partition of this.progress.partitions) feed.freshness.expect(partition, hub.clock.nowMs())
  }

  /** It tells its feed nothing from now on. */
  retire(): void {
    const { clock, nodeId } = this.#hub
    this.#hub = new Hub({ nodeId, clock, feeds: [this.#feed.options] })
    this.#feed = this.#hub.feeds[0]!
  }

  // ---- what receivers are told

  tell(): void {
    if (this.#isStarted) this.setShape(this.#feed.partitions)
  }

  /** What receivers are told that this node has: of a choice that changes, those that have been read in. */
  #carried(): readonly number[] | null {
    if (this.#wanted === 'all') return null
    if (typeof this.#wanted !== 'function') return this.#wanted
    return this.#mustRewarm ? [] : this.progress.readIn()
  }
}
