import type { Encoding } from '@pulsewire/protocol'
import { toAddresses } from './connection/addresses.ts'
import { systemEnvironment, type Environment, type TransportChoice } from './environment.ts'
import { PulsewireError } from './errors.ts'
import { balancerUrl, ENCODINGS } from './parts.ts'

/** Addresses of gateways, best first: `ws://host:port` or `wss://…`; the path may be left out. */
export type AddressSource = string | readonly string[] | (() => string | readonly string[] | Promise<string | readonly string[]>)

export type TokenSource = string | (() => string | Promise<string>)

export interface ClientOptions {
  /** One address, a list, or a function that asks for a list; it is called before each connection. */
  readonly url?: AddressSource
  /**
   * Addresses of balancers, `https://host`, one or several: they are asked for gateways. The last list stays in use
   * when none answers; `url`, where given too, when none has ever answered.
   */
  readonly balancer?: string | readonly string[]
  /** Of whom the balancer should know: the client's zone, and `grey` for one that takes part in a grey release. */
  readonly zone?: string
  readonly track?: string
  /**
   * How often, about, balancers are asked anew while all is well: so that the list is of use when everything else is down,
   * and a client that another zone serves goes back to its own; each client at moments of its own. Default 300,000 ms.
   */
  readonly gatewaysRenewMs?: number
  /** Bearer token, or a function that gives one: called at each connection, and when the server wants a new one. */
  readonly token?: TokenSource
  /** Who uses the client, for session lists and traces where no token says so. */
  readonly user?: string
  /** Name and version of the application. Default `@pulsewire/client/VERSION`. */
  readonly name?: string
  /** Default `bin`, with `json` offered too. `json` offers only that: for looking at the wire. */
  readonly encoding?: 'bin' | 'json'
  /**
   * Default `auto`: WebSocket, and where the network breaks that, an HTTP stream with the same promises; WebSocket is then
   * tried again after `webSocketRetryMs`. `webSocket` and `http`: that alone.
   */
  readonly transport?: TransportChoice
  /** Where an HTTP stream serves, WebSocket is tried again after so long, and after twice as long when that was in vain. Default 300,000 ms. */
  readonly webSocketRetryMs?: number
  /** How often pulses are wanted at most, in ms. An app in the background asks for 10,000. Default: the server's. */
  readonly pulseIntervalMs?: number
  /** Data older than this is stale, in ms. Default: what the server says (2,500 with a pulse a second). */
  readonly staleAfterMs?: number
  /** Time for connecting, including hello and welcome; also for the address and token functions. Default 4,000 ms. */
  readonly connectTimeoutMs?: number
  /** Upper bound of the first delay before reconnecting. Default 250 ms. */
  readonly backoffBaseMs?: number
  /** Upper bound of any delay before reconnecting. Default 30,000 ms. */
  readonly backoffMaxMs?: number
  /** Without welcome for this long, a second address is tried beside the first. Default 700 ms; more than `connectTimeoutMs`: never. */
  readonly hedgeAfterMs?: number
  /** Data stale for this long through the fault of this gateway makes the client try another address. Default 1,500 ms. */
  readonly failoverAfterMs?: number
  /** A larger message from the server is refused. Default 16 MiB. */
  readonly messageBytesMax?: number
  /** Clock, random numbers, sockets. For tests and simulations. */
  readonly environment?: Partial<Environment>
}

/** Options with every default filled in. */
export interface Settings extends Numbers {
  readonly url: AddressSource | undefined
  /** What is asked of balancers, as whole URLs. */
  readonly balancers: readonly string[]
  readonly zone: string | undefined
  readonly token: TokenSource | undefined
  readonly user: string | undefined
  readonly name: string
  readonly encodings: readonly Encoding[]
  readonly environment: Environment
}

const TRANSPORTS: readonly TransportChoice[] = ['auto', 'webSocket', 'http']

/** Of this package; `package.json` says the same. */
export const VERSION = '0.1.0'

/** What numbers are where none is given, in ms and bytes; undefined: as the server says. */
const NUMBERS = {
  gatewaysRenewMs: 300_000,
  webSocketRetryMs: 300_000,
  pulseIntervalMs: undefined,
  staleAfterMs: undefined,
  connectTimeoutMs: 4_000,
  backoffBaseMs: 250,
  backoffMaxMs: 30_000,
  hedgeAfterMs: 700,
  failoverAfterMs: 1_500,
  messageBytesMax: 16 * 1024 * 1024,
} as const

type Numbers = { readonly [Name in keyof typeof NUMBERS]: number | ((typeof NUMBERS)[Name] & undefined) }

/** @throws PulsewireError options_invalid, address_invalid */
export function resolveOptions(options: ClientOptions): Settings {
  if (options === null || typeof options !== 'object') throw invalid('options must be an object with url or balancer')
  const { url, zone, token, user, name = `@pulsewire/client/${VERSION}`, encoding = 'bin', transport = 'auto' } = options
  if (url === undefined && options.balancer === undefined) throw invalid('url or balancer must be given')
  if (url !== undefined && typeof url !== 'function') toAddresses(url)
  if (encoding !== 'bin' && encoding !== 'json') throw invalid("encoding must be 'bin' or 'json'")
  if (!TRANSPORTS.includes(transport)) throw invalid(`transport must be one of ${TRANSPORTS.join(', ')}`)
  const numbers = numbersOf(options)
  return {
    ...numbers,
    url,
    balancers: balancersOf(options),
    zone,
    token,
    user,
    name,
    encodings: encoding === 'bin' ? ENCODINGS : ['pulsewire.json.v1'],
    environment: { ...systemEnvironment({ ...numbers, transport }), ...options.environment },
  }
}

function numbersOf(options: ClientOptions): Numbers {
  const numbers: Record<string, number | undefined> = {}
  for (const [name, usual] of Object.entries(NUMBERS)) {
    const value = options[name as keyof Numbers] ?? usual
    if (value !== undefined && !(value > 0 && value < Infinity)) throw invalid(`${name} must be a positive number`)
    numbers[name] = value
  }
  return numbers as Numbers
}

function balancersOf({ balancer = [], zone, track, user, name }: ClientOptions): string[] {
  const list = typeof balancer === 'string' ? [balancer] : balancer
  if (!Array.isArray(list)) throw invalid('balancer must be an address or a list of addresses')
  return [...new Set(list as readonly string[])].map((address) => balancerUrl(address, { zone, track, user, client: name }))
}

function invalid(message: string): PulsewireError {
  return new PulsewireError('options_invalid', message)
}
