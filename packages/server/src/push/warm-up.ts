import type { PartitionRange, PartitionStart } from '../log/index.ts'
import type { ReadFeed } from '../runtime/config/index.ts'

/** Where reading of a partition begins that was not read before: as far back as the images need. */
export function warmUpStart(range: PartitionRange, { spanMs, recordsMax }: ReadFeed['warmup'], nowMs: number): PartitionStart['start'] {
  if (spanMs === 0 || recordsMax === 0) return { at: 'latest' }
  // By count when the topic holds more than that, else by time.
  if (range.latest - range.earliest > recordsMax) return { at: 'offset', offset: range.latest - recordsMax }
  return { at: 'time', timestampMs: Math.floor(nowMs - spanMs) }
}
