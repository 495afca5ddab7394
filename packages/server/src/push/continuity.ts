import type { LogEvent, LogRecord, OffsetRange } from '../log/index.ts'

export type Batch = Extract<LogEvent, { kind: 'records' }>

/** A hole that reading again has not filled for so long is left: the partition must not stand still for good. */
export const HOLE_MS_MAX = 10_000
/** And not before it was read again so often: a process that stood still has not tried for as long as it seems. */
const READINGS_MIN = 5
/** The reader itself may be at fault: after so many readings the hole is read by a new one. */
const READINGS_PER_READER = 4
const PAUSE_FIRST_MS = 25
const PAUSE_MAX_MS = 1000

/** Where a partition's records are missing, and how often they were asked for again. */
interface Hole {
  readonly at: number
  readonly sinceMs: number
  readings: number
}

/** What to do about a hole: read it again after a pause, by a new reader, or leave it because it stays. */
export type Remedy =
  | { readonly kind: 'again'; readonly afterMs: number }
  | { readonly kind: 'rebuild' }
  | { readonly kind: 'leave'; readonly sinceMs: number }

/** Notices, partition by partition, when the reader does not deliver each offset once and in order. */
export class Continuity {
  readonly counts = { holes: 0, repeated: 0, left: 0 }
  readonly #holes = new Map<number, Hole>()

  /** The partition's records are missing from this offset on. */
  torn(partition: number, at: number, nowMs: number): Remedy {
    let hole = this.#holes.get(partition)
    if (hole?.at !== at) {
      this.#holes.set(partition, (hole = { at, sinceMs: nowMs, readings: 0 }))
      this.counts.holes++
    }
    hole.readings++
    if (hole.readings > READINGS_MIN && nowMs - hole.sinceMs >= HOLE_MS_MAX) {
      this.#holes.delete(partition)
      this.counts.left++
      return { kind: 'leave', sinceMs: hole.sinceMs }
    }
    if (hole.readings % READINGS_PER_READER === 0) return { kind: 'rebuild' }
    return { kind: 'again', afterMs: hole.readings === 1 ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** hole.readings) }
  }

  /** Reading has come this far: a hole before that is closed. */
  passed(partition: number, next: number): void {
    const hole = this.#holes.get(partition)
    if (hole !== undefined && next > hole.at) this.#holes.delete(partition)
  }

  /** The offset from which records are missing now. */
  holeOf(partition: number): number | undefined {
    return this.#holes.get(partition)?.at
  }
}

/** Whether the batch goes on where reading is, and has a record for each offset that is not absent. */
export function isWhole({ records, span }: Batch, next: number): boolean {
  if (span.from !== next) return false
  let offsets = span.next - span.from - records.length
  for (const absent of span.absent) offsets -= absent.next - absent.from
  return offsets === 0
}

/** What of the batch comes next, up to the first record that is missing; `undefined`: nothing. */
export function soundPart(batch: Batch, next: number): Batch | undefined {
  const { records, span } = batch
  if (span.from > next || span.next <= next) return undefined
  const sound: LogRecord[] = []
  let position = next
  for (const record of records) {
    if (record.offset < position) continue
    if (passOver(span.absent, position, record.offset) < record.offset) break
    sound.push(record)
    position = record.offset + 1
  }
  position = passOver(span.absent, position, span.next)
  return position === next ? undefined : { ...batch, records: sound, span: { from: next, next: position, absent: span.absent } }
}

/** How far absent offsets alone reach from here. */
function passOver(absent: readonly OffsetRange[], from: number, limit: number): number {
  let position = from
  for (const range of absent) if (range.from <= position && range.next > position) position = Math.min(range.next, limit)
  return position
}
