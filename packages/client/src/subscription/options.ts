import type { FeedMode, SubscribeOptions as WireOptions } from '@pulsewire/protocol'
import { PulsewireError } from '../errors.ts'
import { given } from '../given.ts'
import { deliveryOf } from '../parts.ts'
import type { SymbolState } from '../freshness/state.ts'
import type { Gap, Update } from './update.ts'

/** What to subscribe to, and how. At least one symbol, pattern or group, or none now and `add` later. */
export interface SubscribeOptions {
  /** Name of the feed. */
  readonly feed: string
  /** Symbols by name. */
  readonly symbols?: Iterable<string>
  /** `*` stands for any run of characters, `?` for one. New symbols that match come by themselves. */
  readonly patterns?: Iterable<string>
  /** Names of groups configured at the server. */
  readonly groups?: Iterable<string>
  /** Only these fields; all when absent. */
  readonly fields?: Iterable<string>
  /** Updates per second per symbol at most, 0.1 to 1000. Not with `every`. */
  readonly maxRate?: number
  /** `latest`: images, conflated where they come too fast. `every`: each record. Default: the feed's mode. */
  readonly delivery?: FeedMode
  /** `false`: no snapshot, only changes. Default `true`. */
  readonly image?: boolean
  /** `every`: updates that an iterator holds for a slow reader before it gives up. Default 10,000. */
  readonly queueMax?: number
}

/** A symbol, pattern or group was refused, or the server ended it. It does not come back by itself. */
export interface EndedEvent {
  readonly symbol: string
  /** A refusal code of the protocol. */
  readonly code: string
  readonly message: string
  /** Whether adding it again later can help. */
  readonly retryable: boolean
}

/** What became of the symbols after a reconnect. */
export interface ResumeEvent {
  /** Delivery goes on where it had stopped. */
  readonly recovered: readonly string[]
  /** Updates in between may have been missed. */
  readonly missed: readonly string[]
}

export interface StateChange {
  readonly previous: SymbolState
  /** Symbols whose own state changed. */
  readonly symbols: readonly string[]
}

export interface SubscriptionHandlers {
  onUpdate?(update: Update): void
  /** The subscription's state changed, or that of some of its symbols. */
  onState?(state: SymbolState, change: StateChange): void
  onEnded?(event: EndedEvent): void
  /** `every` only: records are missing between two updates, although the client asked for them again. */
  onGap?(gap: Gap): void
  onResume?(event: ResumeEvent): void
}

export const QUEUE_MAX = 10_000

/** Checks what only a mistake in the program can get wrong; whether a symbol exists is the server's to say. */
export function checkSubscribeOptions(options: SubscribeOptions): { wire: WireOptions; queueMax: number } {
  const { feed, maxRate, delivery, image, queueMax = QUEUE_MAX } = options
  if (typeof feed !== 'string' || feed === '') throw invalid('feed must be the name of a feed')
  if (maxRate !== undefined && !(maxRate >= 0.1 && maxRate <= 1000)) throw invalid('maxRate must be from 0.1 to 1000')
  if (delivery !== undefined && delivery !== 'latest' && delivery !== 'every') throw invalid("delivery must be 'latest' or 'every'")
  if (delivery === 'every' && maxRate !== undefined) throw invalid("maxRate goes only with delivery 'latest'")
  if (image !== undefined && typeof image !== 'boolean') throw invalid('image must be true or false')
  if (!Number.isInteger(queueMax) || queueMax < 1) throw invalid('queueMax must be a whole number from 1')
  const fields = options.fields === undefined ? undefined : names(options.fields, 'fields')
  return { wire: given<WireOptions>({ fields, maxRate, delivery: deliveryOf(delivery), image }), queueMax }
}

/** @throws PulsewireError options_invalid unless it is a list of texts (a lone text is a common slip). */
export function names(list: Iterable<string>, what: string): string[] {
  if (typeof list === 'string' || typeof list?.[Symbol.iterator] !== 'function') throw invalid(`${what} must be a list of texts`)
  const all = [...new Set(list)]
  if (all.some((name) => typeof name !== 'string')) throw invalid(`${what} must be a list of texts`)
  return all
}

function invalid(message: string): PulsewireError {
  return new PulsewireError('options_invalid', message)
}
