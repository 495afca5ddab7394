import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Batch, BatchResult, SeedFailure, SequenceBatch, SequenceResult } from './worker.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
/** Most of what a fleet makes is garbage at once: a roomy nursery collects a fifth faster (measured). */
const EXEC_ARGV = ['--max-semi-space-size=64', '--min-semi-space-size=16']
/** Seeds handed out at a time: few enough that all end at about the same time. */
const BATCH_SEEDS = 10

export interface PoolOptions {
  readonly jobs: number
  readonly from: number
  /** `Infinity`: until the time is up. */
  readonly seeds: number
  readonly untilMs: number
  readonly faultsMs: number | undefined
  /** Goes on after a failure. */
  readonly keepGoing: boolean
  /** A defect that the workers plant in what they load. */
  readonly mutation?: string
  onFailure?(failure: SeedFailure): void
  onProgress?(result: PoolResult): void
}

export interface PoolResult {
  readonly done: number
  readonly simulatedMs: number
  readonly cpuMs: number
  readonly events: number
  readonly failures: readonly SeedFailure[]
}

/** Plays so many sequences of commands to one part, with a defect or without. */
export async function playSequences(batch: SequenceBatch, mutation?: string): Promise<SequenceResult> {
  let left: SequenceBatch | undefined = batch
  let played: SequenceResult | undefined
  const take = () => {
    const taken = left
    left = undefined
    return taken
  }
  await serve<SequenceBatch, SequenceResult>(mutation, take, (_, result) => {
    played = result
    return undefined
  })
  return played!
}

/** Plays seeds in so many processes; without `keepGoing`, until the first that fails. */
export async function playSeeds(options: PoolOptions): Promise<PoolResult> {
  const total = { done: 0, simulatedMs: 0, cpuMs: 0, events: 0, failures: [] as SeedFailure[] }
  let next = options.from
  const end = options.from + options.seeds
  const isOver = () => next >= end || performance.now() >= options.untilMs || (total.failures.length > 0 && !options.keepGoing)
  const take = (): Batch | undefined => {
    if (isOver()) return undefined
    const batch = { from: next, seeds: Math.min(BATCH_SEEDS, end - next) }
    next += batch.seeds
    return options.faultsMs === undefined ? batch : { ...batch, faultsMs: options.faultsMs }
  }
  await Promise.all(
    Array.from({ length: options.jobs }, () =>
      serve<Batch, BatchResult>(options.mutation, take, (batch, result) => {
        total.done += result.done
        total.simulatedMs += result.simulatedMs
        total.cpuMs += result.cpuMs
        total.events += result.events
        for (const failure of result.failures) {
          total.failures.push(failure)
          options.onFailure?.(failure)
        }
        options.onProgress?.(total)
        // A batch ends at its first failure.
        const left = batch.from + batch.seeds - (result.failures.at(-1)?.seed ?? Infinity) - 1
        return left > 0 && !isOver() ? { ...batch, from: batch.from + batch.seeds - left, seeds: left } : undefined
      }),
    ),
  )
  return total
}

/** @param done takes a result. @returns what is left of the batch. */
async function serve<B extends Batch | SequenceBatch, R extends BatchResult | SequenceResult>(
  mutation: string | undefined,
  take: () => B | undefined,
  done: (batch: B, result: R) => B | undefined,
): Promise<void> {
  let batch = take()
  if (batch === undefined) return
  const child = fork(WORKER, mutation === undefined ? [] : [mutation], { execArgv: EXEC_ARGV })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`a simulating process ended with ${signal ?? code}`)))
  })
  ended.catch(() => {})
  try {
    while (batch !== undefined) {
      child.send(batch)
      const result = await Promise.race([ended, nextMessage<R>(child)])
      batch = done(batch, result) ?? take()
    }
  } finally {
    child.kill('SIGKILL')
  }
}

function nextMessage<R>(child: ChildProcess): Promise<R> {
  return new Promise((resolve) => child.once('message', resolve as (message: unknown) => void))
}
