/** The quote board as a user sees it, for tests against any server of it. */
import assert from 'node:assert/strict'
import type { Locator, Page } from 'playwright-core'

/** Long enough for a machine that does ten other things; every wait ends with the event itself. */
const WAIT_MS = 20_000

/** What Chromium says of a connection that was refused: of a WebSocket, of an HTTP stream. */
const REFUSED = /^WebSocket connection to|^Failed to load resource: (net::|the server responded with a status of 503)/

/** One open page, with what a user would look for in it. */
export class BoardPage {
  readonly page: Page
  /** What went wrong in the page: exceptions, refused by its policy, requests that failed. */
  readonly complaints: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(WAIT_MS)
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)))
    page.on('console', (message) => {
      // Chromium reports every connection that a gateway refuses, and tests make it refuse some.
      if (message.type() === 'error' && !REFUSED.test(message.text())) this.complaints.push(message.text())
    })
  }

  static async open(page: Page, url: string): Promise<BoardPage> {
    const board = new BoardPage(page)
    await page.goto(url)
    return board
  }

  get grid(): Locator {
    return this.page.getByRole('grid', { name: 'Quotes' })
  }

  get search(): Locator {
    return this.page.getByRole('searchbox')
  }

  get banner(): Locator {
    return this.page.getByRole('alert')
  }

  /** All rows that exist in the document, from top to bottom. */
  get rows(): Locator {
    return this.grid.locator('.body [role=row]')
  }

  row(symbol: string): Locator {
    return this.page.locator(`[id="row-${symbol}"]`)
  }

  cell(symbol: string, column: string): Locator {
    return this.row(symbol).locator(`.cell.${column}`)
  }

  details(symbol: string): Locator {
    return this.page.getByRole('complementary', { name: `Details of ${symbol}` })
  }

  /** The symbols in sight, by their place on the screen. */
  async order(): Promise<string[]> {
    const places = await this.rows.evaluateAll((rows) =>
      rows.map((row) => [Number(row.getAttribute('aria-rowindex')), row.id.replace('row-', '')] as const),
    )
    return places.sort(([a], [b]) => a - b).map(([, symbol]) => symbol)
  }

  /** Waits until the text of an element is, or matches, what is expected. */
  async sees(locator: Locator, expected: string | RegExp): Promise<void> {
    const pattern = typeof expected === 'string' ? undefined : expected
    await this.until(
      async () => {
        const text =
          (
            await locator
              .first()
              .textContent({ timeout: 1_000 })
              .catch(() => null)
          )?.trim() ?? null
        return text !== null && (pattern === undefined ? text === expected : pattern.test(text))
      },
      async () =>
        `${expected}, but there is ${await locator
          .first()
          .textContent({ timeout: 1_000 })
          .catch(() => 'nothing')}`,
    )
  }

  async seesGone(locator: Locator): Promise<void> {
    await locator.first().waitFor({ state: 'hidden' })
  }

  /** Looks again at every drawn frame until it holds. */
  async until(holds: () => Promise<boolean>, expected: () => Promise<string> | string): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS
    while (!(await holds())) {
      if (performance.now() > deadlineMs) assert.fail(`expected ${await expected()}`)
      await this.page.evaluate(() => new Promise(requestAnimationFrame))
    }
  }

  /** Pixels of a chart in the colour of its line, that of a rise or a fall; axes and grid have others. */
  linePixels(canvas: Locator): Promise<number> {
    return canvas.evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement
      const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
      const colours = ['.rise-switch .up', '.rise-switch .down'].map((selector) => {
        const { color } = getComputedStyle(document.querySelector(selector)!)
        return color.match(/\d+/g)!.map(Number)
      })
      let pixels = 0
      for (let at = 0; at < data.length; at += 4) {
        const isLine = colours.some((colour) => colour.every((channel, index) => Math.abs(channel - data[at + index]!) < 30))
        if (data[at + 3]! > 200 && isLine) pixels++
      }
      return pixels
    })
  }

  colour(locator: Locator): Promise<string> {
    return locator.first().evaluate((element) => getComputedStyle(element).color)
  }
}

/**
 * What must hold for any healthy system behind a board: quotes appear and move, the way of the data is shown, the chart
 * is drawn, search narrows, colours switch. Changes nothing but the page.
 */
export async function assertBoardIsAlive(board: BoardPage): Promise<void> {
  const { page } = board
  await board.rows.first().waitFor()
  await board.sees(page.locator('.connection'), /^connected to \S+/)
  await board.sees(board.rows.first().locator('.state'), 'live')
  await board.sees(page.locator('.chain li').first(), 'log')
  await board.sees(page.locator('.chain li').last(), /ms\s*you$/)
  const [busiest] = await board.order()
  const volume = board.cell(busiest!, 'volume')
  const before = await volume.textContent()
  await board.until(
    async () => (await volume.textContent()) !== before,
    () => `the volume of ${busiest} to move on from ${before}`,
  )
  // The board shows the details of what was on top when it first had rows, which need not be the busiest once all are there.
  const canvas = page.getByRole('complementary', { name: /^Details of / }).locator('.price-chart canvas')
  await board.until(
    async () => (await board.linePixels(canvas)) > 10,
    () => 'a chart that is drawn',
  )
  const green = await board.colour(page.locator('.rise-switch .up'))
  await page.getByRole('button', { name: /^Colours/ }).click()
  assert.notEqual(await board.colour(page.locator('.rise-switch .up')), green)
  await board.search.fill(busiest!)
  await board.until(
    async () => (await board.rows.count()) === 1,
    () => `only ${busiest}`,
  )
  assert.deepEqual(board.complaints, [])
}
