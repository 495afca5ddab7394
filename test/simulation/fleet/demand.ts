import type { SimFeed } from './feeds.ts'
import { BURST_RECORDS_MAX } from './producer.ts'

/** Two bursts may come together, and around them what comes on average: single records and more bursts. */
const BURSTS = 2
const RECORDS_PER_WRITE = 3
/** An update of one record in JSON, to within a little. */
const UPDATE_BYTES = 200
/**
 * Behind a burst the next pulse comes when all of it has: with what a pulse is old by then, and the interval of the session,
 * a line that takes longer makes a client stale that nobody has done anything to.
 */
const BURST_WITHIN_MS = 1_000

/** Whether a line carries a burst of each of these feeds in time, to an application that takes every record of it: a feed stands here once for each subscription. */
export function carriesBursts(feeds: readonly Pick<SimFeed, 'ratePerS'>[], bytesPerMs: number): boolean {
  let bytes = 0
  for (const { ratePerS } of feeds) bytes += (BURSTS * BURST_RECORDS_MAX + RECORDS_PER_WRITE * ratePerS) * UPDATE_BYTES
  return bytes <= bytesPerMs * BURST_WITHIN_MS
}
