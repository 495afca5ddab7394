import type { FeedInfo, LiveFrame, PulseFrame, StaleFrame } from '@pulsewire/protocol'
import { obtain } from '../obtain.ts'
import { FeedFreshness, PARTITIONS_MAX } from './feed.ts'
import type { HopAge, JudgeContext } from './partition.ts'
import { isLogFault, PENDING, type SymbolState } from './state.ts'

/** What a client can say of one partition. */
export interface PartitionReport {
  readonly partition: number
  /** Position of the newest pulse held: everything that precedes it has arrived. Absent before the first. */
  readonly position?: string
  /** Time since that pulse was written, now. */
  readonly ageMs?: number
  /** What each hop took, in the order of the flow; the last one is `client`. */
  readonly hops: readonly HopAge[]
  /** From the writer of the newest pulse to this client. */
  readonly endToEndMs?: number
  readonly state: SymbolState
}

export interface SessionFreshnessOptions {
  readonly node: string
  readonly staleAfterMs: number
  /** Sender's clock minus ours; undefined while not known. */
  readonly offsetMs: () => number | undefined
  readonly nowMs: number
}

/** Judges, for one session, how fresh each partition is. Pulses and `stale` frames go in, states come out. */
export class SessionFreshness {
  readonly node: string
  readonly staleAfterMs: number
  readonly #offsetMs: () => number | undefined
  readonly #feeds = new Map<string, FeedFreshness>()
  #lastPulseAtMs: number
  #heardAtMs: number
  #expiresAtMs = Infinity
  #symbolsChanged = false
  /** When data was last old through no gateway's fault: the log was at fault, or our clock made a step. */
  #excusedAtMs = -Infinity

  constructor(options: SessionFreshnessOptions) {
    this.node = options.node
    this.staleAfterMs = options.staleAfterMs
    this.#offsetMs = options.offsetMs
    this.#lastPulseAtMs = options.nowMs
    this.#heardAtMs = options.nowMs
  }

  /** When a pulse or an update came last; at first, when the session was welcomed. */
  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /** When some state may change by the passing of time alone. */
  get expiresAtMs(): number {
    return this.#expiresAtMs
  }

  /** When the sender counts as silent, if neither a pulse nor an update comes. Updates alone may be all that a thin line carries. */
  get silentAtMs(): number {
    return this.#heardAtMs + this.staleAfterMs
  }

  setFeeds(feeds: readonly FeedInfo[]): void {
    for (const { feed, generation, partitions, carried, delayMs } of feeds) {
      const freshness = this.#feed(feed)
      freshness.shape(generation, partitions)
      freshness.delay(delayMs)
      freshness.expectPartitions(carried ?? Array.from({ length: Math.min(partitions, PARTITIONS_MAX) }, (_, index) => index))
    }
  }

  /**
   * A subscription of the feed was answered: from now on pulses are due. It is judged with all others at the end of the
   * message: what `review` finds changed has to reach whoever shows it.
   */
  expect(feed: string, nowMs: number): void {
    const freshness = this.#feed(feed)
    if (freshness.expectedSinceMs !== undefined) return
    freshness.expectedSinceMs = nowMs
    this.#expiresAtMs = -Infinity
  }

  /** Nothing of the feed is subscribed any more, so that its pulses cease. Should it be again, it is proven anew. */
  forget(feed: string, feeds: readonly FeedInfo[]): void {
    this.#feeds.delete(feed)
    this.setFeeds(feeds)
  }

  updated(nowMs: number): void {
    this.#heardAtMs = nowMs
  }

  /** Time made a step, in which nothing could come: something is due within `graceMs`. */
  woke(nowMs: number, graceMs: number): void {
    this.#heardAtMs = Math.max(this.#heardAtMs, nowMs + graceMs - this.staleAfterMs)
    this.#excusedAtMs = nowMs
  }

  pulse(frame: PulseFrame, nowMs: number): void {
    this.#heardAtMs = nowMs
    this.#lastPulseAtMs = nowMs
    if (frame.feed === undefined) return
    const offsetMs = this.#offsetMs()
    const transitMs = offsetMs === undefined ? 0 : nowMs + offsetMs - frame.at
    this.#feed(frame.feed).pulse(frame, transitMs, nowMs)
  }

