/** The quote board in a real browser. `BOARD_URL` names a board that is running already, for the first test. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type ConsoleServer, serveConsole } from '@pulsewire/console'
import { createMarket, systemClock } from '@pulsewire/server'
import type { BrowserContext, Page } from 'playwright-core'
import { assertBoardIsAlive, BoardPage } from '../support/browser-board.ts'
import { buildConsole } from '../support/console-build.ts'
import { BrowserGateway } from '../support/browser-gateway.ts'
import { launchChromium } from '../support/chromium.ts'

const AAPL = {
  name: 'Apple',
  last: 229.35,
  bid: 229.34,
  ask: 229.36,
  bidSize: 300,
  askSize: 200,
  prevClose: 225,
  volume: 52e6,
  turnover: 11e9,
}
const TENCENT = {
  name: 'Tencent',
  last: 403.6,
  bid: 403.4,
  ask: 403.6,
  bidSize: 800,
  askSize: 1200,
  prevClose: 410,
  volume: 18e6,
  turnover: 7e9,
}

describe('quote board', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let browser: BrowserContext
  let directory: string
  let gateway: BrowserGateway
  let server: ConsoleServer
  let page: Page

  const serve = (...gateways: BrowserGateway[]) =>
    serveConsole({ host: '127.0.0.1', port: 0, gateways: gateways.map(({ url }) => url), directory })

  before(async () => {
    directory = stack.use(await buildConsole()).directory
    browser = stack.adopt(await launchChromium(), (context) => context.close())
  })
  after(() => stack.disposeAsync())

  beforeEach(async () => {
    gateway = await BrowserGateway.start('gw-1')
    gateway.quote('AAPL.US', AAPL)
    gateway.quote('0700.HK', TENCENT)
    server = await serve(gateway)
    page = await browser.newPage()
  })
  afterEach(async () => {
    await page.close()
    await server.close()
    await gateway.close()
  })

  it('is alive in front of a whole market', async () => {
    const market = createMarket({ symbols: 200, ratePerSecond: 400, clock: systemClock })
    for (const { symbol, values } of market.snapshot()) gateway.quote(symbol, { ...values })
    const timer = setInterval(() => {
      for (const { symbol, values } of market.next(100)) gateway.quote(symbol, { ...values })
    }, 100)
    try {
      await assertBoardIsAlive(await BoardPage.open(page, process.env['BOARD_URL'] ?? server.url))
    } finally {
      clearInterval(timer)
    }
  })

  it('shows quotes as an exchange writes them, and each change', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.cell('0700.HK', 'last'), '403.60')
    await board.sees(board.cell('0700.HK', 'percent'), '−1.56 %')
    await board.sees(board.cell('AAPL.US', 'bid'), '300 229.34')
    await board.sees(board.cell('AAPL.US', 'volume'), '52.00M')
    const lit = page.evaluate(() => {
      return new Promise<string>((resolve) => {
        const cell = document.querySelector('[id="row-AAPL.US"] .cell.last')!
        new MutationObserver(() => {
          if (cell.className.includes('flash')) resolve(cell.className)
        }).observe(cell, { attributes: true })
      })
    })
    gateway.quote('AAPL.US', { last: 230.1 })
    await board.sees(board.cell('AAPL.US', 'last'), '230.10')
    await board.sees(board.cell('AAPL.US', 'change'), '+5.10')
    assert.match(await lit, /flash-up/)
    gateway.quote('D05.SG', { ...AAPL, name: 'DBS', last: 42.68, turnover: 1e9 })
    await board.sees(board.cell('D05.SG', 'name'), 'DBS')
    assert.deepEqual(board.complaints, [])
  })

  it('greys a row that is stale and says why, and only that row', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    const bright = await board.colour(board.cell('AAPL.US', 'last'))
    gateway.stale('push-a1', 'reader_stalled', undefined, [0])
    await board.sees(board.cell('AAPL.US', 'state'), /^stale \d+ s: push-a1 has stopped reading the log$/)
    await board.sees(board.banner, /1 of 2 symbols are stale since \d\d:\d\d:\d\d \(\d+ s\): push-a1 has stopped reading the log/)
    assert.notEqual(await board.colour(board.cell('AAPL.US', 'last')), bright)
    assert.match((await page.locator('.chain li.broken').textContent()) ?? '', /push-a1$/)
    assert.equal(await board.cell('0700.HK', 'state').textContent(), 'live')
    await board.sees(board.details('AAPL.US').locator('.proof dd').first(), /^not since/)
    gateway.live()
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    await board.seesGone(board.banner)
    assert.equal(await board.colour(board.cell('AAPL.US', 'last')), bright)
  })

  it('can be given a token, for the tab alone, where the gateway demands one', async () => {
    gateway.token = 'a token of the test'
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.banner, /^The gateway shows nothing to this page\. .*token_missing: there is no token/)
    await page.getByLabel('Token for the gateway').fill('a token of the test')
    await page.getByRole('button', { name: 'Use it' }).click()
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    assert.ok(!page.url().includes('token'), page.url())
    await page.reload()
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes('a token')), false)
    assert.deepEqual(board.complaints, [])
  })

  it('says of what is delayed by how much', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    assert.equal(await page.locator('.toolbar .delay').count(), 0)
    gateway.delay(900_000, 'real')
    await board.sees(page.locator('.toolbar .delay'), 'Quotes are delayed 15 min')
    await board.sees(board.cell('AAPL.US', 'state'), 'live, delayed 15 min')
    await board.sees(page.locator('.figure', { hasText: 'Live' }).locator('dd'), '2 delayed 15 min')
    gateway.freeze()
    await board.sees(board.cell('AAPL.US', 'state'), /^stale/)
    await board.sees(page.locator('.toolbar .delay'), 'Quotes are delayed 15 min')
  })

  it('finds out by itself that its gateway has gone silent', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    gateway.freeze()
    await board.sees(board.cell('AAPL.US', 'state'), /^stale \d+ s: no pulse from gw-1$/)
    await board.sees(
      board.banner,
      /^Nothing is live since \d\d:\d\d:\d\d \(\d+ s\): no pulse from gw-1\. What is shown below is the last known\./,
    )
    await board.sees(page.locator('.figure', { hasText: 'Live' }).locator('dd'), /^0 /)
    assert.equal(await board.cell('AAPL.US', 'last').textContent(), '229.35')
    gateway.thaw()
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    await board.seesGone(board.banner)
    await board.sees(page.locator('.journal ol'), /live again after/)
  })

  it('moves to another gateway when its own is gone, and misses nothing', async () => {
    await using second = await BrowserGateway.start('gw-2')
    await using both = { server: await serve(gateway, second), [Symbol.asyncDispose]: async () => both.server.close() }
    for (const each of [gateway, second]) {
      each.quote('AAPL.US', AAPL)
      each.quote('0700.HK', TENCENT)
    }
    const board = await BoardPage.open(page, both.server.url)
    await board.sees(page.locator('.connection'), /^connected to gw-[12]$/)
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    const first = (await page.locator('.connection').textContent())?.endsWith('gw-1')
    const [gone, left] = first ? [gateway, second] : [second, gateway]
    await gone.close()
    await board.sees(page.locator('.connection'), `connected to ${first ? 'gw-2' : 'gw-1'}`)
    left.quote('AAPL.US', { last: 231 })
    await board.sees(board.cell('AAPL.US', 'last'), '231.00')
    await board.sees(board.cell('AAPL.US', 'state'), 'live')
    await board.sees(page.locator('.journal ol'), /2 symbols resumed where they stopped, nothing missed/)
  })

  it('says that no gateway answers, and tries again when asked', async () => {
    const { url } = gateway
    await gateway.close()
    await using lonely = {
      server: await serveConsole({ host: '127.0.0.1', port: 0, gateways: [url], directory }),
      [Symbol.asyncDispose]: async () => lonely.server.close(),
    }
    const board = await BoardPage.open(page, lonely.server.url)
    await board.sees(board.banner, /No gateway answers; trying again/)
    await page.getByRole('button', { name: 'Try now' }).click()
    await board.sees(page.locator('.journal ol'), /./)
  })

  it('filters by market, searches by symbol and name, sorts by column', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.sees(page.locator('.shown'), '2 shown')
    assert.deepEqual(await board.order(), ['AAPL.US', '0700.HK'])
    await page.getByRole('button', { name: 'Last' }).click()
    await board.until(
      async () => (await board.order()).join() === '0700.HK,AAPL.US',
      () => 'the highest price first',
    )
    await page.getByRole('button', { name: 'Last' }).click()
    await board.until(
      async () => (await board.order()).join() === 'AAPL.US,0700.HK',
      () => 'the lowest price first',
    )
    assert.equal(await page.locator('[aria-sort=ascending]').textContent(), 'Last↑')
    await page.getByRole('button', { name: /^HK/ }).click()
    await board.seesGone(board.row('AAPL.US'))
    await page.getByRole('button', { name: /^All/ }).click()
    await board.search.fill('appl')
    await board.seesGone(board.row('0700.HK'))
    assert.deepEqual(await board.order(), ['AAPL.US'])
    await board.search.fill('nobody')
    await page.getByText('No symbol matches.').waitFor()
  })

  it('can be used by keyboard alone', async () => {
    const board = await BoardPage.open(page, server.url)
    await board.row('0700.HK').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('apple')
    await board.seesGone(board.row('0700.HK'))
    await page.keyboard.press('Escape')
    await board.row('0700.HK').waitFor()
    await board.until(
      () => board.grid.evaluate((grid) => grid === document.activeElement),
      () => 'the grid to have the focus',
    )
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    await board.until(
      async () => (await board.grid.getAttribute('aria-activedescendant')) === 'row-0700.HK',
      () => 'the second row',
    )
    await board.details('0700.HK').waitFor()
    await page.keyboard.press('Escape')
    await board.seesGone(board.details('0700.HK'))
    await page.keyboard.press('Enter')
    await board.details('0700.HK').waitFor()
  })

  it('remembers colours and theme', async () => {
    const board = await BoardPage.open(page, server.url)
    const change = board.cell('AAPL.US', 'change')
    await board.sees(change, '+4.35')
    const green = await board.colour(change)
    const fall = await board.colour(board.cell('0700.HK', 'change'))
    await page.getByRole('button', { name: /^Colours: green is up/ }).click()
    assert.equal(await board.colour(change), fall)
    await page.getByRole('button', { name: /^Theme: Auto/ }).click()
    await page.getByRole('button', { name: /^Theme: Light/ }).click()
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await page.reload()
    await board.sees(change, '+4.35')
    assert.notEqual(await board.colour(change), green)
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark)
    await page.getByRole('button', { name: /^Theme: Dark/ }).click()
    await page.getByRole('button', { name: /^Theme: Auto/ }).waitFor()
  })

  it('draws the chart of the selected symbol', async () => {
    const board = await BoardPage.open(page, server.url)
    const canvas = board.details('AAPL.US').locator('.price-chart canvas')
    await canvas.waitFor()
    const drawn = async () => {
      gateway.quote('AAPL.US', { last: 229 + Math.round(Math.random() * 100) / 100 })
      return (await board.linePixels(canvas)) > 20
    }
    await board.until(drawn, () => 'a line in the chart')
  })

  it('keeps few rows in the document, however many symbols there are', async () => {
    for (let index = 0; index < 10_000; index++)
      gateway.quote(`S${String(index).padStart(5, '0')}.SZ`, { last: 1 + index / 100, turnover: index })
    const board = await BoardPage.open(page, server.url)
    await board.sees(page.locator('.shown'), '10,002 shown')
    assert.equal(await board.grid.getAttribute('aria-rowcount'), '10003')
    await board.grid.focus()
    await page.keyboard.press('End')
    await board.row('S00000.SZ').waitFor()
    const count = await board.rows.count()
    assert.ok(count > 10 && count < 80, `${count} rows`)
  })

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    const board = await BoardPage.open(page, server.url)
    await board.sees(board.cell('AAPL.US', 'last'), '229.35')
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out sideways')
    await board.row('0700.HK').click()
    await board.details('0700.HK').waitFor()
    await page.getByRole('button', { name: 'Close details' }).click()
    gateway.stale('log', 'log_unreachable')
    await board.sees(board.cell('0700.HK', 'state'), /^stale \d+ s: the log cannot be reached$/)
    assert.ok(await board.cell('0700.HK', 'state').isVisible())
  })
})
