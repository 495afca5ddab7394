import type { Intake } from './intake.ts'

/** What was read of a topic, how far, and what of it could not be taken. */
export interface ReadCounts {
  readonly records: number
  readonly pulses: number
  readonly poison: Readonly<Record<string, number>>
  /** When the last record that is no pulse came, by the hub's clock; `null`: none has. */
  readonly recordAtMs: number | null
  /** Offsets that were left to be read when the last batch was fetched. */
  readonly lag: number
}

export function countsOf({ counts, poison, recordAtMs }: Intake): Omit<ReadCounts, 'lag'> {
  const lastAtMs = recordAtMs.size === 0 ? null : Math.max(...recordAtMs.values())
  return { records: counts.records, pulses: counts.pulses, poison, recordAtMs: lastAtMs }
}
