/** The page of a balancer in a real browser: the picture of an installation, its details, its timeline. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type ConsoleServer, serveConsole } from '@pulsewire/console'
import type { BrowserContext, Page } from 'playwright-core'
import { BoardPage } from '../support/browser-board.ts'
import { buildConsole } from '../support/console-build.ts'
import { BrowserGateway } from '../support/browser-gateway.ts'
import { launchChromium } from '../support/chromium.ts'
import { SpokenBalancer } from '../support/spoken-balancer.ts'
import { largeTopology } from '../support/topologies.ts'

const SYMBOLS = 10_000

/** What nodes say when the page's server asks them. */
const TOLD: Readonly<Record<string, object>> = {
  '/api/find': {
    users: [{ user: 'jo', sessions: 2 }],
    sessions: [{ session: 'gw-1.a.1', user: 'jo', isOpen: true }],
    symbols: [],
    silent: ['gw-2'],
  },
  '/api/holders': {
    partition: 0,
    holders: [
      { node: 'push-a1', role: 'push', position: '1:0:71', recordAgeMs: 40, subscriptions: 2, pulseAgeMs: 100, reads: true },
      { node: 'gw-1', role: 'gateway', position: '1:0:71', recordAgeMs: 50, subscriptions: 900, pulseAgeMs: 130, reads: false },
    ],
    silent: ['gw-2'],
  },
  '/api/stages': {
    node: 'push-a1',
    blockedMs: null,
    stages: [
      { stage: 'intake quote', deadlineMs: 2000, busyMs: 6100, holder: { holder: 'records of quotes/3', heldMs: 6100 }, waiting: 1 },
      { stage: 'flush', deadlineMs: 2000, busyMs: null, holder: null, waiting: 0 },
    ],
    loopDelayMs: { p99: 4, max: 90 },
    heap: { usedBytes: 40 * 1024 ** 2, limitBytes: 4096 * 1024 ** 2 },
  },
  '/api/trace': {
    findings: [{ code: 'all_well', severity: 'well', hop: 'gw-1', sentence: 'as it should be', remedy: '' }],
    rows: [['client', 'app/1']],
  },
  '/api/sessions': {
    head: ['user jo is at gw-1'],
    events: [{ at: 0, node: 'gw-1', session: 'gw-1.a.1', what: 'connected', detail: 'app/1', times: 1 }],
  },
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
    await board.sees(page.locator('.finder .shown'), '6 nodes, 1 not in use')
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
    assert.equal(await page.locator('.node-details').count(), 0, 'nothing was opened')
    await page.keyboard.press('Enter')
    await details('push-b1').waitFor()
    await page.keyboard.press('ArrowUp')
    await details('push-a1').waitFor()
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
    const opacity = await page.locator('.picture').evaluate((element) => Number(getComputedStyle(element).opacity))
    assert.ok(opacity < 1, 'what is no news does not look like it')
    await board.sees(page.locator('.mini-board'), /live/)
  })

  it('is told by a stream, and goes on by asking, which it says, where there is none', async () => {
    await open()
    const asked = page.locator('.timeline .asked')
    balancer.tell('gw-2 is used again', 'good', 'gw-2')
    await board.sees(page.getByRole('log').locator('li').first(), /gw-2 is used again/)
    assert.equal(await asked.count(), 0)
    assert.deepEqual(board.complaints, [])
    balancer.streams = false
    await page.reload()
    await asked.waitFor()
    balancer.tell('gw-2 is not used any more', 'bad', 'gw-2')
    await board.sees(page.getByRole('log').locator('li').first(), /gw-2 is not used any more/)
    assert.equal(await page.getByRole('log').locator('li').count(), 2)
  })

  it('draws 200 nodes beside 10,000 symbols, and rebuilds nothing when ages change', async () => {
    for (let index = 0; index < SYMBOLS; index++) gateway.quote(`S${index}.SZ`, { last: 1 + index / 100, turnover: index })
    balancer.topology = largeTopology(300)
    await open()
    await board.sees(page.locator('.finder .shown'), '200 nodes')
    await board.sees(page.locator('.mini-board h3'), /all 10,001 symbols/)
    await page.evaluate(() => {
      const changes = { built: 0 }
      Object.assign(window, { changes })
      new MutationObserver((records) => {
        for (const { target, addedNodes } of records)
          if (addedNodes.length > 0 && [...addedNodes].some(({ nodeType }) => nodeType === 1))
            changes.built += target instanceof Element ? 1 : 0
      }).observe(document.querySelector('.picture')!, { childList: true, subtree: true })
    })
    balancer.topology = largeTopology(700)
    await board.sees(box('node/gw-1'), /A.*700 ms/)
    balancer.topology = largeTopology(1300)
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
    await page.getByRole('combobox').fill('hk-1 gateway')
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

  // ---- one box for nodes, symbols, users and sessions

  const finder = () => page.getByRole('combobox', { name: /^Search/ })
  const options = () => page.getByRole('listbox', { name: 'Found' }).getByRole('option')
  /** Serves the page anew, with nodes that can be asked. */
  const askable = async () => {
    await server.close()
    const asks = (request: IncomingMessage, response: ServerResponse) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      asked.push(`${pathname}?${searchParams}`)
      response.end(JSON.stringify(TOLD[pathname]))
    }
    const url = `http://127.0.0.1:${balancer.port}`
    server = await serveConsole({ host: '127.0.0.1', port: 0, gateways: [gateway.url], balancer: url, asks, directory })
  }
  let asked: string[] = []

  it('finds a symbol by keyboard alone, and shows who holds it, and its trace', async () => {
    asked = []
    await askable()
    await open()
    await board.sees(page.locator('.mini-board'), /AAPL\.US/)
    await page.keyboard.press('/')
    await page.keyboard.type('aapl')
    await board.sees(options().first(), /AAPL\.US\s*Apple/)
    assert.equal(await finder().getAttribute('aria-expanded'), 'true')
    await page.keyboard.press('ArrowDown')
    assert.equal(await options().first().getAttribute('aria-selected'), 'true')
    assert.equal(await finder().getAttribute('aria-activedescendant'), await options().first().getAttribute('id'))
    await page.keyboard.press('Enter')
    const panel = page.getByRole('region', { name: 'Who holds AAPL.US' })
    await board.sees(panel, /quote, partition 0 of quotes/)
    await board.sees(panel, /line A.*push-a1.*1:0:71.*line B.*push-b1.*Gateways.*gw-1/)
    await board.sees(panel.getByRole('status'), 'No answer from gw-2')
    await panel.getByRole('button', { name: 'Trace' }).click()
    await board.sees(page.getByRole('region', { name: 'Trace' }).getByRole('status'), /all_well at gw-1: as it should be/)
    assert.ok(asked.includes('/api/trace?feed=quote&symbol=AAPL.US&user=console'), asked.join(' '))
    await page.keyboard.press('Escape')
    await board.seesGone(panel)
    assert.deepEqual(board.complaints, [])
  })

  it('leaves the keyboard where it is while nodes are asked', async () => {
    await askable()
    await open()
    const button = page.getByRole('region', { name: 'Trace' }).getByRole('button').first()
    await button.focus()
    await page.keyboard.press('Enter')
    await board.sees(page.getByRole('region', { name: 'Trace' }).getByRole('status'), /all_well/)
    assert.equal(await button.evaluate((element) => element === document.activeElement), true)
  })

  it('shows the stages of a node with deadline and holder, and since when one has run too long', async () => {
    asked = []
    await askable()
    await open()
    await box('node/push-a1').click()
    const stages = page.getByRole('region', { name: 'Stages of push-a1' })
    await board.sees(stages.locator('tbody tr').first(), /^intake quote6\.1 s since \d\d:\d\d:\d\d2 s pastrecords of quotes\/3 1 wait/)
    await board.sees(stages.locator('tbody tr').last(), /^flushidle2 s$/)
    await board.sees(stages, /late by 4 ms \(p99\), 90 ms at most; heap 40 of at most 4096 MiB/)
    assert.deepEqual(asked, ['/api/stages?node=push-a1'])
    balancer.topology = {
      ...balancer.topology,
      nodes: balancer.topology.nodes.map((node) => (node.node === 'push-a1' ? { ...node, fault: 'intake quote is stuck' } : node)),
    }
    await board.until(
      () => Promise.resolve(asked.length === 2),
      () => `that it is asked again for its fault: ${asked}`,
    )
    assert.deepEqual(board.complaints, [])
  })

  it('finds users and sessions, and shows what happened to them', async () => {
    asked = []
    await askable()
    await open()
    await finder().fill('jo')
    await board.sees(options().nth(0), /jo\s*2 sessions/)
    await board.sees(page.locator('.found'), /do not answer: gw-2/)
    await page.keyboard.press('Enter')
    const sessions = page.getByRole('region', { name: 'Sessions' })
    await board.sees(sessions.getByRole('status'), /user jo is at gw-1.*connected.*gw-1\.a\.1: app\/1/)
    assert.equal(await finder().inputValue(), '')
    assert.equal(await page.locator('.box.pale').count(), 0)
    await finder().fill('gw-1.a.1')
    await page.keyboard.press('ArrowUp')
    await board.sees(page.locator('[role=option][aria-selected=true]'), /gw-1\.a\.1/)
    await page.keyboard.press('Enter')
    await board.until(
      () => Promise.resolve(asked.at(-1) === '/api/sessions?session=gw-1.a.1'),
      () => asked.join(' '),
    )
    await finder().fill('kim')
    await board.sees(options().last(), /kim\s*ask all gateways/)
    await page.keyboard.press('Escape')
    assert.equal(await options().count(), 0)
    await page.keyboard.press('Escape')
    assert.equal(await finder().inputValue(), '')
    assert.deepEqual(board.complaints, [])
  })

  it('finds on a phone by touch, with room for a finger', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await open()
    await finder().fill('gw-2')
    const { x, width, height } = (await options().first().boundingBox())!
    assert.ok(x >= 0 && x + width <= 390 && height >= 44, `${x} ${width} ${height}`)
    await options().first().click()
    await details('gw-2').waitFor()
    assert.equal(await options().count(), 0)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out sideways')
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
