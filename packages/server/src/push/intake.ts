import { type FieldValue, isValidName, NAME_RULE } from '@pulsewire/protocol'
import { decodeJson, decodePulse, isPulseKey, protobufDecoder, type DecodeFields, type PulseRecord } from '../feeds/index.ts'
import type { Content, Feed, Hub, RecordPlace, SymbolState } from '../hub/index.ts'
import type { LogEvent, LogRecord } from '../log/index.ts'
import type { ReadFeed } from '../runtime/config/index.ts'
import type { Logger } from '../runtime/logger.ts'
import { LastMoments } from './last-moments.ts'
import { type Succession, valuesOf } from './succession.ts'
import { WriterClocks } from './writer-clock.ts'

/** A value larger than this is no quote. */
export const VALUE_BYTES_MAX = 1024 * 1024
/** At most one line about poison per feed in this time. */
const POISON_LOG_INTERVAL_MS = 5000

/** A timestamp further ahead of this node's clock than a wrong clock explains: nanoseconds, the year 30000. */
const AHEAD_MS_MAX = 24 * 60 * 60 * 1000

export type PoisonKind =
  | 'no_key'
  | 'bad_key'
  | 'undecodable'
  | 'oversize'
  | 'too_many_symbols'
  | 'bad_pulse'
  // Of these the record is taken all the same.
  | 'too_many_fields'
  | 'bad_timestamp'

/** That it is whole has been seen to. */
type Batch = Omit<Extract<LogEvent, { kind: 'records' }>, 'span'>

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Takes records of one feed into the hub: decodes, keeps the chain of positions, and lets nothing stop it. */
export class Intake {
  readonly counts = { records: 0, pulses: 0, stalePulses: 0 }
  readonly poison: Record<PoisonKind, number> = {
    no_key: 0,
    bad_key: 0,
    undecodable: 0,
    oversize: 0,
    too_many_symbols: 0,
    bad_pulse: 0,
    too_many_fields: 0,
    bad_timestamp: 0,
  }
  /** By partition, when the last record that is no pulse came; tells a feed without pulses from one without anything. */
  readonly recordAtMs = new Map<number, number>()
  /** By partition, when the first such record came since the last pulse that proves anything. */
  readonly unprovenSinceMs = new Map<number, number>()
  /** By partition, when the last pulse came, where nobody can tell yet how old it is. */
  readonly unknownPulseAtMs = new Map<number, number>()
  /** By partition, the last timestamp that can be one. */
  readonly #soundTs: number[] = []
  /** And the first. */
  readonly #firstTs: number[] = []
  #hub: Hub
  #feed: Feed
  readonly #config: ReadFeed
  readonly #decode: DecodeFields | null
  readonly #log: Logger
  readonly #writers = new WriterClocks()
  readonly #path: readonly string[]
  /** By partition, the offset before which records were not read, though earlier ones were. */
  readonly #lostBefore = new Map<number, number>()
  #poisonLoggedAtMs = -Infinity
  /** Whether a pulse of the feed's generation is the last record that is to be taken for now. */
  readonly #isSeam: (pulse: PulseRecord) => boolean
  /** Knows which records were given by the generation before; `null` without one, or once that is long ago. */
  #succession: Succession | null = null
  /** Kept while the feed moves, on feeds without history. */
  #moments: LastMoments | null = null
  #isOver = false

  /** @throws ConfigError when the protobuf schema cannot be used. */
  constructor(hub: Hub, feed: Feed, config: ReadFeed, log: Logger, isSeam: (pulse: PulseRecord) => boolean = () => false) {
    this.#hub = hub
    this.#isSeam = isSeam
    this.#feed = feed
    this.#config = config
    this.#log = log
    this.#path = [hub.nodeId]
    this.#decode =
      config.codec === 'raw' ? null : config.codec === 'json' ? decodeJson : protobufDecoder({ ...config.protobuf!, merge: config.merge })
  }

  /** Reading goes on at this offset; what lies between there and what was read before is not known. */
  lost(partition: number, before: number): void {
    this.#lostBefore.set(partition, before)
  }

  /** The part of the records that could not be made anything of, 0 to 1. */
  get unreadable(): number {
    const { no_key, bad_key, undecodable, oversize } = this.poison
    return this.counts.records === 0 ? 0 : (no_key + bad_key + undecodable + oversize) / this.counts.records
  }

