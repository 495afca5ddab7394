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

const TIMEOUT_MS = 15_000
/** As a gateway names one: `gw-1.k3f9.17`. */
const SESSION = /^[\w-]+(\.[\w-]+)*\.[a-z0-9]+\.\d+$/i

/** @param who a user, or a session by its name. @throws Error with a sentence for the user. */
export async function askSessions(who: string): Promise<SessionsAnswer> {
  const query = new URLSearchParams(SESSION.test(who) ? { session: who } : { user: who })
  const response = await fetch(`/api/sessions?${query}`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined)
  if (response === undefined) throw new Error('the server of this page does not answer')
  const body = (await response.json()) as SessionsAnswer & { readonly message?: string }
  if (!response.ok) throw new Error(body.message ?? `the server of this page answered ${response.status}`)
  return body
}
