import type { LeasedService } from '../directory/index.ts'
import type { SessionCounts } from '../session/index.ts'

type End = keyof SessionCounts['ended']

const ERRORS: readonly End[] = ['internal_error']
/** Neither side meant it, nor did the receiver break a rule. */
const DISCONNECTS: readonly End[] = ['lost', 'slow_consumer', 'overloaded', 'not_ready', 'keys_unavailable', ...ERRORS]

/** How a gateway's receivers fared, as its lease says it. */
export function serviceForLease({ opened, ended, latency }: SessionCounts): LeasedService {
  const sum = (ends: readonly End[]) => ends.reduce((total, end) => total + ended[end], 0)
  let latencyCount = 0
  let latencySumMs = 0
  for (const [, { counts, sumSeconds }] of latency) {
    for (const count of counts) latencyCount += count
    latencySumMs += sumSeconds * 1000
  }
  return { opened, disconnects: sum(DISCONNECTS), errors: sum(ERRORS), latencyCount, latencySumMs: Math.round(latencySumMs) }
}
