import type { SymbolState } from '../hub/index.ts'

/** How one link counts a symbol's records, against the gateway's own count. */
interface LinkCount {
  /** Records that the link has told of since it subscribed. */
  told: number
  /** Gateway's count minus the link's, once both were seen at the same position; NaN before. */
  base: number
}

/** A symbol at a gateway: which links have it, and which of them are believed to be complete. */
export class SymbolSource {
  readonly symbol: SymbolState
  /** Links (bits) that hold the symbol for us and whose images have arrived: their pulses cover it. */
  covered = 0
  /** Links that were asked and have answered, one way or the other. */
  answered = 0
  refused = 0
  refusal: { code: string; message: string } | null = null
  /** Somebody here subscribes by name, so links are asked by name. */
  named = false
  /** By when it is answered downstream, come what may; Infinity once it is. */
  answerByMs = Infinity
  /** Since when nobody here wants it; Infinity while somebody does. */
  idleSinceMs = Infinity
  readonly #counts: (LinkCount | undefined)[] = []

  constructor(symbol: SymbolState) {
    this.symbol = symbol
  }

  /**
   * How many records an update stands for downstream. Links count for themselves, and what one conflated the other may
   * have brought already; their counts differ by a constant, which shows whenever both are at the same position.
   */
  recordsIn(link: number, n: number): number {
    const count = (this.#counts[link] ??= { told: 0, base: NaN })
    count.told += n
    const total = Number.isNaN(count.base) ? this.symbol.count + Math.max(1, n) : count.told + count.base
    const records = Math.max(1, total - this.symbol.count)
    count.base = this.symbol.count + records - count.told
    return records
  }

  /** The link told of the very position that is held: now its count can be compared with ours. */
  align(link: number, n: number): void {
    const count = (this.#counts[link] ??= { told: 0, base: NaN })
    count.told += n
    count.base = this.symbol.count - count.told
  }

  /** The link told of something older. */
  passed(link: number, n: number): void {
    const count = (this.#counts[link] ??= { told: 0, base: NaN })
    count.told += n
  }

  /** The link is gone: it will count anew. */
  forget(link: number): void {
    this.#counts[link] = undefined
  }
}
