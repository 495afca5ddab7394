/** An estimate that may be off by more is improved soon, and what it may be off by beyond this is taken for age. */
export const CLOCK_ERROR_MAX_MS = 250

/**
 * Estimates how far a peer's steady clock is from ours, from question and answer (`sync` frames), as NTP does: of the
 * recent round trips the shortest one has the least error, which is at most half of it.
 */
export class ClockOffset {
  #samples: { offsetMs: number; roundTripMs: number; atMs: number }[] = []
  readonly #samplesMax: number
  #leastMs = -Infinity

  /** @param samplesMax how many recent samples compete; old ones go, so that slow drift is followed. */
  constructor(samplesMax = 8) {
    this.#samplesMax = samplesMax
  }

  /** @param sentAtMs, receivedAtMs our clock; `peerAtMs` the peer's, between the two. */
  add(sentAtMs: number, peerAtMs: number, receivedAtMs: number): void {
    const roundTripMs = Math.max(0, receivedAtMs - sentAtMs)
    this.#samples.push({ offsetMs: peerAtMs - (sentAtMs + receivedAtMs) / 2, roundTripMs, atMs: receivedAtMs })
    if (this.#samples.length > this.#samplesMax) this.#samples.shift()
  }

  /** Something came that the peer had composed at this time of its clock: by now that shows at least as much. */
  heard(peerAtMs: number, nowMs: number): void {
    this.#leastMs = Math.max(this.#leastMs, peerAtMs - nowMs)
  }

  /**
   * What freshness is judged by: as it was measured, and on a line where the two ways may differ by a lot, so much more that
   * nothing is taken for younger than it is by more than `CLOCK_ERROR_MAX_MS`. Before the first answer, the least that it can
   * be by what was heard; `undefined`: nothing was.
   */
  get knownMs(): number | undefined {
    const best = this.#best
    if (best === undefined) return this.#leastMs === -Infinity ? undefined : this.#leastMs
    return best.offsetMs + Math.max(0, best.roundTripMs / 2 - CLOCK_ERROR_MAX_MS)
  }

  /** Whether it is known well enough. */
  get isGood(): boolean {
    const { errorMs } = this
    return errorMs !== undefined && errorMs <= CLOCK_ERROR_MAX_MS
  }

  /** Peer's clock minus ours in ms, or `undefined` before the first answer. */
  get offsetMs(): number | undefined {
    return this.#best?.offsetMs
  }

  /** Bound of the estimate's error in ms. */
  get errorMs(): number | undefined {
    const best = this.#best
    return best === undefined ? undefined : best.roundTripMs / 2
  }

  get #best() {
    let best = this.#samples[0]
    for (const sample of this.#samples) if (best === undefined || sample.roundTripMs < best.roundTripMs) best = sample
    return best
  }
}
