/**
 * The parts of the client that not every page needs. The small browser file has `parts-small.ts` in place of this: the
 * rest of the client is the same, module by module.
 */
import { REFUSAL_CODES, type FeedMode } from '@pulsewire/protocol'
import type { Clock } from './clock.ts'
import { BalancedGateways } from './connection/balanced-gateways.ts'
import { Gateways, type GatewaysHost } from './connection/gateways.ts'
import { httpSockets } from './connection/http-socket.ts'
import { Reach } from './connection/reach.ts'
import { openWebSocket, type OpenSocket } from './connection/socket.ts'
import type { ReachSettings } from './environment.ts'
import type { Settings } from './options.ts'
import { Chain } from './subscription/chain.ts'
import { Readers } from './subscription/readers.ts'
import { Repairs } from './subscription/repairs.ts'
import type { Reviewer } from './subscription/reviewer.ts'

export { createDecoder, encodeUpstreamFor, ENCODINGS } from '@pulsewire/protocol'
export { fetchText } from './connection/fetch-text.ts'
export { balancerUrl } from './connection/hand-out.ts'

/** What a refusal means, for people. */
export function refusalText(code: string): string {
  return (REFUSAL_CODES as Readonly<Record<string, string>>)[code] ?? ''
}

/** Where gateways are known from. @param onRenewed as of `BalancedGateways`. */
export function gatewaysFor(settings: Settings, host: GatewaysHost, onRenewed: () => void): Gateways {
  return settings.balancers.length > 0 ? new BalancedGateways(settings, host, onRenewed) : new Gateways(settings, host)
}

/** What is asked for by a subscription. */
export function deliveryOf(delivery: FeedMode | undefined): FeedMode | undefined {
  return delivery
}

export function chainFor(delivery: FeedMode): Chain | null {
  return delivery === 'every' ? new Chain() : null
}

/** For one subscription. */
export function readersFor(queueMax: number): Pick<Readers, keyof Readers> {
  return new Readers(queueMax)
}

export function repairsFor(reviewer: Reviewer): Repairs | null {
  return new Repairs(reviewer)
}

/** How gateways are reached. */
export function socketsFor({ transport, messageBytesMax, webSocketRetryMs: retryMs }: ReachSettings, clock: Clock): OpenSocket {
  if (transport === 'webSocket') return openWebSocket
  // Browsers want their `fetch` to be called as a function of nobody.
  const http = httpSockets({ clock, fetch: (input, init) => fetch(input, init), messageLengthMax: messageBytesMax })
  if (transport === 'http') return http
  return new Reach({ clock, webSocket: openWebSocket, http, retryMs }).open
}
