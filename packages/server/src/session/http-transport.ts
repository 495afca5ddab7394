import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { SendQueue, SendQueues } from '../runtime/send-queue.ts'
import type { Guest } from './door.ts'
import { HttpInbox, type Taken } from './http-inbox.ts'
import type { Transport, TransportHandler } from './transport.ts'

/** A peer that does not take the last of what was sent is cut after this. */
const CLOSE_GRACE_MS = 1000
const ABNORMAL = 1006
const TOO_LARGE = 1009

/** A session's connection over HTTP: messages go out as events of one long answer, and come in as requests. */
export class HttpTransport implements Transport {
  readonly encoding = 'pulsewire.json.v1'
  readonly isHttp = true
  readonly remote: string
  readonly isCertified: boolean
  /** Requests whose bodies are being read. */
  reading = 0
  readonly #response: ServerResponse
  /** Of the request: an answer that waits for its turn has none, and this one has to be destroyed whatever becomes of it. */
  readonly #socket: Socket
  readonly #sendQueues: SendQueues
  readonly #messageBytesMax: number
  readonly #inbox: HttpInbox
  #bearer: string | undefined
  #handler: TransportHandler | undefined
  #wroteSinceLook = false
  #closed: { readonly code: number; readonly reason: string } | undefined

  constructor(
    { response, socket }: { readonly response: ServerResponse; readonly socket: Socket },
    { remote, bearer, isCertified }: Guest,
    { sendQueues, messageBytesMax, bodyBytesMax }: { sendQueues: SendQueues; messageBytesMax: number; bodyBytesMax: number },
  ) {
    this.#response = response
    this.#socket = socket
    this.#sendQueues = sendQueues
    this.#messageBytesMax = messageBytesMax
    this.#bearer = bearer
    this.isCertified = isCertified
    this.remote = `${remote} (HTTP stream)`
    this.#inbox = new HttpInbox((body) => this.#messages(body), bodyBytesMax)
  }

  attach(handler: TransportHandler): void {
    this.#handler = handler
    this.#response.on('drain', () => handler.drained())
    // Errors are followed by close; without a listener they would end the process.
    this.#response.on('error', () => {})
    this.#response.on('close', () => handler.closed(this.#closed?.code ?? ABNORMAL, this.#closed?.reason ?? ''))
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  sendQueue(): SendQueue | undefined {
    return this.#sendQueues.of(this.#socket)
  }

  takeBearer(): string | undefined {
    const bearer = this.#bearer
    this.#bearer = undefined
    return bearer
  }

  /** A body of the receiver. */
  take(number: number, body: string): Taken {
    return this.#inbox.take(number, body)
  }

  /** JSON has no line breaks of its own, so that a message is one line. */
  send(message: Uint8Array | string): void {
    if (this.#closed === undefined) this.#write(`data: ${message as string}\n\n`)
  }

  /** Called now and then: says something where nothing was said since the last time, for proxies that cut who is silent. */
  keepAlive(): void {
    if (!this.#wroteSinceLook && this.#closed === undefined && this.bufferedBytes === 0) this.#write(':\n\n')
    this.#wroteSinceLook = false
  }

  close(code: number, reason: string): void {
    if (this.#closed !== undefined) return
    this.#closed = { code, reason }
    this.#response.end(`event: close\ndata: ${JSON.stringify(this.#closed)}\n\n`)
    setTimeout(() => {
      if (!this.#response.writableFinished) this.#socket.destroy()
    }, CLOSE_GRACE_MS).unref()
  }

  /** As WebSocket does it with a message that is larger than may be. */
  closeTooLarge(): void {
    this.close(TOO_LARGE, `a message has ${this.#messageBytesMax} bytes at most`)
  }

  #write(text: string): void {
    this.#wroteSinceLook = true
    this.#response.write(text)
  }

  #messages(body: string): void {
    for (const message of body.split('\n')) {
      if (this.#closed !== undefined) return
      if (Buffer.byteLength(message) > this.#messageBytesMax) return this.closeTooLarge()
      if (message !== '') this.#handler?.message(message)
    }
  }
}
