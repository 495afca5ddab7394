import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ENCODINGS, STREAM_PATH, type Encoding } from '@pulsewire/protocol'
import { WebSocketServer } from 'ws'
import { PulsewireError } from '../runtime/errors.ts'
import { HTTP_TIMEOUTS } from '../runtime/http/connections.ts'
import type { Logger } from '../runtime/logger.ts'
import { SendQueues } from '../runtime/send-queue.ts'
import type { ListenerTls } from '../runtime/tls.ts'
import type { Arrivals } from './arrivals.ts'
import { Door, HEADERS_MAX, isRefusal, objectionToHeaders, objectionToUpgrade, type Refusal, statusLine } from './door.ts'
import { type HttpStreamOptions, HttpStreams } from './http-streams.ts'
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
  /** For receivers whose network breaks WebSocket. Default: there is none. */
  readonly httpStream?: HttpStreamOptions
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
  readonly #door: Door
  readonly #streams: HttpStreams | null

  constructor(options: StreamServerOptions) {
    this.#options = options
    this.#door = new Door(options)
    const { httpStream, sessions, messageBytesMax } = options
    const deps = { door: this.#door, sendQueues: this.#sendQueues, sessions, messageBytesMax }
    this.#streams = httpStream === undefined ? null : new HttpStreams(httpStream, deps)
    this.#http = serverOf(options.tls, (request, response) => this.#request(request, response))
    this.#http.maxHeadersCount = HEADERS_MAX
    options.arrivals?.capSockets(this.#http)
    this.#ws = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
      // None needs more than it has bytes; of empty ones there is no end.
      maxFragments: messageBytesMax,
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
    this.#door.close()
  }

  async close(): Promise<void> {
    this.#door.close()
    this.#streams?.close()
    this.#options.tls?.close()
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve())
      this.#http.closeAllConnections()
    })
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const unwanted = objectionToHeaders(request)
    if (unwanted !== null) return void response.writeHead(unwanted.status, { connection: 'close' }).end()
    if (this.#streams?.handle(request, response) === true) return
    const ready = this.#door.isOpen
    // That a process answers is what makes it live: neither Kafka nor anything else is asked.
    if (request.url === '/live') response.writeHead(200, { 'content-type': 'text/plain' }).end('live\n')
    else if (request.url === '/ready') {
      const lines = [ready ? 'ready' : 'not ready', ...(this.#options.readiness?.() ?? [])]
      response.writeHead(ready ? 200 : 503, { 'content-type': 'text/plain' }).end(`${lines.join('\n')}\n`)
    } else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', destroyOnError)
    // Its answer would be written into that of the stream.
    if (this.#streams?.carries(socket) === true) return void socket.destroy()
    const path = request.url?.split('?', 1)[0]
    const unwanted = objectionToHeaders(request) ?? objectionToUpgrade(request)
    if (unwanted !== null) return refuse(socket, unwanted)
    if (path !== STREAM_PATH) return refuse(socket, { status: 404, message: `the stream is at ${STREAM_PATH}` })
    const objection = this.#door.objection(request)
    if (objection !== null) return refuse(socket, objection)
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    if (chooseEncoding(offered.split(',').map((name) => name.trim())) === undefined) {
      return refuse(socket, { status: 400, message: `offer one of the subprotocols ${ENCODINGS.join(', ')}` })
    }
    const guest = this.#door.enter(request)
    if (isRefusal(guest)) return refuse(socket, guest)
    socket.once('close', guest.leave)
    this.#ws.handleUpgrade(request, socket, head, (webSocket) => this.#session({ webSocket, socket, guest }))
  }

  #session(accepted: Accepted): void {
    const { messageBytesMax } = this.#options
    const tools = { framer: this.#framer, sendQueues: this.#sendQueues, messageBytesMax }
    const transport = new WebSocketTransport(accepted, accepted.webSocket.protocol as Encoding, tools)
    transport.attach(this.#options.sessions.accept(transport))
  }
}

/** Where Node's own parser gave up. */
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

function serverOf(tls: ListenerTls | undefined, onRequest: (request: IncomingMessage, response: ServerResponse) => void): Server {
  if (tls === undefined) return createServer(HTTP_TIMEOUTS, onRequest)
  const server: SecureServer = createSecureServer(
    { ...HTTP_TIMEOUTS, handshakeTimeout: HTTP_TIMEOUTS.headersTimeout, ...tls.options },
    onRequest,
  )
  tls.follow(server)
  return server
}

function chooseEncoding(offered: Iterable<string>): Encoding | undefined {
  for (const name of offered) if ((ENCODINGS as readonly string[]).includes(name)) return name as Encoding
  return undefined
}

/** Not a closure: one would keep the request with all its headers for as long as the connection lives. */
function destroyOnError(this: Duplex): void {
  this.destroy()
}

function refuse(socket: Duplex, { status, message }: Refusal): void {
  socket.end(
    `HTTP/1.1 ${statusLine(status)}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(message) + 1}\r\n\r\n${message}\n`,
    () => socket.destroy(),
  )
}
