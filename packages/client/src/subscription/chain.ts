import type { AnswerState, ReceivedImage } from '@pulsewire/protocol'
import type { Held } from './decide.ts'

/**
 * - `deliver`: it follows what is held.
 * - `repair`: records are missing: ask for them once, from the position held.
 * - `gap`: they are still missing after asking: deliver, and say so.
 * - `defer`: as `repair`, but this session does not serve yet; the one that does may still bring them.
 */
export type ChainDecision = 'deliver' | 'repair' | 'gap' | 'defer'

/** What a row of delivery `every` knows of how its updates follow one another. */
export class Chain {
  #answer: AnswerState = 'empty'
  /** No update was delivered since the answer. */
  #first = true
  /** The sender has lost what lies before the first update. */
  #lost = false
  /** Missing records are asked for; what comes before the answer is dropped. */
  #repairing = false
  /** Asked once already; a hole that is still there is a gap. */
  #repaired = false
  /** A session that does not serve yet had a hole here; looked at when it serves. */
  #deferred = false

  get repairing(): boolean {
    return this.#repairing
  }

  /** Whether there is a hole that may yet be filled. */
  get hasHole(): boolean {
    return this.#repairing || this.#deferred
  }

  /** The sender answered, for the first time or once more. */
  answered(answer: AnswerState): void {
    if (this.#repairing) this.#repaired = true
    this.#repairing = false
    this.#answer = answer
    this.#lost = false
    this.#first = true
  }

  /** An update came that is not newer than what is held, or one that nothing is compared with. */
  passed(): void {
    this.#first = false
  }

  delivered(): void {
    this.#first = false
    this.#lost = false
    this.#repaired = false
  }

  /** What to do with an update that is newer than what is held. */
  follow(image: ReceivedImage, held: Held, serving: boolean): ChainDecision {
    if (!this.#isHole(image, held)) return 'deliver'
    if (!serving) {
      this.#deferred = true
      return 'defer'
    }
    // An answer that did not honour `from` is the outcome of having asked.
    return this.#repaired || (this.#first && !this.#goesOn) ? 'gap' : 'repair'
  }

  /**
   * The sender says that it has lost records. It may know them all the same where they are asked for by position.
   * @returns whether to ask.
   */
  lost(isHeld: boolean, serving: boolean): boolean {
    if (!serving) this.#deferred = true
    else if (!this.#repaired && !this.#repairing && isHeld) return true
    else {
      this.#first = true
      this.#lost = true
    }
    return false
  }

  repair(): void {
    this.#repairing = true
  }

  /** Its session begins to serve. @returns whether there was a hole that it was not to ask about before. */
  takeDeferred(): boolean {
    const was = this.#deferred
    this.#deferred = false
    return was
  }

  #isHole(image: ReceivedImage, held: Held): boolean {
    const chained = image.prev >= 0 && image.generation === held.generation && image.partition === held.partition
    if (chained) return image.prev > held.offset
    if (this.#first) return !this.#goesOn
    // The sender does not know what precedes it: of a snapshot in mid-stream nothing is known, an update follows the last.
    return image.snapshot
  }

  /** Whether the first update is the one after the record that is held. */
  get #goesOn(): boolean {
    return this.#answer === 'recovered' && !this.#lost
  }
}
