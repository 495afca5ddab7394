import type { Kernel } from './kernel.ts'
import { Connection, type Endpoint, type EndpointHandler } from './connection.ts'
import { Path } from './path.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'

/** Who takes connections at an address. */
export interface Listener {
  readonly process: SimProcess
  /** @returns the subprotocol and who handles the connection, or why it is refused. */
  accept(
    endpoint: Endpoint,
    protocols: readonly string[],
  ): { readonly protocol: string; readonly handler: EndpointHandler } | { readonly refused: string }
}

export interface ClientHandler extends EndpointHandler {
  opened(protocol: string): void
}

/** Hosts, the paths between them, and who listens where. */
export class Network {
  readonly connections = new Set<Connection>()
  readonly #kernel: Kernel
  readonly #random: Random
  readonly #listeners = new Map<string, Listener>()
  readonly #paths = new Map<string, Path>()
  /** Pairs of hosts whose next connection is forgotten as soon as it is open. */
  readonly #forgetful = new Set<string>()

  constructor(kernel: Kernel, random: Random) {
    this.#kernel = kernel
    this.#random = random
  }

  /** The path between two hosts; made, with what it will be like, at first use. */
  path(from: string, to: string): Path {
    const key = `${from}>${to}`
    let path = this.#paths.get(key)
    if (path === undefined) {
      const random = this.#random.fork()
      path = new Path(random, random.logBetween(0.2, 40), random.logBetween(0.1, 20), random.logBetween(50, 10_000))
      this.#paths.set(key, path)
    }
    return path
  }

  listen(address: string, listener: Listener): void {
    this.#listeners.set(address, listener)
  }

  unlisten(address: string, listener: Listener): void {
    if (this.#listeners.get(address) === listener) this.#listeners.delete(address)
  }

  /** Opens a connection to whoever listens at the address by the time the request arrives there. */
  connect(from: SimProcess, address: string, protocols: readonly string[], handler: ClientHandler): Endpoint {
    const to = hostOf(address)
    const connection = new Connection(
      this.#kernel,
      from,
      to,
      { there: this.path(from.host, to), back: this.path(to, from.host) },
      handler,
      {
        kernelBytesMax: this.#random.logBetween(16_000, 512_000),
        find: () => this.#listeners.get(address),
        protocols,
        opened: () => {
          if (this.#forgetful.delete(pairOf(from.host, to))) connection.vanish()
        },
        ended: () => this.connections.delete(connection),
      },
    )
    this.connections.add(connection)
    return connection.client
  }

  /** All connections of a process end as those of a killed one do: the other side is told. */
  killed(process: SimProcess): void {
    for (const connection of this.connections) if (connection.involves(process)) connection.reset()
  }

  resetBetween(a: string, b: string): void {
    for (const connection of this.connections) if (connection.touches(a) && connection.touches(b)) connection.reset()
  }

  /** What is between two hosts has forgotten their connections: nothing arrives over these any more, and nobody is told. */
  forget(a: string, b: string): void {
    for (const connection of this.connections) if (connection.touches(a) && connection.touches(b)) connection.vanish()
  }

  /** The next one that is opened between them is forgotten at once: the upgrade is answered, and no message arrives either way. */
  forgetNext(a: string, b: string): void {
    this.#forgetful.add(pairOf(a, b))
  }

  forgetNone(a: string, b: string): void {
    this.#forgetful.delete(pairOf(a, b))
  }

  /** The host lost its power: nobody is told anything. */
  vanished(process: SimProcess): void {
    for (const connection of this.connections) if (connection.involves(process)) connection.vanish()
  }

  /** The host is back: whoever still talks to its old connections is told that there are none. */
  returned(host: string): void {
    for (const connection of this.connections) if (connection.vanished && connection.touches(host)) connection.reset()
  }
}

/** `ws://gw-1:8080/v1/stream` → `gw-1` */
export function hostOf(address: string): string {
  return new URL(address).hostname
}

function pairOf(a: string, b: string): string {
  return [a, b].sort().join(' ')
}
