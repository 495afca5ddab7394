import type { Entitlements } from './entitlements.ts'

/** Infinity: no limit but the node's own. */
export interface GrantLimits {
  /** Connections of the user to this gateway. */
  readonly connections: number
  /** Symbols and patterns of one session. */
  readonly subscriptions: number
  /** Patterns of one feed of one session. */
  readonly patterns: number
  /** Updates per second and symbol. */
  readonly maxRate: number
}

export const NO_LIMITS: GrantLimits = { connections: Infinity, subscriptions: Infinity, patterns: Infinity, maxRate: Infinity }

/** What a token gives. Times are Unix time in ms by the wall clock, of which tokens speak. */
export interface Grant {
  /** Empty: nobody in particular. */
  readonly user: string
  /** The token's own name (`jti`); `null` where it has none. */
  readonly tokenId: string | null
  readonly issuedAtMs: number
  /** Infinity: never. */
  readonly expiresAtMs: number
  readonly entitlements: Entitlements
  readonly limits: GrantLimits
}
