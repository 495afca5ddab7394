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
}

/** Sequences of commands to one sender that are played first: cheap, and they fill a flow window as fleets seldom do. */
const SEQUENCES = 3000

/** Plays one sender, then fleets, with this defect until a promise is broken. @throws Error when the defect cannot be planted. */
export async function findMutation(mutation: Mutation, seedsMax = SEEDS_MAX, faultsMs?: number): Promise<Found> {
  const failure = await playSequences(SEQUENCES, FIRST_SEED, mutation.name)
  if (failure !== undefined) return { mutation, seeds: null, cpuMs: 0, rule: failure.rule }
  const { done, cpuMs, failures } = await playSeeds({
    jobs: 1,
    from: FIRST_SEED,
    seeds: seedsMax,
    untilMs: Infinity,
    faultsMs,
    keepGoing: false,
    mutation: mutation.name,
  })
  return { mutation, seeds: done, cpuMs, rule: failures[0]?.rule ?? null }
}

/** All of them, one line each. @returns the exit code: 1 when one survives. */
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
  const next = async (): Promise<void> => {
    for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
      const { seeds, cpuMs, rule } = await findMutation(mutation, given.seedsMax, given.faultsMs)
      if (rule === null) survived++
      const cpu = `${Math.round(cpuMs / 1000)} s of CPU`
      const after = seeds === null ? 'in sequences of one sender' : `after ${seeds} seeds, ${cpu}`
      console.log(`${rule === null ? `SURVIVED ${seeds} seeds, ${cpu}` : `caught by ${rule} ${after}`}: ${mutation.name}`)
    }
  }
  await Promise.all(Array.from({ length: given.jobs }, next))
  console.log(`${total - survived} of ${total} planted defects caught`)
  return survived > 0 ? 1 : 0
}
