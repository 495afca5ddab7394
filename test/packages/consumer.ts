/** Type-checked by a test as an application's own code, against the published declarations. */
import { PulsewireClient, type Update } from '@pulsewire/client'

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
