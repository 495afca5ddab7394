/** The SDK as one file, in a real Chromium, against a real gateway: no bundler, no server but one that hands the file out. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PulsewireClient, type PulsewireError, type Subscription, type Update } from '@pulsewire/client'
import type { BrowserContext, Page } from 'playwright-core'
import { SymbolView } from '../../packages/client/src/subscription/view.ts'
import { Update as UpdateClass } from '../../packages/client/src/subscription/update.ts'
import { type BrowserFile, makeBrowserFiles } from '../../tools/packages/browser-files.ts'
import { ownNames } from '../../tools/packages/own-names.ts'
import { launchChromium } from '../support/chromium.ts'
import { HubGateway } from '../support/hub-gateway.ts'

const ROOT = join(import.meta.dirname, '../..')
/** What each may have, compressed. */
const GZIP_BYTES_MAX: Readonly<Record<string, number>> = { 'pulsewire.min.js': 18_176, 'pulsewire.full.min.js': 26_432 }
const WAIT_MS = 20_000

interface Globals {
  client: PulsewireClient
  quotes: Subscription
  states: string[]
  updates: number[]
  last: Update
  error: PulsewireError
}

/** Members that an application uses by name, which must have it in the minified file too. */
const MEMBERS = {
  client: Object.getOwnPropertyNames(PulsewireClient.prototype),
  view: Object.getOwnPropertyNames(SymbolView.prototype),
  update: Object.getOwnPropertyNames(UpdateClass.prototype),
  error: ['code', 'retryable', 'closeCode'] satisfies (keyof PulsewireError)[],
  subscription: ['feed', 'state', 'symbols', 'size', 'delayMs', 'get', 'add', 'remove', 'close'] satisfies (keyof Subscription)[],
  session: ['session', 'node', 'version', 'url', 'transport', 'staleAfterMs'],
  report: ['partition', 'position', 'ageMs', 'hops', 'endToEndMs', 'state'],
  hop: ['node', 'ms'],
  stale: ['state', 'hop', 'reason', 'sinceMs'],
}

