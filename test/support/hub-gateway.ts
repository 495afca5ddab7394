import { Hub } from '../../packages/server/src/hub/index.ts'
import { systemClock } from '../../packages/server/src/runtime/clock.ts'
import { silentLogger } from '../../packages/server/src/runtime/logger.ts'
import { listenWebSocket, Sessions, type StreamListener } from '../../packages/server/src/session/index.ts'
import { everything, feedOptions, sessionOptions } from './sender.ts'

/** A gateway's own hub, sessions and server on a real port; a test is what lies before it. */
export class HubGateway implements AsyncDisposable {
  readonly hub: Hub
  readonly sessions: Sessions
  readonly #server: StreamListener
  #offset = 0
  #timer: NodeJS.Timeout | undefined

  constructor(node = 'gw-1') {
    const log = silentLogger
    this.hub = new Hub({ nodeId: node, clock: systemClock, feeds: [feedOptions] })
    const sessions = (this.sessions = new Sessions({ hub: this.hub, session: sessionOptions, role: 'gateway', version: '0', log }))
    const { messageBytesMax } = sessionOptions
    this.#server = listenWebSocket({
      host: '127.0.0.1',
      port: 0,
      messageBytesMax,
      sessions,
      ready: () => true,
      log,
      httpStream: { keepAliveMs: 15_000, paddingBytes: 2_048 },
    })
  }

  async start(): Promise<void> {
    this.hub.connect(everything, this.sessions)
    this.hub.setShape(this.hub.feeds[0]!, 1, 1)
    await this.#server.listen()
    this.#timer = setInterval(() => this.#pulse(), 250)
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#server.port}`
  }

  /** Symbols that are subscribed, by session. */
  get table(): string[][] {
    return [...this.sessions].map(({ subscriptions }) => [...subscriptions].flatMap(({ entries }) => [...entries.keys()]).sort())
  }

  quote(name: string, last: number): void {
    const symbol = this.hub.feeds[0]!.obtain(name)!
    const appeared = !symbol.hasImage
    symbol.applyRecord({ generation: 1, partition: 0, offset: this.#offset++, ts: Date.now(), n: 1, prev: -1 }, { last }, false)
    this.hub.updated(symbol, appeared)
  }

  silence(): void {
    clearInterval(this.#timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.silence()
    this.sessions.close()
    await this.#server.close()
  }

  #pulse(): void {
    const nowMs = systemClock.nowMs()
    const place = { generation: 1, partition: 0, offset: this.#offset++ }
    this.hub.pulse(this.hub.feeds[0]!, { ...place, writtenAtMs: nowMs, path: [this.hub.nodeId], arrivedAtMs: [nowMs] })
  }
}
