import type { GatewayConfig } from '../runtime/config/index.ts'

/** Sets of links are kept as the bits of a 32-bit integer, whose sign is left alone. */
export const LINKS_MAX = 31

/** A push node to be linked to. */
export interface Upstream {
  readonly line: string
  readonly address: string
}

/** Where a gateway's push nodes come from: a list that never changes, or the leases of those that are there. */
export interface Upstreams {
  /** Those to be linked to now, at most `LINKS_MAX`. */
  readonly chosen: readonly Upstream[]
  /** Why there are none, or not this one; for people. */
  whyNot(address?: string): string
  onChange(listener: () => void): void
  close(): void
}

export function staticUpstreams(config: GatewayConfig['gateway']['upstreams']): Upstreams {
  const chosen = config.flatMap(({ line, addresses }) => addresses.map((address) => ({ line, address })))
  return { chosen, whyNot: () => 'gateway.upstreams names none', onChange() {}, close() {} }
}
