/** Bodies that came before their turn and are kept, at most. */
const EARLY_MAX = 16

export type Taken =
  /** It had its turn, and so had what waited for it. */
  | 'taken'
  /** It was taken before: its answer got lost, and it was sent again. */
  | 'repeated'
  /** It waits for those before it. */
  | 'early'
  /** Too much waits already. */
  | 'refused'

/** Puts the requests of one receiver into the order in which it numbered them, and takes each once. */
export class HttpInbox {
  readonly #handle: (body: string) => void
  readonly #early = new Map<number, string>()
  readonly #earlyLengthMax: number
  #earlyLength = 0
  #next = 1

  /** @param earlyLengthMax characters that may wait for their turn, over all bodies. */
  constructor(handle: (body: string) => void, earlyLengthMax: number) {
    this.#handle = handle
    this.#earlyLengthMax = earlyLengthMax
  }

  take(number: number, body: string): Taken {
    if (number < this.#next || this.#early.has(number)) return 'repeated'
    if (number > this.#next) {
      if (number > this.#next + EARLY_MAX || this.#earlyLength + body.length > this.#earlyLengthMax) return 'refused'
      this.#early.set(number, body)
      this.#earlyLength += body.length
      return 'early'
    }
    for (let due: string | undefined = body; due !== undefined; due = this.#takeEarly()) {
      this.#next++
      this.#handle(due)
    }
    return 'taken'
  }

  #takeEarly(): string | undefined {
    const body = this.#early.get(this.#next)
    if (body === undefined) return undefined
    this.#early.delete(this.#next)
    this.#earlyLength -= body.length
    return body
  }
}
