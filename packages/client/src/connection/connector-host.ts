import type { PulsewireError } from '../errors.ts'
import type { GatewaysHost } from './gateways.ts'
import type { Session } from './session.ts'

/**
 * - `connecting`: a connection is being made, and there is none.
 * - `open`: a session serves.
 * - `waiting`: for the next attempt.
 * - `failed`: the server said not to come back; `connect()` tries again all the same.
 * - `closed`: by the application.
 */
export type ClientState = 'connecting' | 'open' | 'waiting' | 'failed' | 'closed'

export interface ConnectorHost extends GatewaysHost {
  /** @param timeoutMs for the welcome */
  open(url: string, token: string | undefined, timeoutMs: number): Session
  /** It is welcomed: tell it what is subscribed. */
  attach(session: Session): void
  /** It serves from now on. */
  promote(session: Session): void
  detach(session: Session): void
  /** Nobody serves. */
  disconnected(hop: string, error: PulsewireError): void
  /** Nobody will, by itself. */
  gaveUp(hop: string, error: PulsewireError): void
  compare(candidate: Session): 'unsettled' | 'worse' | 'same' | 'better'
  /** Whether anything that is shown is stale through the fault of a node. */
  suffers(): boolean
  onState(state: ClientState, detail: StateDetail): void
}

export interface StateDetail {
  readonly url?: string
  readonly retryInMs?: number
  readonly error?: PulsewireError
}
