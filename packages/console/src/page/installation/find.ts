import { askServer } from './ask.ts'

/** Who and what gateways know under a part of a name, asked by the page's own server. */
export interface FindAnswer {
  readonly users: readonly { readonly user: string; readonly sessions: number }[]
  readonly sessions: readonly { readonly session: string; readonly user: string; readonly isOpen: boolean }[]
  readonly symbols: readonly { readonly feed: string; readonly symbol: string }[]
  /** Gateways that said nothing: what they know is missing. */
  readonly silent: readonly string[]
}

/** Shorter ones are found in everything. */
export const FIND_CHARS_MIN = 2

export function askFind(text: string, signal: AbortSignal): Promise<FindAnswer> {
  return askServer('/api/find', { text }, signal)
}
