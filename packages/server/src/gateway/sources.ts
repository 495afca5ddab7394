import type { AnswerState, OkRow } from '@pulsewire/protocol'
import type { Feed, SymbolState } from '../hub/index.ts'
import { unsubscribeNames } from './asking.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { Proof } from './proof.ts'
import { SymbolSource } from './symbol-source.ts'

/** The symbols that somebody here wants, or wanted a moment ago, and the rows under which links bring them. */
export class Sources implements Iterable<SymbolSource> {
  /** Those that somebody downstream waits for. */
  readonly waiting = new Set<SymbolSource>()
  /** Those that nobody wants any more. */
  readonly idle = new Set<SymbolSource>()
  readonly #bySymbol = new Map<SymbolState, SymbolSource>()
  readonly #books: ReadonlyMap<Link, LinkBook>
  readonly #proof: Proof

  constructor(books: ReadonlyMap<Link, LinkBook>, proof: Proof) {
    this.#books = books
    this.#proof = proof
  }

  [Symbol.iterator](): Iterator<SymbolSource> {
    return this.#bySymbol.values()
  }

  obtain(symbol: SymbolState): SymbolSource {
    let source = this.#bySymbol.get(symbol)
    if (source === undefined) {
      source = new SymbolSource(symbol)
      this.#bySymbol.set(symbol, source)
      this.#proof.follow(symbol.feed)
    }
    return source
  }

  find(symbol: SymbolState | undefined): SymbolSource | undefined {
    return symbol === undefined ? undefined : this.#bySymbol.get(symbol)
  }

  // ---- rows

  /** A link says that a symbol follows under a ref. @returns its source; `undefined` when we have ended it meanwhile. */
  openRow(link: Link, book: LinkBook, id: number, feed: Feed, [name, ref, state]: OkRow): SymbolSource | undefined {
    const before = book.refOf(id, name)
    if (book.add(ref, id, name)) link.digest.add(id, name)
    const source = book.isWanted(id) ? this.#sourceFor(book, id, feed, name) : undefined
    if (source !== undefined) this.#bindRow(link, book, feed, source, ref, state)
    // Given anew, after a repair that had dropped it unheard.
    if (before !== undefined && before !== ref) this.closeRow(link, book, before)
    return source
  }

  #bindRow(link: Link, book: LinkBook, feed: Feed, source: SymbolSource, ref: number, state: AnswerState): void {
    link.decoder.open(ref, book.feeds.indexOf(feed))
    book.bind(ref, source)
    book.counts.forget(ref)
    book.refilling.delete(source)
    if (state === 'recovered') book.resumed.add(ref)
    else book.resumed.delete(ref)
    if (feed.history !== null && source.hasBegun && state === 'snapshot') book.ahead.set(source, ref)
    if (state === 'snapshot' || state === 'recovered') book.awaiting.add(source)
  }

  /** Only a pattern brings symbols that nobody has named. */
  #sourceFor(book: LinkBook, id: number, feed: Feed, name: string): SymbolSource | undefined {
    if (book.byId.get(id)?.pattern == null) return this.find(feed.symbols.get(name))
    const symbol = feed.admit(name)
    return symbol === undefined ? undefined : this.obtain(symbol)
  }

  /** The link says that the row has ended. */
  closeRow(link: Link, book: LinkBook, ref: number | undefined): void {
    if (ref === undefined) return
    this.leaveRow(link, book, ref)
    const row = book.remove(ref)
    if (row !== undefined) link.digest.remove(row.id, row.name)
  }

  /** We want nothing more of the row; it stays in force until the link confirms that. */
  leaveRow(link: Link, book: LinkBook, ref: number): void {
    const source = book.unbind(ref)
    link.decoder.close(ref)
    if (source === undefined) return
    this.#proof.setCovered(source, source.covered & ~link.bit)
    if (source.covered === 0) this.forget(source)
  }

  // ---- letting go

  /** Lets go of symbols that nobody here wants. */
  release(sources: readonly SymbolSource[]): void {
    if (sources.length === 0) return
    for (const source of sources) {
      source.named = false
      source.idleSinceMs = Infinity
      this.idle.delete(source)
    }
    for (const [link, book] of this.#books) this.#releaseFrom(link, book, sources)
    for (const source of sources) if (source.covered === 0) this.forget(source)
  }

  #releaseFrom(link: Link, book: LinkBook, sources: readonly SymbolSource[]): void {
    for (const [feed, ofFeed] of Map.groupBy(sources, ({ symbol }) => symbol.feed)) {
      for (const source of ofFeed) book.toAsk.get(feed)?.delete(source)
      const id = book.namedIds.get(feed)
      if (id === undefined) continue
      const names = ofFeed.map(({ symbol }) => symbol.name)
      unsubscribeNames(link, id, names)
      for (const name of names) {
        const ref = book.refOf(id, name)
        if (ref !== undefined) this.leaveRow(link, book, ref)
      }
    }
  }

  /** Forgets a symbol, unless somebody wants it, or a link still brings it for a pattern that is not answered yet. */
  forget(source: SymbolSource): void {
    const { symbol } = source
    if (symbol.entries.length > 0) return
    for (const book of this.#books.values()) if (book.holds(source)) return
    if (!this.#bySymbol.delete(symbol)) return
    this.waiting.delete(source)
    this.idle.delete(source)
    this.#proof.uncount(source)
    symbol.feed.drop(symbol)
    this.#proof.unfollow(symbol.feed)
  }
}
