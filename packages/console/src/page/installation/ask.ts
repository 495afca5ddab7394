/** A hop that says nothing is waited for, and named within 3 s. */
const TIMEOUT_MS = 15_000

/** As a gateway names a session: `gw-1.k3f9.17`. */
const SESSION = /^[\w-]+(\.[\w-]+)*\.[a-z0-9]+\.\d+$/i

/** What the page's own server asks nodes for it. @throws Error with a sentence for the user. */
export async function askServer<Answer>(path: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const ended = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, { signal: ended }).catch(() => undefined)
  if (response === undefined) throw new Error('the server of this page does not answer')
  const body = (await response.json()) as Answer & { readonly message?: string }
  if (!response.ok) throw new Error(body.message ?? `the server of this page answered ${response.status}`)
  return body
}

/** Whose: of a user, or of a session by its name; nobody's where it is empty. */
export function whoseQuery(who: string): Readonly<Record<string, string>> {
  if (who === '') return {}
  return isSession(who) ? { session: who } : { user: who }
}

export function isSession(name: string): boolean {
  return SESSION.test(name)
}
