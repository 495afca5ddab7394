import { formatPosition, sameValue, type FieldValue, type ReceivedImage } from '@pulsewire/protocol'
import type { SymbolState } from '../freshness/state.ts'

export type Values = Readonly<Record<string, FieldValue>>

/**
 * Records that could not be delivered to an `every` subscription: those after `from` and before `to`. Where these are of two
 * zones with a log of their own each, how many nobody can say.
 */
export interface Gap {
  readonly symbol: string
  /** Position of the last record delivered before the gap. */
  readonly from: string
  /** Position of the first record delivered after it. */
  readonly to: string
}

export interface UpdateParts {
  readonly symbol: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
  /** What the position is of; undefined where no sender said. */
  readonly log: string | undefined
  readonly ts: number
  readonly receivedAtMs: number
  readonly n: number
  readonly snapshot: boolean
  readonly deleted: boolean
  readonly recovered: boolean | undefined
  readonly raw: Uint8Array | null
  readonly state: SymbolState
  readonly gap: Gap | undefined
  /** Field names by index; may grow behind our back, which does no harm. */
  readonly names: readonly string[]
  readonly fields: readonly (FieldValue | undefined)[]
  /** Null: every field there is. */
  readonly changedIndexes: readonly number[] | null
  /** Whether each record counts (delivery `every`). */
  readonly every: boolean
}

/**
 * One delivery for one symbol: the whole image and what is new in it. Does not change once handed out. The objects for
 * `values` and `changed` are made when first read: whoever only counts updates does not pay for them.
 */
export class Update {
  readonly #parts: UpdateParts
  #values: Values | undefined
  #changed: readonly string[] | undefined

  constructor(parts: UpdateParts) {
    this.#parts = parts
  }

  get symbol(): string {
    return this.#parts.symbol
  }

  /** The whole image, frozen. Empty where the symbol was deleted, and on feeds of codec `raw`. */
  get values(): Values {
    return (this.#values ??= buildValues(this.#parts))
  }

  /** The value on a feed of codec `raw`, else null. */
  get raw(): Uint8Array | null {
    return this.#parts.raw
  }

  /** Names of the fields that are new against the update before; of a first snapshot, all. */
  get changed(): readonly string[] {
    return (this.#changed ??= Object.freeze(indexesOf(this.#parts).map((index) => this.#parts.names[index] ?? '')))
  }

  /** How many records of the log this stands for: 1, more when conflated, 0 for a snapshot. */
  get n(): number {
    return this.#parts.n
  }

  /** The image started anew: the first of a symbol, after a gap, after a resynchronisation. */
  get snapshot(): boolean {
    return this.#parts.snapshot
  }

  /** The symbol was deleted in the log. */
  get deleted(): boolean {
    return this.#parts.deleted
  }

  /**
   * On the first update after a reconnect: whether delivery went on where it had stopped (true) or updates in between
   * may have been missed (false). Undefined on all others.
   */
  get recovered(): boolean | undefined {
    return this.#parts.recovered
  }

  /** `every` only: what is missing right before this update. */
  get gap(): Gap | undefined {
    return this.#parts.gap
  }

  /** `generation:partition:offset` of the record in the log. */
  get position(): string {
    return formatPosition(this.#parts)
  }

  /** The record's timestamp: Unix time in ms by whoever wrote it. */
  get ts(): number {
    return this.#parts.ts
  }

  /** When it came, Unix time in ms by the client's clock. */
  get receivedAtMs(): number {
    return this.#parts.receivedAtMs
  }

  /** The symbol's state when the update came. For the state now ask `subscription.get(symbol)`. */
  get state(): SymbolState {
    return this.#parts.state
  }

  toJSON(): object {
    const { symbol, values, changed, n, snapshot, deleted, recovered, position, ts, state } = this
    return { symbol, values, changed, n, snapshot, deleted, recovered, position, ts, state }
  }

  /** For this package only. */
  static partsOf(update: Update): UpdateParts {
    return update.#parts
  }
}

function buildValues({ names, fields }: UpdateParts): Values {
  const entries: [string, FieldValue][] = []
  for (const [index, value] of fields.entries()) {
    const name = names[index]
    if (value !== undefined && name !== undefined) entries.push([name, value])
  }
  // `fromEntries` defines own members, so that a field named __proto__ is a field.
  return Object.freeze(Object.fromEntries(entries))
}

function indexesOf(parts: UpdateParts): readonly number[] {
  return parts.changedIndexes ?? [...parts.fields.keys()].filter((index) => parts.fields[index] !== undefined)
}

/**
 * Indexes of what is new in `image` against what was shown last. A snapshot names all its fields; against an image that
 * is held already, from before a reconnect, only those that differ are news.
 */
export function changedIndexes(image: ReceivedImage, names: readonly string[], held: Update | null): readonly number[] | null {
  if (!image.snapshot) return image.changed.slice()
  if (held === null) return null
  const before = held.values
  const changed: number[] = []
  for (const [index, value] of image.values.entries()) {
    if (!sameValue(before[names[index] ?? ''], value)) changed.push(index)
  }
  return changed
}

/** One update that stands for both: what a slow reader of `latest` gets. */
export function conflate(older: Update, newer: Update): Update {
  const a = Update.partsOf(older)
  const b = Update.partsOf(newer)
  // Field names may come from two sessions, which number them differently.
  const sameNames = a.names === b.names
  const olderIndexes = sameNames ? indexesOf(a) : older.changed.map((name) => b.names.indexOf(name)).filter((i) => i >= 0)
  return new Update({
    ...b,
    n: a.n + b.n,
    snapshot: a.snapshot || b.snapshot,
    recovered: a.recovered === false ? false : (b.recovered ?? a.recovered),
    changedIndexes: [...new Set([...olderIndexes, ...indexesOf(b)])].sort((x, y) => x - y),
  })
}
