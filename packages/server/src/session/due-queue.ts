import type { Entry } from '../hub/index.ts'

/** Taken entries are cut off the array only in runs, so that taking one is cheap. */
const COMPACT_AT = 1024

/**
 * What is due to one receiver: entries in the order in which they became due. Each entry stands here once, so the number
 * of subscriptions bounds it, however many updates come.
 */
export class DueQueue {
  #queue: Entry[] = []
  #head = 0

  get isEmpty(): boolean {
    return this.#head >= this.#queue.length
  }

  /** Memory that the queue takes, in entries. */
  get slots(): number {
    return this.#queue.length
  }

  push(entry: Entry): void {
    if (entry.queued) return
    entry.queued = true
    this.#queue.push(entry)
  }

  /** The next entry that is due; `undefined` when there is none. */
  shift(): Entry | undefined {
    const entry = this.#queue[this.#head]
    if (entry === undefined) {
      this.#queue.length = 0
      this.#head = 0
      return undefined
    }
    this.#head++
    entry.queued = false
    // A receiver that is behind for hours never empties the queue.
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
  }
}
