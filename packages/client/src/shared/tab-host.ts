import type { ClientEvents, QuoteClient } from '../client.ts'
import type { Clock, Timer } from '../clock.ts'
import { plainEvent, type TabMessage } from './messages.ts'
import { type TabPort, TabSession } from './tab-session.ts'

/** How often tabs are told that all is as it was. */
const BEAT_MS = 250
/** Without any tab the connection is kept for so long: a page that is loaded anew is back at once. */
const LINGER_MS = 3_000

const EVENTS: readonly (keyof ClientEvents)[] = ['state', 'session', 'notice', 'goodbye', 'feeds', 'repair', 'gateways', 'error']

/** Calls back when the lock can be had, that is, when the tab that held it is gone. Returns the undo. */
export type WatchLock = (name: string, gone: () => void) => () => void

export interface HostTools {
  readonly makeClient: () => QuoteClient
  readonly clock: Clock
  readonly watchLock: WatchLock
}

/** A `MessagePort`, or what is like one. */
export interface HostPort extends TabPort {
  onmessage: ((event: { readonly data: unknown }) => void) | null
}

/** Has the one client, and serves tabs from it. In a shared worker there is one of it per browser. */
export class TabHost {
  readonly #tools: HostTools
  /** How each is let go; `true`: it is told that it was. */
  readonly #tabs = new Map<TabSession, (isReleased: boolean) => void>()
  #client: QuoteClient | undefined
  #beats: Timer | undefined
  #lingering: Timer | undefined

  constructor(tools: HostTools) {
    this.#tools = tools
  }

  /** Tabs that are served. */
  get size(): number {
    return this.#tabs.size
  }

  /** A tab has come. It is one when it has said hello. */
  attach(port: HostPort): void {
    let tab: TabSession | undefined
    let unwatch: (() => void) | undefined
    const leave = (isReleased: boolean) => {
      if (tab === undefined || !this.#tabs.delete(tab)) return
      unwatch?.()
      tab.end(isReleased)
      if (this.#tabs.size === 0) this.#lingering = this.#tools.clock.after(LINGER_MS, () => this.#rest())
    }
    port.onmessage = ({ data }) => {
      const message = data as TabMessage
      if (message.t === 'hello') {
        if (tab !== undefined) return
        const client = this.#serve()
        tab = new TabSession(client, port, this.#tools.clock)
        this.#tabs.set(tab, leave)
        if (!tab.welcome(message.version)) leave(false)
        else if (message.lock !== undefined) unwatch = this.#tools.watchLock(message.lock, () => leave(false))
      } else if (message.t === 'bye') leave(false)
      else if (tab !== undefined && this.#tabs.has(tab)) tab.handle(message)
    }
  }

  #serve(): QuoteClient {
    this.#lingering?.cancel()
    if (this.#client !== undefined) return this.#client
    const client = (this.#client = this.#tools.makeClient())
    for (const name of EVENTS) {
      client.on(name, (event) => {
        const plain = plainEvent(event)
        for (const tab of this.#tabs.keys()) tab.tell({ t: 'event', name, event: plain })
        // Who serves, and whether anybody does, is in the beat.
        if (name === 'state' || name === 'session') this.#beat()
      })
    }
    this.#beatOn()
    return client
  }

  #beatOn(): void {
    this.#beats = this.#tools.clock.after(BEAT_MS, () => {
      this.#beat()
      this.#beatOn()
    })
  }

  #beat(): void {
    for (const [tab, leave] of this.#tabs) {
      if (tab.isLost) leave(true)
      else tab.beat()
    }
  }

  /** Nobody wants anything. */
  #rest(): void {
    this.#beats?.cancel()
    void this.#client?.close()
    this.#client = undefined
  }
}