  /** Record time since which every partition was read. */
  get sinceMs(): number {
    return this.#firstTs.reduce((latest, ts) => Math.max(latest, ts), -Infinity)
  }

  /** Nothing more is taken: another generation has taken over. */
  end(): void {
    this.#isOver = true
  }

  /** What comes from now on goes into this feed: that of the generation before, which has been given all that is here. */
  moveTo(hub: Hub, feed: Feed): void {
    this.#hub = hub
    this.#feed = feed
  }

  /** The feed is about to move: from now on it is kept what symbols were within their last millisecond. */
  keepBefore(): void {
    if (this.#feed.history === null) this.#moments ??= new LastMoments()
  }

  /** It does not move after all. */
  forgetBefore(): void {
    this.#moments = null
  }

  /** What the symbol was before its last record, in the very millisecond of that. */
  before(symbol: SymbolState): readonly Content[] {
    return this.#moments?.before(symbol) ?? []
  }

  /** Some of what comes was given by the generation before. */
  succeeds(succession: Succession): void {
    this.#succession = succession
  }

  /** @returns the offset behind a seam, at which it stopped; `null` when it took everything. */
  take(batch: Batch): number | null {
    if (this.#isOver) return null
    const { partition, records } = batch
    let others = 0
    const tsMax = this.#hub.clock.nowMs() + AHEAD_MS_MAX
    let stoppedAt: number | null = null
    for (const record of records) {
      if (record.timestampMs >= 0 && record.timestampMs <= tsMax) {
        this.#soundTs[partition] = record.timestampMs
        this.#firstTs[partition] ??= record.timestampMs
      }
      if (record.key !== null && isPulseKey(record.key)) {
        if (this.#pulse(record, batch)) {
          stoppedAt = record.offset + 1
          break
        }
      } else {
        this.#record(record, partition, tsMax)
        others++
      }
    }
    this.counts.records += others
    if (others > 0) this.#flowed(partition, this.#hub.clock.nowMs())
    return stoppedAt
  }

  #flowed(partition: number, nowMs: number): void {
    this.recordAtMs.set(partition, nowMs)
    if (!this.unprovenSinceMs.has(partition)) this.unprovenSinceMs.set(partition, nowMs)
  }

  #record(record: LogRecord, partition: number, tsMax: number): void {
    const { key, value } = record
    if (key === null || key.length === 0) return this.#poisoned('no_key', record, partition, 'a record without a key has no symbol')
    if (value !== null && value.length > VALUE_BYTES_MAX) {
      return this.#poisoned('oversize', record, partition, `a value of ${value.length} bytes; at most ${VALUE_BYTES_MAX} are taken`)
    }
    const name = nameOf(key)
    if (name === undefined) return this.#poisoned('bad_key', record, partition, `the key is no symbol in UTF-8: ${NAME_RULE}`)
    let fields: Readonly<Record<string, FieldValue>> | null = null
    if (value !== null && this.#decode !== null) {
      try {
        fields = this.#decode(value)
      } catch (error) {
        return this.#poisoned('undecodable', record, partition, error instanceof Error ? error.message : String(error))
      }
    }
    // Only a record that can be read makes a symbol: garbage must not fill the table.
    const symbol = value === null ? this.#feed.symbols.get(name) : this.#feed.admit(name)
    if (symbol === undefined) {
      if (value === null) return
      return this.#poisoned(
        'too_many_symbols',
        record,
        partition,
        `the feed holds ${this.#config.symbolsMax} symbols already; raise symbolsMax`,
      )
    }
    const place = this.#placeOf(symbol, record, partition)
    if (!(record.timestampMs >= 0 && record.timestampMs <= tsMax)) this.#timeless(record, partition, place.ts)
    if (!symbol.isNewer(place)) return
    if (this.#succession?.awaits(name, partition) === true) {
      const raw = value !== null && fields === null ? new Uint8Array(value) : null
      const content = { deleted: value === null, raw, values: valuesOf(this.#feed, fields) }
      if (this.#succession.isCopy(name, place.ts, content)) return this.#succession.place(symbol, place, content)
    }
    this.#moments?.note(symbol, place.ts)
    const appeared = !symbol.hasImage
    if (value === null) symbol.applyDelete(place)
    else if (fields === null) symbol.applyRaw(place, new Uint8Array(value))
    else if (symbol.applyRecord(place, fields, this.#config.merge) > 0) {
      this.#poisoned('too_many_fields', record, partition, 'the feed has as many fields as it may', 'the record is taken without some')
    }
    this.#hub.watcher?.read(symbol, record, this.#config.topic)
    this.#hub.updated(symbol, appeared && symbol.hasImage)
    if (symbol.entries.length === 0 && isOver(symbol)) this.#feed.retire(symbol)
  }

  #placeOf(symbol: SymbolState, record: LogRecord, partition: number): RecordPlace {
    const { generation } = this.#feed
    const samePlace = symbol.offset >= 0 && symbol.partition === partition && symbol.generation === generation
    // After a loss nobody can say which record came before: whoever is not just there is told of a gap.
    const last = Math.max(symbol.offset, (this.#lostBefore.get(partition) ?? 0) - 1)
    const prev = this.#feed.history !== null && samePlace ? last : -1
    return { generation, partition, offset: record.offset, ts: this.#soundTs[partition] ?? 0, n: 1, prev }
  }

  /**
   * A quote is not lost because of its timestamp. But that orders a symbol's records where they lie in two partitions, so
   * one from the far future would keep all later ones out; in its place the record gets the time of its neighbour before
   * it, a pulse mostly, which is the same on every node.
   */
  #timeless(record: LogRecord, partition: number, ts: number): void {
    const why = `timestamp ${record.timestampMs} is no time in ms since 1970 up to a day from now: what does its producer set?`
    this.#poisoned('bad_timestamp', record, partition, why, `the record is taken with the time ${ts} of the one before it`)
  }

  /** @returns whether it is a seam. */
  #pulse(record: LogRecord, { partition, records, highWatermark }: Batch): boolean {
    const pulse = decodePulse(record.value)
    if (pulse === undefined) {
      this.#poisoned('bad_pulse', record, partition, 'a record with a pulse key that is no pulse')
      return false
    }
    this.counts.pulses++
    // A writer of another generation is behind the times, or ahead of this node; neither proves this generation fresh.
    if (pulse.generation !== this.#feed.generation) {
      this.counts.stalePulses++
      return false
    }
    this.#succession?.pulsed(partition, pulse.atMs)
    if (this.#succession?.isForgotten === true) this.#succession = null
    const nowMs = this.#hub.clock.nowMs()
    const last = records[records.length - 1]!
    // Of a delayed feed, ages are told of the time that it shows.
    const shown = { ...pulse, atMs: pulse.atMs + (this.#config.delay?.delayMs ?? 0) }
    const writtenAtMs = this.#writers.writtenAtMs(shown, partition, nowMs, last.offset + 1 >= highWatermark)
    const { generation } = pulse
    this.unprovenSinceMs.delete(partition)
    if (writtenAtMs === null) this.unknownPulseAtMs.set(partition, nowMs)
    else {
      this.unknownPulseAtMs.delete(partition)
      this.#hub.pulse(this.#feed, { generation, partition, offset: record.offset, writtenAtMs, path: this.#path, arrivedAtMs: [nowMs] })
    }
    return this.#isSeam(pulse)
  }

  #poisoned(kind: PoisonKind, record: LogRecord, partition: number, why: string, outcome = 'the record is skipped'): void {
    this.poison[kind]++
    const nowMs = this.#hub.clock.nowMs()
    if (nowMs - this.#poisonLoggedAtMs < POISON_LOG_INTERVAL_MS) return
    this.#poisonLoggedAtMs = nowMs
    this.#log.warn('poison_record', `${kind}: ${why}; ${outcome}`, {
      feed: this.#feed.name,
      topic: this.#config.topic,
      partition,
      offset: record.offset,
      sample: sampleOf(record.value),
      counts: { ...this.poison },
    })
  }
}

/**
 * Whether a symbol was deleted, so that it may make room for another: listings come and go, and the table has a limit.
 * A feed of every record keeps it, for receivers that resume.
 */
export function isOver(symbol: SymbolState): boolean {
  return symbol.deleted && symbol.history === null
}

function nameOf(key: Uint8Array): string | undefined {
  if (key.length > 256) return undefined
  try {
    const name = utf8.decode(key)
    return isValidName(name) ? name : undefined
  } catch {
    return undefined
  }
}

/** The first bytes of a value, as text where it is text. */
function sampleOf(value: Uint8Array | null): string | null {
  if (value === null) return null
  return JSON.stringify(new TextDecoder('latin1').decode(value.subarray(0, 64)))
}
