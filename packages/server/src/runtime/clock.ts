/**
 * Time, as everything that decides by it sees it. Injected, so that a seeded simulation can run hours in seconds.
 *
 * There is no wall clock here on purpose: `nowMs` is the Unix time at process start plus monotonic time since, so it
 * can be compared between nodes after offset estimation and yet never jumps when somebody sets the machine's clock.
 */
export interface Clock {
  /** Steady milliseconds since the Unix epoch, with fractions. Never goes back. */
  nowMs(): number
  /** Calls back once, `delayMs` from now. The handle cancels; cancelling twice is harmless. */
  after(delayMs: number, callback: () => void): Timer
  /** Calls back once everything that is already waiting to run has run: the end of this turn. */
  soon(callback: () => void): void
  /** Calls back every `intervalMs`, first after one interval; late calls are not made up for. */
  every(intervalMs: number, callback: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
  soon(callback) {
    setImmediate(callback)
  },
  every(intervalMs, callback) {
    const handle = setInterval(callback, intervalMs)
    return { cancel: () => clearInterval(handle) }
  },
}
