/** Questions to another thread, which may be blocked: each is answered, or is not in time. */
export class Answers<T> {
  readonly #deadlineMs: number
  readonly #waiting = new Map<number, (answer: T | undefined) => void>()
  #last = 0

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
  }

  /** @returns the answer; `undefined`: none came. */
  ask(send: (id: number) => void): Promise<T | undefined> {
    const id = ++this.#last
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      setTimeout(() => this.answered(id, undefined), this.#deadlineMs)
      send(id)
    })
  }

  answered(id: number, answer: T | undefined): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
