import type { FeedCodec, FeedInfo, FeedMode } from '@pulsewire/protocol'
import { FieldDictionary } from './dictionary.ts'
import { FeedFreshness } from './freshness.ts'
import { HistoryBudget } from './history.ts'
import type { PatternState } from './pattern-state.ts'
import { SymbolState } from './symbol.ts'
import { Views } from './view.ts'

export interface FeedOptions {
  readonly name: string
  readonly codec: FeedCodec
  readonly mode: FeedMode
  /** Records are partial and merge into the image. */
  readonly merge: boolean
  readonly generation: number
  /** Symbols with records held at most; records of further ones are counted and left out. */
  readonly symbolsMax: number
  /** A partition without a pulse younger than this is stale at this hub. */
  readonly staleAfterMs: number
  /** Only for `every`. */
  readonly history: { readonly recordsPerSymbolMax: number; readonly bytesMax: number }
  /** It shows another feed as that was so long ago. Absent: it shows what is. */
  readonly delay?: { readonly of: string; readonly delayMs: number }
}

/** One feed in a hub: its symbols with their images, its fields, its patterns and its freshness. */
export class Feed {
  readonly index: number
  readonly options: FeedOptions
  readonly dictionary = new FieldDictionary()
  readonly views = new Views(this.dictionary)
  readonly symbols = new Map<string, SymbolState>()
  readonly patterns = new Map<string, PatternState>()
  readonly history: HistoryBudget | null
  readonly freshness: FeedFreshness
  /** In the order in which they may go. */
  readonly #retired = new Set<SymbolState>()
  /** Symbols of which a record is held. The others are names that receivers said. */
  known = 0
  /** Symbols that had their first record since the start. */
  appeared = 0
  /** Of all symbols, entries without a rate. */
  unrated = 0
  generation: number
  /** It came to a newer generation while it was served. */
  hasMoved = false
  partitions = 0
  /** Partitions that this hub has; `null`: all. */
  carried: readonly number[] | null = null

  constructor(index: number, options: FeedOptions) {
    this.index = index
    this.options = options
    this.generation = options.generation
    this.history = options.mode === 'every' ? new HistoryBudget(options.history.recordsPerSymbolMax, options.history.bytesMax) : null
    this.freshness = new FeedFreshness(options.staleAfterMs)
  }

  get name(): string {
    return this.options.name
  }

  /** The symbol, made when new; `undefined` when the feed is full: no record of a new one could be taken. */
  obtain(name: string): SymbolState | undefined {
    return this.symbols.get(name) ?? this.admit(name)
  }

  /** The symbol, for a record of it; `undefined` when the feed is full, of one without a record too. */
  admit(name: string): SymbolState | undefined {
    const held = this.symbols.get(name)
    if (held !== undefined && held.offset >= 0) return held
    if (this.known >= this.options.symbolsMax && !this.#makeRoom()) return undefined
    if (held !== undefined) return held
    const symbol = new SymbolState(this, name)
    this.symbols.set(name, symbol)
    return symbol
  }

  /**
   * A deleted symbol that nobody subscribes to may go when the feed is full. Until then it stays known as deleted,
   * because whoever resumes it still shows its last image.
   */
  retire(symbol: SymbolState): void {
    this.#retired.add(symbol)
  }

  /** Its first record came. */
  appears(): void {
    this.known++
    this.appeared++
  }

  /** Forgets a symbol that nobody subscribes to, with its history. */
  drop(symbol: SymbolState): void {
    if (this.symbols.get(symbol.name) === symbol && this.symbols.delete(symbol.name) && symbol.offset >= 0) this.known--
    this.#retired.delete(symbol)
    if (symbol.history !== null) this.history?.drop(symbol.history)
  }

  #makeRoom(): boolean {
    for (const symbol of this.#retired) {
      this.#retired.delete(symbol)
      // It may have come back.
      if (!symbol.deleted || symbol.entries.length > 0 || this.symbols.get(symbol.name) !== symbol) continue
      this.drop(symbol)
      return true
    }
    return false
  }

  info(): FeedInfo {
    const { name: feed, mode, codec, delay } = this.options
    const delayed = delay === undefined ? {} : { delayMs: delay.delayMs, delayOf: delay.of }
    const info = { feed, mode, codec, generation: this.generation, partitions: this.partitions, ...delayed }
    return this.carried === null ? info : { ...info, carried: this.carried }
  }
}

/** Age in ms of the newest pulse of the partition where that is oldest; `null` when none has come yet. */
export function oldestPulseAgeMs({ freshness }: Feed, nowMs: number): number | null {
  const partitions = [...freshness.partitions]
  if (partitions.every(({ point }) => point === null)) return null
  return Math.round(Math.max(...partitions.map(({ partition }) => freshness.ageMs(partition, nowMs))))
}
