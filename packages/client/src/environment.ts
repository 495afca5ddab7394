import { createSystemClock, type Clock } from './clock.ts'
import type { FetchText } from './connection/fetch-text.ts'
import type { OpenSocket } from './connection/socket.ts'
import { fetchText, socketsFor } from './parts.ts'

/** Everything outside the client that it decides by. The only module that reaches for the real ones. */
export interface Environment {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly openSocket: OpenSocket
  /** How balancers are asked. */
  readonly fetchText: FetchText
  /** Calls back when the network or the page came back, so that a backoff can be cut short. Returns the undo. */
  readonly onWake: (callback: () => void) => () => void
}

/** How gateways are reached. `auto`: by WebSocket, and by an HTTP stream where the network breaks that. */
export type TransportChoice = 'auto' | 'webSocket' | 'http'

export interface ReachSettings {
  readonly transport: TransportChoice
  readonly webSocketRetryMs: number
  readonly messageBytesMax: number
}

export function systemEnvironment(settings: ReachSettings): Environment {
  const clock = createSystemClock()
  return { clock, random: Math.random, openSocket: socketsFor(settings, clock), fetchText, onWake: onPageWake }
}

/** Browsers tell when the network is back and when a page is shown again; elsewhere nothing happens. */
function onPageWake(callback: () => void): () => void {
  const page: Partial<Pick<typeof globalThis, 'addEventListener' | 'removeEventListener' | 'document'>> = globalThis
  if (page.addEventListener === undefined || page.document === undefined) return () => {}
  const onVisible = () => {
    if (page.document?.visibilityState === 'visible') callback()
  }
  page.addEventListener('online', callback)
  page.document.addEventListener('visibilitychange', onVisible)
  return () => {
    page.removeEventListener?.('online', callback)
    page.document?.removeEventListener('visibilitychange', onVisible)
  }
}
