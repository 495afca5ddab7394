import type { PulsePoint } from '../hub/index.ts'

/**
 * Which pulses a gateway may pass on. A link's pulse speaks only for the symbols that this link has given us, so a
 * partition's pulse is passed on when, for every symbol of the feed, some link that covers it has told a pulse at least
 * as new. Symbols are counted by the set of links that cover them: there are as many sets as there are states of links,
 * not as there are symbols.
 */
export class FeedCoverage {
  /** Per mask of links, how many symbols exactly these cover. */
  readonly #counts = new Map<number, number>()
  /** Per link, its newest pulse per partition. */
  readonly #pulses: Map<number, PulsePoint>[] = []
  /** Per link, the partitions that it has; `null`: all. */
  readonly #carried: (readonly number[] | null)[] = []

  readonly #partitions: () => number

  /** @param partitions how many partitions the feed has. */
  constructor(partitions: () => number) {
    this.#partitions = partitions
  }

  /** A symbol moves from one set of links to another; −1 stands for no symbol. */
  move(from: number, to: number): void {
    if (from === to) return
    if (from >= 0) {
      const left = (this.#counts.get(from) ?? 0) - 1
      if (left > 0) this.#counts.set(from, left)
      else this.#counts.delete(from)
    }
    if (to >= 0) this.#counts.set(to, (this.#counts.get(to) ?? 0) + 1)
  }

  /** Whether no symbol is asked for. */
  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  setCarried(link: number, carried: readonly number[] | null): void {
    this.#carried[link] = carried
  }

  /** The link is gone; what it told is no longer vouched for. */
  forget(link: number): void {
    this.#pulses[link]?.clear()
  }

  /** Nothing is asked for any more: pulses cease, and the last ones say nothing about what is asked for later. */
  reset(): void {
    for (const pulses of this.#pulses) pulses?.clear()
  }

  /** Takes a link's pulse. @returns whether it is newer than the link's last. */
  accept(link: number, point: PulsePoint): boolean {
    const pulses = (this.#pulses[link] ??= new Map())
    const held = pulses.get(point.partition)
    if (held !== undefined && compare(point, held) <= 0) return false
    pulses.set(point.partition, point)
    return true
  }

  newestOf(link: number, partition: number): PulsePoint | undefined {
    return this.#pulses[link]?.get(partition)
  }

  /** The newest pulse of the partition that holds for every symbol; `undefined` when there is none. */
  claim(partition: number): PulsePoint | undefined {
    if (this.#counts.size === 0) return this.#newest(partition, -1)
    let claim: PulsePoint | undefined
    for (const mask of this.#counts.keys()) {
      const newest = this.#newest(partition, mask)
      if (newest === undefined) return undefined
      if (claim === undefined || compare(newest, claim) < 0) claim = newest
    }
    return claim
  }

  /** Whether these links together have every partition, so that what none of them knows does not exist. */
  isComplete(mask: number): boolean {
    const all = this.#partitions()
    const have = new Set<number>()
    for (let link = 0; mask >>> link !== 0; link++) {
      if ((mask & (1 << link)) === 0) continue
      const carried = this.#carried[link]
      if (carried === null || carried === undefined) return true
      // A node may be configured for more partitions than this feed has.
      for (const partition of carried) if (partition < all) have.add(partition)
    }
    return have.size >= all && all > 0
  }

  #newest(partition: number, mask: number): PulsePoint | undefined {
    let newest: PulsePoint | undefined
    for (let link = 0; link < this.#pulses.length; link++) {
      if ((mask & (1 << link)) === 0) continue
      const point = this.#pulses[link]?.get(partition)
      if (point !== undefined && (newest === undefined || compare(point, newest) > 0)) newest = point
    }
    return newest
  }
}

function compare(a: PulsePoint, b: PulsePoint): number {
  return a.generation !== b.generation ? a.generation - b.generation : a.offset - b.offset
}
