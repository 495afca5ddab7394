import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { NodeVitals } from './lease.ts'

/** How finely the delay of the event loop is looked at: Node wakes this often for it, and knows no delay that is shorter. */
const RESOLUTION_MS = 20
const NS_PER_MS = 1e6

/** @returns the part of the time that the event loop was busy since the last call, 0 to 1. */
export function eventLoopBusy(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return Math.min(1, Math.max(0, utilization))
  }
}

/** @returns how this process fares, and the longest delay of its event loop since the last call. */
export function processVitals(): () => NodeVitals {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  return () => {
    // What is recorded is the time between two looks, so that much of it is no delay.
    const loopDelayMs = Math.max(0, Math.round(delays.max / NS_PER_MS) - RESOLUTION_MS)
    delays.reset()
    return { uptimeMs: Math.round(performance.now()), loopDelayMs, memoryBytes: process.memoryUsage.rss() }
  }
}
