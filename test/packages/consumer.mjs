/** What an application does with the packages: reads quotes until the freshness of one is proven. Argument: a gateway's address. */
import { PulsewireClient } from '@pulsewire/client'
import { parsePosition } from '@pulsewire/protocol'
import { VERSION } from '@pulsewire/server'

const client = new PulsewireClient({ url: process.argv[2] })
const quotes = client.subscribe({ feed: 'quote', patterns: ['*'] })
for await (const { symbol, values, position, state } of quotes) {
  if (state.state !== 'live' || values.last === undefined) continue
  const { partition } = parsePosition(position)
  console.log(JSON.stringify({ node: process.version, version: VERSION, symbol, last: values.last, partition }))
  break
}
await client.close()
