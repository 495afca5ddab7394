/** What metrics are read from: what is there anyway, looked at when somebody asks. Nothing is counted for them on the way of a quote but plain numbers. */
import type { LeaseContent } from '../directory/index.ts'
import type { Hub } from '../hub/index.ts'
import type { Sessions } from '../session/index.ts'

/** One role of the process. */
export interface RoleSource {
  readonly role: 'push' | 'gateway' | 'balancer' | 'pulse'
  leaseContent(): LeaseContent
  /** Of push nodes and gateways. */
  readonly hub?: Hub
  readonly sessions?: Sessions
  /** Of gateways: what became of the updates of all links. */
  linkCounts?(): { readonly taken: number; readonly duplicates: number; readonly gaps: number; readonly refills: number }
  /** Of push nodes: what was read of each feed. */
  intakes?(): readonly IntakeCounts[]
  /** Of balancers: every node that it knows. */
  verdicts?(): Iterable<{ readonly role: string; readonly handedOut: boolean; readonly reasons: readonly string[] }>
  /** Of balancers, since the start. */
  balancing?(): {
    readonly evictions: readonly { readonly role: string; readonly reason: string; readonly count: number }[]
    readonly answers: Readonly<Record<string, number>>
  }
}

export interface IntakeCounts {
  readonly feed: string
  readonly records: number
  readonly pulses: number
  /** When the last record that is no pulse came, by the hub's clock; `null`: none has. */
  readonly recordAtMs: number | null
  /** Offsets that were left to be read when the last batch was fetched. */
  readonly lag: number
  /** Records that could not be taken, or not wholly, by kind. */
  readonly poison: Readonly<Record<string, number>>
}

/** What the watchdog's main-thread side knows. */
export interface ProcessSource {
  readonly reports: { readonly written: number; readonly dropped: number }
}
