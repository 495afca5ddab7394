import { MUTATIONS, type Mutation } from '../mutations.ts'
import { PARTS, type Part } from '../sequences/parts.ts'
import { playSeeds, playSequences } from './pool.ts'

/** A defect that so many fleets do not show counts as not found. */
const SEEDS_MAX = 1000
/** Far from the seeds that others play, so that nothing is tuned to these. */
const FIRST_SEED = 1_000_001

/**
 * Sequences of commands that are played before fleets, of each part. Cheap: a sender's fill a flow window, and a gateway's
 * make its links differ, as fleets seldom do.
 */
const SEQUENCES: Readonly<Record<Part, number>> = { sender: 3000, gateway: 2000 }

export interface Found {
  readonly mutation: Mutation
  readonly rule: string | null
  /** The part whose sequences showed it; `null`: fleets did, or nothing. */
  readonly part: Part | null
  /** Sequences of the part, or fleets, that were played until it was found; all fleets when it was not. */
  readonly played: number
  /** CPU time of these, in ms. */
  readonly cpuMs: number
  /** What failed without the defect as well: that shows nothing of it, but of the sources. */
  readonly unsound: readonly string[]
}

export interface FindOptions {
  readonly seedsMax?: number | undefined
  /** The first fleet. */
  readonly first?: number
  /** World time during which faults strike; drawn when absent. */
  readonly faultsMs?: number | undefined
  /** Whose sequences are played before fleets. Default: all. */
  readonly parts?: readonly Part[]
}

/**
 * Plays sequences of commands to each part, then fleets, with this defect until a promise is broken that is kept without it.
 *
 * @throws Error when the defect cannot be planted.
 */
export async function findMutation(mutation: Mutation, options: FindOptions = {}): Promise<Found> {
  const { seedsMax = SEEDS_MAX, first = FIRST_SEED, faultsMs, parts = PARTS } = options
  const unsound: string[] = []
  for (const part of parts) {
    const { failure, cpuMs } = await playSequences({ part, sequences: SEQUENCES[part], seed: FIRST_SEED }, mutation.name)
    if (failure === undefined) continue
    const { sequences, rule } = failure
    const { failure: without } = await playSequences({ part, sequences, seed: FIRST_SEED })
    if (without === undefined) return { mutation, rule, part, played: sequences, cpuMs, unsound }
    unsound.push(`the ${without.sequences}th of one ${part}`)
  }
  const common = { jobs: 1, untilMs: Infinity, faultsMs, keepGoing: false }
  const end = first + seedsMax
  let [from, cpuMs] = [first, 0]
  while (from < end) {
    const planted = await playSeeds({ ...common, from, seeds: end - from, mutation: mutation.name })
    cpuMs += planted.cpuMs
    const failed = planted.failures[0]
    if (failed === undefined) break
    from = failed.seed + 1
    const { failures } = await playSeeds({ ...common, from: failed.seed, seeds: 1 })
    if (failures.length === 0) return { mutation, rule: failed.rule, part: null, played: from - first, cpuMs, unsound }
    unsound.push(`seed ${failed.seed}`)
  }
  return { mutation, rule: null, part: null, played: seedsMax, cpuMs, unsound }
}

/** All of them, one line each. @returns the exit code: 1 when one survives, or something fails without any. */
export async function testMutations(given: {
  readonly jobs: number
  readonly seedsMax: number | undefined
  readonly only: string | undefined
  /** World time during which faults strike; drawn when absent. */
  readonly faultsMs: number | undefined
}): Promise<number> {
  const left = MUTATIONS.filter(({ name }) => given.only === undefined || name.includes(given.only))
  const total = left.length
  let survived = 0
  const failing = new Set<string>()
  const next = async (): Promise<void> => {
    for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
      const { rule, part, played, cpuMs, unsound } = await findMutation(mutation, { seedsMax: given.seedsMax, faultsMs: given.faultsMs })
      if (rule === null) survived++
      for (const what of unsound) failing.add(what)
      const cpu = `${Math.round(cpuMs / 1000)} s of CPU`
      const after = part === null ? `after ${played} seeds, ${cpu}` : `in sequences of one ${part}, after ${played}, ${cpu}`
      console.log(`${rule === null ? `SURVIVED ${played} seeds, ${cpu}` : `caught by ${rule} ${after}`}: ${mutation.name}`)
    }
  }
  await Promise.all(Array.from({ length: given.jobs }, next))
  console.log(`${total - survived} of ${total} planted defects caught`)
  if (failing.size > 0) console.log(`without any of them these fail as well: ${[...failing].join(', ')}`)
  return survived > 0 || failing.size > 0 ? 1 : 0
}
