/**
 * Upper bounds in seconds, the same for whatever is measured. Small ones for quotes on their way, which takes milliseconds;
 * 1.5, 2 and 2.5 are where push nodes, gateways and clients call data stale (docs/decisions/0021-histograms.md).
 */
export const BOUNDS_SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10, 30]

/** How long things took, counted by fixed bounds. Observing adds to numbers and allocates nothing. */
export class Histogram {
  /** By bound, how many took that long or less, and more than the bound before; the last are those above all bounds. */
  readonly counts = new Float64Array(BOUNDS_SECONDS.length + 1)
  sumSeconds = 0

  /** @param ms less than nothing, by clocks that differ, counts as nothing. */
  observe(ms: number): void {
    const seconds = ms > 0 ? ms / 1000 : 0
    let bucket = 0
    while (bucket < BOUNDS_SECONDS.length && seconds > BOUNDS_SECONDS[bucket]!) bucket++
    this.counts[bucket]!++
    this.sumSeconds += seconds
  }
}
