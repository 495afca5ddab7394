import { type ConsoleServer, serveConsole } from '@pulsewire/console'
import type { Logger, Service } from '@pulsewire/server'

interface ConsoleBalancer {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** What it wants to be shown by operators. */
  readonly secret?: string
}

export interface ConsoleServiceOptions {
  readonly listen: { readonly host: string; readonly port: number }
  /** Where the gateway beside it listens; absent: the balancer names gateways. */
  gateway?: () => number
  /** Where the balancer beside it listens. */
  balancer?: () => ConsoleBalancer
  readonly log: Logger
}

/** The console beside a gateway, a balancer, or both. */
export function consoleService({ listen, gateway, balancer, log }: ConsoleServiceOptions): Service {
  const closed = Promise.withResolvers<void>()
  let server: ConsoleServer | null = null
  const close = async (): Promise<void> => {
    await server?.close()
    closed.resolve()
  }
  return {
    start: async () => {
      server = await serveConsole({
        ...listen,
        gateways: gateway === undefined ? [] : [`ws://${reachable(listen.host)}:${gateway()}`],
        ...(balancer === undefined ? {} : asked(balancer())),
        log,
      })
    },
    drain: async () => {},
    close,
    closed: closed.promise,
    [Symbol.asyncDispose]: close,
  }
}

function asked({ host, port, isSecure, secret }: ConsoleBalancer): { balancer: string; balancerSecret?: string } {
  const balancer = `${isSecure ? 'https' : 'http'}://${reachable(host)}:${port}`
  return secret === undefined ? { balancer } : { balancer, balancerSecret: secret }
}

/** A browser cannot connect to "every address". */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
