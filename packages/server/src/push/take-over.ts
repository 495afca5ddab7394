import { type FieldValue, sameValue } from '@pulsewire/protocol'
import type { Feed, HistoryItem, Hub, RecordPlace, SymbolState } from '../hub/index.ts'
import { partitionForKey } from '../log/index.ts'

/** What a symbol is at some record of the newer generation. */
type Content = Pick<HistoryItem, 'generation' | 'partition' | 'offset' | 'ts' | 'prev' | 'deleted' | 'raw' | 'values'>

export interface TakeOverOptions {
  /** Record time from which the newer generation's records count. */
  readonly fromMs: number
  /** Whether all records before that were read of the older one. If not, what it lacks comes from the newer one as well. */
  readonly isComplete: boolean
  readonly merge: boolean
}

/**
 * Puts a feed onto its next generation, which was read in beside it: each symbol gets the records from the moment of the
 * switch on, and the place at which its last record before that lies in the new topic. Every node does the same with the
 * same records, so that positions stay comparable between nodes, and nothing is given twice or left out.
 */
export class TakeOver {
  readonly #hub: Hub
  readonly #feed: Feed
  readonly #next: Feed
  readonly #options: TakeOverOptions
  /** By the next feed's dictionary, its fields in ours. */
  readonly #fields: number[] = []

  constructor(hub: Hub, feed: Feed, next: Feed, options: TakeOverOptions) {
    this.#hub = hub
    this.#feed = feed
    this.#next = next
    this.#options = options
  }

  run(): void {
    for (const { name } of this.#next.dictionary.fields) this.#fields.push(this.#feed.dictionary.indexOf(name))
    const known = [...this.#feed.symbols.values()]
    for (const next of this.#next.symbols.values()) this.#symbol(next)
    for (const symbol of known) if (symbol.offset >= 0 && !this.#isMoved(symbol)) this.#carry(symbol)
  }

  #isMoved(symbol: SymbolState): boolean {
    return symbol.generation >= this.#next.generation
  }

  #symbol(next: SymbolState): void {
    if (next.offset < 0) return
    // Too many: the intake says so with the next record.
    const symbol = this.#feed.obtain(next.name)
    if (symbol === undefined) return
    const records = next.history === null ? [next] : recordsOf(next)
    const first = records.findIndex((record) => this.#isNews(symbol, record))
    const after = first < 0 ? [] : records.slice(first)
    const last = first < 0 ? records.at(-1) : records[first - 1]
    if (symbol.offset < 0 && symbol.entries.length === 0) for (const record of records) this.#apply(symbol, record, record.ts)
    else {
      if (last !== undefined) this.#place(symbol, last)
      for (const record of after) this.#apply(symbol, record, record.ts)
    }
  }

  #isNews(symbol: SymbolState, { ts }: Content): boolean {
    return ts >= this.#options.fromMs || (!this.#options.isComplete && ts > symbol.ts)
  }

  /** The symbol's last record before the switch lies here now. */
  #place(symbol: SymbolState, last: Content): void {
    const isOther = symbol.offset < 0 || (last.ts >= symbol.ts && this.#differs(symbol, last))
    if (isOther) this.#apply(symbol, last, last.ts)
    else this.#apply(symbol, { ...last, deleted: symbol.deleted, raw: symbol.raw, values: [] }, symbol.ts, true)
  }

  /**
   * The new topic has nothing of the symbol, as far as it was read back: its image stays, before everything that may still
   * come. In every partition a pulse has been read by now, so that no record lies at offset 0.
   */
  #carry(symbol: SymbolState): void {
    const { generation, partitions } = this.#next
    const partition = partitionForKey(symbol.name, Math.max(1, partitions))
    const { ts, deleted, raw } = symbol
    this.#apply(symbol, { generation, partition, offset: 0, ts, prev: -1, deleted, raw, values: [] }, ts, true)
  }

  /** @param keeps fields that are not named stay. */
  #apply(symbol: SymbolState, { generation, partition, offset, prev, deleted, raw, values }: Content, ts: number, keeps = false): void {
    const place: RecordPlace = { generation, partition, offset, ts, n: 1, prev: this.#isMoved(symbol) ? prev : -1 }
    const appeared = !symbol.hasImage
    if (deleted) symbol.applyDelete(place)
    else if (raw !== null) symbol.applyRaw(place, raw)
    else {
      const indexes = values.flatMap((value, index) => (value === undefined ? [] : [this.#fields[index]!]))
      symbol.applyChanges(
        place,
        !keeps && !this.#options.merge,
        indexes,
        values.filter((value) => value !== undefined),
      )
    }
    this.#hub.updated(symbol, appeared && symbol.hasImage)
  }

  #differs(symbol: SymbolState, { deleted, raw, values }: Content): boolean {
    if (deleted !== symbol.deleted) return true
    if (raw !== null || symbol.raw !== null) return raw === null || symbol.raw === null || Buffer.compare(raw, symbol.raw) !== 0
    const held = new Map<number, FieldValue>()
    symbol.values.forEach((value, index) => {
      if (value !== undefined) held.set(index, value)
    })
    let same = 0
    for (const [index, value] of values.entries()) {
      if (value === undefined) continue
      const own = held.get(this.#fields[index]!)
      if (own === undefined || !sameValue(own, value)) return true
      same++
    }
    return !this.#options.merge && same !== held.size
  }
}

/** The records of a symbol that are still held, oldest first. */
function recordsOf({ history }: SymbolState): HistoryItem[] {
  const records: HistoryItem[] = []
  for (let item = history!.oldest; item !== undefined; item = history!.firstAfter(item.count)) records.push(item)
  return records
}
