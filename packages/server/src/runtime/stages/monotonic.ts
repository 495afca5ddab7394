/**
 * The machine's monotonic clock in ms, the same number in every thread of a process (`performance.now()` begins with
 * its thread). It is not the clock of quotes: nothing but the watchdog compares it.
 */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export function monotonicMs(): number {
  return originMs + performance.now()
}
