import type { Log, LogEvent, LogReader, LogRecord, TopicDescription } from '../log/index.ts'
import { systemClock, type Clock, type Timer } from '../runtime/clock.ts'
import { PulsewireError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { Standstill } from '../runtime/standstill.ts'
import { type ControlRecord, decodeControl, encodeRemoval, type Word } from './control-record.ts'
import { ensureControlTopic } from './control-topic.ts'
import type { CatalogueFeed, Directory, DirectoryPart, KnownNode } from './directory.ts'
import type { GreyPolicy, GreyRelease } from './grey.ts'
import { Hearing } from './hearing.ts'
import { IgnoredRecords } from './ignored-records.ts'
import { type IgnoredCounts, NodeTable } from './node-table.ts'
import type { RevocationTable } from './revocations.ts'
import { Said } from './said.ts'
import { TopicKeeper } from './topic-keeper.ts'

const JUDGE_INTERVAL_MS = 100
/** Judgements that come later than this are those of a process that stood still. */
const JUDGE_LATE_MS = 1000
const RETRY_MS = 1000
/** The last record of a compacted topic may be gone: where nothing comes for so long, reading is at the end. */
const READ_BACK_IDLE_MS = 1000
/** A reader from which nothing came for so long, not even this node's own beats, is thrown away and made anew. */
const REBUILD_AFTER_MS = 10_000
const TIDY_INTERVAL_MS = 60_000
/** A lease that has been dead for so long gets a tombstone. */
const TIDY_AFTER_MS = 3_600_000
/** Revocations that are over, removed in one go. */
const TIDIED_MAX = 1000

export interface ControlDirectoryOptions {
  readonly log: Log
  readonly topic: string
  /** Of this node's own leases; decides after what silence nobody is judged. */
  readonly lifeMs: number
  readonly logger: Logger
  readonly clock?: Clock
  /** Removes leases that are long dead, and writes again what the topic lost. Default true; a command that only looks says false. */
  readonly tidies?: boolean
  /**
   * The zone whose control topic it is, where this node has its own elsewhere: it is neither made nor tidied up from here, and
   * once made anew by those whose it is, what was said in the one before is forgotten. Nobody here goes on by that.
   */
  readonly otherZone?: string
  /** What records say. Default `decodeControl`; simulations, where many directories read one log, decode each record once. */
  readonly decode?: (record: LogRecord) => ControlRecord
  readonly random?: () => number
}

/** Reads the control topic for as long as the process lives, whatever the log does meanwhile. */
export class ControlDirectory implements Directory, Service {
  readonly topic: string
  readonly otherZone: string | null
  readonly parts: readonly DirectoryPart[] = [this]
  readonly #options: ControlDirectoryOptions
  readonly #decode: (record: LogRecord) => ControlRecord
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #table = new NodeTable()
  readonly #said: Said
  readonly #ignored: IgnoredRecords
  /** `null`: the topic is left to those whose it is. */
  readonly #keeper: TopicKeeper | null
  /** The topic, for messages. */
  readonly #name: string
  readonly #hearing: Hearing
  readonly #listeners = new Set<() => void>()
  readonly #readBack = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  readonly #abort = new AbortController()
  #reader: LogReader | null = null
  #running: Promise<void> = Promise.resolve()
  #timers: Timer[] = []
  #topicId: string | null = null
  /** Next offset to be read; `null`: from the earliest. */
  #next: number | null = null
  #endsAt = Infinity
  #lastEventAtMs = Infinity
  #trouble: string | null = null

  constructor(options: ControlDirectoryOptions) {
    this.#options = options
    this.#decode = options.decode ?? (({ key, value }) => decodeControl(key, value))
    this.topic = options.topic
    this.otherZone = options.otherZone ?? null
    this.#name = options.otherZone === undefined ? options.topic : `${options.topic} of zone ${options.otherZone}`
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger
    this.#said = new Said(this.#table, options.logger)
    this.#ignored = new IgnoredRecords(this.#name, options.logger)
    this.#hearing = new Hearing(options.lifeMs, this.#clock.nowMs())
    this.#keeper = options.tidies === false || this.otherZone !== null ? null : this.#createKeeper(options)
  }

  #createKeeper({ log, topic, logger, random = Math.random }: ControlDirectoryOptions): TopicKeeper {
    const progress = () => ({ topicId: this.#topicId, next: this.#next })
    return new TopicKeeper({ log, topic, records: this.#said.lasting, progress, logger, clock: this.#clock, random })
  }

  get revocations(): RevocationTable {
    return this.#said.revocations
  }

  get view(): Directory['view'] {
    return this.#hearing.view
  }

  get logId(): string | null {
    return this.#topicId
  }

  get viewSinceMs(): number {
    return this.#hearing.sinceMs
  }

  get isReadBack(): boolean {
    return this.#hearing.isReadBack
  }

  get feeds(): ReadonlyMap<string, CatalogueFeed> {
    return this.#said.catalogue.feeds
  }

  get grey(): GreyPolicy | null {
    return this.#said.grey.policy
  }

  /** When the latest word on grey releases was said, that there is none included; 0: nothing was. */
  get greySaidAtMs(): number {
    return this.#said.grey.saidAtMs
  }

  /** That word itself; of a release that an operator ended, who did. */
  get greySaid(): GreyRelease | null {
    return this.#said.grey.said
  }

  get nodes(): ReadonlyMap<string, KnownNode> {
    return this.#table.nodes
  }

  /** Records that were read and not acted on, by reason. */
  get ignored(): Readonly<IgnoredCounts> {
    return this.#table.ignored
  }

  /** Why the topic cannot be read; `null` while it can. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Resolves once all that was there before has been read: words hold from then on, leases do not yet. */
  get readBack(): Promise<void> {
    return this.#readBack.promise
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** What an operator said of a node, whether or not it has a lease. */
  wordOf(node: string): Word | undefined {
    return this.#table.wordOf(node)
  }

  /** The newest incarnation of a node that is known, 0 when none is. */
  incarnationOf(node: string): number {
    return this.#table.incarnationOf(node)
  }

  /** Whether another process may be running under this name, asked before one's own first beat. */
  holderOf(node: string): ReturnType<NodeTable['holderOf']> {
    return this.#table.holderOf(node, this.#clock.nowMs())
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async start(): Promise<void> {
    this.#running = this.#run()
    const standstill = new Standstill(this.#clock, JUDGE_LATE_MS)
    this.#timers = [this.#clock.every(JUDGE_INTERVAL_MS, () => this.#judge(standstill.tick()))]
    if (this.#keeper === null) return
    this.#timers.push(this.#clock.every(TIDY_INTERVAL_MS, () => void this.#tidy()))
    this.#keeper.start()
  }

  async drain(): Promise<void> {}

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    this.#keeper?.close()
    this.#abort.abort()
    await this.#reader?.close()
    await this.#running
    this.#closed.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // ---- reading

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#read()
      } catch (error) {
        this.#failed(error)
      }
      if (!this.#abort.signal.aborted) await this.#pause()
    }
  }

  async #read(): Promise<void> {
    const { topicId, partitions } = await this.#find()
    if (this.#abort.signal.aborted) return
    if (this.#topicId !== topicId) {
      if (this.#topicId !== null) this.#madeAnew()
      this.#topicId = topicId
      this.#changed()
    }
    void this.#keeper?.judgeSettings()
    this.#endsAt = partitions[0]!.latest
    this.#lastEventAtMs = this.#clock.nowMs()
    const start = this.#next === null ? ({ at: 'earliest' } as const) : ({ at: 'offset', offset: this.#next } as const)
    const reader = this.#options.log.read(this.topic, [{ partition: 0, start }])
    this.#reader = reader
    try {
      for await (const event of reader) this.#take(event)
    } finally {
      this.#reader = null
      await reader.close()
    }
  }

  #find(): Promise<TopicDescription> {
    const { log } = this.#options
    return this.otherZone === null ? ensureControlTopic(log, this.topic) : log.describe(this.topic)
  }

  /** Who has what was said in the topic before goes on by it, and writes it again for whoever reads the new one first. */
  #madeAnew(): void {
    this.#next = null
    this.#said.lasting.beginAnew()
    const then = this.otherZone === null ? 'what nodes know of them is written again' : 'here they are forgotten'
    this.#logger.error(
      'control_topic_recreated',
      `topic ${this.#name} was made anew, without operators' words and the catalogue: ${then}`,
      {},
    )
    void this.#keeper?.look()
    if (this.otherZone !== null) this.#said.forget()
  }

  #take(event: LogEvent): void {
    const nowMs = this.#clock.nowMs()
    this.#lastEventAtMs = nowMs
    if (event.kind === 'records') {
      this.#recovered()
      for (const record of event.records) this.#record(record, nowMs)
      this.#changed()
    } else if (event.kind === 'started' || event.kind === 'jumped') {
      if (event.kind === 'started') this.#recovered()
      else if (event.offset < event.from) this.#said.lasting.lostFrom(event.offset)
      this.#next = event.offset
    } else if (event.kind === 'unreachable') this.#failed(event.error)
    else if (event.kind === 'reachable') this.#recovered()
    this.#noteEnd(nowMs)
  }

  #record(record: LogRecord, nowMs: number): void {
    this.#next = record.offset + 1
    const wasThere = !this.#hearing.isReadBack
    if (!wasThere) this.#table.prolong(this.#hearing.heard(nowMs))
    const read = this.#decode(record)
    switch (read.kind) {
      case 'lease':
        if (wasThere) this.#table.remember(read.lease, read.left, record.timestampMs, nowMs)
        else if (this.#table.hear(read.lease, read.left, nowMs) && read.left) this.#left(read.lease.node)
        break
      case 'removed':
        if (read.of === 'lease') this.#table.removed(read.name)
        else this.#said.removed(read.of, read.name)
        break
      case 'ignored':
        this.#table.ignored[read.why]++
        this.#ignored.tell(read, record.offset)
        this.#said.ignored(read, nowMs)
        break
      default:
        this.#said.take(read, record, { wasThere, nowMs })
    }
    // The first batch may reach beyond what was there before.
    this.#noteEnd(nowMs)
  }

  #noteEnd(nowMs: number): void {
    if (this.#hearing.isReadBack || this.#next === null) return
    if (this.#next < this.#endsAt && nowMs - this.#lastEventAtMs < READ_BACK_IDLE_MS) return
    this.#hearing.readBack(nowMs)
    this.#readBack.resolve()
  }

  // ---- judging

  #judge(stoodStill: boolean): void {
    const nowMs = this.#clock.nowMs()
    this.#noteEnd(nowMs)
    this.#checkStall(nowMs)
    const before = this.view
    if (stoodStill) this.#hearing.stoodStill(nowMs)
    else this.#hearing.judge(nowMs, this.#table.rememberedCount > 0 || this.#table.hasKept)
    const hasTurned = this.view !== before
    if (hasTurned) this.#turned(before)
    if (this.view === 'current') this.#table.buryRemembered(nowMs)
    const isJudging = this.view !== 'current' || !this.#hearing.isDeaf(nowMs)
    const judged = isJudging ? this.#table.judge(nowMs, this.view === 'current') : []
    for (const { lease, state, heardAtMs } of judged) {
      if (state !== 'expired') continue
      const silentMs = Math.round(nowMs - heardAtMs)
      this.#logger.warn('lease_expired', `the lease of ${lease.node} expired: no beat for ${silentMs} ms`, { of: lease.node })
    }
    if (hasTurned || judged.length > 0) this.#changed()
  }

  /** A client library can stall while everything else looks fine. */
  #checkStall(nowMs: number): void {
    if (this.#reader === null || nowMs - this.#lastEventAtMs < REBUILD_AFTER_MS) return
    this.#lastEventAtMs = nowMs
    void this.#reader.close()
  }

  #turned(before: Directory['view']): void {
    const fields = { from: before, nodes: this.nodes.size }
    if (this.view === 'degraded') {
      const why = this.#trouble ?? 'it brings nothing'
      this.#logger.warn('view_degraded', `nothing is known of other nodes by ${this.#name} (${why}): all stay as they are`, fields)
    } else this.#logger.info('view_current', `leases are read from ${this.#name}`, fields)
  }

  #left(node: string): void {
    this.#logger.info('node_left', `${node} said goodbye`, { of: node })
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  // ---- trouble

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return
    this.#hearing.cutOff()
    const message = error instanceof Error ? error.message : String(error)
    if (this.#trouble === message) return
    if (this.#trouble === null) {
      const code = error instanceof PulsewireError ? error.code : 'control_topic_failed'
      this.#logger.error(code, `the directory cannot be read from ${this.#name}: ${message}`, { topic: this.topic })
    }
    this.#trouble = message
  }

  #recovered(): void {
    if (this.#trouble !== null) this.#logger.info('control_topic_read', `topic ${this.#name} can be read again`, {})
    this.#trouble = null
  }

  async #tidy(): Promise<void> {
    if (this.view !== 'current') return
    const nowMs = this.#clock.nowMs()
    const dead = this.#table.deadFor(TIDY_AFTER_MS, nowMs)
    const over = this.revocations.over(nowMs - TIDY_AFTER_MS).slice(0, TIDIED_MAX)
    if (dead.length === 0 && over.length === 0) return
    try {
      await this.#options.log.append(this.topic, [
        ...dead.map((node) => encodeRemoval('lease', node)),
        ...over.map((key) => encodeRemoval('revoke', key)),
      ])
      if (dead.length > 0) this.#logger.info('leases_removed', `leases that were dead for an hour are removed: ${dead.join(', ')}`, {})
    } catch {
      // The next round tries again.
    }
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
