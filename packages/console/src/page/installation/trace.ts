import { askServer, whoseQuery } from './ask.ts'

/** Why a user does not see a quote: what `pulsewire trace` finds, asked by the page's own server. */
export interface FindingAnswer {
  readonly code: string
  readonly severity: 'broken' | 'degraded' | 'well'
  readonly hop: string
  readonly sentence: string
  readonly remedy: string
}

export interface TraceAnswer {
  /** The worst first. */
  readonly findings: readonly FindingAnswer[]
  /** What each hop said, from the client to the log. */
  readonly rows: readonly (readonly [what: string, text: string])[]
}

/** @param who a user, or a session by its name; empty: nobody's. @throws Error with a sentence for the user. */
export function askTrace(feed: string, symbol: string, who: string): Promise<TraceAnswer> {
  return askServer('/api/trace', { feed, symbol, ...whoseQuery(who) })
}
