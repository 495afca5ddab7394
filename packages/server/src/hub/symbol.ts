import { comparePositions, sameValue, type FieldValue, type Position } from '@pulsewire/protocol'
import { EncodedFrames } from './encoded-frames.ts'
import type { EntryBlock } from './entry-block.ts'
import type { Entry } from './entry.ts'
import type { Feed } from './feed.ts'
import { SymbolHistory, type HistoryItem } from './history.ts'
import type { RateUse } from './rate-lanes.ts'

/** Where and when a record lies, and how many records it stands for. */
export interface RecordPlace extends Position {
  readonly ts: number
  /** Records it stands for: 1 from the log, more where an upstream sender conflated. */
  readonly n: number
  /** Offset of the symbol's previous record, or −1 when unknown. */
  readonly prev: number
  /** Records of an `every` feed known to be lost before this one. */
  readonly missed?: number
}

/** Whether a subscription to the symbol can be answered: a push node always can, a gateway once an upstream answered. */
export type Readiness = 'ready' | 'waiting'

const EMPTY: readonly never[] = []
/** An item of a history without its fields: itself, its place, its lists. */
const ITEM_BYTES = 480
/** A field of it: its value as it was, a number's own object, and that it changed. */
const VALUE_BYTES = 20
/** A text, without its letters. */
const TEXT_BYTES = 24

/**
 * One symbol: its image, who subscribes to it, and what is needed to send any receiver the difference between what it
 * holds and now. `count` numbers the states: it grows by the records that each update stands for.
 */
export class SymbolState {
  readonly feed: Feed
  readonly name: string
  readiness: Readiness = 'ready'
  generation = 0
  partition = -1
  /** −1 before the first record. */
  offset = -1
  ts = 0
  prev = -1
  /** Of the record that was held before the last one; −1 before the second. */
  previousOffset = -1
  previousTs = 0
  count = 0
  /** `count` before the last update. */
  previousCount = 0
  /** `count` when generation or partition last changed. */
  placedAt = 0
  deleted = false
  raw: Uint8Array | null = null
  /** The image, by dictionary index. */
  values: (FieldValue | undefined)[] = []
  /** Values before the last update; without a history, of the fields that it changed alone. */
  before: (FieldValue | undefined)[] = []
  /** Per field the `count` at which it last changed. Kept only from the first subscriber on: nobody else needs it. */
  changedAt: number[] | null = null
  history: SymbolHistory | null
  readonly entries: Entry[] = []
  /** The block of each entry, side by side: what an update goes through. */
  readonly blocks: EntryBlock[] = []
  /** The rates at which some of its entries are delivered; `null`: none has one. */
  rates: RateUse[] | null = null
  /** Entries without a rate: due with each record. */
  unrated = 0
  readonly encoded = new EncodedFrames()
  /** The image as the newest item of the history has it; `null` before the first, and without a history. */
  #recorded: (FieldValue | undefined)[] | null = null

  constructor(feed: Feed, name: string) {
    this.feed = feed
    this.name = name
    this.history = feed.history === null ? null : new SymbolHistory()
  }

  /** Whether a record is known and the symbol not deleted. */
  get hasImage(): boolean {
    return this.offset >= 0 && !this.deleted
  }

  /** Whether a record at this place is newer than what is held. */
  isNewer(place: Position & { readonly ts: number }): boolean {
    return this.offset < 0 || comparePositions(place, place.ts, this, this.ts) > 0
  }

  /** The image becomes these fields; with `merge`, fields not named stay. @returns fields left out because there are too many. */
  applyRecord(place: RecordPlace, fields: Readonly<Record<string, FieldValue>>, merge: boolean): number {
    const changed = this.#begin(place)
    const dictionary = this.feed.dictionary
    const touched: boolean[] | null = merge ? null : []
    let position = 0
    let leftOut = 0
    for (const name in fields) {
      // Records of one feed mostly have the same fields in the same order: then no look-up is needed.
      const index = dictionary.fields[position]?.name === name ? position : dictionary.indexOf(name)
      position = index + 1
      if (index < 0) {
        leftOut++
        continue
      }
      if (touched !== null) touched[index] = true
      this.#set(index, fields[name]!, changed)
    }
    if (touched !== null) {
      for (let index = 0; index < this.values.length; index++) if (touched[index] !== true) this.#set(index, undefined, changed)
    }
    this.#end(place, changed)
    return leftOut
  }

