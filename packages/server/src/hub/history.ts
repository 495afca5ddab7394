import type { FieldValue, Position } from '@pulsewire/protocol'
import type { EncodedFrames } from './encoded-frames.ts'

/** One record of an `every` feed, kept so that slow and returning receivers can be given it. */
export interface HistoryItem {
  /** The symbol's record count with this record. */
  readonly count: number
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly prev: number
  /** Of the item before it, as in the symbol's state. */
  readonly previousOffset: number
  readonly previousTs: number
  readonly n: number
  readonly placed: boolean
  readonly deleted: boolean
  readonly raw: Uint8Array | null
  /** The whole image after this record. */
  readonly values: readonly (FieldValue | undefined)[]
  /** The whole image before it. */
  readonly before: readonly (FieldValue | undefined)[]
  readonly changed: readonly number[]
  readonly bytes: number
  readonly encoded: EncodedFrames
}

/**
 * The newest records of a symbol, whose encoded frames are kept for the receivers that are about to be sent them. Older ones
 * are for the few who come back, and are encoded anew for them.
 */
const ENCODED_KEPT = 16

/** The last records of one symbol, oldest first. */
export class SymbolHistory {
  #items: HistoryItem[] = []
  /** Items before this index were evicted; the array is compacted now and then. */
  #head = 0

  get oldest(): HistoryItem | undefined {
    return this.#items[this.#head]
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Records in memory, those that were evicted and not let go yet included. */
  get kept(): number {
    return this.#items.length
  }

  push(item: HistoryItem): void {
    this.#items.push(item)
    const left = this.#items.length - 1 - ENCODED_KEPT
    if (left >= this.#head) this.#items[left]!.encoded.clear()
  }

  evictOldest(): HistoryItem | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#head++
    if (this.length === 0 || (this.#head > 64 && this.#head * 2 > this.#items.length)) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The first item after `count`, which is the next one to send to a receiver that has everything up to `count`. */
  firstAfter(count: number): HistoryItem | undefined {
    let low = this.#head
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#items[middle]!.count <= count) low = middle + 1
      else high = middle
    }
    return this.#items[low]
  }

  /**
   * The count before `records` items, to start from; `undefined` when there is none. They are the newest, or the newest up
   * to the position `since`, so that everything behind that is given as well.
   */
  before(records: number, since?: Position): number | undefined {
    let end = this.#items.length
    while (since !== undefined && end > this.#head && isBehind(this.#items[end - 1]!, since)) end--
    const item = this.#items[Math.max(this.#head, end - records)]
    return item === undefined ? undefined : item.count - item.n
  }

  /** The item at exactly this position. */
  at(generation: number, partition: number, offset: number): HistoryItem | undefined {
    for (let i = this.#items.length - 1; i >= this.#head; i--) {
      const item = this.#items[i]!
      if (item.generation === generation && item.partition === partition && item.offset === offset) return item
    }
    return undefined
  }
}

function isBehind(item: HistoryItem, { generation, partition, offset }: Position): boolean {
  return item.generation === generation && item.partition === partition && item.offset > offset
}

/** Bounds the histories of all symbols of a feed, by records per symbol and bytes in all. The oldest records go first. */
export class HistoryBudget {
  readonly recordsPerSymbolMax: number
  readonly bytesMax: number
  bytes = 0
  records = 0
  /** Every record in order of arrival. What its own symbol's bound evicted stays listed until the next sweep. */
  #order: { history: SymbolHistory; count: number }[] = []
  #head = 0

  constructor(recordsPerSymbolMax: number, bytesMax: number) {
    this.recordsPerSymbolMax = recordsPerSymbolMax
    this.bytesMax = bytesMax
  }

  /** Records listed, those that are evicted already included. */
  get listed(): number {
    return this.#order.length
  }

  add(history: SymbolHistory, item: HistoryItem): void {
    history.push(item)
    this.#order.push({ history, count: item.count })
    this.bytes += item.bytes
    this.records++
    if (history.length > this.recordsPerSymbolMax) this.#evict(history)
    while (this.bytes > this.bytesMax && this.#head < this.#order.length) {
      const { history: oldest, count } = this.#order[this.#head++]!
      if (oldest.oldest?.count === count) this.#evict(oldest)
    }
    this.#sweepIfDue()
  }

  /** The symbol is gone. */
  drop(history: SymbolHistory): void {
    while (history.length > 0) this.#evict(history)
    this.#sweepIfDue()
  }

  #evict(history: SymbolHistory): void {
    const item = history.evictOldest()
    if (item === undefined) return
    this.bytes -= item.bytes
    this.records--
  }

  #sweepIfDue(): void {
    if (this.#order.length <= 1024 || this.#order.length <= this.records * 2) return
    this.#order = this.#order.slice(this.#head).filter(({ history, count }) => count >= (history.oldest?.count ?? Infinity))
    this.#head = 0
  }
}
