import type { StaleReason } from '@pulsewire/protocol'

/**
 * - `pending`: asked for, not proven yet. There may be a value, but nothing says that it is the newest.
 * - `live`: the value shown is the newest there is, not older than the staleness bound. Quiet symbols are live. On a
 *   delayed feed it is the newest that there was `delayMs` ago.
 * - `stale`: the newest value may be another one. `hop`, `reason` and `sinceMs` say where, why and since when.
 * - `ended`: refused or ended by the server, or closed; `reason` holds the code.
 */
export type StateName = 'pending' | 'live' | 'stale' | 'ended'

export interface SymbolState {
  readonly state: StateName
  /** The node that stopped, or `log`. */
  readonly hop?: string
  /** A stale reason of the protocol; with `ended` the refusal code. */
  readonly reason?: StaleReason | (string & {})
  /** Since when, Unix time in ms by the client's clock. */
  readonly sinceMs?: number
  /** For people. */
  readonly message?: string
  /** With `live` on a delayed feed: it is the newest of so many ms ago. Absent: of now. */
  readonly delayMs?: number
}

export const PENDING: SymbolState = Object.freeze({ state: 'pending' })
export const LIVE: SymbolState = Object.freeze({ state: 'live' })

export function staleState(hop: string, reason: string, sinceMs: number, message?: string): SymbolState {
  return Object.freeze({ state: 'stale', hop, reason, sinceMs, ...(message === undefined ? {} : { message }) })
}

export function endedState(reason: string, message: string, sinceMs: number): SymbolState {
  return Object.freeze({ state: 'ended', reason, sinceMs, message })
}

const TOLD = ['state', 'hop', 'reason', 'sinceMs', 'message', 'delayMs'] as const

export function sameState(a: SymbolState, b: SymbolState): boolean {
  return a === b || TOLD.every((member) => a[member] === b[member])
}

/** Of two states the one to show for both: stale before pending before live. */
export function worse(a: SymbolState, b: SymbolState): SymbolState {
  return RANK[b.state] > RANK[a.state] ? b : a
}

const RANK: Record<StateName, number> = { ended: 0, live: 1, pending: 2, stale: 3 }

const LOG_REASONS: ReadonlySet<string> = new Set(['log_unreachable', 'unproven', 'topic_missing', 'topic_recreated'])

/** Whether the log itself is at fault: every gateway has the same trouble, and going elsewhere is of no use. */
export function isLogFault(state: SymbolState): boolean {
  return state.hop === 'log' || LOG_REASONS.has(state.reason ?? '')
}
