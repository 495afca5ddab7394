/** A gateway that does what a test tells it, for pages in a browser: json.v1 as docs/protocol.md has it, on a real socket. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DownstreamFrame, FeedInfo, PulseFrame, StaleFrame, SubscribeFrame, UpstreamFrame } from '@pulsewire/protocol'
import { type WebSocket, WebSocketServer } from 'ws'

const FEED = 'quote'
const PARTITIONS = 2
const PULSE_INTERVAL_MS = 250
const STALE_AFTER_MS = 1_000

interface Held {
  readonly partition: number
  offset: number
  ts: number
  values: Readonly<Record<string, string | number>>
}

interface Session {
  readonly socket: WebSocket
  /** Refs of symbols, by symbol. */
  readonly refs: Map<string, number>
  /** Frames of this turn, for one message. */
  readonly due: DownstreamFrame[]
}

export class BrowserGateway {
  readonly #node: string
  readonly #path: readonly string[]
  readonly #http: Server
  readonly #sockets: WebSocketServer
  readonly #sessions = new Set<Session>()
  readonly #symbols = new Map<string, Held>()
  readonly #heads = new Array<number>(PARTITIONS).fill(0)
  readonly #timer: NodeJS.Timeout
  #pulse = 0
  #silent = false
  /** Who shows another token, or none, is refused. `null`: anybody is let in. */
  token: string | null = null
  #delay: Pick<FeedInfo, 'delayMs' | 'delayOf'> = {}
  #told: StaleFrame | null = null

  private constructor(node: string, path: readonly string[]) {
    this.#node = node
    this.#path = path
    this.#http = createServer()
    this.#sockets = new WebSocketServer({ server: this.#http, handleProtocols: () => 'pulsewire.json.v1' })
    this.#sockets.on('connection', (socket) => this.#accept(socket))
    this.#timer = setInterval(() => this.#sendPulse(), PULSE_INTERVAL_MS)
  }

