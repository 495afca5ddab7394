/**
 * The parts of the client that not every page needs. The small browser file has `parts-small.ts` in place of this: the
 * rest of the client is the same, module by module.
 */
import { REFUSAL_CODES } from '@pulsewire/protocol'
import type { Clock } from './clock.ts'
import { httpSockets } from './connection/http-socket.ts'
import { Reach } from './connection/reach.ts'
import { openWebSocket, type OpenSocket } from './connection/socket.ts'
import type { ReachSettings } from './environment.ts'

export { createDecoder, encodeUpstreamFor, ENCODINGS } from '@pulsewire/protocol'
export { Balancers } from './connection/balancers.ts'
export { fetchText } from './connection/fetch-text.ts'
export { balancerUrl } from './connection/hand-out.ts'
export { Zones } from './connection/zones.ts'

/** What a refusal means, for people. */
export function refusalText(code: string): string {
  return (REFUSAL_CODES as Readonly<Record<string, string>>)[code] ?? ''
}

/** How gateways are reached. */
export function socketsFor({ transport, messageBytesMax, webSocketRetryMs: retryMs }: ReachSettings, clock: Clock): OpenSocket {
  if (transport === 'webSocket') return openWebSocket
  // Browsers want their `fetch` to be called as a function of nobody.
  const http = httpSockets({ clock, fetch: (input, init) => fetch(input, init), messageLengthMax: messageBytesMax })
  if (transport === 'http') return http
  return new Reach({ clock, webSocket: openWebSocket, http, retryMs }).open
}
