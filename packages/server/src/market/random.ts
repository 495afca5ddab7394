/** Uniform in [0, 1). */
export type Random = () => number

/** sfc32: small, fast, 2^128 states, passes PractRand. The same seed gives the same numbers everywhere. */
export function seededRandom(seed: number): Random {
  let a = seed | 0
  let b = Math.floor(seed / 2 ** 32) | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // Seeds that differ in one bit only drift apart over the first rounds.
  for (let round = 0; round < 12; round++) next()
  return next
}

/** Standard normal, good to three standard deviations: a sum of uniforms is far cheaper than logarithms. */
export function normal(random: Random): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3)
}

/** Exponential with mean 1: the time between two events of a Poisson process of rate 1. */
export function exponential(random: Random): number {
  return -Math.log(1 - random())
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!
}

/** Draws indexes with given weights in constant time (Walker's alias method). */
export class WeightedIndex {
  readonly #keep: Float64Array
  readonly #alias: Uint32Array
  readonly #random: Random

  constructor(weights: readonly number[], random: Random) {
    this.#random = random
    const sum = weights.reduce((total, weight) => total + weight, 0)
    const scaled = weights.map((weight) => (weight * weights.length) / sum)
    this.#keep = new Float64Array(weights.length).fill(1)
    this.#alias = Uint32Array.from(weights.keys())
    const small: number[] = []
    const large: number[] = []
    for (const [index, weight] of scaled.entries()) (weight < 1 ? small : large).push(index)
    while (small.length > 0 && large.length > 0) {
      const below = small.pop()!
      const above = large.at(-1)!
      this.#keep[below] = scaled[below]!
      this.#alias[below] = above
      scaled[above]! -= 1 - scaled[below]!
      if (scaled[above]! < 1) small.push(large.pop()!)
    }
  }

  draw(): number {
    const index = Math.floor(this.#random() * this.#keep.length)
    return this.#random() < this.#keep[index]! ? index : this.#alias[index]!
  }
}
