import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { MemoryReading } from './reading.ts'

/** Who holds memory for others asks this. */
export interface MemoryPressure {
  /** Nothing new is to be taken on. */
  readonly isShort: boolean
  /** Why something has to be given up now; `null` when nothing has. Each order is taken once. */
  takeOrder(): string | null
}

export const NO_PRESSURE: MemoryPressure = { isShort: false, takeOrder: () => null }

export interface MemoryGuardOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly read: () => MemoryReading
  /** Percent of a limit above which memory is short. */
  readonly shedAbovePercent: number
  /** Memory became so short that the process may not live: time for a report. */
  readonly onCritical: (message: string) => void
}

const CHECK_INTERVAL_MS = 250
/** What was given up is not free before the next collections. */
const ORDER_INTERVAL_MS = 500
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
  #orderedAtMs = -Infinity

  constructor(options: MemoryGuardOptions) {
    this.#options = options
    this.#timer = options.clock.every(CHECK_INTERVAL_MS, () => this.#check())
  }

  get isShort(): boolean {
    return this.#isShort
  }

  takeOrder(): string | null {
    const nowMs = this.#options.clock.nowMs()
    if (!this.#isShort || nowMs - this.#orderedAtMs < ORDER_INTERVAL_MS) return null
    this.#orderedAtMs = nowMs
    return this.#why
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #check(): void {
    const { shedAbovePercent, logger, onCritical } = this.#options
    const { percent, why } = worst(this.#options.read())
    this.#why = why
    const floor = this.#isShort ? shedAbovePercent - RELIEF_PERCENT : shedAbovePercent
    const wasShort = this.#isShort
    this.#isShort = percent > floor
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
