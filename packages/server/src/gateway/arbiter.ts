import type { FeedInfo, OkRow, ReceivedImage, RefusedRow } from '@pulsewire/protocol'
import type { Feed, FeedOptions, Hub, HubSource, PatternState, PulsePoint, StaleCause, SymbolState } from '../hub/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { Asker } from './asking.ts'
import { ByName } from './by-name.ts'
import { Due } from './due.ts'
import { explainStale } from './explain.ts'
import type { Link } from './link.ts'
import type { LinkHandler } from './link-handler.ts'
import { FeedMoves } from './feed-moves.ts'
import { type Catalogue, Followed } from './followed.ts'
import { LinkBook } from './link-book.ts'
import { Outdated } from './outdated.ts'
import { Proof } from './proof.ts'
import { applyImage, isSameImage, isSameRecord } from './received.ts'
import { RecordChain } from './record-chain.ts'
import { Sources } from './sources.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'
import { Waiting } from './waiting.ts'

/** A symbol that nobody here wants is kept for so long: people come back. */
const LINGER_MS = 10_000

export interface ArbiterOptions {
  readonly hub: Hub
  readonly logger: Logger
  readonly subscribeDeadlineMs: number
  readonly feeds: 'all' | readonly string[]
  /** Says why there is no link at all. */
  readonly whyNoLinks: () => string
  readonly feedDefaults: Pick<FeedOptions, 'symbolsMax' | 'staleAfterMs' | 'history'>
  readonly catalogue: Catalogue
}

/**
 * Makes one stream of many links: asks every link for every symbol that somebody here wants, takes whichever link brings
 * a position first and drops the others, and passes on a pulse only when it holds for every symbol.
 */
export class Arbiter implements HubSource, LinkHandler {
  readonly #counts = { taken: 0, duplicates: 0 }
  readonly #hub: Hub
  readonly #options: ArbiterOptions
  #links: readonly Link[] = []
  readonly #books = new Map<Link, LinkBook>()
  readonly #sources: Sources
  readonly #proof: Proof
  readonly #due: Due
  readonly #chain: RecordChain
  readonly #patterns = new Map<PatternState, PatternSource>()
  readonly #asker: Asker
  readonly #byName: ByName
  readonly #waiting: Waiting
  readonly #outdated: Outdated
  readonly #followed: Followed
  readonly #moves: FeedMoves
  #isSettling = false
  #releases = false

