import { ByteWriter, KIND, writeDictionary, writeUpdate, type ControlFrame, type FieldValue } from '@pulsewire/protocol'
import type { EncodedPulse, Entry, Feed, HistoryItem, SymbolState, View } from '../hub/index.ts'
import type { Composer, DictionaryKnowledge } from './composer.ts'

/** Messages are carved from slabs of this size, so that small ones need no allocation of their own. */
const SLAB_BYTES = 64 * 1024

interface State {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly prev: number
  readonly previousOffset: number
  readonly previousTs: number
  readonly raw: Uint8Array | null
  readonly deleted: boolean
  readonly values: readonly (FieldValue | undefined)[]
}

/** How much of a state is told, to a receiver that holds an earlier one. */
interface Told {
  readonly n: number
  readonly whole: boolean
  readonly place: boolean
  /** The receiver holds the state before this one. */
  readonly isNext: boolean
  readonly indexes: readonly number[]
  readonly before: readonly (FieldValue | undefined)[] | null
}

export class BinComposer implements Composer {
  readonly encoding = 'pulsewire.bin.v1'
  updates = 0
  sampledOf: Feed | null = null
  sampledTs = 0
  readonly #epoch: number
  readonly #out = new ByteWriter(SLAB_BYTES)
  readonly #scratch = new ByteWriter(1024)
  #slab = new Uint8Array(new ArrayBuffer(SLAB_BYTES))
  #slabAt = 0
  #known: DictionaryKnowledge = []

  constructor(epoch: number) {
    this.#epoch = epoch
  }

  begin(known: DictionaryKnowledge): void {
    this.#known = known
    this.#out.length = 0
    this.sampledOf = null
  }

  get size(): number {
    return this.#out.length
  }

  control(frame: ControlFrame): void {
    this.#out.u8(KIND.json)
    this.#out.text(JSON.stringify(frame))
  }

  latest(entry: Entry): boolean {
    const { symbol } = entry
    const { view } = entry.subscription
    // A frame that carries the whole image is the same whatever the receiver held, but for how many records it stands for.
    const from = entry.whole ? -2 - entry.held : entry.held
    let frame = symbol.encoded.bin(view, from, symbol.feed.dictionary.revision)
    if (frame === undefined) frame = this.#encodeLatest(symbol, view, entry.held, entry.whole, from)
    if (frame === null) return false
    this.#write(symbol.feed, entry.ref, frame)
    return true
  }

  item(entry: Entry, item: HistoryItem, whole: boolean, n: number): void {
    const { symbol } = entry
    const { view } = entry.subscription
    const from = whole ? -2 - n : n
    let frame = item.encoded.bin(view, from, symbol.feed.dictionary.revision)
    if (frame === undefined || frame === null) {
      const indexes = whole ? presentIn(item.values, view) : item.changed.filter((index) => view.includes(index))
      const isNext = !whole && n === item.n
      const before = whole ? null : item.before
      frame = this.#encode(symbol.feed, item, { n, whole, place: whole || item.placed, isNext, indexes, before })
      item.encoded.setBin(view, from, symbol.feed.dictionary.revision, frame)
    }
    this.#write(symbol.feed, entry.ref, frame)
  }

  pulse(frame: EncodedPulse): void {
    this.#out.raw(frame.bytes)
  }

  mark(mark: number): void {
    this.#scratch.length = 0
    this.#scratch.varint(mark)
    this.#out.framed(KIND.mark, this.#scratch.bytes.subarray(0, this.#scratch.length))
  }

  finish(): Uint8Array {
    const length = this.#out.length
    if (length > SLAB_BYTES / 4) return this.#out.take()
    if (this.#slabAt + length > SLAB_BYTES) {
      this.#slab = new Uint8Array(new ArrayBuffer(SLAB_BYTES))
      this.#slabAt = 0
    }
    const message = this.#slab.subarray(this.#slabAt, this.#slabAt + length)
    message.set(this.#out.bytes.subarray(0, length))
    this.#slabAt += length
    return message
  }

  #write(feed: Feed, ref: number, frame: Uint8Array): void {
    this.updates++
    if ((this.#known[feed.index] ?? 0) !== feed.dictionary.revision) this.#tellDictionary(feed)
    const out = this.#out
    out.ensure(frame.length + 8)
    out.u8(frame[0]!)
    out.varint(ref)
    // Frames are some 25 bytes: a loop is faster than a call of set().
    const bytes = out.bytes
    let at = out.length
    for (let i = 1; i < frame.length; i++) bytes[at++] = frame[i]!
    out.length = at
  }

  #tellDictionary(feed: Feed): void {
    const known = this.#known[feed.index] ?? 0
    const fields = feed.dictionary.fields
    for (let first = 0; first < fields.length; first++) {
      if (fields[first]!.revision <= known) continue
      let end = first + 1
      while (end < fields.length && fields[end]!.revision > known) end++
      writeDictionary(this.#out, feed.index, first, fields.slice(first, end))
      first = end
    }
    this.#known[feed.index] = feed.dictionary.revision
  }

  #encodeLatest(symbol: SymbolState, view: View, held: number, whole: boolean, from: number): Uint8Array | null {
    const indexes = whole ? presentIn(symbol.values, view) : changedSince(symbol, view, held)
    const nothing = !whole && indexes.length === 0 && view.names !== null && !symbol.deleted && symbol.raw === null
    let frame: Uint8Array | null = null
    if (!nothing) {
      const n = held < 0 ? 0 : symbol.count - held
      const isNext = !whole && held === symbol.previousCount
      const place = whole || symbol.placedAt > held
      frame = this.#encode(symbol.feed, symbol, { n, whole, place, isNext, indexes, before: isNext ? symbol.before : null })
    }
    symbol.encoded.setBin(view, from, symbol.feed.dictionary.revision, frame)
    return frame
  }

  #encode(feed: Feed, state: State, { n, whole, place, isNext, indexes, before }: Told): Uint8Array {
    const { dictionary } = feed
    for (const index of indexes) dictionary.fit(index, state.values[index])
    const scratch = this.#scratch
    scratch.length = 0
    const { generation, partition, offset, ts, prev, raw, deleted } = state
    const last = isNext ? { offset: state.previousOffset, ts: state.previousTs } : null
    const header = { snapshot: whole && !deleted, place, deleted, generation, partition, offset, ts, n, prev, last, raw }
    writeUpdate(scratch, header, this.#epoch, dictionary.fields, indexes, state.values, before)
    return scratch.take()
  }
}

function presentIn(values: readonly unknown[], view: View): number[] {
  const indexes: number[] = []
  for (let i = 0; i < values.length; i++) if (values[i] !== undefined && view.includes(i)) indexes.push(i)
  return indexes
}

function changedSince(symbol: SymbolState, view: View, held: number): number[] {
  const indexes: number[] = []
  const changedAt = symbol.changedAt!
  for (let i = 0; i < changedAt.length; i++) if (changedAt[i]! > held && view.includes(i)) indexes.push(i)
  return indexes
}
