export interface MemorySample {
  readonly atMs: number
  readonly bytes: number
}

/**
 * Bytes per minute, as the median of the slopes between all pairs (Theil, Sen), which a few outliers, such as a minute in
 * which one gateway served everybody, do not bend. 0 with fewer than two samples.
 */
export function slopePerMinute(samples: readonly MemorySample[]): number {
  const slopes = samples.flatMap((a, i) =>
    samples.slice(i + 1).flatMap((b) => (b.atMs === a.atMs ? [] : [((b.bytes - a.bytes) / (b.atMs - a.atMs)) * 60_000])),
  )
  return median(slopes)
}

/** 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