  constructor(options: ArbiterOptions) {
    this.#options = options
    this.#hub = options.hub
    this.#proof = new Proof(options.hub)
    this.#due = new Due(this.#books, this.#proof)
    this.#outdated = new Outdated(options.hub.clock, options.logger)
    this.#asker = new Asker(options.hub.clock, this.#books, this.#patterns, (link, feed, name) => {
      this.#refused(link, feed, name, 'feed_unknown', `${link.node} has no feed ${feed.name}`)
    })
    this.#sources = new Sources(this.#books, this.#proof)
    this.#byName = new ByName(this.#books, this.#patterns, this.#sources, this.#asker)
    this.#waiting = new Waiting({
      hub: options.hub,
      logger: options.logger,
      sources: this.#sources,
      patterns: this.#patterns,
      proof: this.#proof,
      due: this.#due,
    })
    this.#chain = new RecordChain({
      cover: (link, source) => this.#cover(link, source),
      uncover: (link, source) => this.#proof.setCovered(source, source.covered & ~link.bit),
      isBroughtByOthers: (link, source, partition) => this.#isBroughtByOthers(link, source, partition),
      ask: (link, source) => this.#asker.ask(this.#books.get(link)!, source),
      take: (link, book, source, image, missed) => this.#take(link, book, source, image, missed),
    })
    this.#followed = new Followed({ clock: options.hub.clock, books: this.#books, links: () => this.#links, catalogue: options.catalogue })
    this.#moves = new FeedMoves({
      hub: options.hub,
      feeds: options.feeds,
      feedDefaults: options.feedDefaults,
      books: this.#books,
      followed: this.#followed,
      proof: this.#proof,
      sources: this.#sources,
      patterns: this.#patterns,
      asker: this.#asker,
      byName: this.#byName,
      outdated: this.#outdated,
      update: (link, image) => void this.update(link, image),
      refill: (link, book, source) => this.#chain.refill(link, book, source),
    })
  }

  /** What became of the updates of all links. */
  get counts() {
    return { ...this.#counts, ...this.#chain.counts }
  }

  /** What is known of the symbol over one link, for whoever asks. */
  account(link: Link, feed: Feed, symbol: SymbolState | undefined, partition: number) {
    const book = this.#books.get(link)
    const source = this.#sources.find(symbol)
    const coverage = this.#proof.of(feed)
    return {
      carries: coverage.carries(link.index, partition),
      generation: book?.served.get(feed)?.generation ?? null,
      pulse: coverage.newestOf(link.index, partition),
      holds: source !== undefined && book?.holds(source) === true,
      covered: source !== undefined && (source.covered & link.bit) !== 0,
      refused: source !== undefined && (source.refused & link.bit) !== 0 ? (source.refusal?.message ?? '') : null,
    }
  }

  /** What the link brings under a ref, while somebody here wants it. */
  symbolOf(link: Link, ref: number): SymbolState | undefined {
    return this.#books.get(link)?.source(ref)?.symbol
  }

  setLinks(links: readonly Link[]): void {
    this.#links = links
  }

  /** Whether an upstream node has said which feeds there are. */
  get ready(): boolean {
    return this.#books.size > 0
  }

  // ---- the hub's wishes

  want(symbol: SymbolState, since?: string): boolean {
    const source = this.#sources.obtain(symbol)
    source.since = since
    source.idleSinceMs = Infinity
    this.#sources.idle.delete(source)
    if (this.#due.isDue(source)) {
      this.#waiting.settled(source)
      return true
    }
    source.named = true
    source.answerByMs = this.#hub.clock.nowMs() + this.#options.subscribeDeadlineMs
    this.#sources.waiting.add(source)
    for (const book of this.#books.values()) this.#asker.ask(book, source)
    return false
  }

  unwant(symbol: SymbolState): void {
    const source = this.#sources.find(symbol)
    if (source === undefined) return
    source.idleSinceMs = this.#hub.clock.nowMs()
    this.#sources.idle.add(source)
    // Names that receivers make up must not gather while they linger.
    if (symbol.offset < 0) this.#releaseSoon()
  }

  #releaseSoon(): void {
    if (this.#releases) return
    this.#releases = true
    this.#hub.clock.soon(() => {
      this.#releases = false
      this.#sources.release([...this.#sources.idle].filter(({ symbol }) => symbol.offset < 0))
    })
  }

  wantPattern(feed: Feed, pattern: PatternState, since?: Readonly<Record<string, string>>): boolean {
    this.#proof.follow(feed)
    const byMs = this.#hub.clock.nowMs() + this.#options.subscribeDeadlineMs
    this.#patterns.set(pattern, { feed, covered: 0, refused: 0, counted: false, answerByMs: byMs, since })
    for (const [link, book] of this.#books) this.#asker.askPattern(link, book, feed, pattern)
    return false
  }

  unwantPattern(feed: Feed, pattern: PatternState): void {
    const source = this.#patterns.get(pattern)
    this.#patterns.delete(pattern)
    if (source !== undefined) this.#proof.uncountPattern(source)
    for (const [link, book] of this.#books) {
      const id = book.patternIds.get(pattern)
      if (id === undefined) continue
      book.patternIds.delete(pattern)
      book.settling.delete(pattern)
      for (const ref of book.refsUnder(id)) this.#sources.leaveRow(link, book, ref)
      link.send({ t: 'unsubscribe', id })
    }
    this.#byName.patternGone(feed, pattern)
    this.#proof.unfollow(feed)
  }

  explain(feed: Feed, partition: number): StaleCause {
    const { whyNoLinks } = this.#options
    const doubted = (link: Link) => this.#moves.doubted(link, feed)
    return explainStale({
      hub: this.#hub,
      links: this.#links,
      coverage: this.#proof.of(feed),
      feed,
      partition,
      doubted,
      whyNone: whyNoLinks,
    })
  }

  // ---- what links tell

  opened(link: Link, feeds: readonly FeedInfo[]): void {
    const book = new LinkBook(this.#followed.generations)
    this.#books.set(link, book)
    this.#moves.learn(link, book, feeds)
    for (const feed of this.#hub.feeds) this.#asker.askAll(link, book, feed, this.#sources)
  }

  feeds(link: Link, feeds: readonly FeedInfo[]): void {
    const book = this.#books.get(link)
    if (book !== undefined) this.#moves.learn(link, book, feeds)
  }

  lost(link: Link): void {
    if (!this.#books.delete(link)) return
    this.#proof.forget(link.index)
    for (const source of this.#sources) {
      this.#proof.setCovered(source, source.covered & ~link.bit)
      source.refused &= ~link.bit
      // What nobody wants waits a while, where links that come are asked for it.
      if (!source.named || !this.#sources.idle.has(source)) this.#sources.forget(source)
    }
    for (const source of this.#patterns.values()) {
      this.#proof.setPatternCovered(source, source.covered & ~link.bit)
      source.refused &= ~link.bit
    }
    this.decide()
    this.#byName.uncovered()
  }

  answered(link: Link, id: number, ok: readonly OkRow[], refused: readonly RefusedRow[], done: boolean): void {
    const book = this.#books.get(link)
    const subscription = book?.byId.get(id)
    if (book === undefined || subscription === undefined) return
    for (const row of ok) {
      const source = this.#sources.openRow(link, book, id, subscription.feed, row)
      // Nothing follows by which it could be seen that all has come.
      if (source !== undefined && (row[2] === 'empty' || row[2] === 'changes')) this.#cover(link, source)
    }
    const { pattern } = subscription
    const refusal = pattern === null ? undefined : refused.find(([name]) => name === pattern.pattern)
    for (const row of refused) if (row !== refusal) this.#refused(link, subscription.feed, ...row)
    if (pattern === null || !book.isWanted(id)) return
    if (refusal !== undefined) this.#patternRefused(link, book, pattern, refusal[2])
    // The pattern's images follow; the next pulse stands behind them.
    else if (done) this.#patternGiven(link, book, pattern)
  }

  unsubscribed(link: Link, id: number, names: readonly string[], closed: boolean): void {
    const book = this.#books.get(link)
    if (book === undefined) return
    for (const name of names) this.#sources.closeRow(link, book, book.refOf(id, name))
    if (closed && !book.isWanted(id)) book.byId.delete(id)
  }

  ended(link: Link, id: number, symbols: readonly RefusedRow[]): void {
    const book = this.#books.get(link)
    if (book === undefined) return
    for (const [name, code, message] of symbols) {
      const feed = book.byId.get(id)?.feed
      if (code === 'not_named') {
        this.#lost(link, book, id, name)
        continue
      }
      this.#sources.closeRow(link, book, book.refOf(id, name))
      if (feed !== undefined) this.#refused(link, feed, name, code, message)
    }
  }

  /** What we named again did not arrive: the link does not bring it until it is asked once more. */
  #lost(link: Link, book: LinkBook, id: number, name: string): void {
    const pattern = book.byId.get(id)?.pattern
    if (pattern?.pattern === name) {
      const source = this.#patterns.get(pattern)
      if (source === undefined || !book.isWanted(id)) return
      this.#proof.setPatternCovered(source, source.covered & ~link.bit)
      book.settling.delete(pattern)
      this.#asker.askPattern(link, book, source.feed, pattern)
      return
    }
    const ref = book.refOf(id, name)
    const source = ref === undefined ? undefined : book.source(ref)
    this.#sources.closeRow(link, book, ref)
    // What a pattern brings comes again with the pattern.
    if (source?.named === true && source.symbol.entries.length > 0) this.#asker.ask(book, source)
  }

  #patternGiven(link: Link, book: LinkBook, pattern: PatternState): void {
    const source = this.#patterns.get(pattern)
    if (source !== undefined) source.refused &= ~link.bit
    book.settling.add(pattern)
  }

  /** The link will not name the pattern's symbols, or no more of them: what it has brought is asked for by name from now on. */
  #patternRefused(link: Link, book: LinkBook, pattern: PatternState, message: string): void {
    const source = this.#patterns.get(pattern)
    if (source === undefined) return
    source.refused |= link.bit
    book.settling.delete(pattern)
    this.#proof.setPatternCovered(source, source.covered & ~link.bit)
    if ((source.refused & this.#openMask()) === this.#openMask() && source.covered === 0)
      this.#hub.patternRefused(pattern, 'upstream_refused', `${link.node}: ${message}`)
  }

  /** The link can no longer give every record: it does not cover the symbol until it has given the rest. */
  gap(link: Link, ref: number): void {
    const book = this.#books.get(link)
    const source = book?.source(ref)
    if (book !== undefined && source !== undefined && !book.isAhead(source.symbol.feed)) this.#chain.refill(link, book, source)
  }

  resubscribe(link: Link): void {
    const book = this.#books.get(link)
    if (book === undefined) return
    this.#asker.askAgain(link, book, this.#sources)
  }

  update(link: Link, image: ReceivedImage): boolean {
    const book = this.#books.get(link)
    const source = book?.source(image.ref)
    if (book === undefined || source === undefined) return false
    const { symbol } = source
    const before = symbol.count
    // Positions only grow: of a generation that does not count, nothing may be passed on.
    if (book.isAhead(symbol.feed) || image.generation > symbol.feed.generation) {
      book.counts.passed(image.ref, image.n)
      return false
    }
    if (book.isOutdated(symbol.feed) && !this.#outdated.mayFinish(symbol, image)) return false
    const again = image.generation > symbol.generation ? this.#comesAgain(link, book, symbol, image) : null
    if (again === 'held') this.#chain.aligned(link, book, source)
    else if (again === null && symbol.feed.history !== null && this.#chain.breaks(link, book, source, image)) return false
    if (again === 'older') {
      this.#counts.duplicates++
      book.counts.passed(image.ref, image.n)
    } else if (!symbol.isNewer(image)) {
      this.#counts.duplicates++
      if (isSameRecord(image, symbol)) book.counts.align(image.ref, image.n, symbol.count, source)
      else book.counts.passed(image.ref, image.n)
    } else this.#take(link, book, source, image, 0)
    // The end of a replay shows only by the pulse behind it.
    if (symbol.feed.history === null && book.awaiting.size > 0 && book.awaiting.delete(source)) this.#cover(link, source)
    return symbol.count !== before
  }

  #comesAgain(link: Link, book: LinkBook, symbol: SymbolState, image: ReceivedImage): 'held' | 'older' | null {
    const isAnyoneBehind = () => [...this.#books.values()].some((each) => each.isOutdated(symbol.feed))
    return this.#outdated.comesAgain(symbol, image, () => isSameImage(link, book, image, symbol), isAnyoneBehind)
  }

  heartbeat(link: Link): void {
    const book = this.#books.get(link)
    if (book === undefined) return
    for (const feed of this.#hub.feeds) {
      this.#settle(link, book, feed)
      this.#waiting.answerDue(feed)
    }
  }

  pulse(link: Link, feedName: string, points: readonly PulsePoint[]): void {
    const feed = this.#hub.feed(feedName)
    const book = this.#books.get(link)
    if (feed === undefined || book === undefined || !this.#proof.follows(feed)) return
    if (book.isAhead(feed)) this.#moves.decide(feed)
    if (!book.serves(feed)) return
    this.#settle(link, book, feed)
    const coverage = this.#proof.of(feed)
    for (const point of points) {
      if (point.generation !== feed.generation || !coverage.accept(link.index, point)) continue
      const claim = coverage.claim(point.partition)
      if (claim !== undefined) this.#hub.pulse(feed, { ...claim, path: [...claim.path, this.#hub.nodeId] })
    }
    this.#waiting.answerDue(feed)
  }

  /** What is known of generations has changed, in the catalogue for one. */
  decide(): void {
    for (const feed of this.#hub.feeds) this.#moves.decide(feed)
  }

  /** Called now and then: answers what waited too long, lets go of what nobody wants. */
  sweep(): void {
    const nowMs = this.#hub.clock.nowMs()
    this.decide()
    this.#outdated.check(this.#books, this.#hub.feeds, this.#followed.generations)
    this.#waiting.answerLateSymbols()
    this.#sources.release([...this.#sources.idle].filter((source) => nowMs - source.idleSinceMs > LINGER_MS))
    this.#waiting.answerLatePatterns()
  }

  // ---- answers

  #cover(link: Link, source: SymbolSource): void {
    const book = this.#books.get(link)
    // Once its generation counts, by the next pulse behind it.
    if (book?.isAhead(source.symbol.feed) === true) book.awaiting.add(source)
    if (book?.serves(source.symbol.feed) !== true) return
    source.refused &= ~link.bit
    this.#proof.setCovered(source, source.covered | link.bit)
    if (!this.#isSettling && this.#due.isProven(source)) this.#waiting.ready(source)
  }

  /** Whether another link that has the partition has confirmed the symbol. */
  #isBroughtByOthers(link: Link, { covered, symbol }: SymbolSource, partition: number): boolean {
    const coverage = this.#proof.of(symbol.feed)
    for (const other of this.#books.keys())
      if (other !== link && (covered & other.bit) !== 0 && coverage.carries(other.index, partition)) return true
    return false
  }

  /** What the pulse stands behind has all arrived. It is answered when the pulse itself has been taken. */
  #settle(link: Link, book: LinkBook, feed: Feed): void {
    if (!book.serves(feed)) return
    this.#isSettling = true
    for (const source of book.awaiting) {
      if (source.symbol.feed !== feed || book.ahead.has(source) || book.refilling.has(source)) continue
      book.awaiting.delete(source)
      this.#cover(link, source)
    }
    for (const [source, ref] of book.ahead) if (source.symbol.feed === feed) this.#chain.catchUp(link, book, source, ref)
    for (const pattern of book.settling) {
      const source = this.#patterns.get(pattern)
      if (source?.feed !== feed) continue
      book.settling.delete(pattern)
      this.#proof.setPatternCovered(source, source.covered | link.bit)
      this.#byName.patternSettled(feed, pattern)
    }
    this.#isSettling = false
  }

  #refused(link: Link, feed: Feed, name: string, code: string, message: string): void {
    const source = this.#sources.find(feed.symbols.get(name))
    if (source === undefined) return
    source.refused |= link.bit
    source.refusal = { code, message: `${link.node}: ${message}` }
    this.#proof.setCovered(source, source.covered & ~link.bit)
    const everyLink = this.#openMask()
    if ((source.refused & everyLink) !== everyLink || source.covered !== 0) return
    source.answerByMs = Infinity
    this.#sources.waiting.delete(source)
    this.#hub.symbolRefused(source.symbol, 'upstream_refused', source.refusal.message)
    this.#sources.release([source])
  }

  #openMask(): number {
    let mask = 0
    for (const link of this.#books.keys()) mask |= link.bit
    return mask
  }

  // ---- updates

  #take(link: Link, book: LinkBook, source: SymbolSource, image: ReceivedImage, missed: number): void {
    const { symbol } = source
    const appeared = !symbol.hasImage
    applyImage(link, book, symbol, image, book.counts.taken(image.ref, image.n, symbol.count, source), missed)
    this.#counts.taken++
    if (source.counted && symbol.partition !== source.countedIn) this.#proof.count(source, source.covered)
    this.#hub.updated(symbol, appeared && symbol.hasImage)
  }
}
