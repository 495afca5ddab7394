import type { PulseAckFrame } from '@pulsewire/protocol'

/** What the receiver should hold when it has taken a pulse. */
interface Expected {
  readonly pulse: number
  readonly count: number
  readonly digest: number
  /** Whether every answer had been given; while one is owed, the two sets differ rightly. */
  readonly settled: boolean
}

/** Pulses on their way that are kept for comparison. On a line so long that more are, every 16th or so is compared. */
const EXPECTED_MAX = 16
/** Acknowledgements in a row that have to differ. */
const MISMATCHES = 2

/** `different`: beyond doubt. `same` too where there was nothing to compare. */
export type Verdict = 'same' | 'doubtful' | 'different'

/** Compares the digests that a receiver acknowledges pulses with to what it was sent. */
export class DigestWatch {
  readonly #expected: Expected[] = []
  #mismatches = 0

  sent(pulse: number, count: number, digest: number, settled: boolean): void {
    if (this.#expected.length < EXPECTED_MAX) this.#expected.push({ pulse, count, digest, settled })
  }

  /** The sender's set was put right: pulses that are on their way tell of the old one. */
  restart(): void {
    this.#expected.length = 0
    this.#mismatches = 0
  }

  compare(ack: PulseAckFrame): Verdict {
    while (this.#expected.length > 0 && this.#expected[0]!.pulse < ack.pulse) this.#expected.shift()
    const expected = this.#expected[0]
    if (expected?.pulse !== ack.pulse) return 'same'
    this.#expected.shift()
    if (!expected.settled) return 'same'
    if (ack.count === expected.count && ack.digest === expected.digest) {
      this.#mismatches = 0
      return 'same'
    }
    if (++this.#mismatches < MISMATCHES) return 'doubtful'
    this.#mismatches = 0
    return 'different'
  }
}
