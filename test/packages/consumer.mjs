/** What an application does with the packages: reads quotes until the freshness of one is proven. Argument: a gateway's address. */
import { PulsewireClient } from '@pulsewire/client'
import { parsePosition } from '@pulsewire/protocol'
import { SharedClient } from '@pulsewire/client/shared'
import { serveTabs } from '@pulsewire/client/shared-worker'
import { VERSION } from '@pulsewire/server'

const client = new PulsewireClient({ url: process.argv[2] })
const quotes = client.subscribe({ feed: 'quote', patterns: ['*'] })

// Node has no shared workers: it gets a connection of its own.
const shared = new SharedClient({ worker: () => new SharedWorker('worker.js'), own: { url: process.argv[2] } })
if (typeof serveTabs !== 'function') throw new TypeError('serveTabs is missing')
for await (const { state } of shared.subscribe({ feed: 'quote', patterns: ['*'] })) if (state.state === 'live') break
await shared.close()

// Where the network breaks WebSocket.
const overHttp = new PulsewireClient({ url: process.argv[2], transport: 'http' })
for await (const { state } of overHttp.subscribe({ feed: 'quote', patterns: ['*'] })) if (state.state === 'live') break
if (overHttp.session.transport !== 'http') throw new TypeError('it is not an HTTP stream')
await overHttp.close()

for await (const { symbol, values, position, state } of quotes) {
  if (state.state !== 'live' || values.last === undefined) continue
  const { partition } = parsePosition(position)
  console.log(JSON.stringify({ node: process.version, version: VERSION, symbol, last: values.last, partition }))
  break
}
await client.close()
