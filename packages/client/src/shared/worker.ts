import { PulsewireClient } from '../client.ts'
import { createSystemClock } from '../clock.ts'
import type { ClientOptions } from '../options.ts'
import { watchLock } from './locks.ts'
import { type HostPort, TabHost } from './tab-host.ts'

/**
 * Makes a shared worker serve quotes to all tabs of its origin, over one connection. To be called in the worker's script.
 * @example
 * serveTabs({ url: 'wss://gw.example', token: async () => (await fetch('/token')).text() })
 */
export function serveTabs(options: ClientOptions): void {
  const host = new TabHost({ makeClient: () => new PulsewireClient(options), clock: createSystemClock(), watchLock })
  const scope = globalThis as unknown as { onconnect: (event: { readonly ports: readonly HostPort[] }) => void }
  scope.onconnect = ({ ports }) => host.attach(ports[0]!)
}
