import type { Encoding, FeedInfo } from '@pulsewire/protocol'
import type { Clock } from '../runtime/clock.ts'
import { Entry } from './entry.ts'
import { Feed, type FeedOptions } from './feed.ts'
import type { FreshnessChange, PulsePoint, StaleCause } from './freshness.ts'
import { PatternScans } from './pattern-scans.ts'
import { PatternState } from './pattern-state.ts'
import { PulseFrames } from './pulse-frames.ts'
import { RateLanes } from './rate-lanes.ts'
import type { Subscription } from './subscription.ts'
import type { SymbolState } from './symbol.ts'
import type { RecordWatcher } from './watcher.ts'

/**
 * Where a hub's updates come from. A push node reads a log and has every symbol there is, so it ignores the wishes; a
 * gateway passes them on to its upstream nodes and calls `symbolReady`, `symbolRefused`, `patternReady` and
 * `patternRefused` when they have answered.
 */
export interface HubSource {
  /**
   * The first subscriber of a symbol came. @returns whether it can be answered at once.
   * @param since the position from which that one resumes.
   */
  want(symbol: SymbolState, since?: string): boolean
  /** The last one has gone. */
  unwant(symbol: SymbolState): void
  /** @param since by symbol, as in `want`. */
  wantPattern(feed: Feed, pattern: PatternState, since?: Readonly<Record<string, string>>): boolean
  unwantPattern(feed: Feed, pattern: PatternState): void
  /** Why a partition is stale at this hub. */
  explain(feed: Feed, partition: number): StaleCause
}

/** Who wants to know what concerns a whole feed: a server of sessions. */
export interface HubListener {
  /** A pulse went through; frames can be composed. @param first of its partition since the feed moved to another topic. */
  pulse(feed: Feed, first: boolean): void
  freshness(feed: Feed, change: FreshnessChange): void
  /** What was called stale is judged here no more. */
  withdrawn(feed: Feed, partitions: readonly number[]): void
  /** The list of feeds changed. */
  feeds(): void
  /** How many times longer than configured it collects updates before it sends them, because it is under load: at least 1. Absent: it never does. */
  readonly stretch?: number
}

/** Once for each so many ms of the period, batches stand by a log's own interval (10 ms) apart: a tenth of the period. */
const PERIOD_PER_STRETCH_MS = 100
/** Pulses come in batches too: they are not to be older for it than anybody could notice. */
const RATED_STRETCH_MAX = 5

/** Subscription table, image cache and fan-out: the heart of a push node and of a gateway. */
export class Hub {
  readonly nodeId: string
  readonly clock: Clock
  /** Base of binary timestamps. */
  readonly epoch: number
  /** Finds the symbols that patterns mean. */
  readonly scans: PatternScans
  /** Set where updates are traced. */
  watcher: RecordWatcher | null = null
  readonly #feeds: Feed[] = []
  readonly #byName = new Map<string, Feed>()
  readonly #pulseFrames: PulseFrames
  readonly #rateLanes: RateLanes
  #log: string | null = null
  #source: HubSource | null = null
  readonly #listeners: HubListener[] = []

  constructor(options: { readonly nodeId: string; readonly clock: Clock; readonly feeds?: readonly FeedOptions[] }) {
    this.nodeId = options.nodeId
    this.clock = options.clock
    this.epoch = Math.floor(options.clock.nowMs())
    this.#rateLanes = new RateLanes(options.clock)
    this.scans = new PatternScans(options.clock)
    for (const feed of options.feeds ?? []) this.addFeed(feed)
    this.#pulseFrames = new PulseFrames(this.epoch, () => this.clock.nowMs())
  }

  /** Connects the hub to where its updates come from and to who serves sessions. Once, before anything flows. */
  connect(source: HubSource, listener: HubListener): void {
    this.#source = source
    this.listen(listener)
  }

  /** One more who serves sessions: a gateway beside a push node. */
  listen(listener: HubListener): void {
    this.#listeners.push(listener)
  }

