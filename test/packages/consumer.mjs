/** What an application does with the packages: reads quotes until the freshness of one is proven. Argument: a gateway's address. */
import { PulsewireClient } from '@pulsewire/client'
import { parsePosition } from '@pulsewire/protocol'
import { SharedClient } from '@pulsewire/client/shared'
import { serveTabs } from '@pulsewire/client/shared-worker'
import { serveConsole } from '@pulsewire/console'
import { PulsewireProvider, useQuote } from '@pulsewire/react'
import { VERSION } from '@pulsewire/server'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'

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

// A server renders what there is before anything has come.
const Last = () => useQuote('quote', 'AAPL.US')?.values?.last ?? 'nothing yet'
const rendered = renderToString(createElement(PulsewireProvider, { client }, createElement(Last)))
if (rendered !== 'nothing yet') throw new TypeError(`React renders ${rendered}`)

const board = await serveConsole({ host: '127.0.0.1', port: 0, gateways: [process.argv[2]] })
const page = await fetch(board.url)
if (!page.ok || !(await page.text()).includes('<script')) throw new TypeError('the console serves no page')
await board.close()

for await (const { symbol, values, position, state } of quotes) {
  if (state.state !== 'live' || values.last === undefined) continue
  const { partition } = parsePosition(position)
  console.log(JSON.stringify({ node: process.version, version: VERSION, symbol, last: values.last, partition }))
  break
}
await client.close()
