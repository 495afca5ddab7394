import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { TLSSocket } from 'node:tls'
import { plainAddress } from '../runtime/http/addresses.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Arrivals, TurnedAway } from './arrivals.ts'
import type { Sessions } from './sessions.ts'

/** Why somebody is not let in, as HTTP says it. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** Somebody who was let in. What holds it must not hold the request, whose headers would stay as long as the connection. */
export interface Guest {
  /** Where the peer is, for logs and traces. */
  readonly remote: string
  readonly bearer: string | undefined
  /** The peer has shown a certificate that is trusted here. */
  readonly isCertified: boolean
  /** To be called once, when it is gone. */
  readonly leave: () => void
}

export interface DoorOptions {
  readonly sessions: Sessions
  readonly ready: () => boolean
  readonly log: Logger
  readonly arrivals?: Arrivals
}

export const HEADERS_MAX = 100

/** URLs end in the logs of every proxy on the way, and some read `;` as they read `&`. */
const TOKEN_IN_URL = /[?&;](access_?token|id_?token|token|jwt|bearer|authorization)=/i

const TURNED_AWAY: Readonly<Record<TurnedAway, Refusal>> = {
  origin: { status: 403, message: 'pages of this origin may not connect here' },
  address_connections: { status: 429, message: 'there are as many connections of this address as may be' },
  address_rate: { status: 429, message: 'more connections come from this address than are taken in a second' },
}

/** Who may come in, before anything is spent on them; the same for every transport. */
export class Door {
  readonly #options: DoorOptions
  #closed = false

  constructor(options: DoorOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return !this.#closed && this.#options.ready()
  }

  /** From now on nobody new is let in. */
  close(): void {
    this.#closed = true
  }

  /** @returns why a page of this origin is turned away; `null`: it is not. */
  objectionToOrigin(request: IncomingMessage): Refusal | null {
    return this.#options.arrivals?.allowsOrigin(request) === false ? this.#turnAway('origin') : null
  }

  /** What can be said of a request for a session before a place is given to it. */
  objection(request: IncomingMessage): Refusal | null {
    if (TOKEN_IN_URL.test(decoded(request.url!))) return { status: 401, message: 'a token never goes into the URL, but into hello' }
    const foreign = this.objectionToOrigin(request)
    if (foreign !== null) return foreign
    if (!this.isOpen) return { status: 503, message: 'this node takes no sessions now' }
    if (this.#options.sessions.full) return { status: 503, message: 'this node is full' }
    return null
  }

  /** Gives it a place. */
  enter(request: IncomingMessage): Refusal | Guest {
    const { arrivals } = this.#options
    const peer = `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`
    const address = arrivals?.addressOf(request)
    if (arrivals !== undefined && address !== undefined) {
      const why = arrivals.enter(address)
      if (why !== null) return this.#turnAway(why)
    }
    const isForwarded = address !== undefined && address !== plainAddress(request.socket.remoteAddress ?? '')
    return {
      remote: isForwarded ? `${address} by ${peer}` : peer,
      bearer: bearerOf(request),
      isCertified: request.socket instanceof TLSSocket && request.socket.authorized,
      leave: leaving(arrivals, address),
    }
  }

  #turnAway(why: TurnedAway): Refusal {
    const { sessions, log } = this.#options
    sessions.turnedAway[why]++
    log.debug('turned_away', TURNED_AWAY[why].message, { why })
    return TURNED_AWAY[why]
  }
}

export function isRefusal(answer: Refusal | Guest): answer is Refusal {
  return 'status' in answer
}

export function objectionToHeaders({ rawHeaders }: IncomingMessage): Refusal | null {
  // Those beyond are dropped by the parser, whatever they say.
  if (rawHeaders.length >= 2 * HEADERS_MAX) return { status: 431, message: `more than ${HEADERS_MAX} headers` }
  // The parser takes the first, somebody on the way perhaps the other.
  const hosts = rawHeaders.filter((text, index) => index % 2 === 0 && text.length === 4 && text.toLowerCase() === 'host')
  return hosts.length > 1 ? { status: 400, message: 'more than one Host header' } : null
}

/** RFC 6455, 4.1: HTTP/1.1 or higher; and what stood in a body would be taken for frames. */
export function objectionToUpgrade({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): Refusal | null {
  if (httpVersionMajor === 1 && httpVersionMinor < 1) return { status: 400, message: 'an upgrade wants HTTP/1.1' }
  if (Number(headers['content-length'] ?? 0) === 0 && headers['transfer-encoding'] === undefined) return null
  return { status: 400, message: 'an upgrade has no body' }
}

/** Each `%XX` alone: what stands behind a broken one is to be seen too. */
function decoded(url: string): string {
  return url.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status]!}`
}

/** Holds the address alone. */
function leaving(arrivals: Arrivals | undefined, address: string | undefined): () => void {
  if (arrivals === undefined || address === undefined) return () => {}
  return () => arrivals.leave(address)
}

/** Of a client that can set headers, and would rather not put it into `hello`. */
function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]{1,8192})$/i.exec(headers.authorization ?? '')?.[1]
}
