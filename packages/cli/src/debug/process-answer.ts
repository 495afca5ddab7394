import type { StageAccount } from '@pulsewire/server'

/** What a process, or its watchdog, answers to `stages` and `stacks`. */
export interface ProcessAnswer {
  readonly version: string
  readonly node: string
  readonly pid: number
  readonly uptimeS: number
  /** Said by its watchdog, because its event loop does not turn; for so long. */
  readonly blockedMs?: number
  /** `null`: nothing watches the process. */
  readonly account: {
    readonly stages: readonly StageAccount[]
    readonly memory: Readonly<Record<string, number>>
    readonly loopDelayMs: Readonly<Record<string, number>>
    readonly resources: Readonly<Record<string, number>>
  } | null
  readonly stacks?: {
    readonly idlePercent: number
    readonly stacks: readonly { readonly percent: number; readonly frames: readonly string[] }[]
  }
}
