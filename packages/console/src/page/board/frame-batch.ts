/** Not more often than this, even where the screen draws faster: text that changes ten times a second is a blur already. */
const INTERVAL_MS = 100

/** Collects what changed and hands it out before the next drawn frame; a hidden page draws none and costs nothing. */
export class FrameBatch<Item> {
  #items = new Set<Item>()
  #lastMs = 0
  #waiting = false
  readonly #apply: (item: Item) => boolean

  /** @param apply returns whether the item is due again in the next frame. */
  constructor(apply: (item: Item) => boolean) {
    this.#apply = apply
  }

  add(item: Item): void {
    this.#items.add(item)
    if (this.#waiting) return
    this.#waiting = true
    const waitMs = this.#lastMs + INTERVAL_MS - performance.now()
    // A frame asked for is a frame drawn, so none is asked for before it is time.
    if (waitMs > 0) setTimeout(() => this.#ask(), waitMs)
    else this.#ask()
  }

  #ask(): void {
    requestAnimationFrame(() => this.#onFrame())
  }

  #onFrame(): void {
    this.#lastMs = performance.now()
    this.#waiting = false
    const items = this.#items
    this.#items = new Set()
    for (const item of items) if (this.#apply(item)) this.add(item)
  }
}
