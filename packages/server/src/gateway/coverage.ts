import type { Feed, PulsePoint } from '../hub/index.ts'

/** Of a symbol whose partition is not known, and of a pattern: it may have records in any. */
export const ANY_PARTITION = -1

/**
 * Which pulses a gateway may pass on. A link's pulse speaks only for what this link has given us, so a partition's pulse
 * is passed on when, for every symbol that may have records there, some link that covers it has told a pulse at least as
 * new. Symbols are counted by partition and by the set of links that cover them: there are as many sets as there are
 * states of links, not as there are symbols. A pattern counts as a symbol does, for those that are still to appear.
 */
export class FeedCoverage {
  /** Per partition and per mask of links, how many symbols exactly these cover. */
  readonly #counts = new Map<number, Map<number, number>>()
  /** Per link, its newest pulse per partition. */
  readonly #pulses: Map<number, PulsePoint>[] = []
  /** Per link, the partitions that it has; `null`: all. */
  readonly #carried: (readonly number[] | null)[] = []

  readonly #partitions: () => number

  /** @param partitions how many partitions the feed has. */
  constructor(partitions: () => number) {
    this.#partitions = partitions
  }

  /** One more that exactly these links cover. */
  add(partition: number, mask: number): void {
    let masks = this.#counts.get(partition)
    if (masks === undefined) this.#counts.set(partition, (masks = new Map()))
    masks.set(mask, (masks.get(mask) ?? 0) + 1)
  }

  /** One that was added is gone, or is covered by others now. */
  remove(partition: number, mask: number): void {
    const masks = this.#counts.get(partition)
    if (masks === undefined) return
    const left = (masks.get(mask) ?? 0) - 1
    if (left > 0) masks.set(mask, left)
    else masks.delete(mask)
    if (masks.size === 0) this.#counts.delete(partition)
  }

  setCarried(link: number, carried: readonly number[] | null): void {
    this.#carried[link] = carried
  }

  /** Whether the link has the partition, as far as it has said. */
  carries(link: number, partition: number): boolean {
    return this.#carried[link]?.includes(partition) ?? true
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
    let claim = this.#newest(partition, -1)
    for (const counted of [partition, ANY_PARTITION]) {
      for (const mask of this.#counts.get(counted)?.keys() ?? []) {
        const newest = this.#newest(partition, mask)
        if (newest === undefined || claim === undefined) return undefined
        if (compare(newest, claim) < 0) claim = newest
      }
    }
    return claim
  }

  /** Whether these links have told pulses at least as new as those that were passed on: a link may lag behind others. */
  reaches(mask: number, partition: number, passed: Feed['freshness']): boolean {
    for (const { partition: judged, point } of passed.partitions) {
      if (point === null || (partition !== ANY_PARTITION && partition !== judged)) continue
      const newest = this.#newest(judged, mask)
      if (newest === undefined || compare(newest, point) < 0) return false
    }
    return true
  }

  /** When the newest pulses of these links were written, of the partition where they are oldest; `-Infinity`: of one there is none. */
  writtenAtMs(mask: number, partition: number): number {
    if (partition !== ANY_PARTITION) return this.#newest(partition, mask)?.writtenAtMs ?? -Infinity
    const all = this.#partitions()
    let oldestMs = all === 0 ? -Infinity : Infinity
    for (let each = 0; each < all; each++) oldestMs = Math.min(oldestMs, this.#newest(each, mask)?.writtenAtMs ?? -Infinity)
    return oldestMs
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
      if (point !== undefined && (newest === undefined || isBetter(point, newest))) newest = point
    }
    return newest
  }
}

/** Whether it is newer, or the same pulse, and younger by what this link says of it. */
function isBetter(point: PulsePoint, other: PulsePoint): boolean {
  const order = compare(point, other)
  return order > 0 || (order === 0 && point.writtenAtMs > other.writtenAtMs)
}

function compare(a: PulsePoint, b: PulsePoint): number {
  return a.generation !== b.generation ? a.generation - b.generation : a.offset - b.offset
}
