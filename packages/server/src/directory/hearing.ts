import type { Directory } from './directory.ts'

/** So many lives after beats came back, whoever has still not been heard is judged like anybody else. */
const LIVES_TO_RETURN_IN = 3
/**
 * Part of a life after which it does not count that nothing came: beats are at most a third of a life apart, and this
 * reader's own are among them.
 */
const DEAF_AFTER_LIVES = 0.4

/**
 * Whether the control topic brings anything, which decides whether silence says something about a node.
 *
 * The view turns `degraded` after half a life of silence: one beat interval before the first lease could run out, so that
 * nobody is judged by the very silence that takes the judge's own beats as well. A shorter silence, or one that ends with
 * a single beat, judges nobody either: what it lasts is no part of anybody's life, because whoever was not heard in it could
 * not be.
 */
export class Hearing {
  readonly #lifeMs: number
  #view: Directory['view'] = 'loading'
  #sinceMs: number
  /** Since when reading has been at the end of the topic; nothing read before that is news. */
  #readBackAtMs: number | null = null
  #heardAtMs: number | null = null
  /** The topic could not be read at some moment since something came. */
  #wasCutOff = false
  /** While degraded: since when beats come again. */
  #resumedAtMs: number | null = null

  constructor(lifeMs: number, nowMs: number) {
    this.#lifeMs = lifeMs
    this.#sinceMs = nowMs
  }

  get view(): Directory['view'] {
    return this.#view
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  get isReadBack(): boolean {
    return this.#readBackAtMs !== null
  }

  readBack(nowMs: number): void {
    this.#readBackAtMs ??= nowMs
  }

  /**
   * Something came, whatever it is, that was not there before reading began.
   * @returns for how long before nobody could be heard, in ms.
   */
  heard(nowMs: number): number {
    const deafMs = this.isDeaf(nowMs) ? nowMs - this.#heardAtMs! : 0
    this.#heardAtMs = nowMs
    this.#wasCutOff = false
    if (this.#view === 'degraded') this.#resumedAtMs ??= nowMs
    return deafMs
  }

  /** The topic cannot be read now. */
  cutOff(): void {
    this.#wasCutOff = true
  }

  /** Whether it says nothing of a node now that it is not heard. */
  isDeaf(nowMs: number): boolean {
    return this.#heardAtMs !== null && (this.#wasCutOff || nowMs - this.#heardAtMs > this.#lifeMs * DEAF_AFTER_LIVES)
  }

  /** This process stood still: whatever it did not hear meanwhile may have been said. */
  stoodStill(nowMs: number): void {
    if (this.#view === 'loading') return
    this.#resumedAtMs = null
    this.#change('degraded', nowMs)
  }

  /** @param awaitsSome some node is still to be heard: one that was read back, or is kept. @returns whether the view changed. */
  judge(nowMs: number, awaitsSome: boolean): boolean {
    const before = this.#view
    const isSilent = this.#heardAtMs === null || nowMs - this.#heardAtMs > this.#lifeMs / 2
    if (isSilent) {
      this.#resumedAtMs = null
      // Before anything was heard there is nothing to keep.
      if (this.#heardAtMs !== null) this.#change('degraded', nowMs)
    } else if (this.#view === 'loading') {
      if (!awaitsSome || nowMs - this.#readBackAtMs! >= this.#lifeMs) this.#change('current', nowMs)
    } else if (this.#view === 'degraded' && this.#resumedAtMs !== null) {
      const heardForMs = nowMs - this.#resumedAtMs
      if (heardForMs >= this.#lifeMs * (awaitsSome ? LIVES_TO_RETURN_IN : 1)) this.#change('current', nowMs)
    }
    return this.#view !== before
  }

  #change(view: Directory['view'], nowMs: number): void {
    if (view === this.#view) return
    this.#view = view
    this.#sinceMs = nowMs
    this.#resumedAtMs = null
  }
}
