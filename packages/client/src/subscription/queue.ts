import { PulsewireError } from '../errors.ts'
import { conflate, type Update } from './update.ts'

/**
 * What stands between a subscription and one `for await`: bounded, whatever the reader does. With `latest` a reader that
 * falls behind finds the newest update of each symbol; with `every` it gets `queueMax` updates and then an error.
 */
export class UpdateQueue implements AsyncIterator<Update, undefined> {
  readonly #queueMax: number
  readonly #onReturn: (queue: UpdateQueue) => void
  /** `latest`: symbol → newest. Order of insertion is order of delivery. */
  readonly #bySymbol = new Map<string, Update>()
  /** `every`: a queue with its read index; cut when half of it was read. */
  #list: Update[] = []
  #read = 0
  #overflow: PulsewireError | undefined
  #done = false
  #error: PulsewireError | undefined
  readonly #waiting: { resolve: (result: IteratorResult<Update, undefined>) => void; reject: (error: unknown) => void }[] = []

  /** @param onReturn called when the reader leaves the loop. */
  constructor(queueMax: number, onReturn: (queue: UpdateQueue) => void) {
    this.#queueMax = queueMax
    this.#onReturn = onReturn
  }

  push(update: Update, every: boolean): void {
    if (this.#done || this.#overflow !== undefined) return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) waiting.resolve({ done: false, value: update })
    else if (every) this.#append(update)
    else {
      const queued = this.#bySymbol.get(update.symbol)
      this.#bySymbol.set(update.symbol, queued === undefined ? update : conflate(queued, update))
    }
  }

  /** Ends the iteration once what is queued was read; at once with `discard`. */
  end(error?: PulsewireError, discard = false): void {
    if (this.#done) return
    this.#done = true
    this.#error = error
    if (discard) this.#clear()
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#error === undefined) waiting.resolve({ done: true, value: undefined })
      else waiting.reject(this.#takeError())
    }
  }

  next(): Promise<IteratorResult<Update, undefined>> {
    const update = this.#shift()
    if (update !== undefined) return Promise.resolve({ done: false, value: update })
    if (this.#overflow !== undefined && !this.#done) {
      const error = this.#overflow
      this.end(error)
      this.#onReturn(this)
    }
    if (this.#error !== undefined) return Promise.reject(this.#takeError())
    if (this.#done) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<Update, undefined>> {
    this.end(undefined, true)
    this.#onReturn(this)
    return Promise.resolve({ done: true, value: undefined })
  }

  #append(update: Update): void {
    if (this.#list.length - this.#read < this.#queueMax) {
      this.#list.push(update)
      return
    }
    const last = this.#list.at(-1)!
    this.#overflow = new PulsewireError(
      'consumer_too_slow',
      `more than ${this.#queueMax} updates were waiting; reading stopped after ${last.symbol} ${last.position}, before ${update.symbol} ${update.position}`,
      { retryable: true },
    )
  }

  #shift(): Update | undefined {
    for (const [symbol, update] of this.#bySymbol) {
      this.#bySymbol.delete(symbol)
      return update
    }
    if (this.#read >= this.#list.length) return undefined
    const update = this.#list[this.#read++]
    if (this.#read === this.#list.length || this.#read > 1024) {
      this.#list = this.#list.slice(this.#read)
      this.#read = 0
    }
    return update
  }

  /** An error is thrown once; after it the iteration is over. */
  #takeError(): PulsewireError | undefined {
    const error = this.#error
    this.#error = undefined
    return error
  }

  #clear(): void {
    this.#bySymbol.clear()
    this.#list = []
    this.#read = 0
  }
}
