import { comparePositions, type ReceivedImage } from '@pulsewire/protocol'
import type { ChainDecision } from './chain.ts'
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
 * - `duplicate`: not newer than what is held; two sessions overlap, or a replay does.
 * - `drop`: stands behind a hole that is being repaired.
 * - `keep`: of another log than what is held, and this session does not serve yet: taken as it is then.
 */
export type Decision = ChainDecision | 'duplicate' | 'drop' | 'keep'

/** What to do with an update. Positions alone decide, so that any number of sessions may bring the same records. */
export function decide(row: Row, image: ReceivedImage, log: string | undefined, held: Held | null, serving: boolean): Decision {
  const { chain } = row
  if (chain?.repairing === true) return 'drop'
  if (held === null) return 'deliver'
  // What lies between the two nobody can say.
  if (isOfOther(held, log)) return !serving ? 'keep' : chain === null ? 'deliver' : 'gap'
  if (comparePositions(image, image.ts, held, held.ts) <= 0) return 'duplicate'
  return chain === null ? 'deliver' : chain.follow(image, held, serving)
}
