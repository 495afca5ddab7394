import { hostname } from 'node:os'
import { isEveryAddress } from './checks.ts'

interface Listener {
  readonly listen: { readonly host: string }
  readonly tls: { readonly certFile?: string }
}

/** Addresses at which others reach a node: those configured, with the port that it got in place of 0, else where it listens. */
export function advertisedAddresses(advertise: readonly string[], { listen, tls }: Listener, port: number): readonly string[] {
  if (advertise.length > 0) return advertise.map((address) => address.replace(/\/$/, '').replace(/:0$/, `:${port}`))
  return [`${tls.certFile === undefined ? 'ws' : 'wss'}://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`]
}

/**
 * Where others reach the probes of a process: where they are served, or, on every address, at the host that the node
 * advertises, else at the machine's name.
 */
export function probesAddress(advertise: readonly string[], host: string, port: number): string {
  const [first] = advertise
  const named = first === undefined ? hostname() : new URL(first).hostname
  const reached = isEveryAddress(host) ? named : host
  return `http://${reached.includes(':') && !reached.startsWith('[') ? `[${reached}]` : reached}:${port}`
}
