import type { Kernel } from '../world/kernel.ts'

/** Lets in so many per second, and as many at once as a second's worth; the others are refused. */
export class Door {
  /** The most that came in one second. */
  arrivalsMax = 0
  refusals = 0
  readonly #perSecond: number
  readonly #kernel: Pick<Kernel, 'nowMs'>
  #tokens: number
  #atMs: number
  #second = 0
  #arrivals = 0

  constructor(perSecond: number, kernel: Pick<Kernel, 'nowMs'>) {
    this.#perSecond = perSecond
    this.#kernel = kernel
    this.#tokens = perSecond
    this.#atMs = kernel.nowMs
  }

  /** @returns whether there was room for one more. */
  knock(): boolean {
    const { nowMs } = this.#kernel
    this.#countArrival(Math.floor(nowMs / 1000))
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond)
    this.#atMs = nowMs
    if (this.#tokens < 1) {
      this.refusals++
      return false
    }
    this.#tokens--
    return true
  }

  #countArrival(second: number): void {
    this.#arrivals = second === this.#second ? this.#arrivals + 1 : 1
    this.#second = second
    this.arrivalsMax = Math.max(this.arrivalsMax, this.#arrivals)
  }
}
