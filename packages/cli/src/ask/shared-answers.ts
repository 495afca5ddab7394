import type { Clock } from '@pulsewire/server'

interface Kept<T> {
  readonly answer: Promise<T>
  /** When it came; `null`: it is still asked for. */
  atMs: number | null
}

/** The same question of several is put once: who asks while it is under way, or soon after, gets the same answer. */
export class SharedAnswers<T> {
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #kept = new Map<string, Kept<T>>()

  /** @param keepMs how old an answer, or why there is none, may be. */
  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock
    this.#keepMs = keepMs
  }

  of(question: string, ask: () => Promise<T>): Promise<T> {
    this.#forget()
    const known = this.#kept.get(question)
    if (known !== undefined) return known.answer
    const kept: Kept<T> = { answer: ask(), atMs: null }
    this.#kept.set(question, kept)
    const came = (): void => {
      kept.atMs = this.#clock.nowMs()
    }
    kept.answer.then(came, came)
    return kept.answer
  }

  #forget(): void {
    const sinceMs = this.#clock.nowMs() - this.#keepMs
    for (const [question, { atMs }] of this.#kept) if (atMs !== null && atMs <= sinceMs) this.#kept.delete(question)
  }
}
