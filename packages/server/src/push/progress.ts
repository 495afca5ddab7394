import type { PartitionRange } from '../log/index.ts'

interface PartitionProgress {
  /** Next offset to be read; −1 before reading began. */
  next: number
  /** The partition is read in once it has been read up to here. */
  until: number
}

/** How far a topic's partitions have been read, of those that are read. */
export class Progress {
  readonly #partitions = new Map<number, PartitionProgress>()

  get size(): number {
    return this.#partitions.size
  }

  get partitions(): Iterable<number> {
    return this.#partitions.keys()
  }

  has(partition: number): boolean {
    return this.#partitions.has(partition)
  }

  /** From now on the partition is read, as far at least as it reaches now. One that is read already stays as it is. */
  expect({ partition, earliest, latest }: PartitionRange): void {
    if (!this.has(partition)) this.#partitions.set(partition, { next: -1, until: latest > earliest ? latest : 0 })
  }

  /** A partition that is followed from its end needs no reading in. */
  expectNothing(partition: number): void {
    this.#partitions.set(partition, { next: -1, until: 0 })
  }

  forget(partition: number): void {
    this.#partitions.delete(partition)
  }

  /** Next offset to be read; −1 before reading began. */
  next(partition: number): number {
    return this.#partitions.get(partition)?.next ?? -1
  }

  /** @returns whether the partition is read in by this, and was not before. */
  advance(partition: number, next: number): boolean {
    const progress = this.#partitions.get(partition)
    if (progress === undefined) return false
    const isDone = progress.next < progress.until && next >= progress.until
    progress.next = next
    return isDone
  }

  /** Those that are read in, in order. */
  readIn(): number[] {
    return [...this.#partitions].flatMap(([partition, { next, until }]) => (next >= until ? [partition] : [])).sort((a, b) => a - b)
  }

  /** Each is read in again when it has been read up to where it reaches now. */
  raise(ranges: readonly PartitionRange[]): void {
    for (const { partition, latest } of ranges) {
      const progress = this.#partitions.get(partition)
      if (progress !== undefined && progress.next >= 0) progress.until = Math.max(progress.until, latest)
    }
  }
}
