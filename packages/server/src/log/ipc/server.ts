import type { Log, LogEvent, LogReader } from '../log.ts'
import { bodyOf, type Call, type IpcChannel, sendTo, type ToServer, toWireError, type WireEvent } from './messages.ts'
import { packRecords } from './record-pack.ts'

/** Bytes of events that one reader may have under way to a child that has not taken them. */
export const WINDOW_BYTES = 1024 * 1024
/** What an event without records counts for. */
const EVENT_BYTES = 64

/**
 * Offers `log` to the process at the other end of `channel`: a child that was forked with `serialization: 'advanced'`.
 * Ends by itself when the channel does; `log` stays open.
 */
export function serveLogOverIpc(log: Log, channel: IpcChannel): { close(): void } {
  const readers = new Map<number, ServedReader>()

  const onMessage = (message: unknown): void => {
    const body = bodyOf<ToServer>(message)
    if (body === undefined) return
    if (body.kind === 'call') return void answer(log, channel, body)
    if (body.kind === 'read') return open(body.reader, body.topic)
    readers.get(body.reader)?.receive(body)
  }
  const open = (id: number, topic: string): void => {
    try {
      readers.set(id, new ServedReader(log.read(topic, []), id, channel, () => readers.delete(id)))
    } catch (error) {
      sendTo(channel, { kind: 'end', reader: id, error: toWireError(error) })
    }
  }
  const close = (): void => {
    channel.off('message', onMessage)
    channel.off('disconnect', close)
    for (const reader of readers.values()) reader.close()
    readers.clear()
  }
  channel.on('message', onMessage)
  channel.on('disconnect', close)
  return { close }
}

async function answer(log: Log, channel: IpcChannel, call: Call & { readonly id: number }): Promise<void> {
  const { id } = call
  try {
    sendTo(channel, { kind: 'result', id, value: await perform(log, call) })
  } catch (error) {
    sendTo(channel, { kind: 'error', id, error: toWireError(error) })
  }
}

function perform(log: Log, call: Call): Promise<unknown> {
  switch (call.method) {
    case 'describe':
      return log.describe(...call.parameters)
    case 'createTopic':
      return log.createTopic(...call.parameters)
    case 'deleteTopic':
      return log.deleteTopic(...call.parameters)
    case 'append':
      return log.append(...call.parameters)
  }
}

/** Passes one reader's events on, as far as the client's credit goes. */
class ServedReader {
  readonly #reader: LogReader
  readonly #id: number
  readonly #channel: IpcChannel
  readonly #onEnd: () => void
  /** By partition: the `add` that its events belong to. */
  readonly #generations = new Map<number, number>()
  #bytesUnderWay = 0
  #isClosed = false
  #credited: (() => void) | undefined

  constructor(reader: LogReader, id: number, channel: IpcChannel, onEnd: () => void) {
    this.#reader = reader
    this.#id = id
    this.#channel = channel
    this.#onEnd = onEnd
    void this.#run()
  }

  receive(body: Exclude<ToServer, { kind: 'call' | 'read' }>): void {
    switch (body.kind) {
      case 'add':
        for (const { partition } of body.partitions) this.#generations.set(partition, body.generation)
        return this.#reader.add(body.partitions)
      case 'remove':
        return this.#reader.remove(body.partitions)
      case 'credit':
        this.#bytesUnderWay -= body.bytes
        return this.#wake()
      case 'close':
        return this.close()
    }
  }

  close(): void {
    this.#isClosed = true
    void this.#reader.close()
    this.#wake()
  }

  async #run(): Promise<void> {
    const reader = this.#id
    try {
      for await (const event of this.#reader) {
        const generation = 'partition' in event ? (this.#generations.get(event.partition) ?? 0) : 0
        const wire = toWireEvent(event)
        const bytes = wire.kind === 'records' ? wire.packed.length : EVENT_BYTES
        this.#bytesUnderWay += bytes
        sendTo(this.#channel, { kind: 'event', reader, generation, bytes, event: wire })
        while (this.#bytesUnderWay >= WINDOW_BYTES && !this.#isClosed) {
          await new Promise<void>((resolve) => {
            this.#credited = resolve
          })
        }
      }
      sendTo(this.#channel, { kind: 'end', reader })
    } catch (error) {
      sendTo(this.#channel, { kind: 'end', reader, error: toWireError(error) })
    } finally {
      this.#onEnd()
    }
  }

  #wake(): void {
    const credited = this.#credited
    this.#credited = undefined
    credited?.()
  }
}

function toWireEvent(event: LogEvent): WireEvent {
  switch (event.kind) {
    case 'records':
      return {
        kind: 'records',
        partition: event.partition,
        packed: packRecords(event.records),
        span: event.span,
        highWatermark: event.highWatermark,
      }
    case 'unreachable':
      return { kind: 'unreachable', error: toWireError(event.error) }
    default:
      return event
  }
}
