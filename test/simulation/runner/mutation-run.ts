import { MUTATIONS, type Mutation } from '../mutations.ts'
import { playSeeds, playSequences } from './pool.ts'

/** A defect that so many fleets do not show counts as not found. */
const SEEDS_MAX = 1000
/** Far from the seeds that others play, so that nothing is tuned to these. */
const FIRST_SEED = 1_000_001

export interface Found {
  readonly mutation: Mutation
  /** Seeds played until it was found, all of them when it was not; `null`: sequences of commands to one sender showed it at once. */
  readonly seeds: number | null
  /** CPU time of these, in ms. */
  readonly cpuMs: number
  readonly rule: string | null
  /** Seeds that failed without the defect as well: these show nothing of it, but of the sources. */
  readonly unsound: readonly number[]
}

/** Sequences of commands to one sender that are played first: cheap, and they fill a flow window as fleets seldom do. */
const SEQUENCES = 3000

/**
 * Plays one sender, then fleets, with this defect until a promise is broken that is kept without it.
 *
 * @throws Error when the defect cannot be planted.
 */
export async function findMutation(mutation: Mutation, seedsMax = SEEDS_MAX, faultsMs?: number): Promise<Found> {
  const failure = await playSequences(SEQUENCES, FIRST_SEED, mutation.name)
  if (failure !== undefined) return { mutation, seeds: null, cpuMs: 0, rule: failure.rule, unsound: [] }
  const common = { jobs: 1, untilMs: Infinity, faultsMs, keepGoing: false }
  const unsound: number[] = []
  const end = FIRST_SEED + seedsMax
  let [from, cpuMs] = [FIRST_SEED, 0]
  while (from < end) {
    const planted = await playSeeds({ ...common, from, seeds: end - from, mutation: mutation.name })
    cpuMs += planted.cpuMs
    const failed = planted.failures[0]
    if (failed === undefined) break
    from = failed.seed + 1
    const { failures } = await playSeeds({ ...common, from: failed.seed, seeds: 1 })
    if (failures.length === 0) return { mutation, seeds: from - FIRST_SEED, cpuMs, rule: failed.rule, unsound }
    unsound.push(failed.seed)
  }
  return { mutation, seeds: seedsMax, cpuMs, rule: null, unsound }
}

/** All of them, one line each. @returns the exit code: 1 when one survives, or a seed fails without any. */
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
  const failing = new Set<number>()
  const next = async (): Promise<void> => {
    for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
      const { seeds, cpuMs, rule, unsound } = await findMutation(mutation, given.seedsMax, given.faultsMs)
      if (rule === null) survived++
      for (const seed of unsound) failing.add(seed)
      const cpu = `${Math.round(cpuMs / 1000)} s of CPU`
      const after = seeds === null ? 'in sequences of one sender' : `after ${seeds} seeds, ${cpu}`
      console.log(`${rule === null ? `SURVIVED ${seeds} seeds, ${cpu}` : `caught by ${rule} ${after}`}: ${mutation.name}`)
    }
  }
  await Promise.all(Array.from({ length: given.jobs }, next))
  console.log(`${total - survived} of ${total} planted defects caught`)
  if (failing.size > 0) console.log(`without any of them these fail as well: ${[...failing].join(' ')}`)
  return survived > 0 || failing.size > 0 ? 1 : 0
}
