/**
 * One process that plays seeds for `Pool`: is sent batches, answers with what became of them. Its one argument may name a
 * mutation; then the sources are loaded with that defect planted.
 */
import type { Part, SequencesFailure } from '../sequences/parts.ts'
import { plant } from './plant.ts'

/** Sequences of commands to one part. */
export interface SequenceBatch {
  readonly part: Part
  readonly sequences: number
  readonly seed: number
}

export interface Batch {
  readonly from: number
  readonly seeds: number
  /** World time during which faults strike; drawn when absent. */
  readonly faultsMs?: number
}

export interface SeedFailure {
  readonly seed: number
  readonly rule: string
  readonly message: string
}

export interface BatchResult {
  readonly done: number
  readonly simulatedMs: number
  /** CPU time that it took, in ms. */
  readonly cpuMs: number
  readonly events: number
  readonly counts: Readonly<Record<string, number>>
  readonly failures: readonly SeedFailure[]
}

export interface SequenceResult {
  readonly cpuMs: number
  readonly failure?: SequencesFailure
}

const [mutation] = process.argv.slice(2)
if (mutation !== undefined) await plant(mutation)
const { playSeed } = await import('./play-seed.ts')
const { playPart } = await import('../sequences/parts.ts')
const { inOwnTurn } = await import('../world/microtasks.ts')

process.on('message', (batch: Batch | SequenceBatch) => void ('part' in batch ? playSequences(batch) : play(batch)))
// Whoever started this is gone.
process.on('disconnect', () => process.exit())

async function playSequences(batch: SequenceBatch): Promise<void> {
  const started = process.cpuUsage()
  const failure = await inOwnTurn(() => playPart({ ...batch, shrink: false }))
  const cpuMs = cpuMsSince(started)
  process.send!((failure === undefined ? { cpuMs } : { cpuMs, failure }) satisfies SequenceResult)
}

async function play({ from, seeds, faultsMs }: Batch): Promise<void> {
  const started = process.cpuUsage()
  const failures: SeedFailure[] = []
  const counts: Record<string, number> = {}
  let simulatedMs = 0
  let events = 0
  let done = 0
  for (let seed = from; seed < from + seeds && failures.length === 0; seed++) {
    const result = await playSeed(seed, faultsMs === undefined ? {} : { faultsMs })
    done++
    simulatedMs += result.simulatedMs
    events += result.events
    for (const [key, value] of Object.entries(result.counts)) counts[key] = (counts[key] ?? 0) + value
    if (result.failure !== null) failures.push({ seed, ...result.failure })
  }
  process.send!({ done, simulatedMs, cpuMs: cpuMsSince(started), events, counts, failures } satisfies BatchResult)
}

function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started)
  return (user + system) / 1000
}
