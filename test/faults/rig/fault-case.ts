import type { FaultRun } from './fault-run.ts'
import type { Topology } from './installation.ts'

export interface FaultBound {
  /** Longest time until the first party that matters knows; absent where there is nothing to detect. */
  readonly detectMs?: number
  /** Longest time until every client is live again; 0: none may ever not be. Absent where the row names none. */
  readonly recoverMs?: number
}

export interface Measured {
  /** `undefined`: nobody noticed. */
  readonly detectMs?: number | undefined
  readonly recoverMs?: number
  /** What else was seen and is worth a line. */
  readonly notes?: readonly string[]
  /** What the row demands besides its bounds and the checker's word, and was not so. */
  readonly failures?: readonly string[]
}

/** One row of the table of faults that must be survived. */
export interface FaultCase {
  readonly number: number
  readonly name: string
  /** In words, as the table says. */
  readonly expected: string
  readonly bound: FaultBound
  /** Quick enough, and steady enough, for every run of the tests. */
  readonly inTests?: boolean
  readonly topology?: Topology
  /** Proxies to Kafka are named before it starts. */
  readonly needs?: 'namespaces'
  /** Default 120,000. A longer run is over, and failed. */
  readonly timeLimitMs?: number
  /**
   * Strikes, waits, and tells what it measured. Clients are live when it begins; when it returns, the run lets everything
   * arrive and asks the checker.
   */
  run(run: FaultRun): Promise<Measured>
  /** Takes away what the case made itself; called however the run went. */
  cleanUp?(): void
}

export function faultCase(definition: FaultCase): FaultCase {
  return definition
}
