import { askServer, whoseQuery } from './ask.ts'

/** What happened to the sessions of a user, as `pulsewire sessions` tells it, asked by the page's own server. */
export interface SessionsAnswer {
  /** Where the user is, or was last. */
  readonly head: readonly string[]
  /** Oldest first. */
  readonly events: readonly {
    readonly at: number
    readonly node: string
    /** Empty: of the node. */
    readonly session: string
    readonly what: string
    readonly detail: string
    readonly times: number
  }[]
}

/** @param who a user, or a session by its name. @throws Error with a sentence for the user. */
export function askSessions(who: string): Promise<SessionsAnswer> {
  return askServer('/api/sessions', whoseQuery(who))
}
