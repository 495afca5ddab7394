import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ENCODINGS, STREAM_PATH, type Encoding } from '@pulsewire/protocol'
import { WebSocketServer } from 'ws'
import { PulsewireError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { SendQueues } from '../runtime/send-queue.ts'
import type { ListenerTls } from '../runtime/tls.ts'
import { type Arrivals, plainAddress, type TurnedAway } from './arrivals.ts'
import { Framer } from './framer.ts'
import type { Sessions } from './sessions.ts'
import { type Accepted, WebSocketTransport } from './web-socket-transport.ts'

export interface StreamServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly messageBytesMax: number
  readonly sessions: Sessions
  /** Whether new sessions are taken; while not, upgrades are answered with 503. */
  readonly ready: () => boolean
  /** What is not as it should be, one line each, for whoever asks `/ready`. */
  readonly readiness?: () => readonly string[]
  readonly log: Logger
  /** Whom it lets in by where they come from. Default: everybody. */
  readonly arrivals?: Arrivals
  /** Default: the listener is not encrypted. */
  readonly tls?: ListenerTls
}

/** What a node needs of whatever takes its connections and makes sessions of them. */
export interface StreamListener {
  /** @throws PulsewireError `listen_failed` naming the address. */
  listen(): Promise<void>
  readonly port: number
  /** From now on nobody new is let in. */
  stopAccepting(): void
  close(): Promise<void>
}

/** Makes a node's listener; injected, so that a simulation can use its own network. */
export type ListenStream = (options: StreamServerOptions) => StreamListener

export const listenWebSocket: ListenStream = (options) => new StreamServer(options)

/** The HTTP side of a node: upgrades on `/v1/stream`, and `/live` and `/ready` for probes. */
export class StreamServer implements StreamListener {
  readonly #options: StreamServerOptions
  readonly #http: Server
  readonly #ws: WebSocketServer
  readonly #framer = new Framer()
  readonly #sendQueues = new SendQueues()
  #accepting = true

