import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { STREAM_PATH } from '@pulsewire/protocol'
import type { SendQueues } from '../runtime/send-queue.ts'
import { type Door, isRefusal, type Refusal } from './door.ts'
import type { Taken } from './http-inbox.ts'
import { HttpTransport } from './http-transport.ts'
import type { Sessions } from './sessions.ts'

export interface HttpStreamOptions {
  /** Who is silent for so long gets a comment, which keeps proxies from cutting it. */
  readonly keepAliveMs: number
  /** Length of the comment that goes first: some on the way pass nothing on before they have so much. */
  readonly paddingBytes: number
}

interface Deps {
  readonly door: Door
  readonly sessions: Sessions
  readonly sendQueues: SendQueues
  readonly messageBytesMax: number
}

/** A body holds so many messages of the largest size. */
const BODY_MESSAGES_MAX = 4
/** Requests of one session that are read at once. */
const READING_MAX = 4
const KEY_BYTES = 16

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Neither kept, nor compressed, nor collected on the way: `no-transform` is what CDNs and compressing proxies heed, the last is nginx's.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
} as const

/** Answers on a connection go in turn. Behind a stream, which has no end, one would hold its place without ever being written. */
const NOT_FIRST: Refusal = {
  status: 400,
  message: 'a stream wants a connection of its own, with no request ahead that is not answered yet',
}
/** Its sender wants a WebSocket, and has no use for a stream of events. */
const STRIPPED: Refusal = { status: 426, message: 'somebody on the way took the Upgrade header away' }

const ANSWERS: Readonly<Record<Taken, Refusal>> = {
  taken: { status: 204, message: '' },
  repeated: { status: 204, message: '' },
  early: { status: 204, message: '' },
  refused: { status: 429, message: 'too many requests are ahead of one that has not come' },
}

/**
 * Sessions over HTTP, for networks that break WebSocket (docs/protocol.md, section 12): `GET /v1/stream` is answered by
 * a stream of events that has no end, `POST /v1/stream/KEY/NUMBER` brings what its receiver says.
 */
export class HttpStreams {
  readonly #options: HttpStreamOptions
  readonly #deps: Deps
  readonly #bodyBytesMax: number
  readonly #open = new Map<string, HttpTransport>()
  readonly #sockets = new WeakSet<object>()
  readonly #timer: NodeJS.Timeout

  constructor(options: HttpStreamOptions, deps: Deps) {
    this.#options = options
    this.#deps = deps
    this.#bodyBytesMax = BODY_MESSAGES_MAX * deps.messageBytesMax
    this.#timer = setInterval(() => {
      for (const transport of this.#open.values()) transport.keepAlive()
    }, options.keepAliveMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** @returns whether the request was for it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = request.url!.split('?', 1)[0]!
    const isStream = path === STREAM_PATH
    const upstream = isStream ? null : UPSTREAM_PATH.exec(path)
    if (!isStream && upstream === null) return false
    const foreign = this.#deps.door.objectionToOrigin(request)
    if (foreign !== null) {
      refuse(response, foreign)
      return true
    }
    allowOrigin(request, response)
    const method = isStream ? 'GET' : 'POST'
    if (request.method === 'OPTIONS') preflight(response, method)
    else if (request.method !== method) refuse(response.setHeader('allow', method), { status: 405, message: `it is ${method} here` })
    else if (request.headers['sec-websocket-key'] !== undefined) refuse(response, STRIPPED)
    else if (isStream) this.#stream(request, response)
    else void this.#upstream(request, response, upstream![1]!, Number(upstream![2]))
    return true
  }

  /** Whether this connection carries a stream: nothing else may take it. */
  carries(socket: object): boolean {
    return this.#sockets.has(socket)
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const { door, sessions, sendQueues, messageBytesMax } = this.#deps
    if (response.socket === null) return refuse(response, NOT_FIRST)
    const objection = door.objection(request)
    if (objection !== null) return refuse(response, objection)
    const guest = door.enter(request)
    if (isRefusal(guest)) return refuse(response, guest)
    const key = randomBytes(KEY_BYTES).toString('base64url')
    const bodyBytesMax = this.#bodyBytesMax
    const { socket } = request
    this.#sockets.add(socket)
    const transport = new HttpTransport({ response, socket }, guest, { sendQueues, messageBytesMax, bodyBytesMax })
    this.#open.set(key, transport)
    response.on('close', () => {
      this.#open.delete(key)
      this.#sockets.delete(socket)
      guest.leave()
    })
    response.writeHead(200, STREAM_HEADERS)
    const padding = ' '.repeat(this.#options.paddingBytes)
    response.write(`:${padding}\n\nevent: open\ndata: ${JSON.stringify({ key, bodyBytesMax })}\n\n`)
    transport.attach(sessions.accept(transport))
  }

  async #upstream(request: IncomingMessage, response: ServerResponse, key: string, number: number): Promise<void> {
    const transport = this.#open.get(key)
    if (transport === undefined) return refuse(response, { status: 404, message: 'no such stream is open at this node' })
    if (request.headers['content-encoding'] !== undefined) return refuse(response, { status: 415, message: 'a body is not compressed' })
    if (transport.reading >= READING_MAX) return refuse(response, { status: 429, message: 'too many requests at once' })
    transport.reading++
    try {
      const body = await bodyOf(request, this.#bodyBytesMax)
      if (body === null) {
        transport.closeTooLarge()
        return refuse(response, { status: 413, message: `a body has ${this.#bodyBytesMax} bytes at most` })
      }
      const answer = ANSWERS[transport.take(number, body)]
      if (answer.status === 204) response.writeHead(204, NOT_KEPT).end()
      else refuse(response, answer)
    } catch {
      refuse(response, { status: 400, message: 'the body is not UTF-8, or did not come to its end' })
    } finally {
      transport.reading--
    }
  }
}

const UPSTREAM_PATH = new RegExp(`^${STREAM_PATH}/([A-Za-z0-9_-]{22})/([1-9][0-9]{0,14})$`)
const NOT_KEPT = { 'cache-control': 'no-store' } as const

/** @returns null when it is larger than may be. @throws when it breaks off, or is not UTF-8. */
async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return null
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) return null
    chunks.push(chunk)
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
}

/** Its origin may connect, so its page may read what comes. */
function allowOrigin({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('vary', 'origin')
  if (origin !== undefined) response.setHeader('access-control-allow-origin', origin)
}

/** The SDK asks for nothing that needs one; who sets a header of its own does. */
function preflight(response: ServerResponse, method: string): void {
  response.setHeader('access-control-allow-methods', method)
  response.setHeader('access-control-allow-headers', 'authorization, content-type')
  response.setHeader('access-control-max-age', '7200')
  response.writeHead(204).end()
}

/** What was not read of the request is not read any more. */
function refuse(response: ServerResponse, { status, message }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close', ...NOT_KEPT }).end(`${message}\n`)
}