  /**
   * How much longer than configured updates of the feed are collected behind this hub: whoever brings them may take his
   * time as well. So may he where each receiver has asked for a rate, by a small part of its period, or there is none.
   */
  stretchOf(feed: Feed): number {
    let stretch = feed.unrated > 0 ? 1 : Math.min(Math.max(this.#rateLanes.shortestMs / PERIOD_PER_STRETCH_MS, 1), RATED_STRETCH_MAX)
    for (const listener of this.#listeners) stretch = Math.max(stretch, listener.stretch ?? 1)
    return stretch
  }

  /** In the order of their indexes. */
  get feeds(): readonly Feed[] {
    return this.#feeds
  }

  /** A gateway learns of feeds from its upstream nodes. */
  addFeed(options: FeedOptions): Feed {
    const feed = new Feed(this.#feeds.length, options)
    this.#feeds.push(feed)
    this.#byName.set(feed.name, feed)
    for (const listener of this.#listeners) listener.feeds()
    return feed
  }

  feed(name: string): Feed | undefined {
    return this.#byName.get(name)
  }

  info(): FeedInfo[] {
    const log = this.#log === null ? {} : { log: this.#log }
    return this.#feeds.map((feed) => ({ ...feed.info(), ...log }))
  }

  /** Names the log that all positions here are of; `null`: nobody says. */
  setLog(log: string | null): void {
    if (log === this.#log) return
    this.#log = log
    for (const listener of this.#listeners) listener.feeds()
  }

  /** The feed's generation, number of partitions, or which of them this hub has (`null`: all) is known now, or is another. */
  setShape(feed: Feed, generation: number, partitions: number, carried: readonly number[] | null = null): void {
    if (feed.generation === generation && feed.partitions === partitions && String(feed.carried) === String(carried)) return
    if (generation > feed.generation && feed.partitions > 0) feed.hasMoved = true
    feed.generation = generation
    feed.partitions = partitions
    feed.carried = carried
    // What the feed no longer has would be stale for ever.
    if (partitions > 0) this.forgetPartitions(feed, (partition) => partition >= partitions)
    for (const listener of this.#listeners) listener.feeds()
  }

  // ---- subscriptions

  /** Attaches an entry. Its symbol can be answered when it is ready; else `ready` on the subscriber says when. */
  attach(subscription: Subscription, symbol: SymbolState, ref: number, since?: string): Entry {
    const entry = new Entry(subscription, symbol, ref)
    const first = symbol.entries.length === 0
    entry.index = symbol.entries.push(entry) - 1
    subscription.entries.set(symbol.name, entry)
    const block = subscription.blocks.add(entry)
    symbol.blocks.push(block)
    if (block.isRated) this.#rateLanes.join(block, symbol, subscription.periodMs)
    else {
      symbol.unrated++
      symbol.feed.unrated++
    }
    if (first) {
      symbol.trackChanges()
      symbol.readiness = this.#source?.want(symbol, since) === false ? 'waiting' : 'ready'
    }
    return entry
  }

  detach(entry: Entry): void {
    if (entry.detached) return
    entry.detached = true
    const { symbol, subscription } = entry
    subscription.entries.delete(symbol.name)
    const block = subscription.blocks.remove(entry)
    const last = symbol.entries.pop()!
    const lastBlock = symbol.blocks.pop()!
    if (last !== entry) {
      symbol.entries[entry.index] = last
      symbol.blocks[entry.index] = lastBlock
      last.index = entry.index
    }
    if (block.isRated) this.#rateLanes.leave(block, symbol, subscription.periodMs)
    else {
      symbol.unrated--
      symbol.feed.unrated--
    }
    if (symbol.entries.length > 0) return
    symbol.untrackChanges()
    this.#source?.unwant(symbol)
  }

  addPattern(subscription: Subscription, text: string, since?: Readonly<Record<string, string>>): PatternState {
    const { feed } = subscription
    let pattern = feed.patterns.get(text)
    if (pattern === undefined) {
      pattern = new PatternState(text)
      feed.patterns.set(text, pattern)
      pattern.readiness = this.#source?.wantPattern(feed, pattern, since) === false ? 'waiting' : 'ready'
    }
    pattern.subscriptions.add(subscription)
    ;(subscription.patterns ??= new Set()).add(text)
    return pattern
  }

  removePattern(subscription: Subscription, text: string): void {
    const { feed } = subscription
    const pattern = feed.patterns.get(text)
    subscription.patterns?.delete(text)
    if (pattern === undefined || !pattern.subscriptions.delete(subscription) || pattern.subscriptions.size > 0) return
    feed.patterns.delete(text)
    this.#source?.unwantPattern(feed, pattern)
  }

  // ---- what the source tells

  /** A source applied an update to the symbol: everybody who subscribes gets it. `appeared`: it had no image before. */
  updated(symbol: SymbolState, appeared: boolean): void {
    if (appeared && symbol.feed.patterns.size > 0) this.#match(symbol)
    const { blocks, rates } = symbol
    if (rates !== null) {
      for (const { lane } of rates) lane.arm()
      if (symbol.unrated === 0) return
    }
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!
      if (!block.due && !block.isRated) block.mark()
    }
  }

  #match(symbol: SymbolState): void {
    for (const pattern of symbol.feed.patterns.values()) {
      if (!pattern.matches(symbol.name)) continue
      for (const subscription of pattern.subscriptions) subscription.subscriber.matched(subscription, pattern, symbol)
    }
  }

  symbolReady(symbol: SymbolState): void {
    if (symbol.readiness === 'ready') return
    symbol.readiness = 'ready'
    // Some may not be taken, and leave.
    for (const entry of [...symbol.entries]) if (!entry.answered) entry.subscription.subscriber.ready(entry)
  }

  /** Nobody upstream gives the symbol: its subscribers are told, and it is forgotten. */
  symbolRefused(symbol: SymbolState, code: string, message: string): void {
    for (const entry of [...symbol.entries]) {
      this.detach(entry)
      entry.subscription.subscriber.refused(entry, code, message)
    }
  }

  /** Nobody upstream gives what the pattern matches: its subscribers are told, and it is forgotten. */
  patternRefused(pattern: PatternState, code: string, message: string): void {
    for (const subscription of [...pattern.subscriptions]) subscription.subscriber.patternRefused(subscription, pattern, code, message)
  }

  patternReady(pattern: PatternState): void {
    if (pattern.readiness === 'ready') return
    pattern.readiness = 'ready'
    for (const subscription of pattern.subscriptions) subscription.subscriber.patternReady(subscription, pattern)
  }

  /** A pulse arrived behind every update that precedes it. @returns whether it was progress. */
  pulse(feed: Feed, point: PulsePoint): boolean {
    const first = feed.hasMoved && feed.freshness.get(point.partition)?.point?.generation !== point.generation
    if (!feed.freshness.accept(point)) return false
    for (const listener of this.#listeners) listener.pulse(feed, first)
    return true
  }

  /** Judges freshness; to be called at a fixed interval by whoever runs the hub, and of one feed when it must not wait for that. */
  checkFreshness(feeds: readonly Feed[] = this.#feeds): void {
    const nowMs = this.clock.nowMs()
    for (const feed of feeds) {
      const change = feed.freshness.check(nowMs, (partition) => this.#source!.explain(feed, partition))
      if (change.stale.length === 0 && change.live.length === 0) continue
      for (const listener of this.#listeners) listener.freshness(feed, change)
    }
  }

  /** These partitions are judged here no more: who was told that one is stale would take it for that for ever. */
  forgetPartitions(feed: Feed, which: (partition: number) => boolean): void {
    const withdrawn: number[] = []
    for (const { partition } of [...feed.freshness.partitions])
      if (which(partition) && feed.freshness.forget(partition)) withdrawn.push(partition)
    if (withdrawn.length > 0) for (const listener of this.#listeners) listener.withdrawn(feed, withdrawn)
  }

  /** Ends what the hub does by itself. */
  close(): void {
    this.#rateLanes.close()
  }

  pulseFrame(feed: Feed, encoding: Encoding) {
    return this.#pulseFrames.of(feed, encoding)
  }

  /** See `PulseFrames.writtenAtMs`. */
  pulseWrittenAtMs(feed: Feed, pulse: number) {
    return this.#pulseFrames.writtenAtMs(feed, pulse)
  }

  heartbeat(encoding: Encoding) {
    return this.#pulseFrames.heartbeat(encoding)
  }
}
