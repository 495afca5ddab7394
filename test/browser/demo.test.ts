/** `pulsewire demo` as a person sees it: its processes are real, so they are frozen and killed, and the board is looked at. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Demo } from '../../packages/cli/src/demo/index.ts'
import { assertBoardIsAlive, BoardPage } from '../support/browser-board.ts'
import { buildConsole } from '../support/console-build.ts'
import { launchChromium } from '../support/chromium.ts'
import { startDemo } from '../support/demo.ts'

/** A process that is started again, on a machine that does ten other things. */
const RESTART_MS_MAX = 90_000
const TOLD_MS_MAX = 30_000
/** Who acknowledges nothing is cut after 15 s, sooner when its host says that it has no room. */
const CUT_MS_MAX = 40_000

describe('demo', { timeout: 400_000 }, () => {
  const stack = new AsyncDisposableStack()
  let demo: Demo
  let board: BoardPage

  before(async () => {
    const { directory } = stack.use(await buildConsole())
    demo = stack.use(await startDemo({ consolePort: 0, consoleDirectory: directory, seed: 7 }))
    const browser = stack.adopt(await launchChromium(), (context) => context.close())
    board = await BoardPage.open(await browser.newPage(), `${demo.url}#board`)
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

  // ---- the page that breaks it

  const card = (id: string) => board.page.locator(`[data-break="${id}"]`)
  const box = (id: string) => board.page.locator(`[data-box="node/${id}"]`)
  const timeline = () => board.page.getByRole('log', { name: 'Timeline' })
  const act = async (id: string, target: string) => {
    const choice = card(id).getByRole('combobox')
    if ((await choice.count()) > 0) await choice.selectOption(target)
    await card(id).getByRole('button').click()
  }
  /** What the board says is stale. */
  const stale = () => board.page.locator('.mini-board .stale')
  const undo = (id: string) => card(id).getByRole('button').click()
  const isInUse = async (id: string) => {
    await box(id).waitFor({ timeout: RESTART_MS_MAX })
    await box(id).locator('em').waitFor({ state: 'hidden', timeout: RESTART_MS_MAX })
  }
  const pidOf = (id: string) => demo.nodes.find(({ node }) => node.id === id)?.pid

  it('begins with the page that breaks it, where everything is in use', async () => {
    await board.page.goto('about:blank')
    await board.page.goto(demo.url)
    await card('slow').waitFor()
    assert.equal(await board.page.locator('[data-break]').count(), 8)
    // The gateway that was killed is on its way back.
    for (const id of ['push-a1', 'push-b1', 'gw-1', 'gw-2', 'lb-1']) await isInUse(id)
    await board.sees(board.page.locator('.mini-board'), /live/)
  })

  it('freezes a push node for real: its hops turn stale and it is evicted, while quotes go on by the other line', async () => {
    await act('freeze', 'push-a1')
    await board.sees(box('push-a1'), /silent|not used/)
    assert.match(readFileSync(`/proc/${pidOf('push-a1')}/status`, 'utf8'), /State:\s+T/)
    await board.sees(board.page.locator('.hops'), /lost|\d s/)
    await board.sees(timeline(), /push-a1 is not used any more/)
    await board.sees(board.page.locator('.mini-board'), /live/)
    assert.equal(await board.page.locator('.mini-board .stale').count(), 0, 'nobody notices')
    // Gateways have turned away from it by now, so no link of theirs tells of it any more.
    await findsByTrace(/push_gone at push-a1: .*line A.* its lease expired; push-b1 \(line B\) stands in/)
    await undo('freeze')
    await board.sees(timeline(), /push-a1 goes on/)
    await isInUse('push-a1')
  })

  it('takes a gateway offline: its clients move, and it says whose word that was', async () => {
    const connection = board.page.locator('.connection')
    const serving = /gw-[12]/.exec((await connection.textContent()) ?? '')![0]
    await act('offline', serving)
    await board.sees(box(serving), /offline/)
    await board.sees(connection, new RegExp(`connected to ${serving === 'gw-1' ? 'gw-2' : 'gw-1'}`))
    await board.sees(timeline(), new RegExp(`the demo says of ${serving}: offline`))
    await undo('offline')
    await isInUse(serving)
  })

  it('blocks an event loop: the watchdog ends the process, it is started again, clients are served meanwhile', async () => {
    const connection = board.page.locator('.connection')
    const serving = /gw-[12]/.exec((await connection.textContent()) ?? '')![0]
    const pid = pidOf(serving)
    await act('block', serving)
    await board.sees(card('block'), /heals by itself/)
    await board.sees(connection, new RegExp(`connected to ${serving === 'gw-1' ? 'gw-2' : 'gw-1'}`))
    await board.sees(timeline(), new RegExp(`${serving} ended`))
    // The watchdog ends it after 5 s, and a process takes its time to start.
    await card('block').getByRole('button', { name: 'Block' }).waitFor({ timeout: RESTART_MS_MAX })
    assert.notEqual(pidOf(serving), pid)
  })

  /** Asks until that is found: what was broken before may still be on its way back. */
  const findsByTrace = (expected: RegExp) =>
    board.until(
      async () => {
        const panel = board.page.getByRole('region', { name: 'Trace' })
        const button = panel.getByRole('button', { name: 'Trace' })
        await button.click()
        await button.waitFor()
        return expected.test((await panel.getByRole('status').textContent()) ?? '')
      },
      () => `a trace that finds ${expected}`,
    )

  it('walks the way of a symbol to the page itself', async () => {
    await findsByTrace(/all_well at gw-[12]: the last record of AAPL\.US/)
    await board.sees(board.page.locator('.hops-said'), /client.*console.*push-[ab]1.*read up to/)
  })

  it('finds the sessions of a user, and what happened to them', async () => {
    const sessions = board.page.getByRole('region', { name: 'Sessions' })
    await sessions.getByRole('button', { name: 'Find' }).click()
    await board.sees(sessions.getByRole('status'), /user console is at gw-[12]: session gw-[12]\./)
    await board.sees(sessions.locator('.hops-said'), /connected.*gw-[12]\..*: .*from 127\.0\.0\.1/)
    await sessions.getByRole('textbox').fill('nobody')
    await sessions.getByRole('button', { name: 'Find' }).click()
    await board.sees(sessions.getByRole('status'), /user nobody has no session, and none is known/)
  })

  it('is searched for users and symbols, which lead to what the running nodes say', async () => {
    const finder = board.page.getByRole('combobox', { name: /^Search/ })
    await finder.fill('conso')
    await board.sees(board.page.getByRole('listbox', { name: 'Found' }).getByRole('option').first(), /^console\s*1 session/)
    await finder.press('Enter')
    await board.sees(board.page.getByRole('region', { name: 'Sessions' }).getByRole('status'), /user console is at gw-[12]/)
    await finder.fill('AAPL.US')
    await finder.press('Enter')
    const holders = board.page.getByRole('region', { name: 'Who holds AAPL.US' })
    await board.sees(holders, /line A.*push-a1.*\d:\d:\d+.*line B.*push-b1.*\d:\d:\d+.*Gateways.*gw-[12].*\d:\d:\d+/)
    await board.page.keyboard.press('Escape')
    await board.seesGone(holders)
  })

  /** An entry of the timeline, from now on or before. */
  const tells = (what: RegExp, timeout = TOLD_MS_MAX) => timeline().locator('li').filter({ hasText: what }).first().waitFor({ timeout })

  it('leaks a lock: the watchdog names it, the process is ended and started again, and nobody notices', async () => {
    const pid = pidOf('push-a1')
    await act('leak', 'push-a1')
    await box('push-a1').click()
    const stages = board.page.getByRole('region', { name: 'Stages of push-a1' })
    await board.sees(stages.locator('tr.stale'), /intake quote.* since .* past.*a fault that was ordered/)
    await board.sees(card('leak'), /heals by itself/)
    await tells(/push-a1: a lock is taken and never released/)
    await tells(/push-a1: stage intake quote is past its deadline: busy for \d+ ms, held by a fault that was ordered/)
    await tells(/push-a1 ended \(exit code 4\)/)
    await board.sees(board.page.locator('.mini-board'), /live/)
    assert.equal(await stale().count(), 0, 'the other line brings everything')
    await card('leak').getByRole('button', { name: 'Leak' }).waitFor({ timeout: RESTART_MS_MAX })
    assert.notEqual(pidOf('push-a1'), pid)
    await isInUse('push-a1')
  })

  it('drops a subscription: the digests differ, it is named again, and quotes go on', async () => {
    const [symbol] = demo.symbols
    await act('drop', symbol!)
    await tells(new RegExp(`gateways have lost what their clients subscribe to of ${symbol}`))
    await tells(/gw-[12]: a receiver holds another set of subscriptions; it names them again/)
    await card('drop').getByRole('button', { name: 'Drop' }).waitFor()
    await findsByTrace(/all_well at gw-[12]/)
    assert.equal(await stale().count(), 0)
  })

  it('slows a client: it is told so and cut, and it costs nobody else anything', async () => {
    await act('slow', 'gw-2')
    await tells(/gw-2: a client of gw-2 reads nothing any more/)
    await tells(/gw-2: receiver slow-client\/1 takes less than it is sent/)
    await tells(/gw-2: receiver slow-client\/1: for \d+ ms .*(no room|took all)/, CUT_MS_MAX)
    assert.equal(await stale().count(), 0)
    await board.sees(board.page.locator('.mini-board'), /live/)
    await card('slow').getByRole('button', { name: 'Slow' }).waitFor()
    await tells(/the slow client of gw-2 is gone/)
  })

  it('leaves a node behind: the feed moves, the node is not believed, by name, and follows again when it is unpinned', async () => {
    await act('pin', 'push-b1')
    await tells(/feed quote is being moved to topic quotes-v2/)
    await tells(/push-b1 is started anew as it was months ago, pinned to topic quotes/, RESTART_MS_MAX)
    await tells(
      /push-b1 is (still )?not used.*serves quote generation 1 \(topic quotes\), which is over; current is generation 2/,
      RESTART_MS_MAX,
    )
    await board.sees(box('push-b1'), /not used/)
    await findsByTrace(/generation_retired at push-b1/)
    await board.sees(board.page.locator('.mini-board'), /live/)
    assert.equal(await stale().count(), 0, 'the line beside it covers')
    await undo('pin')
    await tells(/push-b1 is started anew, and follows the catalogue again/)
    await isInUse('push-b1')
  })

  it('stops the log: everything is stale and says why, nothing is torn down, and all is live again by itself', async () => {
    await act('log', 'the log')
    await board.sees(board.banner, /Nothing is live since .*: (the log cannot be reached|no pulse)/)
    await board.sees(board.page.locator('.mini-board tbody'), /stale/)
    await board.sees(timeline(), /the log is stopped/)
    await findsByTrace(/log_unreachable/)
    await board.sees(board.page.locator('.troubles'), /control topic brings nothing/)
    await undo('log')
    await board.seesGone(board.banner)
    await board.sees(board.page.locator('.mini-board tbody tr').first().locator('.state'), 'live')
  })
})
