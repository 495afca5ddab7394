import type { Clock } from '../../runtime/clock.ts'
import type { HandedGateway } from './hand-out.ts'

export interface AnswerMemoryLimits {
  /** Answers kept; the oldest go first. */
  readonly entriesMax: number
  /** In ms. */
  readonly keptForMs: number
}

/** What a client said of itself, and what it was given. */
export interface GivenAnswer {
  readonly user: string
  /** Name and version of what asked, as it says; empty: it does not say. */
  readonly client: string
  readonly zone: string
  readonly track: string
  /** Empty: there were none to give. */
  readonly gateways: readonly HandedGateway[]
  readonly connectAfterMs: number
  readonly degraded: boolean
  /** A gateway had just refused it. */
  readonly refused: boolean
}

export interface RememberedAnswer extends GivenAnswer {
  /** By the balancer's steady clock. */
  readonly atMs: number
}

/** Of one user, the newest. */
const FOUND_MAX = 20
const NAME_CHARS_MAX = 128

/** The newest answers that were given to users, within bounds in entries and time. Others are not remembered: nobody could ask for them. */
export class AnswerMemory {
  readonly #limits: AnswerMemoryLimits
  readonly #clock: Clock
  /** Grows up to `entriesMax`; from then on the newest takes the place of the oldest. */
  readonly #ring: (RememberedAnswer | undefined)[] = []
  #first = 0
  #size = 0
  #sinceMs: number

  constructor(limits: AnswerMemoryLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#sinceMs = clock.nowMs()
  }

  get size(): number {
    return this.#size
  }

  /** Since when nothing was let go. */
  get sinceMs(): number {
    this.#forgetOld()
    return this.#sinceMs
  }

  note(answer: GivenAnswer): void {
    this.#forgetOld()
    if (this.#size === this.#limits.entriesMax) this.#forgetOne()
    const atMs = Math.round(this.#clock.nowMs())
    this.#ring[this.#at(this.#size++)] = { ...answer, client: answer.client.slice(0, NAME_CHARS_MAX), atMs }
  }

  /** The newest of the user, oldest first. */
  of(user: string): RememberedAnswer[] {
    this.#forgetOld()
    const found: RememberedAnswer[] = []
    for (let i = this.#size - 1; i >= 0 && found.length < FOUND_MAX; i--) {
      const answer = this.#ring[this.#at(i)]!
      if (answer.user === user) found.push(answer)
    }
    return found.reverse()
  }

  #at(index: number): number {
    return (this.#first + index) % this.#limits.entriesMax
  }

  #forgetOld(): void {
    const oldestMs = this.#clock.nowMs() - this.#limits.keptForMs
    while (this.#size > 0 && this.#ring[this.#first]!.atMs < oldestMs) this.#forgetOne()
  }

  #forgetOne(): void {
    this.#sinceMs = this.#ring[this.#first]!.atMs + 1
    this.#ring[this.#first] = undefined
    this.#first = this.#at(1)
    this.#size--
  }
}
