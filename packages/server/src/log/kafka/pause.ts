import type { Clock, Timer } from '../../runtime/clock.ts'

/** Growing, jittered pauses: each is between half and the whole of its step, and steps double up to a maximum. */
export class Backoff {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #stepMs: number

  constructor(firstMs: number, maxMs: number, random: () => number) {
    this.#firstMs = firstMs
    this.#maxMs = maxMs
    this.#random = random
    this.#stepMs = firstMs
  }

  nextMs(): number {
    const stepMs = this.#stepMs
    this.#stepMs = Math.min(this.#maxMs, stepMs * 2)
    return stepMs * (0.5 + this.#random() / 2)
  }

  reset(): void {
    this.#stepMs = this.#firstMs
  }
}

/** A wait that can be cut short. A `wake` while nobody waits ends the next wait at once. */
export class Pause {
  readonly #clock: Clock
  #timer: Timer | undefined
  #resolve: (() => void) | undefined
  #isWoken = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Waits for `wake`, or at most `timeoutMs`. */
  wait(timeoutMs?: number): Promise<void> {
    if (this.#isWoken) {
      this.#isWoken = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#resolve = resolve
      if (timeoutMs !== undefined) this.#timer = this.#clock.after(timeoutMs, () => this.#end())
    })
  }

  wake(): void {
    if (this.#resolve === undefined) this.#isWoken = true
    else this.#end()
  }

  #end(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve?.()
  }
}
