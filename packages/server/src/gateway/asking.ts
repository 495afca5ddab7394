import { formatPosition, type SubscribeFrame } from '@pulsewire/protocol'
import type { Feed, PatternState } from '../hub/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

/**
 * Records of an `every` feed asked for with a new symbol, so that clients who come from another gateway can resume here: so
 * many before the position of the first of them, and all behind it. Others of its crowd are hardly so far behind it.
 */
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
  readonly #patterns: ReadonlyMap<PatternState, PatternSource>
  readonly #unknown: (link: Link, feed: Feed, name: string) => void
  #isDue = false

  /** @param unknown is told of what a link cannot be asked for, because it does not have the feed. */
  constructor(
    clock: Clock,
    books: ReadonlyMap<Link, LinkBook>,
    patterns: ReadonlyMap<PatternState, PatternSource>,
    unknown: (link: Link, feed: Feed, name: string) => void,
  ) {
    this.#clock = clock
    this.#books = books
    this.#patterns = patterns
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
      if (book.feeds.includes(feed)) subscribeNames(link, book.namedId(feed), feed, [...sources])
      else for (const { symbol } of sources) this.#unknown(link, feed, symbol.name)
    }
    book.toAsk.clear()
  }

  askPattern(link: Link, book: LinkBook, feed: Feed, pattern: PatternState): void {
    if (!book.feeds.includes(feed) || book.isOutdated(feed)) return
    subscribePattern(link, book.patternId(feed, pattern), feed, pattern, this.#patterns.get(pattern)?.since)
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
      subscribeNames(link, id, feed, ofFeed)
    }
    for (const [pattern, id] of book.patternIds)
      subscribePattern(link, id, book.byId.get(id)!.feed, pattern, this.#patterns.get(pattern)?.since)
  }
}

/** Asks a link for symbols by name, in as many frames as it takes. */
function subscribeNames(link: Link, id: number, feed: Feed, sources: readonly SymbolSource[]): void {
  const since = new Map(sources.map(({ symbol, since: position }) => [symbol.name, position]))
  for (const symbols of inParts([...since.keys()])) {
    if (feed.history === null) link.send({ t: 'subscribe', id, feed: feed.name, symbols })
    else
      link.send({
        t: 'subscribe',
        id,
        feed: feed.name,
        symbols,
        ...positionsOf(feed, symbols, (name) => since.get(name)),
        history: HISTORY_RECORDS,
      })
  }
}

export function unsubscribeNames(link: Link, id: number, names: readonly string[]): void {
  for (const symbols of inParts(names)) link.send({ t: 'unsubscribe', id, symbols })
}

function subscribePattern(
  link: Link,
  id: number,
  feed: Feed,
  { pattern, matches }: PatternState,
  since: PatternSource['since'] = {},
): void {
  if (feed.history === null) {
    link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern] })
    return
  }
  const known = new Set([...feed.symbols.keys(), ...Object.keys(since)].filter(matches))
  const positions = positionsOf(feed, [...known].slice(0, PATTERN_POSITIONS_MAX), (name) =>
    Object.hasOwn(since, name) ? since[name] : undefined,
  )
  link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern], ...positions, history: HISTORY_RECORDS })
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

/** Where we stand with each symbol, to be given what follows; of one that we do not have, since when it is wanted. */
function positionsOf(
  feed: Feed,
  names: readonly string[],
  sinceOf: (name: string) => string | undefined,
): Pick<SubscribeFrame, 'from' | 'since'> {
  const from = Object.create(null) as Record<string, string>
  const since = Object.create(null) as Record<string, string>
  for (const name of names) {
    const symbol = feed.symbols.get(name)
    const wanted = sinceOf(name)
    if (symbol !== undefined && symbol.offset >= 0) from[name] = formatPosition(symbol)
    else if (wanted !== undefined) since[name] = wanted
  }
  return Object.keys(since).length === 0 ? { from } : { from, since }
}
