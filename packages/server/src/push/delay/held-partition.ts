import { decodePulse, isPulseKey } from '../../feeds/index.ts'
import type { LogEvent, LogRecord } from '../../log/index.ts'

type Batch = Extract<LogEvent, { kind: 'records' }>
type Jump = Extract<LogEvent, { kind: 'jumped' }>

/**
 * A record is in the log before the pulse behind it is, so a time that lies further ahead of that pulse's is a wrong
 * clock: it is given so much, which is more than an append takes, and no more.
 */
const AHEAD_MS_MAX = 5000

export interface HoldLimits {
  readonly delayMs: number
  /** Bytes of values held. More than that without a pulse is let go of, and read again once a pulse behind it was found. */
  readonly bytesMax: number
}

/** Records up to and with a pulse, and when the last of them is old enough. */
interface Segment {
  /** The offset behind the pulse. */
  readonly next: number
  readonly ripeAtMs: number
}

/**
 * What was read of a partition and may not be given yet. A record may go once a pulse behind it is as old as the delay,
 * and it is itself. Neither alone would do: a producer can set any time, and a pulse that waited for its append is older
 * than records that came before it.
 */
export class HeldPartition {
  /** The next offset to be given; −1 before reading began. */
  next = -1
  /** Whether what comes is that of a reading which has begun: what an earlier one fetched may still be on its way. */
  isStarted = false
  readonly #limits: HoldLimits
  #held: (Batch | Jump)[] = []
  #bytes = 0
  #segments: Segment[] = []
  /** Pulses up to here are in the segments, or were. */
  #scannedTo = -1
  #clearedTo = -1
  /** The newest time of a record since the last pulse. */
  #newestMs = -Infinity
  #isDropping = false

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  /** When something may go next; Infinity while nobody knows: a pulse has to be found first. */
  get ripeAtMs(): number {
    return this.#segments[0]?.ripeAtMs ?? Infinity
  }

  /** Whether nothing that is held can be waited for. */
  get wantsMore(): boolean {
    if (this.#segments.length === 0) return true
    return this.#held.length === 0 && !this.#isDropping && this.next < this.#clearedTo
  }

  /** Where reading goes on: behind what is held, or where that begins which was let go of. */
  get resumeAt(): number {
    const last = this.#held.at(-1)
    if (last === undefined) return this.next
    return last.kind === 'records' ? last.span.next : last.offset
  }

  /** Bytes of values that are held. */
  get bytes(): number {
    return this.#bytes
  }

  jump(event: Jump): void {
    // The log has fewer records than it had: what is known of offsets behind that is known of others.
    if (event.offset < this.#scannedTo) this.#forget(event.offset)
    // Of what was let go of, it is met again when that is read again.
    if (!this.#isDropping) this.#held.push(event)
  }

  put(batch: Batch, nowMs: number): void {
    for (const record of batch.records) {
      if (record.offset >= this.#scannedTo) this.#scan(record, nowMs)
      if (!this.#isDropping) this.#bytes += sizeOf(record)
    }
    this.#scannedTo = Math.max(this.#scannedTo, batch.span.next)
    if (!this.#isDropping) this.#held.push(batch)
    // What is cleared goes at once, however much it is.
    if (this.#bytes <= this.#limits.bytesMax || this.#segments.length > 0 || batch.span.next <= this.#clearedTo) return
    this.#isDropping = true
    this.#held = []
    this.#bytes = 0
  }

  /** What may go now; `null`: nothing. */
  take(nowMs: number): Batch | Jump | null {
    while (this.ripeAtMs <= nowMs) {
      this.#clearedTo = this.#segments.shift()!.next
      this.#isDropping = false
    }
    const first = this.#held[0]
    if (first === undefined) return null
    if (first.kind === 'jumped') {
      this.#held.shift()
      this.next = first.offset
      return first
    }
    const { span } = first
    if (span.from >= this.#clearedTo) return null
    const cleared = Math.min(span.next, this.#clearedTo)
    const part = cleared === span.next ? first : partOf(first, span.from, cleared)
    if (part === first) this.#held.shift()
    else this.#held[0] = partOf(first, cleared, span.next)
    for (const record of part.records) this.#bytes -= sizeOf(record)
    this.next = cleared
    // What is still too young does not count as a backlog.
    return this.#segments.length > 0 && cleared === this.#clearedTo ? { ...part, highWatermark: cleared } : part
  }

  #forget(from: number): void {
    this.#held = []
    this.#bytes = 0
    this.#segments = []
    this.#scannedTo = from
    this.#clearedTo = -1
    this.#newestMs = -Infinity
    this.#isDropping = false
  }

  #scan(record: LogRecord, nowMs: number): void {
    const { key, value, timestampMs, offset } = record
    const isTime = timestampMs >= 0 && timestampMs <= nowMs + AHEAD_MS_MAX
    const pulse = key !== null && isPulseKey(key) ? decodePulse(value) : undefined
    // A writer whose clock is wrong by days must not hold the feed up for as long: others write too.
    if (pulse === undefined || pulse.atMs > nowMs + AHEAD_MS_MAX) {
      if (isTime && key !== null && !isPulseKey(key)) this.#newestMs = Math.max(this.#newestMs, timestampMs)
      return
    }
    const writtenAtMs = isTime ? Math.max(pulse.atMs, timestampMs) : pulse.atMs
    const newestMs = Math.max(writtenAtMs, Math.min(this.#newestMs, writtenAtMs + AHEAD_MS_MAX))
    this.#newestMs = -Infinity
    this.#segments.push({ next: offset + 1, ripeAtMs: Math.max(newestMs + this.#limits.delayMs, this.#segments.at(-1)?.ripeAtMs ?? 0) })
  }
}

/** The batch from one offset up to, and without, another. Either is the batch's own, or that behind a record. */
function partOf(batch: Batch, from: number, next: number): Batch {
  const isWithin = (offset: number): boolean => offset >= from && offset < next
  return {
    ...batch,
    records: batch.records.filter(({ offset }) => isWithin(offset)),
    span: { from, next, absent: batch.span.absent.filter((range) => isWithin(range.from)) },
  }
}

/** A record is more than its value: without this, a million empty ones would cost nothing. */
const RECORD_BYTES = 64

function sizeOf({ value }: LogRecord): number {
  return RECORD_BYTES + (value?.length ?? 0)
}
