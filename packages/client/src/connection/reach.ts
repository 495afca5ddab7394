import type { Clock, Timer } from '../clock.ts'
import { ABNORMAL } from './http-socket.ts'
import type { OpenSocket, Socket, SocketEvents } from './socket.ts'

/** A WebSocket that has brought no message after so long has an HTTP stream tried beside it. */
const HANG_MS = 1_500
/** So long has a WebSocket where it is known not to work and is tried again. */
const TRIAL_HANG_MS = 3_500
/** WebSocket is tried again at least so often. */
const RETRY_MAX_MS = 3_600_000
/** Codes below are those of a connection that broke, whoever broke it; from here on a node of ours has spoken. */
const SPOKEN_FROM = 4000
/** So many HTTP streams in a row that did not open make it forget that HTTP is what works: one alone may be a node that is gone. */
const HTTP_FAILURES_MAX = 2

export interface ReachOptions {
  readonly clock: Clock
  readonly webSocket: OpenSocket
  readonly http: OpenSocket
  /** Where HTTP serves, WebSocket is tried again after so long; twice as long after each vain trial. */
  readonly retryMs: number
}

/**
 * Finds a way through the network: WebSocket, or an HTTP stream where WebSocket does not get through. What worked is
 * remembered for as long as the client lives.
 */
export class Reach {
  readonly options: ReachOptions
  /** The one that is in use for want of WebSocket. */
  #httpServes = false
  #retryMs: number
  #retryAtMs = Infinity
  #webSocketWorked = false
  /** WebSockets in a row that brought nothing. */
  #vain = 0
  #httpFailures = 0

  constructor(options: ReachOptions) {
    this.options = options
    this.#retryMs = options.retryMs
  }

  readonly open: OpenSocket = (url, protocols, events) => {
    if (!this.#httpServes) return new Attempt(this, url, protocols, events, this.#vain > 0 || !this.#webSocketWorked ? 'both' : 'webSocket')
    if (this.options.clock.nowMs() < this.#retryAtMs) return new Attempt(this, url, protocols, events, 'http')
    this.#putOff()
    return new Attempt(this, url, protocols, events, 'trial')
  }

  /** When WebSocket is worth another trial, where HTTP serves. */
  get retryAtMs(): number {
    return this.#retryAtMs
  }

  webSocketWorks(): void {
    this.#webSocketWorked = true
    this.#httpServes = false
    this.#vain = 0
    this.#retryMs = this.options.retryMs
    this.#retryAtMs = Infinity
  }

  webSocketFailed(): void {
    this.#vain++
  }

  httpWorks(): void {
    this.#httpFailures = 0
    if (this.#httpServes) return
    this.#httpServes = true
    this.#retryAtMs = this.options.clock.nowMs() + this.#retryMs
  }

  /** It may be another network by now: everything is tried from the beginning. */
  httpFailed(): void {
    if (++this.#httpFailures >= HTTP_FAILURES_MAX) this.#httpServes = false
  }

  #putOff(): void {
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS)
    this.#retryAtMs = this.options.clock.nowMs() + this.#retryMs
  }
}

/** What an attempt may try; `trial`: WebSocket, where an HTTP stream serves or has served. */
type Mode = 'webSocket' | 'http' | 'both' | 'trial'

/**
 * One connection. Of the two that may be tried for it, the WebSocket has it with its first message, the HTTP stream with
 * its first event; a WebSocket that opens and says nothing has not got through.
 */
class Attempt implements Socket {
  readonly #reach: Reach
  readonly #events: SocketEvents
  readonly #mode: Mode
  readonly #openHttp: () => Socket
  #webSocket: Socket | undefined
  #http: Socket | undefined
  #winner: 'webSocket' | 'http' | undefined
  #timer: Timer | undefined
  #triedHttp = false
  #closed = false

  constructor(reach: Reach, url: string, protocols: readonly string[], events: SocketEvents, mode: Mode) {
    this.#reach = reach
    this.#events = events
    this.#mode = mode
    const { clock, http, webSocket } = reach.options
    this.#openHttp = () => http(url, protocols, this.#httpEvents)
    if (mode === 'http') this.#http = this.#openHttp()
    else {
      this.#webSocket = webSocket(url, protocols, this.#webSocketEvents)
      if (mode === 'both') this.#timer = clock.after(HANG_MS, () => this.#tryHttp())
      if (mode === 'trial') this.#timer = clock.after(TRIAL_HANG_MS, () => this.#end(ABNORMAL, 'WebSocket does not get through'))
    }
  }

  get transport(): 'http' | undefined {
    return this.#winner === 'http' ? 'http' : undefined
  }

  get betterAtMs(): number {
    return this.#winner === 'http' ? this.#reach.retryAtMs : Infinity
  }

  send(data: string | Uint8Array): void {
    ;(this.#winner === 'http' ? this.#http : this.#webSocket)?.send(data)
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    // Nobody waited for it any longer.
    if (this.#winner === undefined && this.#webSocket !== undefined) this.#reach.webSocketFailed()
    this.#stop(code, reason)
  }

  get #webSocketEvents(): SocketEvents {
    return {
      onOpen: (protocol) => {
        if (this.#winner === undefined && !this.#closed) this.#events.onOpen(protocol)
      },
      onMessage: (data) => {
        if (this.#winner === 'http' || this.#closed) return
        if (this.#winner === undefined) {
          this.#winner = 'webSocket'
          this.#timer?.cancel()
          this.#reach.webSocketWorks()
          this.#http?.close(1000, '')
        }
        this.#events.onMessage(data)
      },
      onClose: (code, reason) => {
        if (this.#winner === 'http' || this.#closed) return
        if (this.#winner === 'webSocket' || code >= SPOKEN_FROM) return this.#end(code, reason)
        this.#reach.webSocketFailed()
        this.#webSocket = undefined
        if (this.#mode !== 'both') this.#end(code, reason)
        else this.#tryHttp()
      },
    }
  }

  get #httpEvents(): SocketEvents {
    return {
      onOpen: (protocol) => {
        if (this.#winner === 'webSocket' || this.#closed) return
        this.#winner = 'http'
        this.#timer?.cancel()
        this.#reach.httpWorks()
        this.#webSocket?.close(1000, '')
        this.#events.onOpen(protocol)
      },
      onMessage: (data) => {
        if (!this.#closed) this.#events.onMessage(data)
      },
      onClose: (code, reason) => {
        if (this.#winner === 'webSocket' || this.#closed) return
        this.#http = undefined
        if (this.#winner === undefined) this.#reach.httpFailed()
        // The WebSocket may still come.
        if (this.#winner === 'http' || this.#webSocket === undefined) this.#end(code, reason)
      },
    }
  }

  #tryHttp(): void {
    this.#timer?.cancel()
    if (this.#closed || this.#winner !== undefined || this.#http !== undefined) return
    if (this.#triedHttp) return this.#end(ABNORMAL, 'neither WebSocket nor an HTTP stream gets through')
    this.#triedHttp = true
    this.#http = this.#openHttp()
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#stop(1000, '')
    this.#events.onClose(code, reason)
  }

  #stop(code: number, reason: string): void {
    this.#timer?.cancel()
    this.#webSocket?.close(code, reason)
    this.#http?.close(code, reason)
  }
}
