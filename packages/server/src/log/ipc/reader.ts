import type { LogError } from '../../runtime/errors.ts'
import type { LogEvent, LogReader, PartitionStart } from '../log.ts'
import { fromWireError, type IpcChannel, sendTo, type ToClient, type WireEvent } from './messages.ts'
import { unpackRecords } from './record-pack.ts'

/** Credit goes back in such pieces, not with every small batch. */
const CREDIT_BYTES_MIN = 128 * 1024

interface Queued {
  readonly event: WireEvent
  readonly generation: number
  readonly bytes: number
}

/** The client's end of one reader. What it holds is bounded by the credit that it gives. */
export class IpcReader implements LogReader {
  readonly topic: string
  readonly #id: number
  readonly #channel: IpcChannel
  readonly #onEnd: () => void
  /** By partition: the `add` whose events are wanted. */
  readonly #generations = new Map<number, number>()
  #lastGeneration = 0
  #queue: Queued[] = []
  #creditBytes = 0
  #isEnded = false
  #error: LogError | undefined
  #waiting: (() => void) | undefined

  constructor(topic: string, id: number, channel: IpcChannel, onEnd: () => void) {
    this.topic = topic
    this.#id = id
    this.#channel = channel
    this.#onEnd = onEnd
  }

  add(partitions: readonly PartitionStart[]): void {
    const fresh = partitions.filter(({ partition }) => !this.#generations.has(partition))
    const generation = ++this.#lastGeneration
    for (const { partition } of fresh) this.#generations.set(partition, generation)
    sendTo(this.#channel, { kind: 'add', reader: this.#id, partitions: fresh, generation })
  }

  remove(partitions: readonly number[]): void {
    for (const partition of partitions) this.#generations.delete(partition)
    sendTo(this.#channel, { kind: 'remove', reader: this.#id, partitions })
  }

  receive(body: Extract<ToClient, { kind: 'event' | 'end' }>): void {
    if (this.#isEnded) return
    if (body.kind === 'event') this.#queue.push(body)
    else this.#end(body.error && fromWireError(body.error))
    this.#wake()
  }

  /** The other process is gone: says so, behind what has arrived, and ends. */
  disconnected({ code, message, retryable }: LogError): void {
    if (this.#isEnded) return
    this.#queue.push({ event: { kind: 'unreachable', error: { code: code as 'log_closed', message, retryable } }, generation: 0, bytes: 0 })
    this.#end()
    this.#wake()
  }

  async close(): Promise<void> {
    if (!this.#isEnded) sendTo(this.#channel, { kind: 'close', reader: this.#id })
    this.#queue = []
    this.#error = undefined
    this.#end()
    this.#wake()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<LogEvent, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  async #next(): Promise<IteratorResult<LogEvent, undefined>> {
    for (;;) {
      const queued = this.#queue.shift()
      if (queued !== undefined) {
        this.#credit(queued.bytes)
        if (this.#isWanted(queued)) return { done: false, value: fromWireEvent(queued.event) }
        continue
      }
      if (this.#error !== undefined) {
        const error = this.#error
        this.#error = undefined
        throw error
      }
      if (this.#isEnded) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  #isWanted({ event, generation }: Queued): boolean {
    return !('partition' in event) || this.#generations.get(event.partition) === generation
  }

  #credit(bytes: number): void {
    this.#creditBytes += bytes
    if (this.#creditBytes < CREDIT_BYTES_MIN || this.#isEnded) return
    sendTo(this.#channel, { kind: 'credit', reader: this.#id, bytes: this.#creditBytes })
    this.#creditBytes = 0
  }

  #end(error?: LogError): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.#onEnd()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }
}

function fromWireEvent(event: WireEvent): LogEvent {
  switch (event.kind) {
    case 'records':
      return {
        kind: 'records',
        partition: event.partition,
        records: unpackRecords(event.packed),
        span: event.span,
        highWatermark: event.highWatermark,
      }
    case 'unreachable':
      return { kind: 'unreachable', error: fromWireError(event.error) }
    default:
      return event
  }
}
