import type { Clock, Timer } from '../clock.ts'
import { holdLock } from './locks.ts'
import { type Bunch, type HostItem, SHARED_VERSION, type TabMessage } from './messages.ts'
import type { HostPort } from './tab-host.ts'

/** The part of a `SharedWorker` that is needed. */
export interface WorkerLike {
  readonly port: HostPort
  onerror: ((event: never) => void) | null
}

export interface LinkTools {
  readonly clock: Clock
  /** @throws where there is none. */
  readonly openWorker: () => WorkerLike
  /** A connection of the tab's own, behind a port like that of a worker. */
  readonly openOwn: () => HostPort
}

export interface LinkHost {
  onItem(item: HostItem): void
  /** Whoever answers from now on knows nothing of what was said before. */
  onLinked(): void
}

/** A worker that has not answered hello by then has no use. */
const HELLO_MS = 3_000
/** One that has said nothing for so long is gone, or stuck; it says something four times a second. */
const SILENT_MS = 5_000

/** Leads to whoever has the connection: the shared worker; where there is none, or none that works, the tab itself. */
export class Link {
  readonly #tools: LinkTools
  readonly #host: LinkHost
  #port: HostPort | undefined
  #release: (() => void) | undefined
  #timer: Timer | undefined
  /** Workers that were tried since the last one that worked. */
  #tried = 0
  #isOwn = false
  #heardAtMs = 0
  #closed = false

  constructor(tools: LinkTools, host: LinkHost) {
    this.#tools = tools
    this.#host = host
  }

  /** Whether the tab has a connection of its own. */
  get isOwn(): boolean {
    return this.#isOwn
  }

  open(): void {
    this.#leave()
    if (this.#closed) return
    // A second try may start it anew, where it has crashed.
    if (this.#tried++ < 2) {
      try {
        const worker = this.#tools.openWorker()
        worker.onerror = () => {
          if (this.#port === worker.port) this.#openOwn()
        }
        this.#use(worker.port, HELLO_MS)
        return
      } catch {
        // There are none here.
      }
    }
    this.#openOwn()
  }

  send(message: TabMessage): void {
    this.#port?.postMessage(message)
  }

  close(): void {
    this.#closed = true
    this.#leave()
  }

  #openOwn(): void {
    this.#leave()
    this.#isOwn = true
    this.#use(this.#tools.openOwn(), Infinity)
  }

  #use(port: HostPort, helloMs: number): void {
    this.#port = port
    port.onmessage = ({ data }) => {
      if (this.#port === port) this.#take(data as Bunch)
    }
    if (helloMs < Infinity) this.#watch(port, helloMs)
    const released = Promise.withResolvers<void>()
    this.#release = released.resolve
    // Of the tab itself nobody has to find out that it is gone.
    const lock = this.#isOwn ? Promise.resolve(undefined) : holdLock(released.promise)
    void lock.then((name) => {
      if (this.#port !== port) return
      this.send({ t: 'hello', version: SHARED_VERSION, lock: name })
      this.#host.onLinked()
    })
  }

  #take({ bunch, items }: Bunch): void {
    this.#heardAtMs = this.#tools.clock.nowMs()
    for (const item of items) {
      if (item.t === 'refused') return this.#openOwn()
      if (item.t === 'released') return this.open()
      if (item.t === 'welcome') this.#tried = 0
      else this.#host.onItem(item)
    }
    this.send({ t: 'ack', bunch })
  }

  /** Looks whether it still speaks. A tab that was frozen itself hears first what came meanwhile. */
  #watch(port: HostPort, limitMs: number): void {
    const { clock } = this.#tools
    const sinceMs = clock.nowMs()
    this.#timer = clock.after(limitMs, () => {
      if (this.#port !== port) return
      const isLate = clock.nowMs() - sinceMs > 2 * limitMs
      if (isLate || this.#heardAtMs >= sinceMs) this.#watch(port, SILENT_MS)
      else this.open()
    })
  }

  #leave(): void {
    this.#timer?.cancel()
    this.send({ t: 'bye' })
    this.#release?.()
    const port = this.#port
    this.#port = undefined
    // What was said last goes out before.
    if (port !== undefined) this.#tools.clock.after(0, () => port.close())
  }
}
