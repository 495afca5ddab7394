import { type ConsoleOptions, type ConsoleServer, serveConsole } from '@pulsewire/console'
import { hostname } from 'node:os'
import type { Logger, Secret, Service } from '@pulsewire/server'
import { servePageAsks } from '../ask/page-asks.ts'

interface ConsoleBalancer {
  readonly host: string
  readonly port: number
  /** The certificate that it shows, PEM, as it is now; absent: it is not encrypted. */
  readonly certificate?: () => string
  /** What it wants to be shown by operators. */
  readonly secret?: string
}

export interface ConsoleServiceOptions {
  readonly listen: { readonly host: string; readonly port: number }
  /** Names under which it is served, beside addresses and localhost. */
  readonly hosts: readonly string[]
  /** Where the gateway beside it listens; absent: the balancer names gateways. */
  gateway?: () => number
  /** Where the balancer beside it listens. */
  balancer?: () => ConsoleBalancer
  /** Absent: the page asks nodes nothing. */
  readonly asks?: {
    readonly secret: Secret
    /** Those that a balancer knows of, those next to the node first; absent: the gateway beside it. */
    readonly gateways?: (near?: string) => readonly string[]
  }
  readonly log: Logger
}

/** The console beside a gateway, a balancer, or both. */
export function consoleService({ listen, hosts, gateway, balancer, asks, log }: ConsoleServiceOptions): Service {
  const closed = Promise.withResolvers<void>()
  let server: ConsoleServer | null = null
  const close = async (): Promise<void> => {
    await server?.close()
    closed.resolve()
  }
  return {
    start: async () => {
      const beside = gateway === undefined ? [] : [`ws://${reachable(listen.host)}:${gateway()}`]
      server = await serveConsole({
        ...listen,
        hosts,
        gateways: beside,
        ...(asks === undefined ? {} : { asks: pageAsks(asks, beside) }),
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

function asked({ host, port, certificate, secret }: ConsoleBalancer): Partial<ConsoleOptions> {
  const balancer = `${certificate === undefined ? 'http' : 'https'}://${reachable(host)}:${port}`
  return {
    balancer,
    ...(secret === undefined ? {} : { balancerSecret: secret }),
    ...(certificate === undefined ? {} : { balancerCertificate: certificate }),
  }
}

function pageAsks({ secret, gateways = () => [] }: NonNullable<ConsoleServiceOptions['asks']>, beside: readonly string[]) {
  const known = (near?: string) => [...new Set([...beside, ...gateways(near)])]
  return servePageAsks({ gateways: known, secret, who: `page of ${hostname()}`.slice(0, 128) })
}

/** A browser cannot connect to "every address". */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
