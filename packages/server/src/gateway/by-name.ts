import type { Feed, PatternState, SymbolState } from '../hub/index.ts'
import type { Asker } from './asking.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { Sources } from './sources.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

/**
 * Asks links by name for symbols that somebody here wants and that no pattern brings, or none any more. One that no link
 * brings would hold up the pulses of its whole partition.
 */
export class ByName {
  readonly #books: ReadonlyMap<Link, LinkBook>
  readonly #patterns: ReadonlyMap<PatternState, PatternSource>
  readonly #sources: Sources
  readonly #asker: Asker

  constructor(books: ReadonlyMap<Link, LinkBook>, patterns: ReadonlyMap<PatternState, PatternSource>, sources: Sources, asker: Asker) {
    this.#books = books
    this.#patterns = patterns
    this.#sources = sources
    this.#asker = asker
  }

  /** The pattern has gone, on all links. Whoever wants a symbol that it brought is to be given it all the same, also by links that come later. */
  patternGone(feed: Feed, { matches }: PatternState): void {
    for (const source of this.#sources) {
      const { symbol } = source
      if (symbol.feed !== feed || !matches(symbol.name)) continue
      if (symbol.entries.length === 0) {
        // Nobody would ask for it.
        if (!source.named && source.covered === 0) this.#sources.forget(source)
      } else if (source.named || !isMatched(symbol)) {
        source.named = true
        for (const [link, book] of this.#books) if (!isAsked(link, book, source)) this.#asker.ask(book, source)
      }
    }
  }

  /** A link has named all that it has of the pattern. What it has not it may know all the same, as deleted. */
  patternSettled(feed: Feed, { matches }: PatternState): void {
    for (const source of this.#sources) {
      const { symbol, covered } = source
      if (covered === 0 && symbol.feed === feed && matches(symbol.name)) this.#uncovered(source)
    }
  }

  /** Links that covered symbols are gone, or not to be believed any more. */
  uncovered(): void {
    for (const source of this.#sources) if (source.covered === 0) this.#uncovered(source)
  }

  /** No link covers it: those that have answered all patterns without naming it are asked. */
  #uncovered(source: SymbolSource): void {
    const { entries, feed } = source.symbol
    if (entries.length === 0) return
    for (const [link, book] of this.#books) {
      if (isAsked(link, book, source) || book.isOutdated(feed) || this.#mayName(link, source.symbol)) continue
      source.named = true
      this.#asker.ask(book, source)
    }
  }

  /** Whether the link is still to answer a pattern that matches the symbol. */
  #mayName(link: Link, { feed, name }: SymbolState): boolean {
    for (const pattern of feed.patterns.values())
      if ((this.#patterns.get(pattern)!.covered & link.bit) === 0 && pattern.matches(name)) return true
    return false
  }
}

/** Whether the link brings the symbol, or is to answer by its name. */
function isAsked(link: Link, book: LinkBook, source: SymbolSource): boolean {
  const id = book.namedIds.get(source.symbol.feed)
  return book.holds(source) || (id !== undefined && link.awaits(id, source.symbol.name))
}

function isMatched({ feed, name }: SymbolState): boolean {
  for (const pattern of feed.patterns.values()) if (pattern.matches(name)) return true
  return false
}
