import type { FieldValue } from '@pulsewire/protocol'
import { type Content, type Feed, type Hub, isSameContent, type RecordPlace, type SymbolState } from '../hub/index.ts'

/** The end of what the older topic gave of a symbol. */
interface Given {
  /** Record time of the last one. */
  readonly ts: number
  /** Those of that time, oldest first, whose copies have not been seen yet. */
  readonly left: Content[]
}

/** A record of a feed of latest values of which its time alone says that it was given, while its content is another. */
interface Doubt {
  readonly symbol: SymbolState
  readonly place: RecordPlace
  readonly content: Content
}

/** Copies may come so long after the seam, by the clocks of pulse writers: a mirror may lag behind by no more. */
const COPIES_LATE_MS_MAX = 10_000
/** What was given is remembered for so long after that: partitions are not read at the same pace. */
const REMEMBERED_MS = 60_000

/**
 * Which records of the newer topic were given from the older one already. A producer may write both topics for a while, or
 * leave the one for the other at any moment, symbol by symbol; a mirror may lag behind. In all of these a symbol's records
 * of the newer topic are copies of such as were given, up to the last one, and then such as were not. Their times tell: the
 * records of a symbol lie in the order of their times, and a copy bears the time of its original. Among those of the very
 * time of the last one their content tells.
 */
export class Succession {
  readonly #hub: Hub
  readonly #merge: boolean
  readonly #untilMs: number
  readonly #given = new Map<string, Given>()
  readonly #doubts = new Map<string, Doubt>()
  readonly #over = new Set<number>()
  /** Copies came to their end long ago: it knows nothing any more. */
  isForgotten = false

  /** @param fromMs the moment of the switch. */
  constructor(hub: Hub, { merge, fromMs }: { readonly merge: boolean; readonly fromMs: number }) {
    this.#hub = hub
    this.#merge = merge
    this.#untilMs = fromMs + COPIES_LATE_MS_MAX
  }

  /** The symbol has been given what the older topic has of it. @param before what it was earlier in that very millisecond. */
  remember(symbol: SymbolState, before: readonly Content[]): void {
    this.#given.set(symbol.name, { ts: symbol.ts, left: symbol.history === null ? [...before, imageOf(symbol)] : lastOf(symbol) })
  }

  /**
   * Whether this record of the newer topic, the next of its symbol, is one that was given. From the first that was not on,
   * none is.
   */
  isCopy(name: string, ts: number, content: Content): boolean {
    const given = this.#given.get(name)
    if (given === undefined) return false
    if (ts < given.ts) return true
    const at = ts > given.ts ? -1 : given.left.findIndex((each) => isSameContent(content, each, this.#merge))
    given.left.splice(0, at + 1)
    // Behind the last one everything is new, whatever its time.
    if (at < 0 || given.left.length === 0) this.#given.delete(name)
    return at >= 0
  }

  /**
   * A copy lies here: so does the symbol from now on. On a feed of latest values its time may deceive, where copies do not
   * bear the time of their original; so that it can still be given, the symbol comes to lie right before it.
   */
  place(symbol: SymbolState, place: RecordPlace, content: Content): void {
    const isDoubtful = symbol.history === null && place.ts < symbol.ts && !isSameContent(content, symbol, this.#merge)
    if (!isDoubtful) return moveTo(this.#hub, symbol, place)
    this.#doubts.set(symbol.name, { symbol, place, content })
    if (symbol.generation < place.generation) moveTo(this.#hub, symbol, { ...place, offset: Math.max(0, place.offset - 1) })
  }

  /** A pulse of this moment was read in the partition. Past the time for copies, whatever comes there is new. */
  pulsed(partition: number, atMs: number): void {
    if (atMs < this.#untilMs) return
    if (this.#over.has(partition)) {
      this.isForgotten ||= atMs > this.#untilMs + REMEMBERED_MS
      return
    }
    this.#over.add(partition)
    for (const [name, { symbol, place, content }] of this.#doubts) {
      if (place.partition !== partition) continue
      this.#doubts.delete(name)
      const isNewest = symbol.generation === place.generation && symbol.partition === partition && symbol.isNewer(place)
      // Nothing has come that settles it.
      if (isNewest && this.#given.has(name)) apply(this.#hub, symbol, place, content, this.#merge)
    }
  }

  /** Whether what comes of the symbol in the partition may be a copy. */
  awaits(name: string, partition: number): boolean {
    return this.#given.has(name) && !this.#over.has(partition)
  }
}

/** Gives the symbol a record. */
export function apply(hub: Hub, symbol: SymbolState, place: RecordPlace, { deleted, raw, values }: Content, merge: boolean): void {
  const appeared = !symbol.hasImage
  if (deleted) symbol.applyDelete(place)
  else if (raw !== null) symbol.applyRaw(place, raw)
  else {
    const indexes = [...values.keys()].filter((index) => values[index] !== undefined)
    symbol.applyChanges(
      place,
      !merge,
      indexes,
      indexes.map((index) => values[index]),
    )
  }
  hub.updated(symbol, appeared && symbol.hasImage)
}

/** The symbol's record lies here as well: it gets the place, and stays what it is. */
export function moveTo(hub: Hub, symbol: SymbolState, { generation, partition, offset, prev }: RecordPlace): void {
  const place: RecordPlace = { generation, partition, offset, ts: symbol.ts, n: 1, prev }
  const appeared = !symbol.hasImage
  if (symbol.deleted) symbol.applyDelete(place)
  else if (symbol.raw !== null) symbol.applyRaw(place, symbol.raw)
  else symbol.applyChanges(place, false, [], [])
  hub.updated(symbol, appeared && symbol.hasImage)
}

/** The fields of a record by their index in the feed. */
export function valuesOf(feed: Feed, fields: Readonly<Record<string, FieldValue>> | null): (FieldValue | undefined)[] {
  const values: (FieldValue | undefined)[] = []
  for (const name in fields) {
    const index = feed.dictionary.indexOf(name)
    if (index >= 0) values[index] = fields[name]
  }
  return values
}

/** Its records of the last time, oldest first, as far as they are held. */
function lastOf(symbol: SymbolState): Content[] {
  const { history, ts } = symbol
  const last: Content[] = []
  for (let item = history?.oldest; item !== undefined; item = history!.firstAfter(item.count)) {
    if (item.ts === ts) last.push(item)
    else last.length = 0
  }
  return last.length > 0 ? last : [imageOf(symbol)]
}

/** A copy. */
export function imageOf({ deleted, raw, values }: SymbolState): Content {
  return { deleted, raw, values: values.slice() }
}
