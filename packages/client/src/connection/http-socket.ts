import type { Clock } from '../clock.ts'
import { EventStream } from './event-stream.ts'
import type { OpenSocket, Socket, SocketEvents } from './socket.ts'
import { Upstream } from './upstream.ts'

/** What closes a connection that ended without a word, as in WebSocket. */
export const ABNORMAL = 1006
/** What was queued before a close may take so long to go out. */
const FLUSH_MS = 1_000

export interface HttpTools {
  readonly clock: Clock
  readonly fetch: typeof fetch
  /** Characters of one message, at most. */
  readonly messageLengthMax: number
}

/**
 * A socket made of HTTP requests, for networks that break WebSocket: one whose answer is a stream without an end, and
 * one for each bunch of messages that go out (docs/protocol.md, section 12). It carries `pulsewire.json.v1` alone.
 */
export function httpSockets(tools: HttpTools): OpenSocket {
  return (url, _protocols, events) => new HttpSocket(httpUrl(url), events, tools)
}

class HttpSocket implements Socket {
  readonly transport = 'http'
  readonly #url: string
  readonly #events: SocketEvents
  readonly #tools: HttpTools
  readonly #abort = new AbortController()
  #upstream: Upstream | undefined
  #closed = false

  constructor(url: string, events: SocketEvents, tools: HttpTools) {
    this.#url = url
    this.#events = events
    this.#tools = tools
    this.#run().then(
      (why) => this.#end(ABNORMAL, why),
      (error: unknown) => this.#end(ABNORMAL, `HTTP stream: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  send(data: string | Uint8Array): void {
    if (!this.#closed) this.#upstream?.send(data as string)
  }

  /** No code goes over: the end of the stream says it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const abort = () => this.#abort.abort()
    if (this.#upstream === undefined) return abort()
    const timer = this.#tools.clock.after(FLUSH_MS, abort)
    void this.#upstream.flushed.then(() => {
      timer.cancel()
      abort()
    })
  }

  /** @returns why it ended. */
  async #run(): Promise<string> {
    const { signal } = this.#abort
    const headers = { accept: 'text/event-stream' }
    const response = await this.#tools.fetch(this.#url, { signal, headers, redirect: 'error', credentials: 'omit', cache: 'no-store' })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (response.status !== 200 || !isStream || response.body === null) {
      await response.body?.cancel()
      return `HTTP stream: the answer is ${response.status}${response.status === 200 ? ', but no stream of events' : ''}`
    }
    const stream = new EventStream((name, data) => this.#event(name, data), this.#tools.messageLengthMax)
    const decoder = new TextDecoder()
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'the HTTP stream ended'
      stream.push(decoder.decode(value, { stream: true }))
    }
  }

  #event(name: string, data: string): void {
    if (this.#closed) return
    if (name === 'message' && this.#upstream !== undefined) this.#events.onMessage(data)
    else if (name === 'open' && this.#upstream === undefined) {
      const { key, bodyBytesMax } = JSON.parse(data) as { readonly key?: unknown; readonly bodyBytesMax?: unknown }
      if (typeof key !== 'string' || typeof bodyBytesMax !== 'number') throw new TypeError('its first event is not as it should be')
      const { origin, pathname, search } = new URL(this.#url)
      const at = (number: number) => `${origin}${pathname}/${encodeURIComponent(key)}/${number}${search}`
      this.#upstream = new Upstream({ at, bodyBytesMax, ...this.#tools }, (why) => this.#end(ABNORMAL, why))
      this.#events.onOpen('pulsewire.json.v1')
    } else if (name === 'close') {
      const { code, reason } = JSON.parse(data) as { readonly code?: unknown; readonly reason?: unknown }
      this.#end(typeof code === 'number' ? code : ABNORMAL, typeof reason === 'string' ? reason : '')
    }
  }

  #end(code: number, reason: string): void {
    this.#abort.abort()
    if (this.#closed) return
    this.#closed = true
    this.#events.onClose(code, reason)
  }
}

/** `ws://host/path` → `http://host/path`, `wss://` → `https://`. */
function httpUrl(url: string): string {
  return url.replace(/^ws/, 'http')
}
