import type { IncomingMessage } from 'node:http'
import { isIP, type Server } from 'node:net'
import type { Clock } from '../runtime/clock.ts'
import { groupOf, isWithin, plainAddress } from '../runtime/http/addresses.ts'
import { capConnections } from '../runtime/http/connections.ts'

export interface ArrivalOptions {
  /** Origins of web pages that may connect; `*`: any. `https://*.example.com` means every name below. */
  readonly origins: readonly string[]
  /** Addresses and ranges (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Connections of one address at once; 0: no limit. */
  readonly connectionsMax: number
  /** New connections of one address in a second; 0: no limit. */
  readonly connectionsPerSecondMax: number
  /** Sockets of an address beyond `connectionsMax`, which have said nothing yet or are being told that they are too many. Default: 10,000. */
  readonly socketsBeyondMax?: number
}

/** Why somebody is turned away before the upgrade. */
export type TurnedAway = 'origin' | 'address_connections' | 'address_rate'

/** Addresses that are counted at once; of more, those that were seen longest ago are forgotten where they have no connection. */
const ADDRESSES_MAX = 50_000
/** So many at once can be told with 429 that they are too many. Who says nothing is cut after 5 s. */
const SOCKETS_BEYOND_MAX = 10_000
/** More hops than any chain of proxies has. */
const HOPS_MAX = 20

interface Account {
  open: number
  /** Connections that may still be made now. */
  allowance: number
  atMs: number
}

/** Looks at who comes, before anything is spent on them: where from, and how many there are of the same address. */
export class Arrivals {
  readonly #options: ArrivalOptions
  readonly #clock: Clock
  readonly #isOrigin: (origin: string) => boolean
  readonly #trusts: (address: string) => boolean
  readonly #accounts = new Map<string, Account>()

  constructor(options: ArrivalOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#isOrigin = originsOf(options.origins)
    this.#trusts = isWithin(options.trustedProxies)
  }

  /** Where connections of an address are limited, sockets are too, before they say anything: those of proxies stand for many. */
  capSockets(server: Server): void {
    const { connectionsMax, socketsBeyondMax = SOCKETS_BEYOND_MAX, trustedProxies } = this.#options
    if (connectionsMax > 0) capConnections(server, connectionsMax + socketsBeyondMax, trustedProxies)
  }

  /** A native app names no origin, and has no cookies that another page could use. */
  allowsOrigin({ headers }: IncomingMessage): boolean {
    return headers.origin === undefined || this.#isOrigin(headers.origin)
  }

  /** Where it comes from: the peer, or whom a trusted proxy names. */
  addressOf({ socket, headers }: IncomingMessage): string {
    const peer = plainAddress(socket.remoteAddress ?? '')
    const forwarded = headers['x-forwarded-for']
    if (forwarded === undefined || !this.#trusts(peer)) return peer
    const named = (Array.isArray(forwarded) ? forwarded.join() : forwarded).split(',').slice(-HOPS_MAX)
    // From the nearest on: the first whom no trusted proxy stands behind is as far as anybody can be believed.
    for (const each of named.reverse()) {
      const address = plainAddress(
        each
          .trim()
          .replace(/^\[(.*)\](:\d+)?$/, '$1')
          .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1'),
      )
      if (isIP(address) === 0) return peer
      if (!this.#trusts(address)) return address
    }
    return peer
  }

  /** Takes a place for a connection of the address. @returns why there is none; else `leave` has to be called once. */
  enter(address: string): TurnedAway | null {
    const { connectionsMax, connectionsPerSecondMax } = this.#options
    if (connectionsMax === 0 && connectionsPerSecondMax === 0) return null
    const account = this.#accountOf(address)
    if (connectionsMax > 0 && account.open >= connectionsMax) return 'address_connections'
    if (connectionsPerSecondMax > 0) {
      const nowMs = this.#clock.nowMs()
      account.allowance = Math.min(connectionsPerSecondMax, account.allowance + ((nowMs - account.atMs) / 1000) * connectionsPerSecondMax)
      account.atMs = nowMs
      if (account.allowance < 1) return 'address_rate'
      account.allowance--
    }
    account.open++
    return null
  }

  leave(address: string): void {
    const account = this.#accounts.get(groupOf(address))
    if (account !== undefined && account.open > 0) account.open--
  }

  /** Addresses that are counted. */
  get size(): number {
    return this.#accounts.size
  }

  #accountOf(address: string): Account {
    const group = groupOf(address)
    const known = this.#accounts.get(group)
    const account = known ?? { open: 0, allowance: this.#options.connectionsPerSecondMax, atMs: this.#clock.nowMs() }
    // The newest last, so that those at the front were seen longest ago.
    this.#accounts.delete(group)
    this.#accounts.set(group, account)
    if (known === undefined) this.#forget()
    return account
  }

  #forget(): void {
    if (this.#accounts.size <= ADDRESSES_MAX) return
    for (const [group, { open }] of this.#accounts) {
      if (open > 0) continue
      this.#accounts.delete(group)
      return
    }
  }
}

function originsOf(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes('*')) return () => true
  const names = new Set(origins.filter((origin) => !origin.includes('*')).map((origin) => origin.toLowerCase()))
  const below = origins.filter((origin) => origin.includes('*')).map((origin) => origin.toLowerCase().split('*') as [string, string])
  return (origin) => {
    const given = origin.toLowerCase()
    if (names.has(given)) return true
    return below.some(([scheme, domain]) => {
      if (!given.startsWith(scheme) || !given.endsWith(domain)) return false
      return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(given.slice(scheme.length, -domain.length))
    })
  }
}
