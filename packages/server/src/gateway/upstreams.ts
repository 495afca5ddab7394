import type { GatewayConfig } from '../runtime/config/index.ts'

/** Sets of links are kept as the bits of a 32-bit integer, whose sign is left alone. */
export const LINKS_MAX = 31

/** A push node to be linked to. */
export interface Upstream {
  readonly line: string
  readonly address: string
}

/** A push node of which is known, and which is not linked to because something speaks against it. */
export interface UnlinkedUpstream extends Upstream {
  readonly node: string
  readonly state: 'expired' | 'left' | 'offline' | 'retired' | 'draining' | 'stuck' | 'unready'
  /** What speaks against it, as in "it said goodbye". */
  readonly why: string
  /** Steady ms of its last beat. */
  readonly heardAtMs: number
  /** Feeds that it has, or had; empty: not known. */
  readonly feeds: readonly string[]
}

/** Where a gateway's push nodes come from: a list that never changes, or the leases of those that are there. */
export interface Upstreams {
  /** Those to be linked to now, at most `LINKS_MAX`. */
  readonly chosen: readonly Upstream[]
  /** Why there are none, or not this one; for people. */
  whyNot(address?: string): string
  /** Those that are known, and not linked to because something speaks against them. */
  readonly unlinked: readonly UnlinkedUpstream[]
  onChange(listener: () => void): void
  close(): void
}

export function staticUpstreams(config: GatewayConfig['gateway']['upstreams']): Upstreams {
  const chosen = config.flatMap(({ line, addresses }) => addresses.map((address) => ({ line, address })))
  return { chosen, unlinked: [], whyNot: () => 'gateway.upstreams names none', onChange() {}, close() {} }
}
