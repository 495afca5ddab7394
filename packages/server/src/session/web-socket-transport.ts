import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Encoding } from '@pulsewire/protocol'
import type { WebSocket } from 'ws'
import type { SendQueue, SendQueues } from '../runtime/send-queue.ts'
import type { Guest } from './door.ts'
import { FRAMED_BYTES_MAX, type Framer } from './framer.ts'
import type { Transport, TransportHandler } from './transport.ts'

/** A peer that does not answer our close frame is cut after this. */
const CLOSE_GRACE_MS = 1000
/** RFC 6455: a close reason has 123 bytes at most. */
const REASON_BYTES_MAX = 123

const BINARY = { binary: true, compress: false, fin: true } as const
const TEXT = { binary: false, compress: false, fin: true } as const

/** A connection that was let in. */
export interface Accepted {
  readonly webSocket: WebSocket
  readonly socket: Duplex
  readonly guest: Guest
}

/** A session's connection over WebSocket. */
export class WebSocketTransport implements Transport {
  readonly encoding: Encoding
  readonly remote: string
  readonly isCertified: boolean
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  readonly #framer: Framer
  readonly #sendQueues: SendQueues
  #bearer: string | undefined
  #closing = false

  constructor(
    { webSocket, socket, guest: { remote, bearer, isCertified } }: Accepted,
    encoding: Encoding,
    { framer, sendQueues }: { readonly framer: Framer; readonly sendQueues: SendQueues },
  ) {
    this.#framer = framer
    this.#sendQueues = sendQueues
    this.#bearer = bearer
    this.isCertified = isCertified
    this.#webSocket = webSocket
    this.#socket = socket
    this.encoding = encoding
    this.remote = remote
  }

  attach(handler: TransportHandler): void {
    this.#webSocket.on('message', (data: Buffer, isBinary) => handler.message(isBinary ? data : data.toString('utf8')))
    this.#webSocket.on('ping', () => handler.pinged?.())
    this.#webSocket.on('close', (code, reason) => handler.closed(code, reason.toString('utf8')))
    // Errors are followed by close; without a listener they would end the process.
    this.#webSocket.on('error', () => {})
    this.#socket.on('drain', () => handler.drained())
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  sendQueue(): SendQueue | undefined {
    return this.#sendQueues.of(this.#socket as Socket)
  }

  takeBearer(): string | undefined {
    const bearer = this.#bearer
    this.#bearer = undefined
    return bearer
  }

  send(message: Uint8Array | string): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    const isText = typeof message === 'string'
    const bytes = isText ? Buffer.byteLength(message) : message.length
    // Frames of ours and of the library's do not mix: without compression it writes each of its own in one go, too.
    if (bytes > FRAMED_BYTES_MAX) this.#webSocket.send(message, isText ? TEXT : BINARY)
    else this.#socket.write(isText ? this.#framer.text(message, bytes) : this.#framer.binary(message))
  }

  close(code: number, reason: string): void {
    if (this.#closing) return
    this.#closing = true
    this.#webSocket.close(code, truncated(reason))
    setTimeout(() => this.#webSocket.terminate(), CLOSE_GRACE_MS).unref()
  }
}

function truncated(reason: string): string {
  const bytes = Buffer.from(reason)
  if (bytes.length <= REASON_BYTES_MAX) return reason
  return new TextDecoder().decode(bytes.subarray(0, REASON_BYTES_MAX - 4)).replace(/\uFFFD*$/u, '…')
}
