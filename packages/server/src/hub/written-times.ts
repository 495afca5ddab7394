/** For an acknowledgement that comes 15 s late, the latest that is waited for, at 60 frames a second. */
const KEPT = 1024

/** When the newest pulse frames of a feed were written, by their numbers, which grow. Bounded: the oldest are forgotten. */
export class WrittenTimes {
  readonly #pulses = new Float64Array(KEPT)
  readonly #writtenAtMs = new Float64Array(KEPT)
  #added = 0

  add(pulse: number, writtenAtMs: number): void {
    const at = this.#added++ % KEPT
    this.#pulses[at] = pulse
    this.#writtenAtMs[at] = writtenAtMs
  }

  /** Of the newest frame that is not newer than this pulse; `undefined`: none is known any more. What is asked for is among the last few, as a rule. */
  upTo(pulse: number): number | undefined {
    const end = Math.max(0, this.#added - KEPT)
    for (let index = this.#added - 1; index >= end; index--)
      if (this.#pulses[index % KEPT]! <= pulse) return this.#writtenAtMs[index % KEPT]!
    return undefined
  }
}
