import type { Socket } from 'node:net'
import type { Direction } from './conditions.ts'

/** Sees the bytes of one direction of one connection, and says which go on. */
export interface ByteFilter {
  push(chunk: Buffer): Buffer
}

/** What may be on its way here; a thin line holds less, so that its sender feels it. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024
const THIN_QUEUE_BYTES_MAX = 2 * 1024
/** A thin line carries its bytes in so many pieces per second. */
const PIECES_PER_SECOND = 20

interface Chunk {
  readonly dueAtMs: number
  bytes: Buffer
}

/** One direction of one connection: from a socket to a socket, under conditions. */
export class Pipe {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #direction: Direction
  readonly #filter: ByteFilter | undefined
  readonly #random: () => number
  readonly #forget: () => void
  #queue: Chunk[] = []
  #queuedBytes = 0
  #lastDueAtMs = 0
  #freeAtMs = 0
  #timer: NodeJS.Timeout | undefined
  /** A write waits for its callback, or the sink for `drain`. */
  #isBusy = false
  #isEnded = false
  #isClosed = false

  constructor(source: Socket, sink: Socket, direction: Direction, filter: ByteFilter | undefined, random: () => number) {
    this.#source = source
    this.#sink = sink
    this.#direction = direction
    this.#filter = filter
    this.#random = random
    this.#forget = direction.onChange(() => this.#pump())
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.on('end', () => {
      this.#isEnded = true
      this.#pump()
    })
    this.#pump()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#forget()
    this.#queue = []
  }

  #take(chunk: Buffer): void {
    const bytes = this.#filter === undefined ? chunk : this.#filter.push(chunk)
    if (bytes.length > 0) {
      const { latencyMs, jitterMs } = this.#direction.now
      const delayMs = Math.max(0, latencyMs + (this.#random() * 2 - 1) * jitterMs)
      this.#lastDueAtMs = Math.max(this.#lastDueAtMs, performance.now() + delayMs)
      this.#queue.push({ dueAtMs: this.#lastDueAtMs, bytes })
      this.#queuedBytes += bytes.length
    }
    this.#pump()
  }

  /** Does what can be done now, and comes back when more can. */
  #pump(): void {
    if (this.#isClosed) return
    const { held, stopped, bytesPerSecond, sliced } = this.#direction.now
    const queueBytesMax = bytesPerSecond === Infinity ? QUEUE_BYTES_MAX : THIN_QUEUE_BYTES_MAX
    if (stopped || this.#queuedBytes >= queueBytesMax) this.#source.pause()
    else this.#source.resume()
    clearTimeout(this.#timer)
    while (!held && !this.#isBusy && this.#queue.length > 0) {
      const waitMs = Math.max(this.#queue[0]!.dueAtMs, this.#freeAtMs) - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs)
        return
      }
      this.#write(sliced ? 1 : bytesPerSecond === Infinity ? Infinity : Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND)))
    }
    if (this.#isEnded && this.#queue.length === 0 && !this.#sink.writableEnded) this.#sink.end()
  }

  #write(bytesMax: number): void {
    const chunk = this.#queue[0]!
    const bytes = chunk.bytes.subarray(0, bytesMax)
    if (bytes.length === chunk.bytes.length) this.#queue.shift()
    else chunk.bytes = chunk.bytes.subarray(bytes.length)
    this.#queuedBytes -= bytes.length
    const { bytesPerSecond, sliced } = this.#direction.now
    if (bytesPerSecond !== Infinity) this.#freeAtMs = performance.now() + (bytes.length / bytesPerSecond) * 1000
    this.#isBusy = true
    const goOn = () => {
      this.#isBusy = false
      this.#pump()
    }
    // Of its own packet each: the next one goes only when this one has left.
    if (sliced) this.#sink.write(bytes, () => setImmediate(goOn))
    else if (this.#sink.write(bytes)) this.#isBusy = false
    else this.#sink.once('drain', goOn)
  }
}
