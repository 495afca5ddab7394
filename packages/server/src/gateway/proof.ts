import { WHOLE_FEED, type Feed, type Hub } from '../hub/index.ts'
import { ANY_PARTITION, FeedCoverage } from './coverage.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

/** Which pulses may be passed on, feed by feed: what is asked for, and which links vouch for it. */
export class Proof {
  readonly #hub: Hub
  readonly #coverage = new Map<Feed, FeedCoverage>()
  /** Feeds whose topic was given more partitions. */
  readonly #grown = new Set<Feed>()
  /** Feeds of which something is asked for: how many symbols and patterns. */
  readonly #followed = new Map<Feed, number>()

  constructor(hub: Hub) {
    this.#hub = hub
  }

  of(feed: Feed): FeedCoverage {
    let coverage = this.#coverage.get(feed)
    if (coverage === undefined) this.#coverage.set(feed, (coverage = new FeedCoverage(() => feed.partitions)))
    return coverage
  }

  /** The link is gone: what it told is no longer vouched for. */
  forget(link: number): void {
    for (const coverage of this.#coverage.values()) coverage.forget(link)
  }

  // ---- what is asked for

  follows(feed: Feed): boolean {
    return this.#followed.has(feed)
  }

  /** Something of the feed is asked for: from now on its pulses are due. Of a feed that nobody wants, none come. */
  follow(feed: Feed): void {
    const followed = this.#followed.get(feed) ?? 0
    this.#followed.set(feed, followed + 1)
    if (followed === 0) this.expectPulses(feed)
  }

  unfollow(feed: Feed): void {
    const left = this.#followed.get(feed)! - 1
    if (left > 0) {
      this.#followed.set(feed, left)
      return
    }
    this.#followed.delete(feed)
    this.#hub.forgetPartitions(feed, () => true)
    this.of(feed).reset()
  }

  /** The feed's partitions are known, or are more: those of a feed that is followed are expected to have pulses. */
  expectPulses(feed: Feed): void {
    if (!this.#followed.has(feed)) return
    const nowMs = this.#hub.clock.nowMs()
    if (feed.partitions === 0) feed.freshness.expect(WHOLE_FEED, nowMs)
    for (let partition = 0; partition < feed.partitions; partition++) feed.freshness.expect(partition, nowMs)
  }

  /** The feed's topic was given more partitions: a symbol's next record may lie in another than its last. */
  grow(feed: Feed, sources: Iterable<SymbolSource>): void {
    this.#grown.add(feed)
    for (const source of sources) if (source.counted && source.symbol.feed === feed) this.count(source, source.covered)
  }

  // ---- symbols

  /** Whether it can be answered: the links that cover it know all there is, and are as far as what was passed on. */
  isSettled(source: SymbolSource): boolean {
    const { covered, symbol } = source
    const coverage = this.of(symbol.feed)
    return covered !== 0 && coverage.isComplete(covered) && coverage.reaches(covered, this.#placeOf(source), symbol.feed.freshness)
  }

  /** Whether the links that cover it have young pulses of it: what they say would be shown as live. */
  isYoung(source: SymbolSource): boolean {
    return this.#isYoung(source.symbol.feed, source.covered, this.#placeOf(source))
  }

  #isYoung(feed: Feed, covered: number, place: number): boolean {
    return this.#hub.clock.nowMs() - this.of(feed).writtenAtMs(covered, place) <= feed.freshness.staleAfterMs
  }

  setCovered(source: SymbolSource, covered: number): void {
    if (source.counted || covered !== 0) this.count(source, covered)
    source.covered = covered
  }

  /** From now on no pulse is passed on that does not hold for the symbol too. */
  count(source: SymbolSource, covered: number): void {
    const place = this.#placeOf(source)
    if (source.counted && covered === source.covered && place === source.countedIn) return
    const coverage = this.of(source.symbol.feed)
    if (source.counted) coverage.remove(source.countedIn, source.covered)
    coverage.add(place, covered)
    source.counted = true
    source.countedIn = place
  }

  /** It is answered before any link vouches for it: what was passed on does not hold for it. */
  unprove(source: SymbolSource): void {
    this.#unprove(source.symbol.feed, this.#placeOf(source))
  }

  #unprove({ freshness }: Feed, place: number): void {
    for (const { partition } of freshness.partitions) if (place === ANY_PARTITION || place === partition) freshness.unprove(partition)
  }

  uncount(source: SymbolSource): void {
    if (source.counted) this.of(source.symbol.feed).remove(source.countedIn, source.covered)
    source.counted = false
  }

  #placeOf({ symbol: { feed, partition } }: SymbolSource): number {
    return partition >= 0 && !this.#grown.has(feed) ? partition : ANY_PARTITION
  }

  // ---- patterns

  isPatternSettled({ feed, covered }: PatternSource): boolean {
    const coverage = this.of(feed)
    return coverage.isComplete(covered) && coverage.reaches(covered, ANY_PARTITION, feed.freshness)
  }

  isPatternYoung({ feed, covered }: PatternSource): boolean {
    return this.#isYoung(feed, covered, ANY_PARTITION)
  }

  setPatternCovered(source: PatternSource, covered: number): void {
    if (source.counted && covered !== source.covered) {
      this.of(source.feed).remove(ANY_PARTITION, source.covered)
      this.of(source.feed).add(ANY_PARTITION, covered)
    }
    source.covered = covered
  }

  unprovePattern({ feed }: PatternSource): void {
    this.#unprove(feed, ANY_PARTITION)
  }

  countPattern(source: PatternSource): void {
    if (!source.counted) this.of(source.feed).add(ANY_PARTITION, source.covered)
    source.counted = true
  }

  uncountPattern(source: PatternSource): void {
    if (source.counted) this.of(source.feed).remove(ANY_PARTITION, source.covered)
    source.counted = false
  }
}
