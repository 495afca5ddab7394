import type { Event, Kernel } from './kernel.ts'
import type { Path } from './path.ts'
import type { SimProcess } from './process.ts'

export type Data = Uint8Array | string

/** What travels: a message, or the end of the connection with its close code. */
export type Parcel = { readonly data: Data; readonly bytes: number } | { readonly code: number; readonly reason: string; readonly bytes: 0 }

export interface PipeEnds {
  readonly from: SimProcess
  readonly to: SimProcess
  readonly path: Path
  /** Buffers of both kernels and the line together: what is sent beyond that waits with the sender. */
  readonly kernelBytesMax: number
  deliver(parcel: Parcel): void
  /** All that waited with the sender is in the kernel now. */
  drained(): void
}

/** One direction of a connection. Keeps the order, whatever the line does; a receiver that stands still fills it up. */
export class Pipe {
  readonly #kernel: Kernel
  readonly #ends: PipeEnds
  /** With the sender. */
  #queue: Parcel[] = []
  #queueBytes = 0
  /** In kernel buffers and on the line, in order, with the time of arrival. */
  #moving: { readonly parcel: Parcel; arrivesAtMs: number }[] = []
  #movingBytes = 0
  #lineFreeAtMs = 0
  #arrival: Event | null = null
  #lastArrivalMs = 0
  #cut = false

  constructor(kernel: Kernel, ends: PipeEnds) {
    this.#kernel = kernel
    this.#ends = ends
    ends.path.pipes.add(this)
  }

  get bufferedBytes(): number {
    return this.#queueBytes
  }

  send(parcel: Parcel): void {
    if (this.#cut) return
    this.#queue.push(parcel)
    this.#queueBytes += parcel.bytes
    this.#pump()
  }

  /** What the sender still holds is lost; what is on its way arrives. */
  discardQueue(): void {
    this.#queue = []
    this.#queueBytes = 0
  }

  /** Nothing arrives any more. */
  cut(): void {
    this.#cut = true
    this.discardQueue()
    this.#moving = []
    if (this.#arrival !== null) this.#kernel.cancel(this.#arrival)
    this.#ends.path.pipes.delete(this)
  }

  /** The line works again, or at another speed. */
  resume(): void {
    if (!this.#cut && this.#arrival === null) this.#schedule()
  }

  /** The line has become faster: what is on its way arrives sooner. */
  hurry(): void {
    const { path } = this.#ends
    let atMs = this.#kernel.nowMs
    for (const moving of this.#moving) {
      atMs += moving.parcel.bytes / path.bytesPerMs
      moving.arrivesAtMs = Math.min(moving.arrivesAtMs, atMs + path.delayMs())
    }
    this.#lineFreeAtMs = Math.min(this.#lineFreeAtMs, atMs)
    this.#lastArrivalMs = Math.max(this.#kernel.nowMs, ...this.#moving.map(({ arrivesAtMs }) => arrivesAtMs))
    if (this.#arrival === null) return
    this.#kernel.cancel(this.#arrival)
    this.#schedule()
  }

  #pump(): void {
    const { path, kernelBytesMax } = this.#ends
    while (this.#queue.length > 0) {
      const parcel = this.#queue[0]!
      if (this.#movingBytes > 0 && this.#movingBytes + parcel.bytes > kernelBytesMax) return
      this.#queue.shift()
      this.#queueBytes -= parcel.bytes
      this.#movingBytes += parcel.bytes
      this.#lineFreeAtMs = Math.max(this.#lineFreeAtMs, this.#kernel.nowMs) + parcel.bytes / path.bytesPerMs
      this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#lineFreeAtMs + path.delayMs())
      this.#moving.push({ parcel, arrivesAtMs: this.#lastArrivalMs })
      if (this.#arrival === null) this.#schedule()
    }
  }

  #schedule(): void {
    const next = this.#moving[0]
    if (next === undefined || this.#ends.path.stalled) return
    this.#arrival = this.#ends.to.io(Math.max(next.arrivesAtMs, this.#kernel.nowMs), () => this.#arrive())
  }

  #arrive(): void {
    this.#arrival = null
    // Stalled meanwhile: `resume` goes on.
    if (this.#ends.path.stalled) return
    const { parcel } = this.#moving.shift()!
    this.#movingBytes -= parcel.bytes
    const waited = this.#queue.length > 0
    this.#pump()
    if (waited && this.#queue.length === 0) this.#ends.from.io(this.#kernel.nowMs, () => !this.#cut && this.#ends.drained())
    if (this.#arrival === null) this.#schedule()
    this.#ends.deliver(parcel)
  }
}