  /** @param path the nodes that pulses came through before this one. */
  static async start(node = 'gw-1', path: readonly string[] = ['push-a1']): Promise<BrowserGateway> {
    const gateway = new BrowserGateway(node, path)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    gateway.#http.once('error', reject)
    gateway.#http.listen(0, '127.0.0.1', resolve)
    await promise
    return gateway
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  /** A record: everybody who is subscribed gets it. A new symbol is announced to their patterns first. */
  quote(symbol: string, values: Readonly<Record<string, string | number>>): void {
    let held = this.#symbols.get(symbol)
    const isNew = held === undefined
    if (held === undefined) this.#symbols.set(symbol, (held = { partition: this.#symbols.size % PARTITIONS, offset: 0, ts: 0, values: {} }))
    held.offset = this.#heads[held.partition]!++
    held.ts = Date.now()
    held.values = { ...held.values, ...values }
    for (const session of this.#sessions) {
      const ref = session.refs.get(symbol)
      if (ref !== undefined) send(session, [update(symbol, ref, held, false)])
      else if (isNew && session.refs.size > 0) this.#answer(session, [symbol], {}, false)
    }
  }

  /** From now on nothing is sent any more, as when a process is frozen; connections stay open. */
  freeze(): void {
    this.#silent = true
  }

  thaw(): void {
    this.#silent = false
    this.#sendPulse()
  }

  /** Says that the data is stale. @param partitions all when absent. */
  stale(hop: string, reason: string, message?: string, partitions?: readonly number[]): void {
    const said = { ...(message === undefined ? {} : { message }), ...(partitions === undefined ? {} : { partitions }) }
    this.#told = { t: 'stale', feed: FEED, hop, reason, since: Date.now(), ...said }
    for (const session of this.#sessions) send(session, [this.#told])
  }

  /** From now on the feed is another one, as that was so many ms ago. */
  delay(delayMs: number, delayOf: string): void {
    this.#delay = { delayMs, delayOf }
    for (const session of this.#sessions) send(session, [{ t: 'feeds', feeds: this.#feeds }])
  }

  live(): void {
    this.#told = null
    for (const session of this.#sessions) send(session, [{ t: 'live', feed: FEED }])
    this.#sendPulse()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const client of this.#sockets.clients) client.terminate()
    this.#sockets.close()
    this.#http.closeAllConnections()
    await new Promise<void>((resolve) => this.#http.close(() => resolve()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #feeds(): FeedInfo[] {
    return [{ feed: FEED, mode: 'latest', codec: 'json', generation: 1, partitions: PARTITIONS, ...this.#delay }]
  }

  #accept(socket: WebSocket): void {
    const session: Session = { socket, refs: new Map(), due: [] }
    this.#sessions.add(session)
    socket.on('close', () => this.#sessions.delete(session))
    socket.on('message', (data) => {
      if (this.#silent) return
      const parsed = JSON.parse(String(data)) as UpstreamFrame | UpstreamFrame[]
      for (const frame of Array.isArray(parsed) ? parsed : [parsed]) this.#handle(session, frame)
    })
  }

  #handle(session: Session, frame: UpstreamFrame): void {
    const now = Date.now()
    if (frame.t === 'sync') send(session, [{ t: 'sync', echo: frame.at, at: now }])
    else if (frame.t === 'subscribe') this.#answer(session, this.#namesOf(frame), frame.from ?? {}, true)
    else if (frame.t === 'hello' && this.token !== null && frame.token !== this.token) {
      send(session, [{ t: 'error', code: 'token_missing', message: 'there is no token' }])
      setImmediate(() => session.socket.close(4001, 'unauthorized'))
    } else if (frame.t === 'hello') {
      const welcome = { t: 'welcome', session: `${this.#node}.1`, node: this.#node, role: 'gateway', version: '0.1.0' } as const
      const limits = { messageBytesMax: 1 << 20, subscriptionsMax: 100_000 }
      const times = { at: now, epoch: now, pulseIntervalMs: PULSE_INTERVAL_MS, staleAfterMs: STALE_AFTER_MS }
      send(session, [{ ...welcome, ...times, feeds: this.#feeds, limits }])
    }
  }

  #namesOf({ symbols = [], patterns = [] }: SubscribeFrame): string[] {
    return patterns.length > 0 ? [...this.#symbols.keys()] : [...symbols]
  }

  #answer(session: Session, names: readonly string[], from: Readonly<Record<string, string>>, done: boolean): void {
    const ok = names.map((symbol) => {
      const ref = session.refs.get(symbol) ?? session.refs.size + 1
      session.refs.set(symbol, ref)
      return [symbol, ref, symbol in from ? 'recovered' : 'snapshot'] as const
    })
    const updates = ok.flatMap(([symbol, ref]) => {
      const held = this.#symbols.get(symbol)
      return held === undefined ? [] : [update(symbol, ref, held, true)]
    })
    send(session, [{ t: 'subscribed', id: 1, ok, ...(done ? { done } : {}) }, ...updates])
    if (this.#told !== null) send(session, [this.#told])
    this.#sendPulse()
  }

  #isTold(partition: number): boolean {
    return this.#told !== null && (this.#told.partitions ?? [partition]).includes(partition)
  }

  #sendPulse(): void {
    if (this.#silent) return
    const at = Date.now()
    const arrivedAgesMs = [...this.#path.map((_node, index) => 8 - index), 2]
    const flowing = [...this.#heads.keys()].filter((partition) => !this.#isTold(partition))
    const partitions = flowing.map((partition) => [partition, this.#heads[partition]!++, 0, 14, arrivedAgesMs] as const)
    const paths = [[...this.#path, this.#node]]
    const frame: PulseFrame = { t: 'pulse', pulse: ++this.#pulse, at, feed: FEED, generation: 1, paths, partitions }
    for (const session of this.#sessions) if (session.refs.size > 0) send(session, [frame])
  }
}

function send({ socket, due }: Session, frames: readonly DownstreamFrame[]): void {
  due.push(...frames)
  if (due.length > frames.length) return
  queueMicrotask(() => socket.send(JSON.stringify(due.splice(0))))
}

function update(symbol: string, ref: number, { partition, offset, ts, values }: Held, snapshot: boolean): DownstreamFrame {
  return { t: 'update', ref, symbol, position: `1:${partition}:${offset}`, ts, values, ...(snapshot ? { snapshot } : {}) }
}
