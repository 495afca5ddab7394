/** Random numbers of one seed (sfc32), with what scenarios need to draw. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number, stream = 0) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = stream | 0
    for (let i = 0; i < 15; i++) this.next()
  }

  /** Uniform in [0, 1). */
  next = (): number => {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    return (t >>> 0) / 2 ** 32
  }

  /** Another sequence: parts that draw from their own do not change what the others draw. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32), Math.floor(this.next() * 2 ** 32))
  }

  /** Whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** From `low` to `high`, each order of magnitude as likely as the next. */
  logBetween(low: number, high: number): number {
    return low * (high / low) ** this.next()
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!
  }

  /** Distinct items, in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    const left = [...items]
    const taken: T[] = []
    while (taken.length < count && left.length > 0) taken.push(left.splice(Math.floor(this.next() * left.length), 1)[0]!)
    return taken
  }

  /** Waiting time of something that happens on average every `meanMs`. */
  exponential(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs
  }
}
