/** Events per second over the last few seconds. */
export class RateMeter {
  readonly #marks: { atMs: number; total: number }[] = []
  readonly #windowMs: number
  #total = 0

  /** @param windowMs how far back it looks. */
  constructor(windowMs = 3_000) {
    this.#windowMs = windowMs
  }

  add(count: number): void {
    this.#total += count
  }

  /** Call it regularly: each call is a mark that later ones look back to. */
  perSecond(nowMs: number): number {
    this.#marks.push({ atMs: nowMs, total: this.#total })
    while (this.#marks.length > 2 && this.#marks[1]!.atMs <= nowMs - this.#windowMs) this.#marks.shift()
    const oldest = this.#marks[0]!
    return nowMs > oldest.atMs ? ((this.#total - oldest.total) * 1_000) / (nowMs - oldest.atMs) : 0
  }
}
