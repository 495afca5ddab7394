/**
 * Pictures of the running demonstration for docs/: `npm run screenshots`. `-- --into DIRECTORY` puts them elsewhere, `--all`
 * takes every part of the page, light, dark and on a phone, for whoever changes how it looks.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { BrowserContext, Page } from 'playwright-core'
import type { Demo } from '../../packages/cli/src/demo/index.ts'
import { buildConsole } from '../support/console-build.ts'
import { launchChromium } from '../support/chromium.ts'
import { startDemo } from '../support/demo.ts'

const { values } = parseArgs({
  options: { into: { type: 'string', default: join(import.meta.dirname, '../../docs/images') }, all: { type: 'boolean', default: false } },
})
const WIDE = { width: 1440, height: 900 }
const PHONE = { width: 390, height: 844 }
/** Charts and the timeline have something to show by then. */
const LOOKED_AT_MS = 75_000
/** What was broken is seen everywhere by then. */
const BROKEN_MS = 8_000
const WAIT_MS = 60_000

type Scheme = 'light' | 'dark'

mkdirSync(values.into, { recursive: true })
await using stack = new AsyncDisposableStack()
const { directory } = stack.use(await buildConsole())
const demo = stack.use(await startDemo({ consolePort: 0, consoleDirectory: directory, seed: 7 }))
const open = async (scheme: Scheme, viewport = WIDE, deviceScaleFactor = 1) =>
  stack.adopt(await launchChromium({ colorScheme: scheme, viewport, deviceScaleFactor }), (context: BrowserContext) => context.close())
const [light, dark, phone] = [await open('light'), await open('dark'), await open('dark', PHONE, 2)]
const boards = await Promise.all([light, dark, phone].map((context) => show(context, '#board')))
const consoles = await Promise.all([light, dark, phone].map((context) => show(context, '')))
await sleep(LOOKED_AT_MS)

await shots('board', boards)
await picture('console-light', consoles[0]!)
if (values.all) await everything(consoles)
await broken(demo)

/** The pictures of what is broken, the one after the other. */
async function broken({ breaks }: Demo): Promise<void> {
  const act = (id: string, on: boolean, target: string) => breaks.order(id, on, target)
  await act('pin', true, 'push-b1')
  await consoles[0]!.locator('[data-box="node/push-b1"] em').waitFor({ timeout: WAIT_MS })
  await act('freeze', true, 'gw-2')
  await consoles[0]!.locator('[data-box="node/gw-2"] em').waitFor({ timeout: WAIT_MS })
  await sleep(BROKEN_MS)
  await picture('console-dark', consoles[1]!)
  await act('freeze', false, 'gw-2')
  await act('log', true, 'the log')
  await consoles[2]!.getByRole('alert').waitFor({ timeout: WAIT_MS })
  await sleep(BROKEN_MS)
  await consoles[2]!.screenshot({ path: join(values.into, 'console-phone.png') })
  await boards[0]!.screenshot({ path: join(values.into, 'board-stale.png') })
  if (values.all) await shots('console-stopped', consoles)
  await act('log', false, 'the log')
}

/** Every panel, opened one after the other. */
async function everything(pages: readonly Page[]): Promise<void> {
  await shots('installation', pages)
  await Promise.all(pages.map((page) => page.locator('[data-box="node/push-a1"]').click()))
  await sleep(2000)
  await shots('details', pages, true)
  await Promise.all(pages.map((page) => page.getByRole('combobox', { name: /^Search/ }).fill('a')))
  await sleep(1500)
  await shots('search', pages)
  for (const page of pages) {
    await page.getByRole('combobox', { name: /^Search/ }).fill('AAPL.US')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Trace' }).first().click()
    await page.getByRole('region', { name: 'Sessions' }).getByRole('button').first().click()
  }
  await sleep(3000)
  await shots('trace', pages, true)
  for (const page of pages) for (const _ of [1, 2, 3]) await page.keyboard.press('Escape')
}

async function shots(name: string, pages: readonly Page[], whole = false): Promise<void> {
  for (const [index, page] of pages.entries()) {
    await picture(`${name}-${(['light', 'dark', 'phone'] as const)[index]}`, page, whole)
  }
}

async function picture(name: string, page: Page, whole = false): Promise<void> {
  await page.bringToFront()
  await page.screenshot({ path: join(values.into, `${name}.png`), fullPage: whole })
}

async function show(context: BrowserContext, hash: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${demo.url}${hash}`)
  return page
}
