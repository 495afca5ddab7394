/** How one ref of a link counts a symbol's records, against the gateway's own count. */
interface RefCount {
  /** Records that were told of under the ref. */
  told: number
  /** Gateway's count minus the ref's, once both were seen at the same position. */
  base: number
  /** The lineage of the gateway's count that `base` belongs to; −1 before it is known. */
  lineage: number
}

/** A symbol's count at the gateway: it begins a new lineage where it stepped over records whose number nobody told. */
export interface CountLineage {
  lineage: number
}

/**
 * How many records an update of this link stands for downstream. Links count for themselves, each under every ref that
 * it has for a symbol, and what one conflated another may have brought already; their counts differ by a constant, which
 * shows whenever both are at the same position, and holds until a link brings a position without saying how many records
 * lie before it.
 */
export class RecordCounts {
  readonly #refs: (RefCount | undefined)[] = []

  /** An update is taken that stands for `n` records under the ref; `count` is the gateway's so far. */
  taken(ref: number, n: number, count: number, symbol: CountLineage): number {
    const own = this.#of(ref)
    own.told += n
    let records = own.lineage === symbol.lineage ? own.told + own.base - count : 0
    if (records < 1) {
      // Not comparable: of what the link conflated some may have been counted already, but this one was not.
      records = 1
      symbol.lineage++
    }
    this.#compare(own, count + records, symbol)
    return records
  }

  /** The ref told of the very position that is held: now its count can be compared with ours. */
  align(ref: number, n: number, count: number, symbol: CountLineage): void {
    const own = this.#of(ref)
    own.told += n
    this.#compare(own, count, symbol)
  }

  /** The ref told of something older. */
  passed(ref: number, n: number): void {
    this.#of(ref).told += n
  }

  /** The ref begins anew, or is gone. */
  forget(ref: number): void {
    this.#refs[ref] = undefined
  }

  #compare(own: RefCount, count: number, symbol: CountLineage): void {
    own.base = count - own.told
    own.lineage = symbol.lineage
  }

  #of(ref: number): RefCount {
    return (this.#refs[ref] ??= { told: 0, base: 0, lineage: -1 })
  }
}
