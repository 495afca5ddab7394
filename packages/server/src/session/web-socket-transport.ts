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

/** What a part of a message beyond the first costs, at least: its head with the mask. */
const PART_BYTES = 6
/** What one read of a socket brings, at most, is told before the messages in it are. */
const CHUNK_BYTES_MAX = 128 * 1024

const BINARY = { binary: true, compress: false, fin: true } as const
const TEXT = { binary: false, compress: false, fin: true } as const

/** A connection that was let in. */
export interface Accepted {
  readonly webSocket: WebSocket
  readonly socket: Duplex
  readonly guest: Guest
}

export interface TransportTools {
  readonly framer: Framer
  readonly sendQueues: SendQueues
  readonly messageBytesMax: number
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
  /** Received, and not of a message, ping or pong that was told. */
  #unaccounted = 0
  readonly #unaccountedBytesMax: number
  #bearer: string | undefined
  #closing = false

  constructor(
    { webSocket, socket, guest: { remote, bearer, isCertified } }: Accepted,
    encoding: Encoding,
    { framer, sendQueues, messageBytesMax }: TransportTools,
  ) {
    this.#unaccountedBytesMax = messageBytesMax + CHUNK_BYTES_MAX
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
    this.#webSocket.on('message', (data: Buffer, isBinary) => {
      this.#unaccounted -= framedBytes(data.length)
      handler.message(isBinary ? data : data.toString('utf8'))
    })
    for (const event of ['ping', 'pong'] as const) {
      this.#webSocket.on(event, (data: Buffer) => {
        this.#unaccounted -= framedBytes(data.length)
        handler.unasked?.(1)
      })
    }
    this.#socket.on('data', (chunk: Buffer) => this.#received(chunk.length, handler))
    this.#webSocket.on('close', (code, reason) => handler.closed(code, reason.toString('utf8')))
    // Errors are followed by close; without a listener they would end the process.
    this.#webSocket.on('error', () => {})
    this.#socket.on('drain', () => handler.drained())
  }

  /** The library tells of messages, not of the parts that they come in: those show as bytes that no message accounts for. */
  #received(bytes: number, handler: TransportHandler): void {
    this.#unaccounted += bytes
    const parts = Math.floor((this.#unaccounted - this.#unaccountedBytesMax) / PART_BYTES)
    if (parts <= 0) return
    this.#unaccounted -= parts * PART_BYTES
    handler.unasked?.(parts)
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

/** Bytes of a receiver's frame on the wire: head, mask, payload. */
function framedBytes(payload: number): number {
  return payload + (payload < 126 ? 6 : payload < 65_536 ? 8 : 14)
}
