import type { ConnectLink, LinkEvents } from '../../packages/server/src/gateway/index.ts'
import type { TransportHandler } from '../../packages/server/src/session/index.ts'
import type { ManualClock } from './manual-clock.ts'
import { MemoryTransport } from './receiver.ts'
import type { Sender } from './sender.ts'

interface Connection {
  readonly events: LinkEvents
  readonly handler: TransportHandler
  /** What was sent down while the line was held. */
  held: (Uint8Array | string)[]
}

/** Lines between a gateway and its upstream nodes, in memory: each can be held, cut and closed. */
export class UpstreamLines {
  readonly #clock: ManualClock
  readonly #nodes = new Map<string, Pick<Sender, 'sessions'>>()
  readonly #connections = new Map<string, Set<Connection>>()
  readonly #shut = new Set<string>()
  readonly #down = new Set<string>()
  readonly #heldDown = new Set<string>()
  /** What the gateway sent up while the line was held, by address. */
  readonly #heldUp = new Map<string, (() => void)[]>()
  /** Messages that the gateway sent up, by address. */
  readonly sentUp = new Map<string, (Uint8Array | string)[]>()
  /** Whether a message that the gateway sends up is lost on its way; the connection stays. */
  loses: (address: string, message: Uint8Array | string) => boolean = () => false

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  /** Puts a node at an address, in place of the one that was there. */
  put(address: string, node: Pick<Sender, 'sessions'>): void {
    this.#nodes.set(address, node)
  }

  readonly connect: ConnectLink = (address, events) => {
    const node = this.#nodes.get(address)
    if (node === undefined || this.#down.has(address) || this.#shut.has(address)) {
      this.#clock.soon(() => events.closed('connection refused'))
      return { send() {}, drop() {} }
    }
    const transport = new MemoryTransport('pulsewire.bin.v1')
    const connection: Connection = { events, handler: node.sessions.accept(transport), held: [] }
    this.#connections.set(address, (this.#connections.get(address) ?? new Set()).add(connection))
    transport.onSend = (message) => {
      if (this.#heldDown.has(address)) connection.held.push(message)
      else this.#clock.soon(() => this.#isOpen(address, connection) && events.message(message))
    }
    this.#clock.soon(() => events.opened())
    return {
      send: (message) => this.#sendUp(address, connection, message),
      drop: () => this.#end(address, connection),
    }
  }

  #sendUp(address: string, connection: Connection, message: Uint8Array | string): void {
    const sent = this.sentUp.get(address)
    if (sent === undefined) this.sentUp.set(address, [message])
    else sent.push(message)
    if (this.loses(address, message)) return
    const deliver = () => {
      if (this.#isOpen(address, connection)) connection.handler.message(message)
    }
    const held = this.#heldUp.get(address)
    if (held === undefined) this.#clock.soon(deliver)
    else held.push(deliver)
  }

  /** From now on nothing that the node sends arrives; it is kept until `release`. */
  holdDown(address: string): void {
    this.#heldDown.add(address)
  }

  /** From now on nothing that the gateway sends arrives; it is kept until `release`. */
  holdUp(address: string): void {
    if (!this.#heldUp.has(address)) this.#heldUp.set(address, [])
  }

  release(address: string): void {
    this.#heldDown.delete(address)
    for (const deliver of this.#heldUp.get(address) ?? []) this.#clock.soon(deliver)
    this.#heldUp.delete(address)
    for (const connection of this.#connections.get(address) ?? []) {
      for (const message of connection.held.splice(0)) {
        this.#clock.soon(() => this.#isOpen(address, connection) && connection.events.message(message))
      }
    }
  }

  /** The connection breaks, and the address refuses until `restore`. */
  cut(address: string): void {
    this.#down.add(address)
    for (const connection of [...(this.#connections.get(address) ?? [])]) {
      this.#end(address, connection)
      connection.events.closed('connection reset')
    }
  }

  /** Connections that are open go on; nobody gets through who comes anew, until `restore`. */
  shut(address: string): void {
    this.#shut.add(address)
  }

  restore(address: string): void {
    this.#down.delete(address)
    this.#shut.delete(address)
  }

  #isOpen(address: string, connection: Connection): boolean {
    return this.#connections.get(address)?.has(connection) === true
  }

  #end(address: string, connection: Connection): void {
    if (!this.#isOpen(address, connection)) return
    this.#connections.get(address)!.delete(connection)
    connection.handler.closed(1006, 'gone')
  }
}
