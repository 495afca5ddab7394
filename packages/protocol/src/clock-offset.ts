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

  /** As it was measured; before the first answer, the least that it can be by what was heard; `undefined`: nothing was. */
  get knownMs(): number | undefined {
    return this.offsetMs ?? (this.#leastMs === -Infinity ? undefined : this.#leastMs)
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
