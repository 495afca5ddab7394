/** Type-checked by a test as an application's own code in a browser, against the published declarations. */
import { PulsewireClient, type Update } from '@pulsewire/client'
import { PulsewireProvider, useQuote } from '@pulsewire/react'
import { createElement, type ReactElement } from 'react'

export async function first(url: string): Promise<Update | undefined> {
  const client = new PulsewireClient({ url })
  const quotes = client.subscribe({ feed: 'quote', symbols: ['AAPL.US'], maxRate: 4 })
  for await (const update of quotes) {
    const state: string = update.state.state
    if (state === 'live') return update
  }
  // @ts-expect-error an option that does not exist is refused
  client.subscribe({ feed: 'quote', symbols: ['AAPL.US'], rate: 4 })
  return undefined
}

function Last(): string {
  const quote = useQuote('quote', 'AAPL.US', { maxRate: 4 })
  return quote?.state.state === 'stale' ? `${quote.state.reason} at ${quote.state.hop}` : String(quote?.values?.['last'])
}

export function page(client: PulsewireClient): ReactElement {
  return createElement(PulsewireProvider, { client }, createElement(Last))
}
