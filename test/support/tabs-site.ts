/** A site whose pages share a connection, built from the SDK as an application would: for tests in a real browser. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const CLIENT = join(import.meta.dirname, '../../packages/client/src')

/** `window.open_(symbols)` subscribes, `window.seen()` is what a user would see. */
const PAGE = `
import { SharedClient } from '${CLIENT}/shared/index.ts'
const url = new URLSearchParams(location.search).get('gateway')
const hasWorker = !location.search.includes('alone')
const client = new SharedClient({
  worker: () => {
    if (!hasWorker) throw new ReferenceError('SharedWorker is not defined')
    return new SharedWorker('/worker.js' + '?gateway=' + encodeURIComponent(url), { type: 'module', name: 'quotes' })
  },
  own: { url },
})
let quotes
const states = []
globalThis.watch = (symbols) => {
  quotes = client.subscribe({ feed: 'quote', symbols }, { onState: ({ state, hop, reason }) => states.push([state, hop, reason].filter(Boolean).join(' ')) })
}
globalThis.add = (symbols) => quotes.add(symbols)
globalThis.seen = () => ({
  state: quotes.state,
  values: Object.fromEntries([...quotes.symbols].map(({ symbol, values, state }) => [symbol, { values, state: state.state }])),
  node: client.session?.node,
  session: client.session?.session,
  alone: client.isAlone,
  states,
})
globalThis.shut = () => client.close()
`
const WORKER = `
import { serveTabs } from '${CLIENT}/shared/worker.ts'
serveTabs({ url: new URLSearchParams(location.search).get('gateway') })
`

async function bundle(code: string): Promise<string> {
  const id = join(CLIENT, 'entry-of-a-test.ts')
  const build = await rolldown({
    input: id,
    plugins: [{ name: 'entry', resolveId: (source) => (source === id ? id : null), load: (path) => (path === id ? code : null) }],
  })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  return output[0].code
}

export class TabsSite implements AsyncDisposable {
  readonly #server
  private constructor(files: Readonly<Record<string, readonly [type: string, body: string]>>) {
    this.#server = createServer((request, response) => {
      const [type, body] = files[request.url!.split('?')[0]!] ?? ['text/plain', '']
      response.writeHead(body === '' ? 404 : 200, { 'content-type': type }).end(body)
    })
  }

  static async start(): Promise<TabsSite> {
    const [page, worker] = await Promise.all([bundle(PAGE), bundle(WORKER)])
    const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
    const site = new TabsSite({
      '/': ['text/html', html],
      '/page.js': ['text/javascript', page],
      '/worker.js': ['text/javascript', worker],
    })
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  /** @param alone as in a browser that has no shared workers. */
  url(gateway: string, alone = false): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/?gateway=${encodeURIComponent(gateway)}${alone ? '&alone' : ''}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
