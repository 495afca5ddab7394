import { formatPosition } from '@pulsewire/protocol'
import type { Feed, PatternState } from '../hub/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { SymbolSource } from './symbol-source.ts'

/** Records of an `every` feed asked for with a new symbol, so that clients who come from another gateway can resume here. */
const HISTORY_RECORDS = 200
/** Most bytes of names in one frame, well below what any push node takes. */
const NAMES_BYTES_MAX = 8 * 1024
/** What a name costs in a frame beside its characters: quotes, a comma, a position to resume from. */
const NAME_OVERHEAD_BYTES = 40
/** Symbols of a pattern that are resumed at most; the others begin with history. */
const PATTERN_POSITIONS_MAX = 5000

/** Asks links for what somebody here wants. */
export class Asker {
  readonly #clock: Clock
  readonly #books: ReadonlyMap<Link, LinkBook>
  readonly #unknown: (link: Link, feed: Feed, name: string) => void
  #isDue = false

  /** @param unknown is told of what a link cannot be asked for, because it does not have the feed. */
  constructor(clock: Clock, books: ReadonlyMap<Link, LinkBook>, unknown: (link: Link, feed: Feed, name: string) => void) {
    this.#clock = clock
    this.#books = books
    this.#unknown = unknown
  }

  /** Asks for a symbol at the end of the turn: a client that subscribes to a thousand makes one frame upstream, not a thousand. */
  ask(book: LinkBook, source: SymbolSource): void {
    const { feed } = source.symbol
    let sources = book.toAsk.get(feed)
    if (sources === undefined) book.toAsk.set(feed, (sources = new Set()))
    sources.add(source)
    if (this.#isDue) return
    this.#isDue = true
    this.#clock.soon(() => {
      this.#isDue = false
      for (const [link, asked] of this.#books) this.#askNow(link, asked)
    })
  }

  #askNow(link: Link, book: LinkBook): void {
    for (const [feed, sources] of book.toAsk) {
      // A node that serves a generation that is over is not asked for anything of the feed.
      if (book.isOutdated(feed)) continue
      const names = [...sources].map(({ symbol }) => symbol.name)
      if (book.feeds.includes(feed)) subscribeNames(link, book.namedId(feed), feed, names)
      else for (const name of names) this.#unknown(link, feed, name)
    }
    book.toAsk.clear()
  }

  askPattern(link: Link, book: LinkBook, feed: Feed, pattern: PatternState): void {
    if (book.feeds.includes(feed) && !book.isOutdated(feed)) subscribePattern(link, book.patternId(feed, pattern), feed, pattern)
  }

  /** Asks a link that has come, or has become current, for everything of the feed. */
  askAll(link: Link, book: LinkBook, feed: Feed, sources: Iterable<SymbolSource>): void {
    for (const source of sources) if (source.named && source.symbol.feed === feed) this.ask(book, source)
    for (const pattern of feed.patterns.values()) this.askPattern(link, book, feed, pattern)
  }

  /** Names everything again that the link was asked for, because it holds another set than we do. */
  askAgain(link: Link, book: LinkBook, sources: Iterable<SymbolSource>): void {
    const named = [...sources].filter((source) => source.named)
    for (const [feed, id] of book.namedIds) {
      const ofFeed = named.filter(({ symbol }) => symbol.feed === feed)
      subscribeNames(
        link,
        id,
        feed,
        ofFeed.map(({ symbol }) => symbol.name),
      )
    }
    for (const [pattern, id] of book.patternIds) subscribePattern(link, id, book.byId.get(id)!.feed, pattern)
  }
}

/** Asks a link for symbols by name, in as many frames as it takes. */
function subscribeNames(link: Link, id: number, feed: Feed, names: readonly string[]): void {
  for (const symbols of inParts(names)) {
    if (feed.history === null) link.send({ t: 'subscribe', id, feed: feed.name, symbols })
    else link.send({ t: 'subscribe', id, feed: feed.name, symbols, from: positionsOf(feed, symbols), history: HISTORY_RECORDS })
  }
}

export function unsubscribeNames(link: Link, id: number, names: readonly string[]): void {
  for (const symbols of inParts(names)) link.send({ t: 'unsubscribe', id, symbols })
}

function subscribePattern(link: Link, id: number, feed: Feed, { pattern, matches }: PatternState): void {
  if (feed.history === null) {
    link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern] })
    return
  }
  const held = [...feed.symbols.keys()].filter(matches).slice(0, PATTERN_POSITIONS_MAX)
  link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern], from: positionsOf(feed, held), history: HISTORY_RECORDS })
}

/** Cuts a list of names into parts for one frame each. */
function* inParts(names: readonly string[]): Generator<readonly string[]> {
  let start = 0
  let bytes = 0
  for (let i = 0; i < names.length; i++) {
    bytes += names[i]!.length * 3 + NAME_OVERHEAD_BYTES
    if (bytes <= NAMES_BYTES_MAX && i < names.length - 1) continue
    yield names.slice(start, i + 1)
    start = i + 1
    bytes = 0
  }
}

/** Where we stand with each symbol, to be given what follows. */
function positionsOf(feed: Feed, names: readonly string[]): Record<string, string> {
  const positions = Object.create(null) as Record<string, string>
  for (const name of names) {
    const symbol = feed.symbols.get(name)
    if (symbol !== undefined && symbol.offset >= 0) positions[name] = formatPosition(symbol)
  }
  return positions
}
