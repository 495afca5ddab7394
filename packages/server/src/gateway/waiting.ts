import type { Feed, Hub, PatternState } from '../hub/index.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Due } from './due.ts'
import type { Proof } from './proof.ts'
import type { Sources } from './sources.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

/** Answers receivers that wait for what links bring: when it is there and proven, or when that has taken too long. */
export class Waiting {
  readonly #hub: Hub
  readonly #logger: Logger
  readonly #sources: Sources
  readonly #patterns: ReadonlyMap<PatternState, PatternSource>
  readonly #proof: Proof
  readonly #due: Due

  constructor(options: {
    readonly hub: Hub
    readonly logger: Logger
    readonly sources: Sources
    readonly patterns: ReadonlyMap<PatternState, PatternSource>
    readonly proof: Proof
    readonly due: Due
  }) {
    this.#hub = options.hub
    this.#logger = options.logger
    this.#sources = options.sources
    this.#patterns = options.patterns
    this.#proof = options.proof
    this.#due = options.due
  }

  /** A link's pulse may have caught up with what was passed on. */
  answerDue(feed: Feed): void {
    const symbols = [...this.#sources.waiting].filter((source) => source.symbol.feed === feed && this.#due.isDue(source))
    const patterns = [...this.#patterns].filter(([, source]) => source.feed === feed && this.#due.isPatternDue(source))
    if (symbols.length === 0 && patterns.length === 0) return
    // What was called stale while they waited is taken back before they are answered, not at the next check.
    this.#hub.checkFreshness([feed])
    for (const source of symbols) this.ready(source)
    for (const [pattern, source] of patterns) this.#patternReady(pattern, source)
  }

  /** Some links answered and have old pulses only: that is said. Without any, no pulse is passed on from now on. */
  answerLateSymbols(): void {
    const nowMs = this.#hub.clock.nowMs()
    const unanswered: SymbolSource[] = []
    for (const source of [...this.#sources.waiting].filter(({ answerByMs }) => answerByMs <= nowMs)) {
      if (this.#proof.isSettled(source)) this.ready(source)
      else {
        this.#proof.count(source, source.covered)
        if (isStale(source.symbol.feed)) unanswered.push(source)
      }
    }
    this.#answerAnyway(unanswered)
  }

  answerLatePatterns(): void {
    const nowMs = this.#hub.clock.nowMs()
    for (const [pattern, source] of this.#patterns) {
      if (source.answerByMs > nowMs) continue
      const isSettled = this.#proof.isPatternSettled(source)
      this.#proof.countPattern(source)
      if (!isSettled && !isStale(source.feed)) continue
      if (!isSettled) this.#proof.unprovePattern(source)
      this.#patternReady(pattern, source)
    }
  }

  ready(source: SymbolSource): void {
    source.answerByMs = Infinity
    this.#sources.waiting.delete(source)
    this.#proof.count(source, source.covered)
    if (this.#proof.isSettled(source)) this.settled(source)
    this.#hub.symbolReady(source.symbol)
  }

  /** What its subscribers are told is what there is. */
  settled(source: SymbolSource): void {
    source.saidEmpty ||= source.symbol.offset < 0
  }

  /**
   * No link answered in time: the subscribers are told what is known, and that it is stale. Not before it is: until the last
   * pulse that was passed on has aged, they would take what they hold from elsewhere for proven by it.
   */
  #answerAnyway(sources: readonly SymbolSource[]): void {
    if (sources.length === 0) return
    const { name, feed } = sources[0]!.symbol
    const what = sources.length === 1 ? name : `${sources.length} symbols, ${name} among them`
    this.#logger.warn('upstream_timeout', `no push node answered in time for ${what}`, { feed: feed.name })
    for (const source of sources) {
      this.#proof.unprove(source)
      this.ready(source)
    }
  }

  #patternReady(pattern: PatternState, source: PatternSource): void {
    source.answerByMs = Infinity
    this.#proof.countPattern(source)
    this.#hub.patternReady(pattern)
  }
}

/** Whether subscribers are told that nothing of the feed is proven. */
function isStale({ freshness }: Feed): boolean {
  for (const { stale } of freshness.partitions) if (stale === null) return false
  return true
}