  stale(frame: StaleFrame): void {
    if (frame.symbols !== undefined) this.#symbolsChanged = true
    this.#feed(frame.feed).stale(frame, frame.since - (this.#offsetMs() ?? 0))
  }

  live(frame: LiveFrame): void {
    if (frame.partitions === undefined) this.#symbolsChanged = true
    this.#feed(frame.feed).live(frame)
  }

  /** Whether the state of single symbols changed since the last call, which `review` does not see. */
  takeSymbolChange(): boolean {
    const changed = this.#symbolsChanged
    this.#symbolsChanged = false
    return changed
  }

  /** Judges everything anew. Returns whether any partition's state changed. */
  review(nowMs: number): boolean {
    if (this.#isLogAtFault()) this.#excusedAtMs = nowMs
    let changed = false
    let expiresAtMs = Infinity
    for (const feed of this.#feeds.values()) {
      if (feed.expectedSinceMs === undefined) continue
      const context = this.#context(feed.expectedSinceMs, feed.proven)
      if (feed.review(context, nowMs)) changed = true
      expiresAtMs = Math.min(expiresAtMs, feed.expiresAtMs(context))
    }
    // Also the moment when "lagging" becomes "no pulse at all".
    const noPulseAtMs = this.#lastPulseAtMs + this.staleAfterMs
    if (nowMs <= noPulseAtMs) expiresAtMs = Math.min(expiresAtMs, noPulseAtMs)
    this.#expiresAtMs = expiresAtMs
    return changed
  }

  /**
   * Since when some partition has been stale through the fault of this node or of one before it, where another gateway
   * may do better; undefined when none is. Where the log itself is at fault, every gateway has the same trouble; and when
   * it is back, data is old until the first pulse has come, which is nobody else's fault: it gets its time. So it does
   * after a step of our clock.
   */
  get faultSinceMs(): number | undefined {
    let sinceMs: number | undefined
    for (const feed of this.#feeds.values()) {
      if (feed.expectedSinceMs === undefined) continue
      for (const { state } of feed.partitions) {
        if (state.state !== 'stale' || isLogFault(state)) continue
        sinceMs = Math.min(sinceMs ?? Infinity, state.sinceMs ?? Infinity)
      }
    }
    return sinceMs === undefined ? undefined : Math.max(sinceMs, this.#excusedAtMs + this.staleAfterMs)
  }

  #isLogAtFault(): boolean {
    for (const feed of this.#feeds.values()) for (const { state } of feed.partitions) if (isLogFault(state)) return true
    return false
  }

  /** @param partition −1 when the symbol had no update yet. */
  stateOf(feed: string, symbol: string, partition: number): SymbolState {
    return this.#feeds.get(feed)?.stateOf(symbol, partition) ?? PENDING
  }

  /** Data age of a symbol's partition, or the highest of the feed's when it is not known. */
  ageMs(feed: string, partition: number, nowMs: number): number | undefined {
    const freshness = this.#feeds.get(feed)
    if (freshness === undefined) return undefined
    if (freshness.has(partition)) return freshness.partition(partition).ageMs(nowMs)
    let highestMs: number | undefined
    for (const each of freshness.partitions) {
      const ageMs = each.ageMs(nowMs)
      if (ageMs === undefined) return undefined
      highestMs = Math.max(highestMs ?? 0, ageMs)
    }
    return highestMs
  }

  report(feed: string, nowMs: number): PartitionReport[] {
    const freshness = this.#feeds.get(feed)
    if (freshness === undefined) return []
    const reports: PartitionReport[] = []
    for (const each of freshness.partitions) {
      const { partition, state } = each
      const hops = each.hops()
      const ageMs = each.ageMs(nowMs)
      if (ageMs === undefined) reports.push({ partition, hops, state })
      else {
        const position = `${each.generation}:${partition}:${each.offset}`
        reports.push({ partition, position, ageMs, hops, endToEndMs: each.ageAtArrivalMs, state })
      }
    }
    return reports.sort((a, b) => a.partition - b.partition)
  }

  #context(expectedSinceMs: number, live: SymbolState): JudgeContext {
    return { node: this.node, staleAfterMs: this.staleAfterMs, live, lastPulseAtMs: this.#lastPulseAtMs, expectedSinceMs }
  }

  #feed(name: string): FeedFreshness {
    return obtain(this.#feeds, name, () => new FeedFreshness(name))
  }
}
