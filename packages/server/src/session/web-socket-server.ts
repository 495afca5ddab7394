import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ENCODINGS, STREAM_PATH, type Encoding } from '@pulsewire/protocol'
import { WebSocketServer } from 'ws'
import { PulsewireError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { SendQueues } from '../runtime/send-queue.ts'
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
    this.#http = createServer({ headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000 }, (request, response) =>
      this.#request(request, response),
    )
    this.#http.maxHeadersCount = 100
    this.#ws = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.messageBytesMax,
      handleProtocols: (offered) => chooseEncoding(offered) ?? false,
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
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
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve())
      this.#http.closeAllConnections()
    })
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
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
    if (path !== STREAM_PATH) return refuse(socket, '404 Not Found', `the stream is at ${STREAM_PATH}`)
    if (TOKEN_IN_URL.test(request.url!)) return refuse(socket, '401 Unauthorized', 'a token never goes into the URL, but into hello')
    if (!this.#accepting || !this.#options.ready()) return refuse(socket, '503 Service Unavailable', 'this node takes no sessions now')
    if (this.#options.sessions.full) return refuse(socket, '503 Service Unavailable', 'this node is full')
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    if (chooseEncoding(offered.split(',').map((name) => name.trim())) === undefined) {
      return refuse(socket, '400 Bad Request', `offer one of the subprotocols ${ENCODINGS.join(', ')}`)
    }
    const remote = `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`
    const bearer = bearerOf(request)
    this.#ws.handleUpgrade(request, socket, head, (webSocket) => this.#session({ webSocket, socket, remote, bearer }))
  }

  #session(accepted: Accepted): void {
    const tools = { framer: this.#framer, sendQueues: this.#sendQueues }
    const transport = new WebSocketTransport(accepted, accepted.webSocket.protocol as Encoding, tools)
    transport.attach(this.#options.sessions.accept(transport))
  }
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
