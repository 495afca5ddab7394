import { type Clock, systemClock, type Timer } from '../../runtime/clock.ts'
import { LogError } from '../../runtime/errors.ts'
import type { AppendResult, Log, LogAppend, LogReader, PartitionStart, TopicDescription, TopicOptions } from '../log.ts'
import { bodyOf, type Call, fromWireError, type IpcChannel, sendTo, type ToClient } from './messages.ts'
import { IpcReader } from './reader.ts'

export interface IpcLogOptions {
  /** Default: this process's own channel to its parent. */
  readonly channel?: IpcChannel
  /** How long the process that holds the log may take to answer a call. Default 10,000. */
  readonly callTimeoutMs?: number
  readonly clock?: Clock
}

/**
 * The log that the process at the other end of the channel holds, usually the parent. When that process or the
 * channel ends, calls fail with `log_closed`, and readers say `unreachable` and end.
 */
export function connectIpcLog(options: IpcLogOptions = {}): Log {
  const channel = options.channel ?? (process as IpcChannel)
  return new IpcLog(channel, options.callTimeoutMs ?? 10_000, options.clock ?? systemClock)
}

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: LogError) => void
  readonly deadline: Timer
}

class IpcLog implements Log {
  readonly #channel: IpcChannel
  readonly #callTimeoutMs: number
  readonly #clock: Clock
  readonly #calls = new Map<number, PendingCall>()
  readonly #readers = new Map<number, IpcReader>()
  #lastId = 0
  #isClosed = false

  constructor(channel: IpcChannel, callTimeoutMs: number, clock: Clock) {
    this.#channel = channel
    this.#callTimeoutMs = callTimeoutMs
    this.#clock = clock
    channel.on('message', this.#onMessage)
    channel.on('disconnect', this.#onDisconnect)
  }

  describe(topic: string): Promise<TopicDescription> {
    return this.#call({ method: 'describe', parameters: [topic] })
  }

  createTopic(topic: string, options: TopicOptions): Promise<void> {
    return this.#call({ method: 'createTopic', parameters: [topic, options] })
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#call({ method: 'deleteTopic', parameters: [topic] })
  }

  append(topic: string, records: readonly LogAppend[]): Promise<readonly AppendResult[]> {
    return this.#call({ method: 'append', parameters: [topic, records] })
  }

  read(topic: string, partitions: readonly PartitionStart[]): LogReader {
    if (this.#isClosed || !this.#channel.connected) throw closedError()
    const id = ++this.#lastId
    const reader = new IpcReader(topic, id, this.#channel, () => this.#readers.delete(id))
    this.#readers.set(id, reader)
    sendTo(this.#channel, { kind: 'read', reader: id, topic })
    reader.add(partitions)
    return reader
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#channel.off('message', this.#onMessage)
    this.#channel.off('disconnect', this.#onDisconnect)
    for (const reader of [...this.#readers.values()]) await reader.close()
    this.#failCalls()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #call<T>(call: Call): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed || !this.#channel.connected) return reject(closedError())
      const id = ++this.#lastId
      const deadline = this.#clock.after(this.#callTimeoutMs, () => {
        this.#calls.delete(id)
        const message = `the process that holds the log did not answer ${call.method} within ${this.#callTimeoutMs} ms`
        reject(new LogError('log_unreachable', message, { retryable: true }))
      })
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject, deadline })
      sendTo(this.#channel, { kind: 'call', id, ...call })
    })
  }

  readonly #onMessage = (message: unknown): void => {
    const body = bodyOf<ToClient>(message)
    if (body === undefined) return
    if (body.kind === 'event' || body.kind === 'end') return this.#readers.get(body.reader)?.receive(body)
    const call = this.#calls.get(body.id)
    if (call === undefined) return
    this.#calls.delete(body.id)
    call.deadline.cancel()
    if (body.kind === 'result') call.resolve(body.value)
    else call.reject(fromWireError(body.error))
  }

  readonly #onDisconnect = (): void => {
    this.#isClosed = true
    this.#failCalls()
    for (const reader of [...this.#readers.values()]) reader.disconnected(closedError())
  }

  #failCalls(): void {
    for (const { reject, deadline } of this.#calls.values()) {
      deadline.cancel()
      reject(closedError())
    }
    this.#calls.clear()
  }
}

function closedError(): LogError {
  return new LogError('log_closed', 'the connection to the process that holds the log is closed')
}
