import type { PartitionRange } from '../log/index.ts'

interface PartitionProgress {
  /** Next offset to be read; −1 before reading began. */
  next: number
  /** The partition is read in once it has been read up to here. */
  until: number
  /** Reading has stopped here for a while: for now it is read in. */
  isHeld: boolean
  /** Where the partition ended when its last batch was fetched. */
  end: number
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
    if (!this.has(partition))
      this.#partitions.set(partition, { next: -1, until: latest > earliest ? latest : 0, isHeld: false, end: latest })
  }

  /** A partition that is followed from its end needs no reading in. */
  expectNothing(partition: number): void {
    this.#partitions.set(partition, { next: -1, until: 0, isHeld: false, end: 0 })
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

  /** A batch says where the partition ended when it was fetched. */
  ends(partition: number, end: number): void {
    const progress = this.#partitions.get(partition)
    if (progress !== undefined) progress.end = end
  }

  /** Offsets between what was read and where partitions ended by their last batch, of all that are being read. */
  get lag(): number {
    let lag = 0
    for (const { next, end } of this.#partitions.values()) if (next >= 0) lag += Math.max(0, end - next)
    return lag
  }

  /** Reading stops at this offset until it is let on. */
  hold(partition: number, next: number): void {
    const progress = this.#partitions.get(partition)
    if (progress === undefined) return
    progress.next = next
    progress.isHeld = true
  }

  isHeld(partition: number): boolean {
    return this.#partitions.get(partition)?.isHeld === true
  }

  get heldCount(): number {
    let count = 0
    for (const { isHeld } of this.#partitions.values()) if (isHeld) count++
    return count
  }

  /** @returns the partitions that were held, which are read on now. */
  letOn(): number[] {
    const held: number[] = []
    for (const [partition, progress] of this.#partitions) {
      if (progress.isHeld) held.push(partition)
      progress.isHeld = false
    }
    return held
  }

  /** Those that are read in, in order. */
  readIn(): number[] {
    return [...this.#partitions]
      .flatMap(([partition, { next, until, isHeld }]) => (isHeld || next >= until ? [partition] : []))
      .sort((a, b) => a - b)
  }

  /** Each is read in again when it has been read up to where it reaches now. */
  raise(ranges: readonly PartitionRange[]): void {
    for (const { partition, latest } of ranges) {
      const progress = this.#partitions.get(partition)
      if (progress !== undefined && progress.next >= 0) progress.until = Math.max(progress.until, latest)
    }
  }
}
