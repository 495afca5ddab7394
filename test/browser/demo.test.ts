/** `pulsewire demo` as a person sees it: its processes are real, so they are frozen and killed, and the board is looked at. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '@pulsewire/server'
import { Demo } from '../../packages/cli/src/demo/index.ts'
import { assertBoardIsAlive, BoardPage, buildConsole } from '../support/browser-board.ts'
import { launchChromium } from '../support/chromium.ts'

describe('demo', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let demo: Demo
  let board: BoardPage

  before(async () => {
    const { directory } = stack.use(await buildConsole())
    demo = stack.use(new Demo({ logger: silentLogger, consolePort: 0, consoleDirectory: directory, seed: 7 }))
    await demo.start()
    const browser = stack.adopt(await launchChromium(), (context) => context.close())
    board = await BoardPage.open(await browser.newPage(), demo.url)
  })
  after(() => stack.disposeAsync())

  function signal(id: string, name: NodeJS.Signals): void {
    const pid = demo.nodes.find(({ node }) => node.id === id)?.pid
    assert.ok(pid !== undefined, `${id} runs`)
    process.kill(pid, name)
  }

  it('has a board that is alive', async () => {
    await assertBoardIsAlive(board)
    await board.search.fill('')
    assert.deepEqual(board.complaints, [])
  })

  it('says what is stale and why when both push nodes freeze, and is live again by itself', async () => {
    signal('push-a1', 'SIGSTOP')
    signal('push-b1', 'SIGSTOP')
    try {
      await board.banner.waitFor()
      await board.sees(board.banner, /push-[ab]1|gw-[12]/)
      await board.sees(board.rows.first().locator('.state'), /stale/)
    } finally {
      signal('push-a1', 'SIGCONT')
      signal('push-b1', 'SIGCONT')
    }
    await board.seesGone(board.banner)
    await board.sees(board.rows.first().locator('.state'), 'live')
  })

  it('moves to the other gateway when its own is killed', async () => {
    const connection = board.page.locator('.connection')
    const serving = /gw-[12]/.exec((await connection.textContent()) ?? '')?.[0]
    assert.ok(serving !== undefined)
    signal(serving, 'SIGKILL')
    await board.sees(connection, new RegExp(`connected to ${serving === 'gw-1' ? 'gw-2' : 'gw-1'}`))
    await board.sees(board.rows.first().locator('.state'), 'live')
  })
})
