import type { FeedInfo, ReceivedImage } from '@pulsewire/protocol'
import type { Feed, FeedOptions, Hub, PatternState } from '../hub/index.ts'
import type { Asker } from './asking.ts'
import type { ByName } from './by-name.ts'
import type { Followed } from './followed.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { Outdated } from './outdated.ts'
import type { Proof } from './proof.ts'
import { asSnapshot } from './received.ts'
import type { Sources } from './sources.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

export interface FeedMovesOptions {
  readonly hub: Hub
  readonly feeds: 'all' | readonly string[]
  readonly feedDefaults: Pick<FeedOptions, 'symbolsMax' | 'staleAfterMs' | 'history'>
  readonly books: ReadonlyMap<Link, LinkBook>
  readonly followed: Followed
  readonly proof: Proof
  readonly sources: Sources
  readonly patterns: ReadonlyMap<PatternState, PatternSource>
  readonly asker: Asker
  readonly byName: ByName
  readonly outdated: Outdated
  readonly update: (link: Link, image: ReceivedImage) => void
  /** Of a feed of every record: asks the link for what follows after what is held. */
  readonly refill: (link: Link, book: LinkBook, source: SymbolSource) => void
}

/** What links say of feeds: which there are, and to which generation each of them moves. */
export class FeedMoves {
  readonly #options: FeedMovesOptions

  constructor(options: FeedMovesOptions) {
    this.#options = options
  }

  learn(link: Link, book: LinkBook, infos: readonly FeedInfo[]): void {
    const { feeds: wanted, feedDefaults, hub, proof, outdated, asker, byName, sources } = this.#options
    infos.forEach((info, index) => {
      if (wanted !== 'all' && !wanted.includes(info.feed)) return
      const { mode, codec, generation } = info
      const delay = info.delayMs === undefined ? undefined : { of: info.delayOf ?? '', delayMs: info.delayMs }
      const feed =
        hub.feed(info.feed) ??
        hub.addFeed({ name: info.feed, mode, codec, merge: false, generation, ...feedDefaults, ...(delay && { delay }) })
      // What is younger than others show must not come in between.
      if (delay?.delayMs !== feed.options.delay?.delayMs) return outdated.differs(link, feed, delay?.delayMs ?? 0)
      proof.of(feed).setCarried(link.index, info.carried ?? null)
      book.feeds[index] = feed
      book.fieldMaps[index] ??= []
      const wasOutdated = book.isOutdated(feed)
      book.served.set(feed, info)
      this.decide(feed)
      if (!book.serves(feed)) {
        this.#doubt(link, book, feed)
        return byName.uncovered()
      }
      const partitions = Math.max(info.partitions, feed.partitions)
      if (feed.partitions > 0 && partitions > feed.partitions) proof.grow(feed, sources)
      hub.setShape(feed, feed.generation, partitions)
      proof.expectPulses(feed)
      if (wasOutdated) asker.askAll(link, book, feed, sources)
    })
  }

  /** To be called whenever what `Followed` goes by may have changed. */
  decide(feed: Feed): void {
    const { followed, hub, proof } = this.#options
    const now = followed.generations.get(feed)
    const next = followed.next(feed)
    if (next !== undefined) {
      if (next !== now) this.#follow(feed, next)
      return
    }
    // Nothing is taken until it is decided: what is shown meanwhile may still become less.
    const served = followed.served(feed)
    if (served.length === 0) return
    const least = Math.min(...served)
    hub.setShape(feed, least, followed.partitions(feed, least))
    proof.expectPulses(feed)
  }

  /** Why nothing of the feed is taken from the link's node; `null`: it is. */
  doubted(link: Link, feed: Feed): string | null {
    const book = this.#options.books.get(link)
    const served = book?.served.get(feed)
    if (book === undefined || served === undefined || book.serves(feed)) return null
    const now = this.#options.followed.generations.get(feed)
    const what = `${link.node} serves generation ${served.generation} of feed ${feed.name}`
    if (now === undefined) return `${what}, others another one, and neither the catalogue nor pulses say which of them counts`
    return book.isAhead(feed) ? `${what}, which nothing confirms; current is ${now}` : `${what}, which is over; current is ${now}`
  }

  #follow(feed: Feed, generation: number): void {
    const { followed, outdated, hub, proof, books, byName } = this.#options
    if (followed.generations.has(feed)) outdated.switched(feed)
    followed.generations.set(feed, generation)
    for (const [link, book] of books) if (!book.serves(feed)) this.#doubt(link, book, feed)
    hub.setShape(feed, generation, followed.partitions(feed, generation))
    proof.expectPulses(feed)
    for (const [link, book] of books) if (book.serves(feed) && book.untaken.delete(feed)) this.#takeOver(link, book, feed)
    byName.uncovered()
  }

  /** What the node holds proves nothing, because the feed has another generation. What it has given may still come to count. */
  #doubt(link: Link, book: LinkBook, feed: Feed): void {
    const { sources, patterns, proof } = this.#options
    const mayCount = book.isAhead(feed)
    if (mayCount) book.untaken.add(feed)
    for (const source of sources) {
      if (source.symbol.feed !== feed || (source.covered & link.bit) === 0) continue
      proof.setCovered(source, source.covered & ~link.bit)
      if (mayCount) book.awaiting.add(source)
    }
    for (const [pattern, source] of patterns) {
      if (source.feed !== feed || (source.covered & link.bit) === 0) continue
      proof.setPatternCovered(source, source.covered & ~link.bit)
      if (mayCount) book.settling.add(pattern)
    }
  }

  /** The node's generation counts from now on: what it has brought meanwhile is taken; of every record, what follows ours is asked for. */
  #takeOver(link: Link, book: LinkBook, feed: Feed): void {
    for (const [ref, source] of [...book.held(feed)]) {
      if (feed.history !== null) {
        book.begin(ref, source)
        this.#options.refill(link, book, source)
        continue
      }
      const image = link.decoder.image(ref)
      // Its records were counted as they came.
      if (image !== undefined && image.offset >= 0) this.#options.update(link, { ...asSnapshot(image), n: 0 })
    }
  }
}
