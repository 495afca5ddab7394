import { readFileSync } from 'node:fs'
import { ENCODINGS, STREAM_PATH } from '@pulsewire/protocol'
import { WebSocket } from 'ws'

/** What happens on a probe's connection. */
export interface ProbeEvents {
  opened(): void
  message(message: Uint8Array | string): void
  /** Also when it never opened. Once. */
  closed(reason: string): void
}

export interface ProbeConnection {
  send(message: Uint8Array | string): void
  /** Ends it without ceremony; `closed` may still follow and is to be ignored. */
  drop(): void
}

/** Opens a connection to an advertised address; injected, so that tests and simulations use a network of their own. */
export type ConnectProbe = (address: string, events: ProbeEvents) => ProbeConnection

const HANDSHAKE_TIMEOUT_MS = 2000
/** Controls and pulses, no quotes. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024

/** As a client in production does it: the same upgrade, the same encoding. */
export function connectProbeBy(caFile: string | undefined): ConnectProbe {
  return (address, events) => connect(address, events, caFile)
}

export const connectProbe = connectProbeBy(undefined)

function connect(address: string, events: ProbeEvents, caFile: string | undefined): ProbeConnection {
  const webSocket = new WebSocket(address.replace(/\/$/, '') + STREAM_PATH, [ENCODINGS[0]], {
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MESSAGE_BYTES_MAX,
    followRedirects: false,
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  })
  let why = ''
  webSocket.on('open', () => events.opened())
  webSocket.on('message', (data: Buffer, isBinary) => events.message(isBinary ? data : data.toString('utf8')))
  webSocket.on('error', (error) => {
    why = error.message
  })
  webSocket.on('close', (code, reason) => events.closed(why || reason.toString('utf8') || `closed with ${code}`))
  return {
    // What is sent into a connection that is closing is lost, and that is no error here.
    send: (message) => webSocket.send(message, () => {}),
    drop: () => webSocket.terminate(),
  }
}
