/** What the main thread and the watchdog's thread say to each other. */
import type { AskCode } from '@pulsewire/protocol'
import type { StageAccount } from '../stages/index.ts'
import type { LoggerOptions } from '../logger.ts'

/** What a process says of itself, for a report. */
export interface ProcessAccount {
  readonly stages: readonly StageAccount[]
  readonly memory: NodeJS.MemoryUsage & { readonly heapLimit: number }
  /** How late the event loop's beats came, in ms, since the start. */
  readonly loopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number }
  /** Handles and requests that are open, by kind. */
  readonly resources: Readonly<Record<string, number>>
}

export interface WatchdogSettings {
  /** Of stages that name none of their own. */
  readonly stageDeadlineMs: number
  readonly loopDeadlineMs: number
  readonly loopExitAfterMs: number
  readonly stageExitAfterMs: number
  readonly reports: { readonly directory: string; readonly filesMax: number; readonly bytesMax: number }
  readonly probes: { readonly host: string; readonly port: number } | null
  /** Whoever has it may ask this process, beside the probes; `null`: nobody may. */
  readonly operatorSecret: string | null
  readonly logging: Pick<LoggerOptions, 'level' | 'format'>
  readonly exitCodes: { readonly stuck: number; readonly blocked: number }
  readonly nodeId: string
  readonly version: string
  /** The configuration as text, without secrets. */
  readonly config: string
}

export interface WorkerData {
  readonly table: SharedArrayBuffer
  readonly names: readonly (readonly [row: number, name: string])[]
  readonly settings: WatchdogSettings
}

/** An answer to an operator, or why there is none. */
export type ThreadAnswer = { readonly text: string } | { readonly code: AskCode; readonly message: string }

export type ToWatchdog =
  | { readonly kind: 'opened'; readonly row: number; readonly name: string }
  /** The answer to `account`. */
  | { readonly kind: 'account'; readonly id: number; readonly account: ProcessAccount }
  /** The answer to `metrics`; `null`: there are none. */
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string | null }
  /** The answer to `ask`. */
  | ({ readonly kind: 'answered'; readonly id: number } & ThreadAnswer)
  /** Write a report although nothing is stuck. */
  | { readonly kind: 'report'; readonly reason: string; readonly message: string; readonly account: ProcessAccount }
  /** For a supervisor that waits to be told. */
  | { readonly kind: 'state'; readonly state: 'ready' | 'stopping' }

export type FromWatchdog =
  | { readonly kind: 'watching'; readonly probesPort: number | null }
  | { readonly kind: 'account'; readonly id: number }
  /** An operator's question, which the main thread answers if it can. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: string; readonly args: Readonly<Record<string, string>> }
  /** Somebody scrapes. */
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'reported'; readonly file: string | null }
  /** End in good order, with this code; soon it is done by force. */
  | { readonly kind: 'end'; readonly reason: 'stuck' | 'blocked' }
