/**
 * Why a new session is wanted although one serves. With `goodbye` and `silent` it has to be found; the others are
 * trials, for newer data, for balance, for a better way through the network, for the client's own zone where another one
 * serves: when they fail, all stays as it is.
 */
export type MoveReason = 'goodbye' | 'silent' | 'stale' | 'rebalance' | 'way' | 'home'

export const RANK: Readonly<Record<MoveReason, number>> = { goodbye: 3, silent: 2, stale: 1, rebalance: 0, way: 0, home: 0 }

/** How long a session that is to take over may take to become live. */
export const MOVE_TIMEOUT_MS: Readonly<Record<MoveReason, number>> = {
  goodbye: 10_000,
  silent: 0,
  stale: 5_000,
  rebalance: 10_000,
  way: 10_000,
  home: 10_000,
}

/** A better way is not tried more often than this. */
export const WAY_INTERVAL_MS = 10_000

export function isTrial(reason: MoveReason): boolean {
  return reason !== 'goodbye' && reason !== 'silent'
}
