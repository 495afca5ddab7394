import type { AskCode } from '@pulsewire/protocol'
import { PulsewireError } from '../runtime/errors.ts'

export type Args = Readonly<Record<string, string>>

/**
 * Answers one kind of question: with text, whole or in parts. Ends early when the signal says that nobody wants it any more.
 * An answer that stops the process first waits for `begun`: whoever asked knows by then that it has begun, and is patient.
 */
export type Answer = (args: Args, signal: AbortSignal, begun: () => Promise<void>) => string | Promise<string | AsyncIterable<string>>

/** By name of the question. */
export type Answers = ReadonlyMap<string, Answer>

/** A question has no answer, or not all of it. */
export class AskError extends PulsewireError {
  /** The node that says so; absent where the asker itself does. */
  readonly node: string | undefined
  constructor(code: AskCode, message: string, options: { readonly node?: string; readonly cause?: unknown } = {}) {
    super(code, message, { retryable: code === 'ask_too_many', ...(options.cause === undefined ? {} : { cause: options.cause }) })
    this.node = options.node
  }
}

/** A number among the arguments. @throws AskError `ask_unknown` */
export function numberOf(
  args: Args,
  name: string,
  bounds: { readonly default: number; readonly min: number; readonly max: number },
): number {
  const text = args[name]
  if (text === undefined) return bounds.default
  const value = Number(text)
  if (Number.isFinite(value) && value >= bounds.min && value <= bounds.max) return value
  throw new AskError(
    'ask_unknown',
    `${name}: found ${JSON.stringify(text.slice(0, 32))}, expected a number from ${bounds.min} to ${bounds.max}`,
  )
}
