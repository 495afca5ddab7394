import { PulsewireError } from '../errors.ts'
import { toAddress } from './addresses.ts'

/** What a balancer gives: addresses of gateways, best first, and how to treat them. */
export interface HandOut {
  readonly addresses: readonly string[]
  /** Zone of each address, where the balancer says it. */
  readonly zones: ReadonlyMap<string, string>
  /** For so long the list is used without asking again. */
  readonly ttlMs: number
  /** Wait so long before connecting: many want in at once, and each has its turn. */
  readonly connectAfterMs: number
  /** The balancer's own view is lost: these are the last gateways known to be good. */
  readonly degraded: boolean
}

/** More than any balancer has to say. */
export const ANSWER_BYTES_MAX = 64 * 1024
const GATEWAYS_MAX = 100
const ADDRESS_LENGTH_MAX = 512
const TTL_MAX_MS = 3_600_000
/** Nobody is made to wait longer for a turn, whatever the answer says. */
const CONNECT_AFTER_MAX_MS = 60_000

/** `https://host/prefix` → the URL that is asked. @throws PulsewireError address_invalid */
export function balancerUrl(address: string, query: Readonly<Record<string, string | undefined>>): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new PulsewireError('address_invalid', `balancer: '${address}' is no http:// or https:// address`)
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/gateways`
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
  url.hash = ''
  return url.href
}

/**
 * Reads a balancer's answer. Nothing in it is trusted: the addresses get the user's token.
 * @param secure the balancer was asked over an encrypted connection, so it must not lead to a plain one.
 * @throws PulsewireError balancer_invalid
 */
export function readHandOut(text: string, secure: boolean): HandOut {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
  const { gateways, ttlMs, connectAfterMs = 0, degraded = false } = (answer ?? {}) as Record<string, unknown>
  if (!Array.isArray(gateways) || gateways.length > GATEWAYS_MAX) throw invalid(`gateways must be a list of at most ${GATEWAYS_MAX}`)
  if (!isDuration(ttlMs)) throw invalid('ttlMs must be a number from 0')
  if (!isDuration(connectAfterMs)) throw invalid('connectAfterMs must be a number from 0')
  const zones = safeAddresses(gateways, secure)
  return {
    addresses: [...zones.keys()],
    zones,
    ttlMs: Math.min(ttlMs, TTL_MAX_MS),
    connectAfterMs: Math.min(connectAfterMs, CONNECT_AFTER_MAX_MS),
    degraded: degraded === true,
  }
}

/**
 * One gateway with a wrong address does not spoil the rest; where all are wrong, the answer is.
 * @returns address → zone, empty where it does not say; best first.
 */
function safeAddresses(gateways: readonly unknown[], secure: boolean): Map<string, string> {
  const addresses = new Map<string, string>()
  let why = ''
  for (const gateway of gateways) {
    const { address, zone } = (gateway ?? {}) as { address?: unknown; zone?: unknown }
    try {
      if (typeof address !== 'string' || address.length > ADDRESS_LENGTH_MAX) throw new TypeError('a gateway has no address')
      const url = toAddress(address)
      if (secure && !url.startsWith('wss:')) throw new TypeError(`it leads from an encrypted connection to ${address}, which is not`)
      if (!addresses.has(url)) addresses.set(url, typeof zone === 'string' ? zone : '')
    } catch (error) {
      why = (error as Error).message
    }
  }
  if (addresses.size === 0 && why !== '') throw invalid(why)
  return addresses
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}

function invalid(why: string): PulsewireError {
  return new PulsewireError('balancer_invalid', `the balancer's answer is refused: ${why}`, { retryable: true })
}
