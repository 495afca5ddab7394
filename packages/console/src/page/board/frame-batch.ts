/** Not more often than this, even where the screen draws faster: text that changes 20 times a second is a blur already. */
const INTERVAL_MS = 50

/** Collects what changed and hands it out before the next drawn frame; a hidden page draws none and costs nothing. */
export class FrameBatch<Item> {
  #items = new Set<Item>()
  #lastMs = 0
  #waiting = false
  readonly #apply: (item: Item) => void

  constructor(apply: (item: Item) => void) {
    this.#apply = apply
  }

  add(item: Item): void {
    this.#items.add(item)
    if (this.#waiting) return
    this.#waiting = true
    requestAnimationFrame((atMs) => this.#onFrame(atMs))
  }

  #onFrame(atMs: number): void {
    if (atMs - this.#lastMs < INTERVAL_MS) {
      requestAnimationFrame((nextMs) => this.#onFrame(nextMs))
      return
    }
    this.#lastMs = atMs
    this.#waiting = false
    const items = this.#items
    this.#items = new Set()
    for (const item of items) this.#apply(item)
  }
}
