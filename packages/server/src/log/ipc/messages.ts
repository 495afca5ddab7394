import { LogError, type LogErrorCode } from '../../runtime/errors.ts'
import type { LogAppend, LogEvent, PartitionStart, TopicOptions } from '../log.ts'

/**
 * What is needed of a `ChildProcess`, or of `process` in a child. The child must be forked with
 * `serialization: 'advanced'`: the default, JSON, cannot carry bytes.
 */
export interface IpcChannel {
  readonly connected: boolean
  send?(message: unknown, handle: undefined, options: undefined, callback: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
  off(event: 'message', listener: (message: unknown) => void): unknown
  off(event: 'disconnect', listener: () => void): unknown
}

/** Marks this log's messages among others on the same channel. */
const TYPE = 'pulsewire.log'

/** The log's calls that are one question and one answer. */
export type Call =
  | { readonly method: 'describe'; readonly parameters: readonly [topic: string] }
  | { readonly method: 'createTopic'; readonly parameters: readonly [topic: string, options: TopicOptions] }
  | { readonly method: 'deleteTopic'; readonly parameters: readonly [topic: string] }
  | { readonly method: 'append'; readonly parameters: readonly [topic: string, records: readonly LogAppend[]] }

/**
 * To the process that holds the log. `generation` counts a reader's `add`s: events carry it back, so that what was on
 * its way when a partition was removed is told from what follows when it is added again.
 */
export type ToServer =
  | ({ readonly kind: 'call'; readonly id: number } & Call)
  | { readonly kind: 'read'; readonly reader: number; readonly topic: string }
  | { readonly kind: 'add'; readonly reader: number; readonly partitions: readonly PartitionStart[]; readonly generation: number }
  | { readonly kind: 'remove'; readonly reader: number; readonly partitions: readonly number[] }
  /** So many bytes of events were taken: as many more may be sent. */
  | { readonly kind: 'credit'; readonly reader: number; readonly bytes: number }
  | { readonly kind: 'close'; readonly reader: number }

/** Records travel as one buffer, an error as its fields. */
export type WireEvent =
  | Exclude<LogEvent, { kind: 'records' } | { kind: 'unreachable' }>
  | { readonly kind: 'unreachable'; readonly error: WireError }
  | (Pick<Extract<LogEvent, { kind: 'records' }>, 'kind' | 'partition' | 'span' | 'highWatermark'> & { readonly packed: Uint8Array })

export type ToClient =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'event'; readonly reader: number; readonly generation: number; readonly bytes: number; readonly event: WireEvent }
  | { readonly kind: 'end'; readonly reader: number; readonly error?: WireError }

export interface WireError {
  readonly code: LogErrorCode
  readonly message: string
  readonly retryable: boolean
}

export function sendTo(channel: IpcChannel, body: ToServer | ToClient): void {
  // The callback takes the error of a channel that closes meanwhile; `disconnect` deals with that.
  channel.send?.({ type: TYPE, body }, undefined, undefined, () => {})
}

export function bodyOf<Body extends ToServer | ToClient>(message: unknown): Body | undefined {
  const { type, body } = (message ?? {}) as { type?: unknown; body?: Body }
  return type === TYPE ? body : undefined
}

export function toWireError(error: unknown): WireError {
  if (error instanceof LogError) return { code: error.code as LogErrorCode, message: error.message, retryable: error.retryable }
  return { code: 'log_append_failed', message: String(error), retryable: false }
}

export function fromWireError({ code, message, retryable }: WireError): LogError {
  return new LogError(code, message, { retryable })
}
