/** Questions to another thread, which may be blocked: each is answered, or is not in time. */
export class Answers<T> {
  readonly #deadlineMs: number
  readonly #waiting = new Map<number, { readonly resolve: (answer: T | undefined) => void; readonly timer: NodeJS.Timeout }>()
  #last = 0

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs
  }

  /** @returns the answer; `undefined`: none came. */
  ask(send: (id: number) => void, deadlineMs = this.#deadlineMs): Promise<T | undefined> {
    const id = ++this.#last
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answered(id, undefined), deadlineMs)
      this.#waiting.set(id, { resolve, timer })
      send(id)
    })
  }

  answered(id: number, answer: T | undefined): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    waiting?.resolve(answer)
  }
}
