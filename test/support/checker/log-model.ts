/** What the log says: the truth that every view is held to. Is told what was appended, and shares no code with the nodes. */
import type { AppendResult, FeedConfig, LogAppend } from '@pulsewire/server'
import { formatPosition, type FieldValue, type Position } from '@pulsewire/protocol'

/** A symbol's state after one of its records. */
export interface ModelRecord {
  readonly offset: number
  readonly ts: number
  /** World time at which it came into the log. */
  readonly atMs: number
  readonly deleted: boolean
  /** A tombstone of a symbol that never had a value: nodes may know of it or not. */
  readonly optional: boolean
  /** The whole image, fields with a value only; `null` when deleted or raw. */
  readonly values: ReadonlyMap<string, FieldValue> | null
  readonly raw: Uint8Array | null
}

/** All records of one symbol, oldest first. A symbol lies in one partition. */
export class ModelSymbol {
  readonly name: string
  readonly partition: number
  readonly records: ModelRecord[] = []
  /** Positions of copies in the topic that the feed has moved to → index of the record. */
  readonly #copies = new Map<string, number>()

  constructor(name: string, partition: number) {
    this.name = name
    this.partition = partition
  }

  /** Its records also lie in another topic, under another generation. */
  copied(index: number, position: Position): void {
    this.#copies.set(formatPosition(position), index)
  }

  /** Index of the record at this position, in whichever topic; −1: there is none. */
  indexAt(position: Position): number {
    if (position.generation > 1) return this.#copies.get(formatPosition(position)) ?? -1
    return position.partition === this.partition ? this.indexOf(position.offset) : -1
  }

  /** Index of the newest record before this offset; −1 when there is none. */
  newestBefore(offset: number): number {
    let low = 0
    let high = this.records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.records[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Index of the record at exactly this offset. */
  indexOf(offset: number): number {
    const index = this.newestBefore(offset + 1)
    return index >= 0 && this.records[index]!.offset === offset ? index : -1
  }

  /** Index of the newest record that was in the log at that world time. */
  newestAt(atMs: number): number {
    for (let i = this.records.length - 1; i >= 0; i--) if (this.records[i]!.atMs <= atMs) return i
    return -1
  }
}

export class ModelFeed {
  readonly config: FeedConfig
  readonly partitions: number
  readonly symbols = new Map<string, ModelSymbol>()
  /** Per partition, world time at which each pulse record came into the log, by offset. */
  readonly pulses: Map<number, number>[]

  constructor(config: FeedConfig, partitions: number) {
    this.config = config
    this.partitions = partitions
    this.pulses = Array.from({ length: partitions }, () => new Map())
  }

  appended(append: LogAppend, { partition, offset }: AppendResult, atMs: number): void {
    const name = typeof append.key === 'string' ? append.key : nameOf(append.key)
    const { value } = append
    if (name === '\u0000pulsewire.pulse') {
      if (isPulse(value)) this.pulses[partition]!.set(offset, atMs)
      return
    }
    if (name === undefined || name === '' || /[\u0000-\u001f]/.test(name)) return
    const known = this.symbols.get(name)
    const last = known?.records.at(-1)
    const state = this.#stateOf(value, last)
    if (state === undefined) return
    const optional = state.deleted && (known?.records.every((before) => before.optional) ?? true)
    const symbol = known ?? new ModelSymbol(name, partition)
    this.symbols.set(name, symbol)
    symbol.records.push({ offset, ts: append.timestampMs!, atMs, optional, ...state })
  }

  /** `undefined` for poison. */
  #stateOf(value: string | Uint8Array | null, last: ModelRecord | undefined): Pick<ModelRecord, 'deleted' | 'values' | 'raw'> | undefined {
    if (value === null) return { deleted: true, values: null, raw: null }
    if (this.config.codec === 'raw') return { deleted: false, values: null, raw: bytesOf(value) }
    let parsed: unknown
    try {
      parsed = JSON.parse(textOf(value))
    } catch {
      return undefined
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    const values = new Map<string, FieldValue>(this.config.merge ? last?.values : undefined)
    for (const [name, field] of Object.entries(parsed)) values.set(name, field as FieldValue)
    return { deleted: false, values, raw: null }
  }
}

/** All feeds of a log. */
export class LogModel {
  readonly feeds = new Map<string, ModelFeed>()
  readonly #byTopic = new Map<string, ModelFeed>()

  constructor(feeds: readonly { readonly config: FeedConfig; readonly partitions: number }[]) {
    for (const { config, partitions } of feeds) {
      const feed = new ModelFeed(config, partitions)
      this.feeds.set(config.name, feed)
      this.#byTopic.set(config.topic, feed)
    }
  }

  /** Records came into the log at this world time; each has its timestamp. */
  appended(topic: string, records: readonly LogAppend[], results: readonly AppendResult[], atMs: number): void {
    const feed = this.#byTopic.get(topic)
    records.forEach((record, index) => feed?.appended(record, results[index]!, atMs))
  }

  symbol(feed: string, name: string): ModelSymbol | undefined {
    return this.feeds.get(feed)?.symbols.get(name)
  }
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}

function textOf(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('utf8')
}

function nameOf(key: Uint8Array | null): string | undefined {
  if (key === null) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(key)
  } catch {
    return undefined
  }
}

function isPulse(value: string | Uint8Array | null): boolean {
  try {
    return value !== null && typeof (JSON.parse(textOf(value)) as { atMs?: unknown }).atMs === 'number'
  } catch {
    return false
  }
}
