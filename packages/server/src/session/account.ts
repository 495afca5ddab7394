import type { StallKind } from '../runtime/stall.ts'
import type { FlowAccount } from './flow.ts'

/** A session as whoever asks for it is shown it. All times are durations: nobody has to know this node's clock. */
export interface SessionAccount extends FlowAccount {
  readonly session: string
  readonly user: string
  readonly client: string
  readonly state: 'greeting' | 'open' | 'leaving' | 'closed'
  readonly remote: string
  readonly encoding: string
  readonly openForMs: number
  readonly pulseIntervalMs: number
  readonly symbols: number
  /** Updates that are to be sent. */
  readonly due: number
  /** It takes less than it is sent. */
  readonly behind: boolean
  /** It takes nothing. */
  readonly stall: StallKind | null
  /** What its socket has not taken. */
  readonly bufferedBytes: number
}