describe('the SDK as one file', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let directory: string
  let files: readonly BrowserFile[]
  let browser: BrowserContext
  let url: string
  /** What the page's server says to those who take it for a balancer. */
  let handOut: object = {}

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pulsewire-browser-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    files = await makeBrowserFiles(ROOT, directory)
    const server = createServer((request, response) => {
      if (request.url === '/')
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><link rel="icon" href="data:,">')
      if (request.url!.startsWith('/v1/gateways'))
        return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(handOut))
      readFile(join(directory, request.url!)).then(
        (file) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(file),
        () => response.writeHead(404).end(),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    stack.defer(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = stack.adopt(await launchChromium(), (context) => context.close())
  })
  after(() => stack.disposeAsync())

  test('is no larger than it may be', () => {
    assert.deepEqual(
      files.map(({ name }) => name),
      ['pulsewire.full.min.js', 'pulsewire.min.js'],
    )
    for (const { name, gzipBytes } of files) assert.ok(gzipBytes <= GZIP_BYTES_MAX[name]!, `${name}: ${gzipBytes} bytes`)
  })

  for (const name of ['pulsewire.min.js', 'pulsewire.full.min.js']) {
    test(`${name}: proven live, stale with hop and reason, at the next gateway when its own is gone`, async () => {
      await using one = new HubGateway('gw-1')
      await using two = new HubGateway('gw-2')
      for (const gateway of [one, two]) {
        await gateway.start()
        gateway.quote('AAPL.US', 1)
      }
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(url)
      await page.evaluate(
        async ({ file, gateways }) => {
          const { PulsewireClient: Client } = (await import(`/${file}`)) as { PulsewireClient: typeof PulsewireClient }
          const all = globalThis as unknown as Globals
          all.states = []
          all.updates = []
          all.client = new Client({ url: gateways })
          all.client.on('error', (error) => (all.error = error))
          all.quotes = all.client.subscribe(
            { feed: 'quote', symbols: ['AAPL.US'] },
            {
              onUpdate: (update) => {
                all.last = update
                all.updates.push(update.values['last'] as number)
              },
              onState: ({ state, hop = '', reason = '' }) => all.states.push(`${state} ${hop} ${reason}`.trim()),
            },
          )
        },
        { file: name, gateways: [one.url, two.url] },
      )
      await seen(page, 'live gw-1 1')
      one.quote('AAPL.US', 2)
      await seen(page, 'live gw-1 2')
      two.quote('AAPL.US', 2)
      two.quote('AAPL.US', 3)
      await one[Symbol.asyncDispose]()
      await seen(page, 'live gw-2 3')
      assert.deepEqual(await page.evaluate(() => (globalThis as unknown as Globals).updates), [1, 2, 3])
      two.silence()
      await seen(page, 'stale gw-2 3')
      assert.match((await page.evaluate(() => (globalThis as unknown as Globals).states)).at(-1)!, /^stale (gw-2|log) \w+$/)
      const missing = await page.evaluate((members) => {
        const { client, quotes, last, error } = globalThis as unknown as Globals
        const [report] = client.freshness('quote')
        const things: Record<keyof typeof members, unknown> = {
          client,
          view: quotes.get('AAPL.US'),
          update: last,
          error,
          subscription: quotes,
          session: client.session,
          report,
          hop: report?.hops[0],
          stale: quotes.state,
        }
        return Object.entries(members).flatMap(([thing, names]) =>
          names.filter((each) => !(each in (things[thing as keyof typeof members] as object))).map((each) => `${thing}.${each}`),
        )
      }, MEMBERS)
      assert.deepEqual(missing, [])
      const code = await page.evaluate(() => {
        try {
          ;(globalThis as unknown as Globals).client.subscribe({ feed: '' })
          return ''
        } catch (error) {
          return (error as { code: string }).code
        }
      })
      assert.equal(code, 'options_invalid')
      await page.evaluate(() => (globalThis as unknown as Globals).client.close())
      assert.deepEqual(complaints, [])
      await page.close()
    })
  }

  test('the full one: gateways that a balancer names, over an HTTP stream', async () => {
    await using gateway = new HubGateway('gw-1')
    await gateway.start()
    gateway.quote('AAPL.US', 1)
    handOut = { gateways: [{ address: gateway.url, zone: 'z1' }], ttlMs: 60_000, connectAfterMs: 1, degraded: false }
    const page = await browser.newPage()
    await page.goto(url)
    await page.evaluate(async (balancer) => {
      const { PulsewireClient: Client } = (await import('/pulsewire.full.min.js' as string)) as { PulsewireClient: typeof PulsewireClient }
      const all = globalThis as unknown as Globals
      all.client = new Client({ balancer, transport: 'http' })
      all.client.on('error', (error) => (all.error = error))
      all.quotes = all.client.subscribe({ feed: 'quote', symbols: ['AAPL.US'] })
    }, url)
    await seen(page, 'live gw-1 1')
    gateway.quote('AAPL.US', 2)
    await seen(page, 'live gw-1 2')
    assert.equal(await page.evaluate(() => (globalThis as unknown as Globals).client.session?.transport), 'http')
    await page.evaluate(() => (globalThis as unknown as Globals).client.close())
    await page.close()
  })

  test('a short name is given to nothing that anybody else knows', async () => {
    const names = await ownNames(ROOT, "host['tellResume']()")
    assert.ok(names.has('tellGap'))
    const known = [
      'symbols',
      'told',
      'ttlMs',
      'connectAfterMs',
      'bodyBytesMax',
      'onUpdate',
      'environment',
      'openSocket',
      'send',
      'tellResume',
    ]
    assert.deepEqual(
      known.filter((name) => names.has(name)),
      [],
      'of frames, of what balancers and streams say, of options, of the platform, and one that is looked up as text',
    )
  })

  test('the small one says what it does not have', async () => {
    const page = await browser.newPage()
    await page.goto(url)
    const cases: [method: 'new' | 'subscribe', options: object, missing: string][] = [
      ['new', { balancer: 'http://127.0.0.1:1' }, 'balancer'],
      ['new', { url: 'ws://127.0.0.1:1', transport: 'http' }, 'transport http'],
      ['subscribe', { feed: 'trade', delivery: 'every' }, "delivery 'every'"],
      ['subscribe', { feed: 'quote' }, 'for await'],
    ]
    for (const [method, options, missing] of cases) {
      const told = await page.evaluate(
        async ({ isNew, given }) => {
          const { PulsewireClient: Client } = (await import('/pulsewire.min.js' as string)) as { PulsewireClient: typeof PulsewireClient }
          try {
            const client = new Client((isNew ? given : { url: 'ws://127.0.0.1:1' }) as never)
            queueMicrotask(() => void client.close())
            client.subscribe(given as never)[Symbol.asyncIterator]()
            return ''
          } catch (error) {
            return `${(error as PulsewireError).code}: ${String(error)}`
          }
        },
        { isNew: method === 'new', given: options },
      )
      assert.equal(told, `options_invalid: PulsewireError: ${missing} is only in the full file`)
    }
    await page.close()
  })
})

/** Waits until a user of the page would see that: state, node, newest value. */
async function seen(page: Page, expected: string): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const { client, quotes } = globalThis as unknown as Globals
      const { state, values } = quotes.get('AAPL.US') ?? {}
      return `${state?.state} ${client.session?.node} ${String(values?.['last'])}` === wanted
    },
    expected,
    { timeout: WAIT_MS, polling: 50 },
  )
}
