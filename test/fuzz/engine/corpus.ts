import type { Random } from '../../simulation/world/random.ts'
import type { Branches } from './instrument.ts'
import type { Input } from './input.ts'

/** Inputs kept of one target; past it, the oldest found ones go. */
const INPUTS_MAX = 5000
/** How often a branch was taken counts by its order of magnitude, as in AFL. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_, count) => (count === 0 ? 0 : 1 << Math.min(7, Math.floor(Math.log2(count)))))

/** Inputs of one target that took a branch, or took one so often, as none before them did. */
export class Corpus {
  readonly #inputs: Input[]
  readonly #seeds: number
  /** By branch, the buckets that were seen. */
  #seen = new Uint8Array(0)
  branches = 0

  constructor(seeds: readonly Input[]) {
    this.#inputs = [...seeds]
    this.#seeds = seeds.length
  }

  get size(): number {
    return this.#inputs.length
  }

  /** What is mutated next: as often one of the newest as one of all. */
  pick(random: Random): Input {
    const newest = Math.max(0, this.size - 32)
    return this.#inputs[random.int(random.chance(0.5) ? newest : 0, this.size - 1)]!
  }

  /** Keeps the input when `branches`, as it left them, hold something new. */
  learn(input: Input, branches: Branches): void {
    if (this.#seen.length < branches.used) {
      const seen = new Uint8Array(branches.used)
      seen.set(this.#seen)
      this.#seen = seen
    }
    let isNew = false
    const { counts, used } = branches
    for (let branch = 0; branch < used; branch++) {
      const count = counts[branch]!
      if (count === 0) continue
      const before = this.#seen[branch]!
      const bucket = BUCKETS[count]!
      if ((before & bucket) !== 0) continue
      if (before === 0) this.branches++
      this.#seen[branch] = before | bucket
      isNew = true
    }
    if (!isNew) return
    this.#inputs.push(input)
    if (this.size > INPUTS_MAX) this.#inputs.splice(this.#seeds, 1)
  }
}
