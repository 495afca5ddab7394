/** The page of a balancer in a real browser: the picture of an installation, its details, its timeline. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type ConsoleServer, serveConsole } from '@pulsewire/console'
import type { EventsAnswer, Topology, TopologyEvent, TopologyNode } from '@pulsewire/server'
import type { BrowserContext, Page } from 'playwright-core'
import { BoardPage } from '../support/browser-board.ts'
import { buildConsole } from '../support/console-build.ts'
import { BrowserGateway } from '../support/browser-gateway.ts'
import { launchChromium } from '../support/chromium.ts'
import { smallTopology, topology, topologyNode } from '../support/topologies.ts'

const SYMBOLS = 10_000

/** A balancer that knows what a test tells it. */
class SpokenBalancer {
  topology: Topology = smallTopology()
  readonly events: TopologyEvent[] = []
  asked = 0
  /** The one that it hands out. */
  gateway = ''
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.asked++
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      const since = Number(searchParams.get('since'))
      const { atMs, balancer } = this.topology
      const events: EventsAnswer = {
        ...{ balancer, atMs, startedAtMs: 1 },
        events: this.events.filter(({ id }) => id > since),
        last: this.events.length,
      }
      const answers: Readonly<Record<string, unknown>> = {
        '/v1/topology': this.topology,
        '/v1/events': events,
        '/v1/gateways': {
          ...{ ttlMs: 10_000, connectAfterMs: 0, degraded: false, reasons: [], balancer },
          gateways: [{ node: 'gw-1', address: this.gateway, zone: 'default' }],
        },
      }
      response.end(JSON.stringify(answers[pathname]))
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  tell(message: string, tone: TopologyEvent['tone'], node: string): void {
    this.events.push({ id: this.events.length + 1, atMs: this.topology.atMs, kind: 'evicted', tone, node, message })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** @param ageMs of every link's newest pulse. */
function fleet(ageMs: number): Topology {
  const push = Array.from({ length: 40 }, (_, i) => topologyNode(`push-${i}`, { role: 'push', line: i % 2 === 0 ? 'A' : 'B' }))
  const links = push.slice(0, 8).map(({ node, line }) => ({ node, line: line!, state: 'open' as const, pulseAgeMs: ageMs }))
  const gateways = Array.from({ length: 157 }, (_, i) => topologyNode(`gw-${i}`, { links, zone: i % 2 === 0 ? 'sg-1' : 'hk-1' }))
  const others: TopologyNode[] = [
    topologyNode('pulse-1', { role: 'pulse' }),
    topologyNode('pulse-2', { role: 'pulse' }),
    topologyNode('lb-1', { role: 'balancer' }),
  ]
  return topology([...push, ...gateways, ...others])
}

describe('installation', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let browser: BrowserContext
  let directory: string
  let gateway: BrowserGateway
  let balancer: SpokenBalancer
  let server: ConsoleServer
  let page: Page
  let board: BoardPage

  const box = (id: string) => page.locator(`[data-box="${id}"]`)
  const details = (node: string) => page.getByRole('complementary', { name: `Details of ${node}` })
  /** The page has drawn what is known now. */
  const seesNext = async () => {
    const seen = balancer.asked
    await board.until(
      async () => balancer.asked >= seen + 3,
      () => 'that the balancer is asked',
    )
  }

  before(async () => {
    directory = stack.use(await buildConsole()).directory
    browser = stack.adopt(await launchChromium(), (context) => context.close())
  })
  after(() => stack.disposeAsync())

  beforeEach(async () => {
    gateway = await BrowserGateway.start('gw-1')
    gateway.quote('AAPL.US', { name: 'Apple', last: 229.35, prevClose: 225, turnover: 11e9 })
    balancer = new SpokenBalancer()
    server = await serveConsole({ host: '127.0.0.1', port: 0, gateways: [gateway.url], balancer: await balancer.listen(), directory })
    page = await browser.newPage()
  })
  afterEach(async () => {
    await page.close()
    await server.close()
    await balancer.close()
    await gateway.close()
  })

  const open = async (hash = '#installation') => {
    board = await BoardPage.open(page, `${server.url}${hash}`)
    if (hash !== '') await box('node/gw-1').waitFor()
  }

  it('shows the flow with the age of each hop, and what is known of a node', async () => {
    const { nodes } = balancer.topology
    const reasons = [{ code: 'silent' as const, message: 'gw-2 says nothing', sinceMs: balancer.topology.atMs - 4000 }]
    balancer.topology = {
      ...balancer.topology,
      nodes: nodes.map((node) => (node.node === 'gw-2' ? { ...node, handedOut: false, reasons } : node)),
    }
    await open()
    await board.sees(box('node/gw-1'), /gw-1.*1,200.*A.*300 ms.*B.*5\.2 s/)
    await board.sees(page.locator('.hops text.stale'), '5.2 s')
    await board.sees(box('node/gw-2'), /not used/)
    await board.sees(page.locator('.mini-board'), /AAPL\.US.*229\.35.*live/)
    await box('node/gw-2').click()
    await board.sees(details('gw-2'), /silent gw-2 says nothing/)
    await board.sees(details('gw-2'), /Version0\.1\.0/)
    await board.sees(details('gw-2'), /Memory90 MiB/)
    await board.sees(details('gw-2').locator('canvas').locator('..'), /^$/)
    assert.deepEqual(board.complaints, [])
  })

  it('is used by keyboard alone: one tab stop, arrows from box to box, / to search, Enter to the first that is found', async () => {
    await open()
    await box('node/push-a1').focus()
    await page.keyboard.press('ArrowDown')
    await details('push-b1').waitFor()
    assert.equal(await box('node/push-b1').evaluate((element) => element === document.activeElement), true)
    assert.equal(await page.locator('[data-box][tabindex="0"]').count(), 1)
    await page.keyboard.press('/')
    await page.keyboard.type('gw-2')
    await board.sees(page.locator('.finder .shown'), '1 of 6 nodes')
    await page.keyboard.press('Enter')
    await details('gw-2').waitFor()
    assert.match((await box('node/gw-1').getAttribute('class')) ?? '', /pale/)
  })

  it('tells what happens as it happens, and says when the balancer does not answer', async () => {
    await open()
    balancer.tell('gw-2 is not used any more: an operator took it offline', 'bad', 'gw-2')
    await board.sees(page.getByRole('log', { name: 'Timeline' }).locator('li').first(), /gw-2 is not used any more: an operator/)
    await page.getByRole('log').getByRole('button', { name: 'gw-2' }).click()
    await details('gw-2').waitFor()
    await balancer.close()
    await board.sees(page.locator('.troubles'), /The balancer has not answered since .*what was known last/)
    await board.sees(page.locator('.mini-board'), /live/)
  })

  it('draws 200 nodes beside 10,000 symbols, and rebuilds nothing when ages change', async () => {
    for (let index = 0; index < SYMBOLS; index++) gateway.quote(`S${index}.SZ`, { last: 1 + index / 100, turnover: index })
    balancer.topology = fleet(300)
    await open()
    await board.sees(page.locator('.finder .shown'), '200 nodes')
    await board.sees(page.locator('.mini-board h3'), /all 10001 symbols/)
    await page.evaluate(() => {
      const changes = { built: 0 }
      Object.assign(window, { changes })
      new MutationObserver((records) => {
        for (const { target, addedNodes } of records)
          if (addedNodes.length > 0 && [...addedNodes].some(({ nodeType }) => nodeType === 1))
            changes.built += target instanceof Element ? 1 : 0
      }).observe(document.querySelector('.picture')!, { childList: true, subtree: true })
    })
    balancer.topology = fleet(700)
    await board.sees(box('node/gw-1'), /A.*700 ms/)
    balancer.topology = fleet(1300)
    await board.sees(box('node/gw-1'), /A.*1\.3 s/)
    assert.equal(await page.evaluate(() => (window as unknown as { changes: { built: number } }).changes.built), 0)
    await page.evaluate(() => {
      const updates = { longestMs: 0 }
      Object.assign(window, { updates })
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) updates.longestMs = Math.max(updates.longestMs, duration)
      }).observe({ type: 'longtask' })
    })
    await seesNext()
    await seesNext()
    const longestMs = await page.evaluate(() => (window as unknown as { updates: { longestMs: number } }).updates.longestMs)
    console.log(`200 nodes and 10,000 symbols: longest task of an update ${longestMs === 0 ? 'below 50' : Math.round(longestMs)} ms`)
    // Answers come once a second.
    assert.ok(longestMs < 500, `an update takes ${longestMs} ms`)
    await page.getByRole('searchbox').fill('hk-1 gateway')
    await board.sees(page.locator('.finder .shown'), '78 of 200 nodes')
  })

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await open()
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out sideways')
    await box('node/gw-2').click()
    await details('gw-2').waitFor()
    assert.equal(await page.locator('.hops').count(), 0)
  })

  it('has a board without being told of a gateway: the balancer names one', async () => {
    balancer.gateway = gateway.url
    await server.close()
    const url = `http://127.0.0.1:${balancer.port}`
    server = await serveConsole({ host: '127.0.0.1', port: 0, gateways: [], balancer: url, directory })
    await open()
    await board.sees(page.locator('.mini-board'), /AAPL\.US.*229\.35.*live/)
    assert.deepEqual(board.complaints, [])
  })

  it('goes to the quote board and back', async () => {
    await open('')
    await board.sees(board.cell('AAPL.US', 'last'), '229.35')
    await page.getByRole('link', { name: 'Installation' }).click()
    await box('node/gw-1').waitFor()
    await page.getByRole('link', { name: 'Quote board' }).first().click()
    await board.grid.waitFor()
  })
})
