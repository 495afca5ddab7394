/** What a tab and whoever has its connection say to each other over a `MessagePort`: all of it can be cloned. */
import type { ClientEvents, SessionEvent } from '../client.ts'
import type { ClientState } from '../connection/connector-host.ts'
import { PulsewireError } from '../errors.ts'
import type { PartitionReport } from '../freshness/session-freshness.ts'
import type { SymbolState } from '../freshness/state.ts'
import type { EndedEvent, ResumeEvent, SubscribeOptions } from '../subscription/options.ts'
import type { Gap, UpdateParts } from '../subscription/update.ts'

/** Raised when either side says something that the other cannot know: tabs of two releases of a page share one worker. */
export const SHARED_VERSION = 2

/** From the tab. */
export type TabMessage =
  /** The first one. `lock` is the name of a Web Lock that the tab holds for as long as it lives, where there are any. */
  | { readonly t: 'hello'; readonly version: number; readonly lock: string | undefined }
  | { readonly t: 'subscribe'; readonly id: number; readonly options: SubscribeOptions }
  | { readonly t: 'add' | 'remove'; readonly id: number; readonly symbols: readonly string[] }
  | { readonly t: 'unsubscribe'; readonly id: number }
  /** The bunch of this number has been taken. */
  | { readonly t: 'ack'; readonly bunch: number }
  | { readonly t: 'connect' }
  | { readonly t: 'bye' }

/** To the tab, always in bunches. */
export interface Bunch {
  readonly bunch: number
  readonly items: readonly HostItem[]
}

export type HostItem =
  | { readonly t: 'welcome' }
  /** Whoever sent it is of another version: the tab has to have a connection of its own. */
  | { readonly t: 'refused' }
  /** The tab has taken nothing for so long that it was given up: it has to subscribe anew. */
  | { readonly t: 'released' }
  | Beat
  | { readonly t: 'update'; readonly id: number; readonly parts: UpdateParts }
  | { readonly t: 'states'; readonly id: number; readonly own: SymbolState; readonly symbols: readonly (readonly [string, SymbolState])[] }
  | { readonly t: 'ended'; readonly id: number; readonly event: EndedEvent }
  | { readonly t: 'gap'; readonly id: number; readonly gap: Gap }
  | { readonly t: 'resume'; readonly id: number; readonly event: ResumeEvent }
  /** Nothing more comes of this subscription. */
  | { readonly t: 'over'; readonly id: number; readonly error: PlainError | undefined }
  | { readonly t: 'event'; readonly name: keyof ClientEvents; readonly event: unknown }

/** Several times a second: what was said before still holds, for so long. */
export interface Beat {
  readonly t: 'beat'
  readonly state: ClientState
  readonly session: SessionEvent | undefined
  readonly offsetMs: number | undefined
  /** For so long what is live is proven to be, if nothing more is heard. */
  readonly liveForMs: number
  /** Of the feeds that the tab subscribes to. */
  readonly feeds: readonly (readonly [feed: string, reports: readonly PartitionReport[], delayMs: number | undefined])[]
}

export interface PlainError {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly closeCode: number | undefined
}

export function plainError({ code, message, retryable, closeCode }: PulsewireError): PlainError {
  return { code, message, retryable, closeCode }
}

export function errorOf({ code, message, retryable, closeCode }: PlainError): PulsewireError {
  return new PulsewireError(code, message, { retryable, ...(closeCode === undefined ? {} : { closeCode }) })
}

/** An event as it can be cloned: errors are told by what they say. */
export function plainEvent(event: unknown): unknown {
  if (event instanceof PulsewireError) return { error: plainError(event) }
  if (typeof event !== 'object' || event === null || !('error' in event)) return event
  return { ...event, error: plainError(event.error as PulsewireError) }
}

export function eventOf(name: keyof ClientEvents, event: unknown): unknown {
  if (name === 'error') return errorOf((event as { readonly error: PlainError }).error)
  if (typeof event !== 'object' || event === null || !('error' in event)) return event
  return { ...event, error: errorOf(event.error as PlainError) }
}
