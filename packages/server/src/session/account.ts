import type { StallKind } from '../runtime/stall.ts'
import type { FlowAccount } from './flow.ts'
import type { Transport } from './transport.ts'

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
  /** So many the receiver said that it holds, with its last acknowledgement; `null`: it has said nothing yet. */
  readonly receiverSymbols: number | null
  /** Updates that are to be sent. */
  readonly due: number
  /** It takes less than it is sent. */
  readonly behind: boolean
  /** It takes nothing. */
  readonly stall: StallKind | null
  /** What its socket has not taken. */
  readonly bufferedBytes: number
}

interface Shown extends Pick<SessionAccount, 'user' | 'client' | 'state' | 'pulseIntervalMs'> {
  readonly id: string
  readonly transport: Transport
  readonly openedAtMs: number
}

/** What a session shows of itself to anybody. */
export function accountOf({ id, user, client, state, transport, openedAtMs, pulseIntervalMs }: Shown, nowMs: number) {
  const { remote, encoding, bufferedBytes } = transport
  return { session: id, user, client, state, remote, encoding, openForMs: Math.round(nowMs - openedAtMs), pulseIntervalMs, bufferedBytes }
}
