import { comparePositions, type ReceivedImage } from '@pulsewire/protocol'
import type { Row } from './entry.ts'

/** Position and record time of what is held. */
export interface Held {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly log: string | undefined
}

/** Whether a position held is of another log than this, so that the two cannot be compared. Who names none has the only one there is. */
export function isOfOther(held: Pick<Held, 'log'>, log: string | undefined): boolean {
  return held.log !== undefined && log !== undefined && held.log !== log
}

/**
 * - `deliver`: new.
 * - `duplicate`: not newer than what is held; two sessions overlap, or a replay does.
 * - `drop`: stands behind a hole that is being repaired.
 * - `repair`: `every` and records are missing: ask for them once, from the position held.
 * - `gap`: `every` and they are still missing after asking: deliver, and say so.
 * - `defer`: as `repair`, but this session does not serve yet; the one that does may still bring them.
 * - `keep`: of another log than what is held, and this session does not serve yet: taken as it is then.
 */
export type Decision = 'deliver' | 'duplicate' | 'drop' | 'repair' | 'gap' | 'defer' | 'keep'

/** What to do with an update. Positions alone decide, so that any number of sessions may bring the same records. */
export function decide(row: Row, image: ReceivedImage, log: string | undefined, held: Held | null, serving: boolean): Decision {
  if (row.repairing) return 'drop'
  if (held === null) return 'deliver'
  // What lies between the two nobody can say.
  if (isOfOther(held, log)) return !serving ? 'keep' : row.every ? 'gap' : 'deliver'
  if (comparePositions(image, image.ts, held, held.ts) <= 0) return 'duplicate'
  if (!row.every || !hasHole(row, image, held)) return 'deliver'
  if (!serving) return 'defer'
  // An answer that did not honour `from` is the outcome of having asked.
  return row.repaired || (row.first && !goesOn(row)) ? 'gap' : 'repair'
}

function hasHole(row: Row, image: ReceivedImage, held: Held): boolean {
  const chained = image.prev >= 0 && image.generation === held.generation && image.partition === held.partition
  if (chained) return image.prev > held.offset
  if (row.first) return !goesOn(row)
  // The sender does not know what precedes it: of a snapshot in mid-stream nothing is known, an update follows the last.
  return image.snapshot
}

/** Whether the first update is the one after the record that is held. */
function goesOn({ answer, lost }: Row): boolean {
  return answer === 'recovered' && !lost
}
