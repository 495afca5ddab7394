/** How one ref of a link counts a symbol's records, against the gateway's own count. */
interface RefCount {
  /** Records that were told of under the ref. */
  told: number
  /** Gateway's count minus the ref's, once both were seen at the same position; NaN before. */
  base: number
}

/**
 * How many records an update of this link stands for downstream. Links count for themselves, each under every ref that
 * it has for a symbol, and what one conflated another may have brought already; their counts differ by a constant, which
 * shows whenever both are at the same position.
 */
export class RecordCounts {
  readonly #refs: (RefCount | undefined)[] = []

  /** An update is taken that stands for `n` records under the ref; `count` is the gateway's so far. */
  taken(ref: number, n: number, count: number): number {
    const own = this.#of(ref)
    own.told += n
    // Not yet comparable: of what the link conflated some may have been counted already, but this one was not.
    const records = Number.isNaN(own.base) ? 1 : Math.max(1, own.told + own.base - count)
    own.base = count + records - own.told
    return records
  }

  /** The ref told of the very position that is held: now its count can be compared with ours. */
  align(ref: number, n: number, count: number): void {
    const own = this.#of(ref)
    own.told += n
    own.base = count - own.told
  }

  /** The ref told of something older. */
  passed(ref: number, n: number): void {
    this.#of(ref).told += n
  }

  /** The ref begins anew, or is gone. */
  forget(ref: number): void {
    this.#refs[ref] = undefined
  }

  #of(ref: number): RefCount {
    return (this.#refs[ref] ??= { told: 0, base: NaN })
  }
}