  constructor(options: StreamServerOptions) {
    this.#options = options
    this.#http = serverOf(options.tls, (request, response) => this.#request(request, response))
    this.#http.maxHeadersCount = HEADERS_MAX
    this.#ws = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.messageBytesMax,
      handleProtocols: (offered) => chooseEncoding(offered) ?? false,
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (socket.writable) socket.end(`HTTP/1.1 ${CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`)
    })
  }

  /** @throws PulsewireError `listen_failed` naming the address. */
  async listen(): Promise<void> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', (cause) =>
        reject(new PulsewireError('listen_failed', `cannot listen on ${host}:${port}: ${cause.message}`, { cause })),
      )
      this.#http.listen({ host, port, backlog: 4096 }, resolve)
    })
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  /** From now on upgrades are refused with 503. */
  stopAccepting(): void {
    this.#accepting = false
  }

  async close(): Promise<void> {
    this.#accepting = false
    this.#options.tls?.close()
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve())
      this.#http.closeAllConnections()
    })
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    if (hasTooManyHeaders(request)) return void response.writeHead(431, { connection: 'close' }).end()
    const ready = this.#accepting && this.#options.ready()
    // That a process answers is what makes it live: neither Kafka nor anything else is asked.
    if (request.url === '/live') response.writeHead(200, { 'content-type': 'text/plain' }).end('live\n')
    else if (request.url === '/ready') {
      const lines = [ready ? 'ready' : 'not ready', ...(this.#options.readiness?.() ?? [])]
      response.writeHead(ready ? 200 : 503, { 'content-type': 'text/plain' }).end(`${lines.join('\n')}\n`)
    } else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', destroyOnError)
    const path = request.url?.split('?', 1)[0]
    if (hasTooManyHeaders(request)) return refuse(socket, '431 Request Header Fields Too Large', `more than ${HEADERS_MAX} headers`)
    if (path !== STREAM_PATH) return refuse(socket, '404 Not Found', `the stream is at ${STREAM_PATH}`)
    if (TOKEN_IN_URL.test(request.url!)) return refuse(socket, '401 Unauthorized', 'a token never goes into the URL, but into hello')
    const { arrivals } = this.#options
    if (arrivals?.allowsOrigin(request) === false) return this.#turnAway(socket, 'origin')
    if (!this.#accepting || !this.#options.ready()) return refuse(socket, '503 Service Unavailable', 'this node takes no sessions now')
    if (this.#options.sessions.full) return refuse(socket, '503 Service Unavailable', 'this node is full')
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    if (chooseEncoding(offered.split(',').map((name) => name.trim())) === undefined) {
      return refuse(socket, '400 Bad Request', `offer one of the subprotocols ${ENCODINGS.join(', ')}`)
    }
    const peer = `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`
    const address = arrivals?.addressOf(request)
    if (arrivals !== undefined && address !== undefined) {
      const why = arrivals.enter(address)
      if (why !== null) return this.#turnAway(socket, why)
      socket.once('close', () => arrivals.leave(address))
    }
    const isForwarded = address !== undefined && address !== plainAddress(request.socket.remoteAddress ?? '')
    const remote = isForwarded ? `${address} by ${peer}` : peer
    const bearer = bearerOf(request)
    const isCertified = request.socket instanceof TLSSocket && request.socket.authorized
    this.#ws.handleUpgrade(request, socket, head, (webSocket) => this.#session({ webSocket, socket, remote, bearer, isCertified }))
  }

  #turnAway(socket: Duplex, why: TurnedAway): void {
    const { sessions, log } = this.#options
    sessions.turnedAway[why]++
    log.debug('turned_away', TURNED_AWAY[why][1], { why })
    refuse(socket, ...TURNED_AWAY[why])
  }

  #session(accepted: Accepted): void {
    const tools = { framer: this.#framer, sendQueues: this.#sendQueues }
    const transport = new WebSocketTransport(accepted, accepted.webSocket.protocol as Encoding, tools)
    transport.attach(this.#options.sessions.accept(transport))
  }
}

const TURNED_AWAY: Readonly<Record<TurnedAway, readonly [status: string, message: string]>> = {
  origin: ['403 Forbidden', 'pages of this origin may not connect here'],
  address_connections: ['429 Too Many Requests', 'there are as many connections of this address as may be'],
  address_rate: ['429 Too Many Requests', 'more connections come from this address than are taken in a second'],
}

const HEADERS_MAX = 100
/** Timeouts count from one look to the next. */
const TIMEOUTS = { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000, connectionsCheckingInterval: 500 }

/** Where Node's own parser gave up. */
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Those beyond are dropped by the parser, whatever they say. */
function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length >= 2 * HEADERS_MAX
}

function serverOf(tls: ListenerTls | undefined, onRequest: (request: IncomingMessage, response: ServerResponse) => void): Server {
  if (tls === undefined) return createServer(TIMEOUTS, onRequest)
  const server: SecureServer = createSecureServer({ ...TIMEOUTS, handshakeTimeout: TIMEOUTS.headersTimeout, ...tls.options }, onRequest)
  tls.follow(server)
  return server
}

/** URLs end in the logs of every proxy on the way. */
const TOKEN_IN_URL = /[?&](access_?token|id_?token|token|jwt|bearer|authorization)=/i

/** Of a client that can set headers, and would rather not put it into `hello`. */
function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +([^\s]{1,8192})$/i.exec(headers.authorization ?? '')?.[1]
}

function chooseEncoding(offered: Iterable<string>): Encoding | undefined {
  for (const name of offered) if ((ENCODINGS as readonly string[]).includes(name)) return name as Encoding
  return undefined
}

/** Not a closure: one would keep the request with all its headers for as long as the connection lives. */
function destroyOnError(this: Duplex): void {
  this.destroy()
}

function refuse(socket: Duplex, status: string, message: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(message) + 1}\r\n\r\n${message}\n`,
    () => socket.destroy(),
  )
}
