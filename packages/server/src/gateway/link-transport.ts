import { readFileSync } from 'node:fs'
import { ENCODINGS, STREAM_PATH } from '@pulsewire/protocol'
import { WebSocket } from 'ws'
import { SendQueues, type Ends, type SendQueue } from '../runtime/send-queue.ts'

/** What happens on a link's connection. */
export interface LinkEvents {
  opened(): void
  message(message: Uint8Array | string): void
  /** Also when it never opened. Once. */
  closed(reason: string): void
}

export interface LinkConnection {
  send(message: Uint8Array | string): void
  /** Bytes accepted by `send` that the kernel has not taken yet. Absent: not known. */
  readonly bufferedBytes?: number
  /** What the kernel says of what was sent, for naming a stall. */
  sendQueue?(): SendQueue | undefined
  /** Ends it without ceremony; `closed` may still follow and is to be ignored. */
  drop(): void
}

/** Opens a connection to an upstream node; injected, so that a simulation can use its own network. */
export type ConnectLink = (address: string, events: LinkEvents) => LinkConnection

const HANDSHAKE_TIMEOUT_MS = 3000
/** Snapshots of very many symbols may come in one message. */
const MESSAGE_BYTES_MAX = 256 * 1024 * 1024

/** Files of a gateway's side of TLS. */
export interface LinkTls {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

/** Read at each connection, so that new ones count for the next. */
function filesOf({ caFile, certFile, keyFile }: LinkTls): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  }
}

export function connectBy(tls: LinkTls): ConnectLink {
  return (address, events) => connectWebSocket(address, events, tls)
}

function connectWebSocket(address: string, events: LinkEvents, tls: LinkTls): LinkConnection {
  const url = address.replace(/\/$/, '') + STREAM_PATH
  const webSocket = new WebSocket(url, [ENCODINGS[0]], {
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MESSAGE_BYTES_MAX,
    followRedirects: false,
    ...(address.startsWith('wss:') ? filesOf(tls) : {}),
  })
  const sendQueues = new SendQueues()
  let why = ''
  let socket: Ends | undefined
  webSocket.on('upgrade', (response) => {
    socket = response.socket
  })
  webSocket.on('open', () => events.opened())
  webSocket.on('message', (data: Buffer, isBinary) => events.message(isBinary ? data : data.toString('utf8')))
  webSocket.on('error', (error) => {
    why = error.message
  })
  webSocket.on('close', (code, reason) => events.closed(why || reason.toString('utf8') || `closed with ${code}`))
  return {
    send: (message) => webSocket.send(message),
    get bufferedBytes() {
      return webSocket.bufferedAmount
    },
    sendQueue: () => (socket === undefined ? undefined : sendQueues.of(socket)),
    drop: () => webSocket.terminate(),
  }
}
