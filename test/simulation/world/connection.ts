import type { Kernel } from './kernel.ts'
import type { ClientHandler, Listener } from './network.ts'
import type { Path } from './path.ts'
import { Pipe, type Data, type Parcel } from './pipe.ts'
import type { SimProcess } from './process.ts'
import { travel } from './travel.ts'

/** One side of a connection, as its process uses it. */
export interface Endpoint {
  readonly bufferedBytes: number
  send(data: Data): void
  /** The close handshake: the other side is told behind all that was sent. */
  close(code: number, reason: string): void
  /** Gives it up at once. */
  drop(): void
}

/** What happens on one side; calls come from the process's own events. */
export interface EndpointHandler {
  message(data: Data): void
  drained(): void
  closed(code: number, reason: string): void
}

interface Setup {
  readonly kernelBytesMax: number
  readonly protocols: readonly string[]
  find(): Listener | undefined
  /** The side that asked has been told that it is open. */
  opened(): void
  ended(): void
}

/** A peer that does not answer a close frame is cut after this, as by the real transports. */
const CLOSE_GRACE_MS = 1000
const ABNORMAL = 1006

/** A connection between two processes, from the request on. */
export class Connection {
  readonly client: Side
  vanished = false
  #server: Side | null = null
  readonly #kernel: Kernel
  readonly #from: SimProcess
  readonly #to: string
  readonly #paths: { readonly there: Path; readonly back: Path }
  readonly #setup: Setup
  #ended = false

  constructor(kernel: Kernel, from: SimProcess, to: string, paths: { there: Path; back: Path }, handler: ClientHandler, setup: Setup) {
    this.#kernel = kernel
    this.#from = from
    this.#to = to
    this.#paths = paths
    this.#setup = setup
    this.client = new Side(kernel, from, handler, () => this.#sideEnded())
    this.#request(handler)
  }

  involves(process: SimProcess): boolean {
    return this.#from === process || this.#server?.process === process
  }

  touches(host: string): boolean {
    return this.#from.host === host || this.#to === host
  }

  /** Both sides are told that it is over, whatever was on its way. */
  reset(): void {
    for (const side of [this.client, this.#server])
      side?.abort(this.#kernel.nowMs + this.#paths.back.delayMs(), ABNORMAL, 'connection reset')
  }

  /** One side's host is gone: the other may send as long as it likes. */
  vanish(): void {
    this.vanished = true
    this.client.pipe?.cut()
    this.#server?.pipe?.cut()
  }

  /** The request travels on the path as everything else does, and waits while that is stalled. */
  #request(handler: ClientHandler): void {
    travel(this.#kernel, this.#paths.there, () => {
      const listener = this.#isOver ? undefined : this.#setup.find()
      if (listener === undefined) this.#refuse('connection refused')
      else listener.process.io(this.#kernel.nowMs, () => this.#accept(listener, handler))
    })
  }

  get #isOver(): boolean {
    return this.client.over || this.vanished
  }

  #accept(listener: Listener, handler: ClientHandler): void {
    if (this.#isOver) return
    const server = new Side(this.#kernel, listener.process, null, () => this.#sideEnded())
    const answer = listener.accept(server, this.#setup.protocols)
    if ('refused' in answer) return this.#refuse(answer.refused)
    this.#server = server
    server.handler = answer.handler
    const kernelBytesMax = this.#setup.kernelBytesMax
    const { there, back } = this.#paths
    this.client.join(server, there, kernelBytesMax)
    server.join(this.client, back, kernelBytesMax)
    travel(this.#kernel, back, () => {
      this.#from.io(this.#kernel.nowMs, () => {
        if (this.#isOver) return
        handler.opened(answer.protocol)
        this.#setup.opened()
      })
    })
  }

  #refuse(why: string): void {
    travel(this.#kernel, this.#paths.back, () => {
      if (!this.vanished) this.client.abort(this.#kernel.nowMs, ABNORMAL, why)
    })
  }

  #sideEnded(): void {
    if (this.#ended || !this.client.over || this.#server?.over === false) return
    this.#ended = true
    this.client.pipe?.cut()
    this.#server?.pipe?.cut()
    this.#setup.ended()
  }
}

/** One side. */
class Side implements Endpoint {
  readonly process: SimProcess
  handler: EndpointHandler | null
  pipe: Pipe | null = null
  /** Its handler has been told, or does not want to hear, that it is over. */
  over = false
  #closing = false
  readonly #kernel: Kernel
  readonly #ended: () => void

  constructor(kernel: Kernel, process: SimProcess, handler: EndpointHandler | null, ended: () => void) {
    this.#kernel = kernel
    this.process = process
    this.handler = handler
    this.#ended = ended
  }

  join(peer: Side, path: Path, kernelBytesMax: number): void {
    const ends = {
      from: this.process,
      to: peer.process,
      path,
      kernelBytesMax,
      deliver: (parcel: Parcel) => peer.receive(parcel),
      drained: () => this.#drained(),
    }
    this.pipe = new Pipe(this.#kernel, ends)
  }

  get bufferedBytes(): number {
    return this.pipe?.bufferedBytes ?? 0
  }

  send(data: Data): void {
    if (!this.#closing && !this.over) this.pipe?.send({ data, bytes: data.length + 4 })
  }

  close(code: number, reason: string): void {
    if (this.#closing || this.over) return
    this.#closing = true
    if (this.pipe === null) return this.drop()
    this.pipe.send({ code, reason, bytes: 0 })
    this.process.io(this.#kernel.nowMs + CLOSE_GRACE_MS, () => this.#end(ABNORMAL, 'the peer did not answer the close frame'))
  }

  drop(): void {
    if (this.over) return
    this.over = true
    this.pipe?.discardQueue()
    this.pipe?.send({ code: ABNORMAL, reason: 'dropped by the peer', bytes: 0 })
    this.#ended()
  }

  /** It is over at this time, from outside. */
  abort(atMs: number, code: number, reason: string): void {
    if (this.process.state !== 'dead') this.process.io(atMs, () => this.#end(code, reason))
    else if (!this.over) {
      this.over = true
      this.#ended()
    }
  }

  receive(parcel: Parcel): void {
    if (this.over) return
    if ('data' in parcel) {
      this.handler?.message(parcel.data)
      return
    }
    // Answers the close frame, as every WebSocket does.
    if (!this.#closing) this.pipe?.send({ code: parcel.code, reason: parcel.reason, bytes: 0 })
    this.#end(parcel.code, parcel.reason)
  }

  #drained(): void {
    if (!this.over) this.handler?.drained()
  }

  #end(code: number, reason: string): void {
    if (this.over) return
    this.over = true
    this.handler?.closed(code, reason)
    this.#ended()
  }
}
