import type { PulseRecord } from '../feeds/index.ts'

/**
 * Brings the times of pulse writers into this node's clock. There is no round trip through a log, so the skew cannot be
 * measured as between two nodes; but no pulse arrives before it was written, and at the end of the log the fastest ones
 * arrive at once. So the least difference seen is taken for skew, as soon as it is more than a fast log would explain.
 */

/** Differences up to this are taken for travel time, not for skew. */
const PLAUSIBLE_TRAVEL_MS = 250
const WINDOW_MS = 60_000

interface Window {
  /** Per partition, the sequence of the writer's last pulse. */
  readonly sequences: number[]
  leastMs: number
  previousLeastMs: number
  startedAtMs: number
}

export class WriterClocks {
  readonly #windows = new Map<string, Window>()

  get size(): number {
    return this.#windows.size
  }

  /**
   * @param pulse as it was read, in the order of its partition. A sequence that begins anew is that of a writer that was
   * restarted, perhaps on another machine: its clock is another.
   * @param atTail whether the reader had read everything there was: only then is a pulse's delay not a backlog's.
   * @returns when the pulse was written, by this node's clock.
   */
  writtenAtMs({ writer, sequence, atMs }: PulseRecord, partition: number, arrivedAtMs: number, atTail: boolean): number {
    const differenceMs = arrivedAtMs - atMs
    let window = this.#windows.get(writer)
    if (window === undefined || sequence <= (window.sequences[partition] ?? -1)) {
      if (this.#windows.size > 64) this.#windows.clear()
      window = { sequences: [], leastMs: Infinity, previousLeastMs: Infinity, startedAtMs: arrivedAtMs }
      this.#windows.set(writer, window)
    }
    window.sequences[partition] = sequence
    if (arrivedAtMs - window.startedAtMs > WINDOW_MS) {
      window.previousLeastMs = window.leastMs
      window.leastMs = Infinity
      window.startedAtMs = arrivedAtMs
    }
    // A difference below zero proves skew, wherever the reader stands.
    if (atTail || differenceMs < 0) window.leastMs = Math.min(window.leastMs, differenceMs)
    return atMs + skewOf(Math.min(window.leastMs, window.previousLeastMs))
  }
}

function skewOf(leastMs: number): number {
  return leastMs === Infinity || (leastMs >= 0 && leastMs <= PLAUSIBLE_TRAVEL_MS) ? 0 : leastMs
}
