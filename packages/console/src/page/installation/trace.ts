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

/** A hop that says nothing is waited for, and named within 3 s. */
const TIMEOUT_MS = 15_000

/** @throws Error with a sentence for the user. */
export async function askTrace(symbol: string, user: string): Promise<TraceAnswer> {
  const query = new URLSearchParams({ symbol, ...(user === '' ? {} : { user }) })
  const response = await fetch(`/api/trace?${query}`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined)
  if (response === undefined) throw new Error('the server of this page does not answer')
  const body = (await response.json()) as TraceAnswer & { readonly message?: string }
  if (!response.ok) throw new Error(body.message ?? `the server of this page answered ${response.status}`)
  return body
}
