import { askServer } from './ask.ts'
import type { Tone } from './tone.ts'

/** What a node says of its stages, as `pulsewire debug NODE stages` shows it, asked by the page's own server. */
export interface StagesAnswer {
  readonly node: string
  /** Its watchdog says it, because its event loop has not turned for so long; `null`: the node itself does. */
  readonly blockedMs: number | null
  /** What runs longest for its deadline first; `null`: nothing watches the process. */
  readonly stages: readonly StageAnswer[] | null
  readonly loopDelayMs: { readonly p99: number; readonly max: number } | null
  readonly heap: { readonly usedBytes: number; readonly limitBytes: number } | null
}

export interface StageAnswer {
  readonly stage: string
  readonly deadlineMs: number
  /** For how long it has been busy; `null` while it is idle. */
  readonly busyMs: number | null
  /** Who holds it longest. */
  readonly holder: { readonly holder: string; readonly heldMs: number } | null
  /** How many wait for it. */
  readonly waiting: number
}

/** From here on of its deadline it runs long. */
const LONG_SHARE = 0.5

/** @throws Error with a sentence for the user. */
export function askStages(node: string): Promise<StagesAnswer> {
  return askServer('/api/stages', { node })
}

/** Idle has none; `aging` runs long, `stale` is past its deadline. */
export function stageTone({ busyMs, deadlineMs }: StageAnswer): Tone {
  if (busyMs === null) return 'none'
  if (busyMs > deadlineMs) return 'stale'
  return busyMs > deadlineMs * LONG_SHARE ? 'aging' : 'fresh'
}
