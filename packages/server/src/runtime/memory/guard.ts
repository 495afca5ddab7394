import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { MemoryReading } from './reading.ts'

/** Who holds memory for others asks this. */
export interface MemoryPressure {
  /** Nothing new is to be taken on. */
  readonly isShort: boolean
  /** `null`: nothing has to be given up now. Each order is taken once. */
  takeOrder(): ShedOrder | null
}

/** Something has to be given up. */
export interface ShedOrder {
  /** For people: what takes how much of what. */
  readonly why: string
  /** Part of what can be given up, 0 to 1. */
  readonly part: number
}

export const NO_PRESSURE: MemoryPressure = { isShort: false, takeOrder: () => null }

export interface MemoryGuardOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly read: () => MemoryReading
  /** A full collection now, however long it takes. */
  readonly collect: () => void
  /** Percent of a limit above which memory is short. */
  readonly shedAbovePercent: number
  /** Memory became so short that the process may not live: time for a report. */
  readonly onCritical: (message: string) => void
}

const CHECK_INTERVAL_MS = 250
/** What was given up takes a moment to let go of what it held. */
const ORDER_INTERVAL_MS = 500
/**
 * What was given up shows after the next full collection. Until then nothing more is ordered, for nobody knows whether it is
 * needed. With the load gone V8 may not see a reason to collect for many seconds, so after this time it is told to.
 */
const COLLECT_AFTER_MS = 500
/** Collections that are ordered take at most one part in so many of the time. */
const COLLECT_SHARE = 10
/** What is given up at first, and never less than that. */
const PART_MIN = 0.2
/** Never more at once, for an estimate is an estimate. */
const PART_MAX = 0.5
/** Memory is not short any more this far below where it was. */
const RELIEF_PERCENT = 5
/** At the midpoint between short and full a report is due, as long as one can still be made. */
const CRITICAL_PART = 0.5
const MIB = 1024 ** 2

/** Looks at the process's memory and says when it runs short, while there is still room to do something about it. */
export class MemoryGuard implements MemoryPressure, Disposable {
  readonly #options: MemoryGuardOptions
  readonly #timer: Timer
  #isShort = false
  #isCritical = false
  #why = ''
  #percent = 0
  #orderedAtMs = -Infinity
  /** The last order of this shortage, and how much memory was in use when it was taken; `null`: it is the first. */
  #last: { readonly part: number; readonly percent: number } | null = null
  /** Full collections when the last order was taken, and now. */
  #orderedAt = -1
  #collections = 0
  #collectNotBeforeMs = -Infinity

  constructor(options: MemoryGuardOptions) {
    this.#options = options
    this.#timer = options.clock.every(CHECK_INTERVAL_MS, () => this.#check())
  }

  get isShort(): boolean {
    return this.#isShort
  }

  takeOrder(): ShedOrder | null {
    const nowMs = this.#options.clock.nowMs()
    if (!this.#isShort || nowMs - this.#orderedAtMs < ORDER_INTERVAL_MS || !this.#shows) return null
    this.#orderedAtMs = nowMs
    this.#orderedAt = this.#collections
    const part = this.#part()
    this.#last = { part, percent: this.#percent }
    return { why: this.#why, part }
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  /** As much as it takes, going by what the last order brought. */
  #part(): number {
    if (this.#last === null) return PART_MIN
    const { part, percent } = this.#last
    const gained = percent - this.#percent
    const missing = this.#percent - (this.#options.shedAbovePercent - RELIEF_PERCENT)
    return gained <= 0 ? PART_MAX : Math.min(PART_MAX, Math.max(PART_MIN, (part * missing) / gained))
  }

  /** Whether what was last given up is in the figures. */
  get #shows(): boolean {
    return this.#collections !== this.#orderedAt
  }

  #collect(): void {
    const { clock, collect } = this.#options
    const startMs = clock.nowMs()
    if (startMs < Math.max(this.#orderedAtMs + COLLECT_AFTER_MS, this.#collectNotBeforeMs)) return
    collect()
    const endMs = clock.nowMs()
    this.#collectNotBeforeMs = endMs + (endMs - startMs) * (COLLECT_SHARE - 1)
  }

  #check(): void {
    const { shedAbovePercent, logger, onCritical } = this.#options
    if (this.#isShort && !this.#shows) this.#collect()
    const reading = this.#options.read()
    this.#collections = reading.collections
    const { percent, why } = worst(reading)
    this.#why = why
    this.#percent = percent
    const floor = this.#isShort ? shedAbovePercent - RELIEF_PERCENT : shedAbovePercent
    const wasShort = this.#isShort
    this.#isShort = percent > floor
    if (!this.#isShort) this.#last = null
    if (this.#isShort && !wasShort)
      logger.warn('memory_short', `${why}: no new sessions are taken, the slowest are cut`, { percent: Math.round(percent) })
    if (!this.#isShort && wasShort) logger.info('memory_relieved', why, { percent: Math.round(percent) })
    const isCritical = percent > shedAbovePercent + (100 - shedAbovePercent) * CRITICAL_PART
    if (isCritical && !this.#isCritical) {
      logger.error('memory_critical', why, { percent: Math.round(percent) })
      onCritical(why)
    }
    // One report per shortage, not one per look.
    this.#isCritical = isCritical || (this.#isCritical && this.#isShort)
  }
}

/** Of the limits the one that is nearer. */
function worst({ heapBytes, heapLimitBytes, processBytes, processLimitBytes }: MemoryReading): { percent: number; why: string } {
  const heap = (100 * heapBytes) / heapLimitBytes
  const whole = (100 * processBytes) / processLimitBytes
  const [percent, what, used, limit] =
    heap >= whole ? [heap, 'the heap', heapBytes, heapLimitBytes] : [whole, 'the process', processBytes, processLimitBytes]
  return { percent, why: `${what} takes ${Math.round(used / MIB)} of ${Math.round(limit / MIB)} MiB` }
}
