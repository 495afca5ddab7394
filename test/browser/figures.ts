/**
 * The console's figures for size: `npm run console-figures` opens the page of a balancer with 200 nodes (`-- --nodes 400`)
 * beside 10,000 symbols in a real Chromium, and prints how long its first picture, its redraws and its memory are.
 * docs/performance.md has what came of it.
 */
import { parseArgs } from 'node:util'
import { serveConsole } from '@pulsewire/console'
import type { CDPSession, Page } from 'playwright-core'
import { BrowserGateway } from '../support/browser-gateway.ts'
import { launchChromium } from '../support/chromium.ts'
import { buildConsole } from '../support/console-build.ts'
import { SpokenBalancer } from '../support/spoken-balancer.ts'
import { largeTopology } from '../support/topologies.ts'

const LOADS = 5
/** So many redraws are one figure. */
const REDRAWS = 40
const SYMBOLS_TIMEOUT_MS = 60_000
const MIB = 1024 ** 2

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '200' }, symbols: { type: 'string', default: '10000' } },
})
const [nodes, symbols] = [Number(values.nodes), Number(values.symbols)]

await using stack = new AsyncDisposableStack()
const { directory } = stack.use(await buildConsole())
const gateway = stack.use(await BrowserGateway.start('gw-1'))
for (let index = 0; index < symbols; index++)
  gateway.quote(`S${index}.SZ`, { name: `Company ${index}`, last: 1 + index / 100, prevClose: 1, turnover: index })
const balancer = stack.adopt(new SpokenBalancer(), (it) => it.close())
balancer.topology = largeTopology(300, nodes)
const url = await balancer.listen()
const server = await serveConsole({ host: '127.0.0.1', port: 0, gateways: [gateway.url], balancer: url, directory })
stack.defer(() => server.close())
const browser = stack.adopt(await launchChromium(), (context) => context.close())

console.log(`${nodes} nodes, ${symbols} symbols; the topology has ${Math.round(JSON.stringify(balancer.topology).length / 1024)} KiB`)
const firsts: number[] = []
const boards: number[] = []
for (let load = 0; load < LOADS; load++) {
  const page = await open('#installation')
  firsts.push(await sinceNavigation(page, '[data-box="node/gw-0"]'))
  await page.getByText(`all ${symbols.toLocaleString('en')} symbols`).waitFor({ timeout: SYMBOLS_TIMEOUT_MS })
  boards.push(await page.evaluate(() => performance.now()))
  await page.close()
}
tell('first picture', firsts, 'ms')
tell('all symbols there', boards, 'ms')

const page = await open('#installation')
await page.getByText(`all ${symbols.toLocaleString('en')} symbols`).waitFor({ timeout: SYMBOLS_TIMEOUT_MS })
const cdp = await browser.newCDPSession(page)
// What else the machine does is not counted: processor time of the main thread, not time on a clock.
await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
const still = await busyMs(cdp, page, REDRAWS, () => {})
let ageMs = 300
const moving = await busyMs(cdp, page, REDRAWS, () => {
  balancer.topology = largeTopology((ageMs += 100) % 5000, nodes)
})
console.log(`a topology that is as before: ${still.toFixed(1)} ms of the main thread; with every age changed: ${moving.toFixed(1)} ms`)
await page.locator('[data-box="node/gw-0"]').click()
const chosen = await busyMs(cdp, page, REDRAWS, () => {
  balancer.topology = largeTopology((ageMs += 100) % 5000, nodes)
})
console.log(`the same with the details of a node open: ${chosen.toFixed(1)} ms`)
await page.getByRole('combobox').fill('hk-1 gateway 12')
const typed = await page.evaluate(async () => {
  const input = document.querySelector('input')!
  const fromMs = performance.now()
  for (const text of ['h', 'hk', 'hk-', 'hk-1', 'S99', 'S999']) {
    input.value = text
    input.dispatchEvent(new InputEvent('input', { bubbles: true }))
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  }
  return (performance.now() - fromMs) / 6
})
console.log(`a letter in the search box until it is drawn: ${typed.toFixed(1)} ms`)
console.log(`memory after ${3 * REDRAWS} topologies: ${await memory(cdp)}`)

async function open(hash: string): Promise<Page> {
  const page = await browser.newPage()
  await page.addInitScript(() => {
    const seen = new Map<string, number>()
    Object.assign(window, { seen })
    new MutationObserver(() => {
      const selector = '[data-box="node/gw-0"]'
      if (!seen.has(selector) && document.querySelector(selector) !== null)
        // Drawn by the end of the frame that comes.
        requestAnimationFrame(() => setTimeout(() => seen.set(selector, performance.now())))
    }).observe(document, { childList: true, subtree: true })
  })
  await page.goto(`${server.url}${hash}`)
  return page
}

async function sinceNavigation(page: Page, selector: string): Promise<number> {
  const read = (wanted: string) => (window as unknown as { seen: Map<string, number> }).seen.get(wanted)
  await page.waitForFunction(read, selector)
  return (await page.evaluate(read, selector))!
}

/** Processor time of the main thread for one topology: scripts, styles, layout, by Chromium's own account. */
async function busyMs(cdp: CDPSession, page: Page, times: number, change: () => void): Promise<number> {
  const taskMs = async () => 1000 * (await metric(cdp, 'TaskDuration'))
  const told = balancer.asked
  const fromMs = await taskMs()
  let last = told
  while (balancer.asked < told + times) {
    if (balancer.asked > last) {
      last = balancer.asked
      change()
    }
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)))
  }
  return ((await taskMs()) - fromMs) / times
}

async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics')
  return metrics.find((one) => one.name === name)!.value
}

async function memory(cdp: CDPSession): Promise<string> {
  await cdp.send('HeapProfiler.collectGarbage')
  const heap = Math.round((await metric(cdp, 'JSHeapUsedSize')) / MIB)
  return `${heap} MiB of JavaScript, ${await metric(cdp, 'Nodes')} nodes of the document`
}

function tell(what: string, numbers: readonly number[], unit: string): void {
  const sorted = numbers.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!].map(Math.round)
  console.log(`${what}: ${median} ${unit} (${least} to ${most}, ${numbers.length} times)`)
}
