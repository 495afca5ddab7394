import type { FeedInfo } from '@pulsewire/protocol'
import type { Feed, PatternState } from '../hub/index.ts'
import { RecordCounts } from './record-counts.ts'
import type { SymbolSource } from './symbol-source.ts'

interface Row {
  readonly id: number
  readonly name: string
}

/** What one link was asked for and has told, while it is open. Made anew with every connection. */
export class LinkBook {
  /** By index in the link's `welcome`. */
  readonly feeds: (Feed | undefined)[] = []
  /** Each feed as the node serves it. */
  readonly served = new Map<Feed, FeedInfo>()
  /** Feeds of which nothing was taken since the node is ahead of what counts. */
  readonly untaken = new Set<Feed>()
  /** Per feed index of the link, its field indexes as ours. */
  readonly fieldMaps: number[][] = []
  readonly #refs = new Map<number, SymbolSource>()
  /** How many refs a source has here: by name, and by each pattern that it matches. */
  readonly #refCounts = new Map<SymbolSource, number>()
  /** Every row in force, by ref: it counts in the digest under its id and name until the link says that it has ended. */
  readonly #rows = new Map<number, Row>()
  /** By id and name. A client that leaves takes thousands of symbols along: each has to be found without a search. */
  readonly #refsByName = new Map<string, number>()
  readonly counts = new RecordCounts()
  /** Sources whose image is on its way. */
  readonly awaiting = new Set<SymbolSource>()
  /** `every` feeds: sources that the link was asked to replay from our position. */
  readonly refilling = new Set<SymbolSource>()
  /** `every` feeds: refs whose next update is the first after a record that we have. */
  readonly resumed = new Set<number>()
  /** `every` feeds: sources, with a ref, where the link is ahead of us and cannot give what lies between. */
  readonly ahead = new Map<SymbolSource, number>()
  /** Patterns whose symbols were all named, and whose images are on their way. */
  readonly settling = new Set<PatternState>()
  /** Named subscriptions, one id per feed. */
  readonly namedIds = new Map<Feed, number>()
  readonly patternIds = new Map<PatternState, number>()
  /** What was subscribed under each id; kept until the link confirms its end, because answers may cross that. */
  readonly byId = new Map<number, { readonly feed: Feed; readonly pattern: PatternState | null }>()
  /** Names to be asked for in the next frame, per feed. */
  readonly toAsk = new Map<Feed, Set<SymbolSource>>()
  readonly #followed: ReadonlyMap<Feed, number>
  #nextId = 1

  /** @param followed by feed, the generation that counts. */
  constructor(followed: ReadonlyMap<Feed, number>) {
    this.#followed = followed
  }

  /** Whether the node serves the generation of the feed that counts. */
  serves(feed: Feed): boolean {
    const own = this.served.get(feed)?.generation
    return own !== undefined && own === this.#followed.get(feed)
  }

  /** Whether the node serves a generation of the feed that is over. */
  isOutdated(feed: Feed): boolean {
    return (this.served.get(feed)?.generation ?? Infinity) < (this.#followed.get(feed) ?? 0)
  }

  /** Whether the node serves a generation of the feed that does not count yet: it is asked, and nothing of it is taken. */
  isAhead(feed: Feed): boolean {
    return (this.served.get(feed)?.generation ?? 0) > (this.#followed.get(feed) ?? 0)
  }

  source(ref: number): SymbolSource | undefined {
    return this.#refs.get(ref)
  }

  /** @returns whether the row is new, not an answer given again. */
  add(ref: number, id: number, name: string): boolean {
    if (this.#rows.has(ref)) return false
    this.#rows.set(ref, { id, name })
    this.#refsByName.set(`${id} ${name}`, ref)
    return true
  }

  /** The ref of a row in force. */
  refOf(id: number, name: string): number | undefined {
    return this.#refsByName.get(`${id} ${name}`)
  }

  /** Refs of all rows in force under an id. */
  refsUnder(id: number): number[] {
    return [...this.#rows].filter(([, row]) => row.id === id).map(([ref]) => ref)
  }

  /** The row has ended. */
  remove(ref: number): Row | undefined {
    const row = this.#rows.get(ref)
    if (row === undefined) return undefined
    this.#rows.delete(ref)
    const key = `${row.id} ${row.name}`
    if (this.#refsByName.get(key) === ref) this.#refsByName.delete(key)
    return row
  }

  bind(ref: number, source: SymbolSource): void {
    if (this.#refs.has(ref)) return
    this.#refs.set(ref, source)
    this.#refCounts.set(source, (this.#refCounts.get(source) ?? 0) + 1)
  }

  /** What the link brings of the feed, or will. */
  *held(feed: Feed): Iterable<readonly [ref: number, SymbolSource]> {
    for (const row of this.#refs) if (row[1].symbol.feed === feed) yield row
  }

  /** What is known of the row's place among the records holds no more: it is to be asked for anew. */
  begin(ref: number, source: SymbolSource): void {
    this.resumed.delete(ref)
    this.ahead.delete(source)
    this.refilling.delete(source)
  }

  /** Whether the link brings the symbol, or will. */
  holds(source: SymbolSource): boolean {
    return this.#refCounts.has(source)
  }

  /** Nothing of the row is wanted any more. @returns the source, when that was its last ref here. */
  unbind(ref: number): SymbolSource | undefined {
    const source = this.#refs.get(ref)
    if (source === undefined) return undefined
    this.#refs.delete(ref)
    this.counts.forget(ref)
    this.resumed.delete(ref)
    const left = this.#refCounts.get(source)! - 1
    if (left > 0) {
      this.#refCounts.set(source, left)
      // The ref may be another symbol's next: nobody may look for this one under it any more.
      if (this.ahead.get(source) === ref) this.ahead.set(source, this.#anyRefOf(source))
      return undefined
    }
    this.#refCounts.delete(source)
    this.awaiting.delete(source)
    this.refilling.delete(source)
    this.ahead.delete(source)
    return source
  }

  #anyRefOf(source: SymbolSource): number {
    for (const [ref, held] of this.#refs) if (held === source) return ref
    throw new Error(`${source.symbol.name} has no ref left`)
  }

  namedId(feed: Feed): number {
    let id = this.namedIds.get(feed)
    if (id === undefined) {
      id = this.#nextId++
      this.namedIds.set(feed, id)
      this.byId.set(id, { feed, pattern: null })
    }
    return id
  }

  patternId(feed: Feed, pattern: PatternState): number {
    let id = this.patternIds.get(pattern)
    if (id === undefined) {
      id = this.#nextId++
      this.patternIds.set(pattern, id)
      this.byId.set(id, { feed, pattern })
    }
    return id
  }

  /** Whether rows of this id are wanted; an answer may cross our unsubscribe. */
  isWanted(id: number): boolean {
    const subscription = this.byId.get(id)
    return subscription !== undefined && (subscription.pattern === null || this.patternIds.get(subscription.pattern) === id)
  }
}
