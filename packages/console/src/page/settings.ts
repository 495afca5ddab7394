/** Where the page gets its data from. */
export interface Settings {
  /** None: the balancer that the server of the page asks names them. */
  readonly gateways: readonly string[]
  readonly feed: string
  readonly encoding: 'bin' | 'json'
  /** Whether a balancer can be asked what it knows. */
  readonly installation: boolean
  /** Whether the server offers to break what runs. */
  readonly breaks: boolean
  /** Whether it asks nodes for the page. */
  readonly asks: boolean
}

/**
 * From the address of the page (`?gateway=ws://…`, repeatable; `?feed=…`; `?encoding=json` to look at the wire), else
 * from the server of the page.
 * @throws Error with a sentence for the user.
 */
export async function loadSettings(search: string, fetchConfig: () => Promise<Response> = () => fetch('/api/config')): Promise<Settings> {
  const parameters = new URLSearchParams(search)
  const encoding = parameters.get('encoding') === 'json' ? 'json' : 'bin'
  const feed = parameters.get('feed')
  const named = parameters.getAll('gateway').filter((gateway) => gateway !== '')
  if (named.length > 0) return { gateways: named, feed: feed ?? 'quote', encoding, installation: false, breaks: false, asks: false }
  const config = await readConfig(fetchConfig)
  return { ...config, feed: feed ?? config.feed, encoding }
}

async function readConfig(fetchConfig: () => Promise<Response>): Promise<Omit<Settings, 'encoding'>> {
  const response = await fetchConfig().catch(() => undefined)
  if (response === undefined) throw new Error('The server of this page does not answer.')
  if (!response.ok) throw new Error(`The server of this page answered ${response.status} when asked for its gateways.`)
  const { gateways, feed = 'quote', installation = false, breaks = false, asks = false } = (await response.json()) as Partial<Settings>
  if (!Array.isArray(gateways) || (gateways.length === 0 && !installation))
    throw new Error('The server of this page names neither a gateway nor a balancer.')
  return { gateways, feed, installation, breaks, asks }
}
