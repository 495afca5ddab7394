import { type ConsoleServer, serveConsole } from '@pulsewire/console'
import type { Logger, Service } from '@pulsewire/server'

/** The console beside a gateway: its page connects to that gateway, at the address that the console itself listens on. */
export function consoleService(listen: { readonly host: string; readonly port: number }, gatewayPort: () => number, log: Logger): Service {
  const closed = Promise.withResolvers<void>()
  let server: ConsoleServer | null = null
  const close = async (): Promise<void> => {
    await server?.close()
    closed.resolve()
  }
  return {
    start: async () => {
      server = await serveConsole({ ...listen, gateways: [`ws://${reachable(listen.host)}:${gatewayPort()}`], log })
    },
    drain: async () => {},
    close,
    closed: closed.promise,
    [Symbol.asyncDispose]: close,
  }
}

/** A browser cannot connect to "every address". */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
