import type { Clock } from '../clock.ts'

export interface UpstreamOptions {
  /** Where the request of this number goes. */
  readonly at: (number: number) => string
  readonly bodyBytesMax: number
  readonly clock: Clock
  readonly fetch: typeof fetch
}

/** A request without an answer is made anew after so long. */
const REQUEST_MS = 4_000
const RETRY_MS = 250
/** So often; then the way up is taken for broken. */
const TRIES_MAX = 4
/** What is not taken meanwhile. A client says little: this is a network that takes nothing. */
const QUEUE_LENGTH_MAX = 1 << 20

/**
 * Sends messages by requests, one request at a time, each with a number. A request whose answer got lost is made again
 * under the same number, so that each message arrives once and in order.
 */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #onBroken: (why: string) => void
  #queue: string[] = []
  #queueLength = 0
  #number = 0
  #pumping: Promise<void> | undefined
  #broken = false

  constructor(options: UpstreamOptions, onBroken: (why: string) => void) {
    this.#options = options
    this.#onBroken = onBroken
  }

  /** When all that was sent has arrived, or never will. */
  get flushed(): Promise<void> {
    return this.#pumping ?? Promise.resolve()
  }

  send(message: string): void {
    if (this.#broken) return
    this.#queue.push(message)
    this.#queueLength += message.length
    if (this.#queueLength > QUEUE_LENGTH_MAX) return this.#break('too much waits to be sent')
    this.#pumping ??= this.#pump().finally(() => (this.#pumping = undefined))
  }

  async #pump(): Promise<void> {
    // What is said in one go goes in one request.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#broken) {
      const why = await this.#deliver(this.#takeBody(), ++this.#number)
      if (why !== undefined) this.#break(why)
    }
  }

  /** As many messages as fit, one a line. */
  #takeBody(): Uint8Array<ArrayBuffer> {
    const encoder = new TextEncoder()
    const lines: Uint8Array[] = []
    let bytes = 0
    for (const message of this.#queue) {
      const line = encoder.encode(`${message}\n`)
      if (lines.length > 0 && bytes + line.length > this.#options.bodyBytesMax) break
      lines.push(line)
      bytes += line.length
    }
    for (const message of this.#queue.splice(0, lines.length)) this.#queueLength -= message.length
    const body = new Uint8Array(bytes)
    let at = 0
    for (const line of lines) {
      body.set(line, at)
      at += line.length
    }
    return body
  }

  /** @returns why it never will arrive; undefined: it has. */
  async #deliver(body: Uint8Array<ArrayBuffer>, number: number): Promise<string | undefined> {
    for (let tries = 1; ; tries++) {
      const status = await this.#post(body, number)
      if (typeof status === 'number' && status < 300) return undefined
      const isFinal = typeof status === 'number' && status >= 400 && status < 500 && status !== 408 && status !== 429
      if (isFinal || tries >= TRIES_MAX || this.#broken) return `what the client says does not arrive: ${status}`
      await new Promise<void>((resolve) => this.#options.clock.after(RETRY_MS * tries, resolve))
    }
  }

  /** @returns the status of the answer, or why there is none. */
  async #post(body: Uint8Array<ArrayBuffer>, number: number): Promise<number | string> {
    const { at, clock, fetch } = this.#options
    const abort = new AbortController()
    const timer = clock.after(REQUEST_MS, () => abort.abort())
    try {
      // Of this type a browser does not ask first whether the request may be made.
      const headers = { 'content-type': 'text/plain' }
      const init = {
        method: 'POST',
        headers,
        body,
        signal: abort.signal,
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
      } as const
      const response = await fetch(at(number), init)
      await response.body?.cancel()
      return response.status
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      timer.cancel()
    }
  }

  #break(why: string): void {
    if (this.#broken) return
    this.#broken = true
    this.#queue = []
    this.#onBroken(why)
  }
}
