/** The quote board behind a network that breaks WebSocket: a real browser, a real installation, a real proxy. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { serveConsole } from '@pulsewire/console'
import type { BrowserContext } from 'playwright-core'
import type { Demo } from '../../packages/cli/src/demo/index.ts'
import { assertBoardIsAlive, BoardPage } from '../support/browser-board.ts'
import { buildConsole } from '../support/console-build.ts'
import { launchChromium } from '../support/chromium.ts'
import { startDemo } from '../support/demo.ts'
import { type Breakage, TcpProxy, WebSocketBreaker } from '../support/proxy/index.ts'

describe('behind a network that breaks WebSocket', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let directory: string
  let demo: Demo
  let browser: BrowserContext

  before(async () => {
    directory = stack.use(await buildConsole()).directory
    demo = stack.use(await startDemo({ consolePort: 0, consoleDirectory: directory, seed: 7 }))
    browser = stack.adopt(await launchChromium(), (context) => context.close())
  })
  after(() => stack.disposeAsync())

  for (const breakage of ['strips', 'hangs', 'swallows'] as const satisfies Breakage[]) {
    it(`that ${breakage} it, the board is alive over HTTP, and moves when its connections are cut`, async () => {
      const breaker = new WebSocketBreaker(breakage)
      await using proxy = await TcpProxy.listen({ port: Number(new URL(demo.gateways[0]!).port) }, { filters: breaker.filters })
      await using served = {
        server: await serveConsole({ host: '127.0.0.1', port: 0, gateways: [proxy.url], directory }),
        [Symbol.asyncDispose]: () => served.server.close(),
      }
      const page = await browser.newPage()
      const board = await BoardPage.open(page, served.server.url)
      await assertBoardIsAlive(board)
      await board.search.fill('')
      const { upgrades, streams } = breaker
      assert.ok(upgrades >= 1 && streams >= 1, `${upgrades} upgrades, ${streams} streams`)
      assert.deepEqual(board.complaints, [])
      proxy.reset()
      await board.sees(page.locator('.journal ol'), /symbols resumed where they stopped, nothing missed/)
      await board.sees(board.rows.first().locator('.state'), 'live')
      assert.ok(breaker.streams > streams)
      assert.equal(breaker.upgrades, upgrades, 'it has remembered what gets through')
      await page.close()
    })
  }
})
