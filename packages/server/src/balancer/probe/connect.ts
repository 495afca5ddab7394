import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createSecureContext, type SecureContext } from 'node:tls'
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
/** Of what a gateway says to whom it refuses. */
const REFUSAL_CHARS_MAX = 200

/** As a client in production does it: the same upgrade, the same encoding. */
export function connectProbeBy(caFile: string | undefined): ConnectProbe {
  const trust = trustIn(caFile)
  return (address, events) => connect(address, events, trust)
}

export const connectProbe = connectProbeBy(undefined)

/**
 * Whose certificates are believed, with the file as it is when it is asked. To read an authority's file into OpenSSL costs more
 * than a connection, and probes make many. No session of TLS is kept beside it, so certificates are looked at each time.
 */
function trustIn(caFile: string | undefined): () => SecureContext {
  let known: { readonly pem: Buffer; readonly context: SecureContext } | null = null
  return () => {
    const pem = caFile === undefined ? Buffer.alloc(0) : readFileSync(caFile)
    if (known?.pem.equals(pem) !== true) known = { pem, context: createSecureContext(caFile === undefined ? {} : { ca: pem }) }
    return known.context
  }
}

function connect(address: string, events: ProbeEvents, trust: () => SecureContext): ProbeConnection {
  const webSocket = new WebSocket(address.replace(/\/$/, '') + STREAM_PATH, [ENCODINGS[0]], {
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: MESSAGE_BYTES_MAX,
    followRedirects: false,
    ...(/^wss:/i.test(address) ? { secureContext: trust() } : {}),
  })
  let why = ''
  webSocket.on('open', () => events.opened())
  webSocket.on('message', (data: Buffer, isBinary) => events.message(isBinary ? data : data.toString('utf8')))
  webSocket.on('unexpected-response', (_, response) => {
    readRefusal(response, (refusal) => {
      why ||= refusal
      webSocket.terminate()
    })
  })
  webSocket.on('error', (error) => {
    why ||= error.message
  })
  webSocket.on('close', (code, reason) => events.closed(why || reason.toString('utf8') || `closed with ${code}`))
  return {
    // What is sent into a connection that is closing is lost, and that is no error here.
    send: (message) => webSocket.send(message, () => {}),
    drop: () => webSocket.terminate(),
  }
}

/** The gateway says more than the status does: whether it is full, say, or takes nobody now. */
function readRefusal(response: IncomingMessage, done: (refusal: string) => void): void {
  let text = ''
  const end = (): void => done(`answered with ${response.statusCode}${text === '' ? '' : `: ${text.slice(0, REFUSAL_CHARS_MAX).trim()}`}`)
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    if (text.length > REFUSAL_CHARS_MAX) end()
  })
  response.once('end', end)
  response.once('error', end)
}