  /**
   * The given fields take these values, `undefined` takes a field away; the others stay, or go when it is a snapshot.
   * A negative index stands for a field that the dictionary has no room for.
   */
  applyChanges(place: RecordPlace, snapshot: boolean, indexes: readonly number[], values: readonly (FieldValue | undefined)[]): void {
    const changed = this.#begin(place)
    if (snapshot) {
      const kept = new Set(indexes)
      for (let index = 0; index < this.values.length; index++) if (!kept.has(index)) this.#set(index, undefined, changed)
    }
    for (let i = 0; i < indexes.length; i++) if (indexes[i]! >= 0) this.#set(indexes[i]!, values[i], changed)
    this.#end(place, changed)
  }

  applyRaw(place: RecordPlace, raw: Uint8Array): void {
    const changed = this.#begin(place)
    this.raw = raw
    this.#end(place, changed)
  }

  applyDelete(place: RecordPlace): void {
    const changed = this.#begin(place)
    for (let index = 0; index < this.values.length; index++) this.#set(index, undefined, changed)
    this.raw = null
    this.deleted = true
    this.#end(place, changed)
  }

  /** From now on changes are tracked, because somebody subscribes. */
  trackChanges(): void {
    this.changedAt ??= new Array<number>(this.values.length).fill(this.count)
  }

  /** The last subscriber has gone. */
  untrackChanges(): void {
    this.changedAt = null
    this.encoded.clear()
  }

  #begin(place: RecordPlace): number[] | null {
    if (this.offset < 0) this.feed.appears()
    this.previousCount = this.count
    this.count += place.n + (place.missed ?? 0)
    if (place.generation !== this.generation || place.partition !== this.partition) this.placedAt = this.count
    this.previousOffset = this.offset
    this.previousTs = this.ts
    this.generation = place.generation
    this.partition = place.partition
    this.offset = place.offset
    this.ts = place.ts
    this.prev = place.prev
    this.deleted = false
    this.encoded.clear()
    if (this.history === null) return null
    // An item's image is the next one's image before: one array for both.
    this.before = this.#recorded ?? []
    return []
  }

  #set(index: number, value: FieldValue | undefined, changed: number[] | null): void {
    const old = this.values[index]
    if (old === value || (typeof value === 'object' && sameValue(old, value))) return
    while (this.values.length < index) this.values.push(undefined)
    this.values[index] = value
    if (changed !== null) changed.push(index)
    if (this.changedAt === null) return
    this.changedAt[index] = this.count
    if (this.history === null) this.before[index] = old
  }

  #end(place: RecordPlace, changed: number[] | null): void {
    if (this.history === null) return
    const values = (this.#recorded = this.values.slice())
    const item: HistoryItem = {
      count: this.count,
      generation: place.generation,
      partition: place.partition,
      offset: place.offset,
      ts: place.ts,
      prev: place.prev,
      previousOffset: this.previousOffset,
      previousTs: this.previousTs,
      n: place.n,
      placed: this.placedAt === this.count,
      deleted: this.deleted,
      raw: this.raw,
      values,
      before: this.before,
      changed: changed === null ? EMPTY : changed.sort((a, b) => a - b),
      bytes: bytesOf(values, this.raw),
      encoded: new EncodedFrames(),
    }
    this.feed.history!.add(this.history, item)
  }
}

/**
 * What an item of a history takes, about. 20,000 of them took in V8's heap, after a full collection: 583 bytes each with 3
 * numbers, 923 with 20, 673 with 3 short texts, 1,554 with 20.
 */
function bytesOf(values: readonly (FieldValue | undefined)[], raw: Uint8Array | null): number {
  let bytes = ITEM_BYTES + values.length * VALUE_BYTES + (raw?.length ?? 0)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === 'string') bytes += TEXT_BYTES + value.length
  }
  return bytes
}
