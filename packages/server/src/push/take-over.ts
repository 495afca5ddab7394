import type { FieldValue } from '@pulsewire/protocol'
import type { Content, Feed, HistoryItem, Hub, RecordPlace, SymbolState } from '../hub/index.ts'
import { partitionForKey } from '../log/index.ts'
import { apply, moveTo, Succession } from './succession.ts'

/** What a symbol is at some record of the newer generation. */
type Item = Pick<HistoryItem, 'generation' | 'partition' | 'offset' | 'ts' | 'prev' | 'deleted' | 'raw' | 'values'>

export interface TakeOverOptions {
  readonly merge: boolean
  /** The moment of the switch. */
  readonly fromMs: number
  /** Record time since which the older topic was read: what is older, and of no symbol known here, was given long ago. */
  readonly olderSinceMs: number
  /** What a symbol was before its last record, in the very millisecond of that. */
  readonly before: (symbol: SymbolState) => readonly Content[]
  /** Whether this node reads the partition of the newer topic. */
  readonly reads: (partition: number) => boolean
}

/**
 * Puts a feed onto its next generation, which was read in beside it up to the seam: each symbol gets the records that the
 * older topic did not give, and the place at which the last one that it gave lies in the newer. Every node does the same
 * with the same records, so that positions stay comparable between nodes, and nothing is given twice or left out.
 */
export class TakeOver {
  readonly #hub: Hub
  readonly #feed: Feed
  readonly #next: Feed
  readonly #options: TakeOverOptions
  readonly #succession: Succession
  /** By the next feed's dictionary, its fields in ours. */
  readonly #fields: number[] = []

  constructor(hub: Hub, feed: Feed, next: Feed, options: TakeOverOptions) {
    this.#hub = hub
    this.#feed = feed
    this.#next = next
    this.#options = options
    this.#succession = new Succession(hub, options)
  }

  /** @returns what tells the copies among the records that are still to come. */
  run(): Succession {
    for (const { name } of this.#next.dictionary.fields) this.#fields.push(this.#feed.dictionary.indexOf(name))
    const known = [...this.#feed.symbols.values()]
    for (const symbol of known) if (symbol.offset >= 0) this.#succession.remember(symbol, this.#options.before(symbol))
    for (const next of this.#next.symbols.values()) if (next.offset >= 0) this.#symbol(next)
    for (const symbol of known) if (symbol.offset >= 0 && !this.#isMoved(symbol)) this.#carry(symbol)
    return this.#succession
  }

  #isMoved(symbol: SymbolState): boolean {
    return symbol.generation >= this.#next.generation
  }

  #symbol(next: SymbolState): void {
    // Too many: the intake says so with the next record.
    const symbol = this.#feed.admit(next.name)
    if (symbol === undefined) return
    const isKnown = symbol.offset >= 0
    const records = (next.history === null ? [next] : recordsOf(next)).map((item) => this.#translated(item))
    const isGiven = (item: Item): boolean =>
      isKnown ? this.#succession.isCopy(symbol.name, item.ts, item) : item.ts < this.#options.olderSinceMs
    let given = 0
    while (given < records.length && isGiven(records[given]!)) given++
    const last = records[given - 1]
    if (last !== undefined && isKnown) this.#succession.place(symbol, { ...last, n: 1, prev: -1 }, last)
    else if (last !== undefined) this.#apply(symbol, last, 0)
    records.slice(given).forEach((item, index) => {
      // What was before it is no longer held: nobody can say whether it was given.
      const missed = index === 0 && last === undefined && isKnown && item.prev >= 0 && next.history !== null ? 1 : 0
      this.#apply(symbol, item, missed)
    })
  }

  /**
   * The new topic has nothing of the symbol, as far as it was read back: its image stays, before everything that may still
   * come. In every partition a pulse has been read by now, so that no record lies at offset 0. Where another node has the
   * partition, that is for it to do.
   */
  #carry(symbol: SymbolState): void {
    const { generation, partitions } = this.#next
    const partition = partitionForKey(symbol.name, Math.max(1, partitions))
    if (this.#options.reads(partition)) moveTo(this.#hub, symbol, { generation, partition, offset: 0, ts: symbol.ts, n: 1, prev: -1 })
    else if (symbol.entries.length === 0) this.#feed.drop(symbol)
  }

  #apply(symbol: SymbolState, item: Item, missed: number): void {
    const { generation, partition, offset, ts, prev } = item
    const place: RecordPlace = { generation, partition, offset, ts, n: 1, prev: this.#isMoved(symbol) ? prev : -1, missed }
    apply(this.#hub, symbol, place, item, this.#options.merge)
  }

  /** With its fields where they are in our feed. */
  #translated(item: Item & Content): Item {
    const { generation, partition, offset, ts, prev, deleted, raw } = item
    const values: (FieldValue | undefined)[] = []
    item.values.forEach((value, index) => {
      const own = this.#fields[index]!
      if (value !== undefined && own >= 0) values[own] = value
    })
    return { generation, partition, offset, ts, prev, deleted, raw, values }
  }
}

/** The records of a symbol that are still held, oldest first. */
function recordsOf({ history }: SymbolState): HistoryItem[] {
  const records: HistoryItem[] = []
  for (let item = history!.oldest; item !== undefined; item = history!.firstAfter(item.count)) records.push(item)
  return records
}
