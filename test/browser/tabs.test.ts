/** Two tabs of a real browser on one connection, to a real gateway, whose table of sessions is looked at. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { HubGateway } from '../support/hub-gateway.ts'
import { TabsSite } from '../support/tabs-site.ts'

const WAIT_MS = 20_000

interface Seen {
  readonly state: { readonly state: string; readonly hop?: string; readonly reason?: string }
  readonly values: Readonly<Record<string, { readonly values?: Readonly<Record<string, unknown>>; readonly state: string }>>
  readonly node?: string
  readonly session?: string
  readonly alone: boolean
  readonly states: readonly string[]
}

interface Tab {
  watch(symbols: readonly string[]): void
  add(symbols: readonly string[]): void
  seen(): Seen
  shut(): Promise<void>
}

describe('tabs of one browser', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let site: TabsSite
  let browser: BrowserContext
  let gateway: HubGateway

  before(async () => {
    site = stack.use(await TabsSite.start())
    browser = stack.adopt(await launchChromium(), (context) => context.close())
  })
  after(() => stack.disposeAsync())

  async function open(symbols: readonly string[], alone = false): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(site.url(gateway.url, alone))
    await page.evaluate((list) => (globalThis as unknown as Tab).watch(list), symbols)
    return page
  }
  const seen = (page: Page) => page.evaluate(() => (globalThis as unknown as Tab).seen())
  async function until(holds: () => Promise<boolean> | boolean, what: () => unknown): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS
    while (!(await holds())) {
      if (performance.now() > deadlineMs) assert.fail(JSON.stringify(await what()))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const untilSeen = (page: Page, holds: (now: Seen) => boolean) =>
    until(
      async () => holds(await seen(page)),
      () => seen(page),
    )
  const untilTable = (table: readonly (readonly string[])[]) =>
    until(
      () => JSON.stringify(gateway.table) === JSON.stringify(table),
      () => gateway.table,
    )

  it('share one connection and its symbols; what a closed or crashed one had is released; staleness reaches all', async () => {
    gateway = new HubGateway()
    await using _ = gateway
    await gateway.start()
    gateway.quote('AAPL.US', 1)
    gateway.quote('0700.HK', 2)
    const [one, two, three] = [await open(['AAPL.US']), await open(['AAPL.US', '0700.HK']), await open(['D05.SG'])]
    for (const page of [one, two, three]) await untilSeen(page, ({ state }) => state.state === 'live')
    await untilTable([['0700.HK', 'AAPL.US', 'D05.SG']])
    const [a, b] = [await seen(one), await seen(two)]
    assert.deepEqual([a.session, a.alone, b.alone], [b.session, false, false])
    assert.deepEqual(a.values, { 'AAPL.US': { values: { last: 1 }, state: 'live' } })
    assert.deepEqual(b.values['0700.HK'], { values: { last: 2 }, state: 'live' })

    // Without a word, as a crash does it: only its lock is free.
    const crashed = one.context().newCDPSession(three)
    void (await crashed).send('Page.crash').catch(() => {})
    await untilTable([['0700.HK', 'AAPL.US']])
    await two.close()
    await untilTable([['AAPL.US']])
    gateway.quote('AAPL.US', 3)
    await untilSeen(one, ({ values }) => values['AAPL.US']?.values?.['last'] === 3)
    const four = await open(['AAPL.US'])
    await untilSeen(four, ({ state, values }) => state.state === 'live' && values['AAPL.US']?.values?.['last'] === 3)
    assert.equal(gateway.sessions.size, 1)
    assert.deepEqual((await seen(one)).states.slice(-1), ['live'], 'it noticed nothing')

    gateway.silence()
    for (const page of [one, four]) {
      await untilSeen(page, ({ state }) => state.state === 'stale')
      const { state, values } = await seen(page)
      assert.ok(state.hop !== undefined && state.hop !== 'shared worker' && state.reason !== undefined, JSON.stringify(state))
      assert.deepEqual(values['AAPL.US']?.values, { last: 3 })
    }
    await one.evaluate(() => (globalThis as unknown as Tab).shut())
    await four.close()
    await until(
      () => gateway.sessions.size === 0,
      () => gateway.table,
    )
    await one.close()
  })

  it('where there are no shared workers, each has a connection of its own', async () => {
    gateway = new HubGateway()
    await using _ = gateway
    await gateway.start()
    const pages = [await open(['AAPL.US'], true), await open(['AAPL.US'], true)]
    for (const page of pages) await untilSeen(page, ({ state, alone }) => alone && state.state === 'live')
    assert.equal(gateway.sessions.size, 2)
    for (const page of pages) await page.close()
    await until(
      () => gateway.sessions.size === 0,
      () => gateway.table,
    )
  })
})
