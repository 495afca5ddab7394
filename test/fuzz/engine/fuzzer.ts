import { Random } from '../../simulation/world/random.ts'
import { Corpus } from './corpus.ts'
import type { Branches } from './instrument.ts'
import type { Input } from './input.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** Processor time that one input may take. The slowest regular ones, whole sessions, take a tenth of it. */
export const CPU_MS_MAX = 500
/** By which an input may raise the highest memory that the process ever held. The heap itself grows by less at a time. */
const MEMORY_KIB_MAX = 128 * 1024
/** To ask for it costs as much as a short input: it is asked for after so many. */
const MEMORY_EVERY = 16

export interface Finding {
  readonly target: string
  readonly input: Input
  readonly error: unknown
}

/** One target, fuzzed from a seed: the same inputs on every machine. */
export class Fuzzer {
  readonly target: Target
  readonly corpus: Corpus
  inputs = 0
  /** Spent on it, mutation included. */
  tookMs = 0
  readonly #random: Random
  readonly #branches: Branches
  readonly #recent: Input[] = []
  #heldKiB = 0

  constructor(target: Target, seed: number, branches: Branches) {
    this.target = target
    this.corpus = new Corpus(target.seeds)
    this.#random = new Random(seed, 1 + [...target.name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 0))
    this.#branches = branches
  }

  /** Runs the seeds as they are. @returns the first that fails. */
  async begin(): Promise<Finding | undefined> {
    this.#heldKiB = process.resourceUsage().maxRSS
    for (const input of this.target.seeds) {
      const finding = await this.#try(input)
      if (finding !== undefined) return finding
    }
    return undefined
  }

  /** Runs so many inputs more. @returns the first that fails. */
  async run(inputs: number): Promise<Finding | undefined> {
    const startedMs = performance.now()
    // Between its turns others have run.
    this.#heldKiB = process.resourceUsage().maxRSS
    this.#recent.length = 0
    try {
      for (let left = inputs; left > 0; left--) {
        const input = mutate(this.#random, this.corpus.pick(this.#random), this.corpus.pick(this.#random))
        const finding = await this.#try(input)
        if (finding !== undefined) return finding
      }
    } finally {
      this.tookMs += performance.now() - startedMs
    }
    return undefined
  }

  async #try(input: Input): Promise<Finding | undefined> {
    this.inputs++
    this.#branches.clear()
    const startedMs = performance.now()
    try {
      const running = this.target.run(input)
      if (running !== undefined) await running
      if (performance.now() - startedMs > CPU_MS_MAX) await this.#time(input)
    } catch (error) {
      return { target: this.target.name, input, error }
    }
    this.#recent.push(input)
    if (this.#recent.length === MEMORY_EVERY) {
      const greedy = this.#weigh()
      if (greedy !== undefined) return greedy
    }
    this.corpus.learn(input, this.#branches)
    return undefined
  }

  /** @returns the longest of the last inputs, where one of them took too much: lengths are what most goes with memory. */
  #weigh(): Finding | undefined {
    const recent = this.#recent.splice(0)
    const heldKiB = process.resourceUsage().maxRSS
    const grownKiB = heldKiB - this.#heldKiB
    this.#heldKiB = heldKiB
    if (grownKiB <= MEMORY_KIB_MAX) return undefined
    const lengthOf = (input: Input) => input.reduce((sum, { length }) => sum + length, 0)
    const input = recent.reduce((longest, each) => (lengthOf(each) > lengthOf(longest) ? each : longest))
    return {
      target: this.target.name,
      input,
      error: new Error(`${MEMORY_EVERY} inputs, of which this is the longest, take ${grownKiB} KiB of memory`),
    }
  }

  /** It took long, or the machine was busy: by processor time, the fastest of three, it shows. */
  async #time(input: Input): Promise<void> {
    let leastMs = Infinity
    for (let runs = 0; runs < 3; runs++) {
      const before = process.threadCpuUsage()
      await this.target.run(input)
      const { user, system } = process.threadCpuUsage(before)
      leastMs = Math.min(leastMs, (user + system) / 1000)
    }
    if (leastMs > CPU_MS_MAX) throw new Error(`one input takes ${Math.round(leastMs)} ms of processor time`)
  }
}
