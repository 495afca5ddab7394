/** Errors that the client raises by itself. What the server says comes with the codes of `@pulsewire/protocol`. */
export const CLIENT_ERROR_CODES = {
  options_invalid: 'The options given to the client or to subscribe are not valid; the message names the member.',
  address_invalid: 'An address is no ws:// or wss:// URL.',
  addresses_unavailable: 'The function that gives the addresses failed or gave none, and no earlier list is known.',
  balancer_unavailable: 'No balancer gave a list of gateways.',
  balancer_invalid: 'A balancer gave an answer that is refused: too large, a redirect, not what the interface says, or an unsafe address.',
  token_refused: 'The server does not take the token; the message carries its code and why.',
  token_failed: 'The token function failed or did not answer in time.',
  connect_failed: 'The connection was closed before the server answered.',
  connect_timeout: 'The server did not answer with welcome in time.',
  encoding_unsupported: 'The server chose none of the encodings that were offered.',
  protocol_error: 'The server broke the protocol; the message says how.',
  message_too_large: 'The server sent a message larger than messageBytesMax.',
  connection_lost: 'The server closed the connection; closeCode says why.',
  connection_silent: 'Neither a pulse nor an update came for so long that the connection was given up.',
  subscribe_timeout: 'The server did not answer a subscribe in time.',
  subscriptions_differ: 'The server holds another set of subscriptions than the client, and repair did not help.',
  server_error: 'The server could not handle a frame; the message carries its code.',
  subscription_ended: 'Every symbol of the subscription has ended; the message carries the reason of the last one.',
  consumer_too_slow: 'An iterator of an `every` subscription was not read fast enough; its queue is full.',
  client_closed: 'The client is closed.',
  callback_failed: 'A callback of the application threw; cause holds what.',
} as const

export type ClientErrorCode = keyof typeof CLIENT_ERROR_CODES

export interface PulsewireErrorOptions {
  readonly cause?: unknown
  readonly retryable?: boolean
  readonly closeCode?: number
}

/**
 * Every error of this package. `code` is one of `CLIENT_ERROR_CODES`, or a code of the protocol; `retryable` says
 * whether trying again unchanged can help. Where it can, the client itself does.
 */
export class PulsewireError extends Error {
  readonly code: string
  readonly retryable: boolean
  /** The WebSocket close code, where the error is a closed connection. */
  readonly closeCode: number | undefined

  constructor(code: ClientErrorCode | (string & {}), message: string, options: PulsewireErrorOptions = {}) {
    // The small browser file holds no texts.
    super(message || `${code}: see docs/errors.md`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PulsewireError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.closeCode = options.closeCode
  }
}

export function toPulsewireError(error: unknown, code: ClientErrorCode, retryable: boolean): PulsewireError {
  if (error instanceof PulsewireError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new PulsewireError(code, message, { cause: error, retryable })
}
