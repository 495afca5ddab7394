/** A line between two processes that a test can spoil, byte by byte: both ends believe that they speak to each other. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { CLEAR, Direction } from './conditions.ts'
import { type ByteFilter, Pipe } from './pipe.ts'

export interface Target {
  readonly host?: string
  readonly port: number
}

export interface ProxyOptions {
  /** Called for each connection. */
  readonly filters?: () => { readonly up?: ByteFilter; readonly down?: ByteFilter }
  /** Uniform in [0, 1): for jitter. */
  readonly random?: () => number
}

export class TcpProxy implements AsyncDisposable {
  /** From whoever connects to the target. */
  readonly up = new Direction()
  /** From the target to whoever connects. */
  readonly down = new Direction()
  /** New connections are reset at once. */
  refusing = false
  readonly #server: Server
  readonly #options: ProxyOptions
  readonly #links = new Set<Link>()
  #target: Target | undefined
  /** Connections taken since the beginning. */
  accepted = 0

  private constructor(options: ProxyOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
  }

  /** Listens on a free port of loopback; the target may be told later, before the first connection. */
  static async listen(target?: Target, options: ProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(options)
    proxy.#target = target
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    // A test that forgot to close it still ends.
    proxy.#server.unref()
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  get connections(): number {
    return this.#links.size
  }

  leadTo(target: Target): void {
    this.#target = target
  }

  /** Nothing passes any more, and nobody is told. */
  hold(): void {
    this.up.set({ held: true })
    this.down.set({ held: true })
  }

  /** Everything flows again as if there were no proxy. */
  clear(): void {
    this.refusing = false
    this.up.set(CLEAR)
    this.down.set(CLEAR)
  }

  /** Cuts every connection with RST, both ways. @returns how many there were. */
  reset(): number {
    const links = [...this.#links]
    for (const link of links) link.reset()
    return links.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.reset()
    await closed
  }

  #accept(socket: Socket): void {
    this.accepted++
    if (this.refusing || this.#target === undefined) {
      socket.on('error', () => {})
      cut(socket)
      return
    }
    const { host = '127.0.0.1', port } = this.#target
    const target = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const filters = this.#options.filters?.() ?? {}
    const random = this.#options.random ?? Math.random
    const pipes = [new Pipe(socket, target, this.up, filters.up, random), new Pipe(target, socket, this.down, filters.down, random)]
    const link = new Link(socket, target, pipes, () => this.#links.delete(link))
    this.#links.add(link)
  }
}

class Link {
  readonly #sockets: readonly Socket[]
  readonly #pipes: readonly Pipe[]

  constructor(a: Socket, b: Socket, pipes: readonly Pipe[], ended: () => void) {
    this.#sockets = [a, b]
    this.#pipes = pipes
    let open = 2
    for (const [socket, other] of [
      [a, b],
      [b, a],
    ] as const) {
      // Whoever breaks a connection breaks all of it.
      socket.on('error', () => cut(other))
      socket.on('close', () => {
        if (--open === 0) {
          for (const pipe of pipes) pipe.close()
          ended()
        }
      })
    }
  }

  reset(): void {
    for (const pipe of this.#pipes) pipe.close()
    for (const socket of this.#sockets) cut(socket)
  }
}

/**
 * Ends a connection with RST. One whose FIN is on its way cannot be reset any more (EINVAL), and Node 26 then forgets
 * the handle without closing it: the process could never end.
 */
function cut(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
