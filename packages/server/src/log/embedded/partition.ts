import type { LogRecord, LogStart } from '../log.ts'
import { Slab } from './slab.ts'

/** What one partition keeps; the oldest records go first. */
export interface Retention {
  readonly recordsMax: number
  readonly bytesMax: number
}

/** What a record takes beside its bytes, measured in Node 26: its object, and two views of memory. Most of a small record. */
const RECORD_OVERHEAD_BYTES = 336
/** Dropped records are cut off the array only in runs, so that retention costs O(1) per record. */
const COMPACT_AT_RECORDS = 1024
/**
 * A compacted topic is read from its start by everybody who comes: it is kept short. It keeps some records of each key, so that
 * most are old by the time that retention comes to them, and few have to be put at the end again.
 */
const COMPACTED_RECORDS_MAX = 1000
const COMPACTED_RECORDS_PER_KEY = 10

export function recordBytes(record: Pick<LogRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers ?? []) bytes += name.length + value.length
  return bytes
}

/** The records of one partition: an array with a moving head. Offsets are dense. */
export class Partition {
  readonly #retention: Retention
  /** Of a compacted topic: by key, the offset of its newest record. */
  readonly #newest: Map<string, number> | null
  readonly #slab = new Slab()
  #records: LogRecord[] = []
  #head = 0
  #bytes = 0
  #earliest = 0
  /** `false`: nothing of this partition is delivered (a broker that accepts, and serves nobody). */
  delivering = true

  /** @param isCompacted the newest record of each key stays: when retention comes to it, it is put at the end again. */
  constructor(retention: Retention, isCompacted = false) {
    this.#retention = retention
    this.#newest = isCompacted ? new Map() : null
  }

  get earliest(): number {
    return this.#earliest
  }

  get latest(): number {
    return this.#earliest + this.#records.length - this.#head
  }

  append(record: Omit<LogRecord, 'offset'>): number {
    const offset = this.#push(record)
    // The newest record always stays, however large: a reader at the end must be able to get it. One round at most of
    // those that are put at the end again: a topic of more keys than it may hold records is full of them.
    for (let left = this.latest - this.#earliest - 1; left > 0 && this.#isOverRetention(); left--) this.#dropOldest()
    return offset
  }

  #push(record: Omit<LogRecord, 'offset'>): number {
    const offset = this.latest
    const { key, value } = record
    this.#records.push({ ...record, offset, key: key && this.#slab.copy(key), value: value && this.#slab.copy(value) })
    this.#bytes += recordBytes(record)
    if (record.key !== null) this.#newest?.set(Buffer.from(record.key).toString('latin1'), offset)
    return offset
  }

  /** Removes every record below `offset`, as Kafka's DeleteRecords does. */
  deleteBefore(offset: number): void {
    const end = Math.min(offset, this.latest)
    while (this.#earliest < end) this.#dropOldest()
  }

  /** Up to `recordsMax` records and about `bytesMax` bytes (at least one record) from `offset`, which must be held. */
  slice(offset: number, recordsMax: number, bytesMax: number): readonly LogRecord[] {
    const from = this.#head + (offset - this.#earliest)
    const limit = Math.min(this.#records.length, from + recordsMax)
    let to = from
    for (let bytes = 0; to < limit; to++) {
      bytes += recordBytes(this.#records[to]!)
      if (bytes > bytesMax && to > from) break
    }
    return this.#records.slice(from, to)
  }

  /** The offset that `start` means now. May lie outside the range held; the reader then jumps. */
  resolve(start: LogStart): number {
    switch (start.at) {
      case 'earliest':
        return this.#earliest
      case 'latest':
        return this.latest
      case 'offset':
        return start.offset
      case 'time': {
        for (let i = this.#head; i < this.#records.length; i++) {
          if (this.#records[i]!.timestampMs >= start.timestampMs) return this.#records[i]!.offset
        }
        return this.latest
      }
    }
  }

  #isOverRetention(): boolean {
    return this.latest - this.#earliest > this.#recordsMax || this.#bytes > this.#retention.bytesMax
  }

  get #recordsMax(): number {
    const { recordsMax } = this.#retention
    if (this.#newest === null) return recordsMax
    return Math.min(recordsMax, Math.max(COMPACTED_RECORDS_MAX, this.#newest.size * COMPACTED_RECORDS_PER_KEY))
  }

  #dropOldest(): void {
    const record = this.#records[this.#head]!
    this.#bytes -= recordBytes(record)
    this.#head++
    this.#earliest++
    if (this.#head >= COMPACT_AT_RECORDS && this.#head * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#head)
      this.#head = 0
    }
    this.#keepNewest(record)
  }

  #keepNewest(record: LogRecord): void {
    if (this.#newest === null || record.key === null) return
    const key = Buffer.from(record.key).toString('latin1')
    if (this.#newest.get(key) !== record.offset) return
    if (record.value === null) this.#newest.delete(key)
    else this.#push(record)
  }
}
