/** Time as the client sees it. Injected, so that a seeded simulation can run hours in seconds. */
export interface Clock {
  /** Steady milliseconds since the Unix epoch, with fractions. Never goes back. */
  nowMs(): number
  /** Calls back once, `delayMs` from now. Cancelling twice is harmless. */
  after(delayMs: number, callback: () => void): Timer
  /**
   * Sum of the forward steps that were needed because monotonic time stood still (the machine slept) or the wall clock
   * was set, in ms. When it grows, offsets to other clocks have to be estimated anew. Absent: there are no steps.
   */
  readonly steppedMs?: number
}

export interface Timer {
  cancel(): void
}

/** Wall and monotonic time may part by this much before we believe that the machine slept. */
const SLEEP_THRESHOLD_MS = 1_000
/** What `setTimeout` can take. */
const DELAY_MAX_MS = 2 ** 31 - 1

/**
 * The clock of the machine. Monotonic time stands still while a laptop or a phone sleeps, and a quote would then look
 * as fresh after an hour's sleep as before. So wall time is watched next to it, and where it ran ahead, the difference
 * is added: after a sleep that is right, and after somebody set the clock forward it errs to the side of "stale",
 * until the next pulse; no gateway is left for it.
 */
export function createSystemClock(monotonicMs = () => performance.now(), wallMs = () => Date.now()): Clock {
  const startMs = wallMs() - monotonicMs()
  let steppedMs = 0
  return {
    nowMs() {
      const steadyMs = monotonicMs()
      const aheadMs = wallMs() - (startMs + steadyMs)
      if (aheadMs > steppedMs + SLEEP_THRESHOLD_MS) steppedMs = aheadMs
      return startMs + steadyMs + steppedMs
    },
    after(delayMs, callback) {
      const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), DELAY_MAX_MS))
      return { cancel: () => clearTimeout(handle) }
    },
    get steppedMs() {
      return steppedMs
    },
  }
}
