import type { Entry, EntryBlock } from '../hub/index.ts'
import type { Composer } from './composer.ts'
import { writeEntry } from './write-entry.ts'

/**
 * What is due to one receiver: images that answers promised, then blocks of entries in which something may be new, in the
 * order in which they became so. Each stands here once, so the number of subscriptions bounds it, however many updates
 * come; and only while something is written is it seen what they are.
 */
export class DueQueue {
  readonly #promised: Entry[] = []
  readonly #blocks: EntryBlock[] = []
  /** How many blocks are still to be written before a pulse that waits may go. */
  #owed = 0

  get isEmpty(): boolean {
    return this.#blocks.length === 0 && this.#promised.length === 0
  }

  /** Entries that are looked at before the queue is empty. */
  get entries(): number {
    return this.#blocks.reduce((sum, { entries }) => sum + entries.length, this.#promised.length)
  }

  /** From here on it is watched when all that is due now has been written: by then there may be more, on a thin line always. */
  beginRound(): void {
    for (const block of this.#blocks) block.owed = block.entries.length
    this.#owed = this.#blocks.length
  }

  /** Whether all that was due when the round began has been written, and what was promised since as well. */
  get isRoundOver(): boolean {
    return this.#owed === 0 && this.#promised.length === 0
  }

  /** The block was marked as due, and was not before. */
  push(block: EntryBlock): void {
    this.#blocks.push(block)
  }

  /** The entry's image, or what its receiver missed, is due now, whatever its rate. */
  promise(entry: Entry): void {
    if (entry.promised) return
    entry.promised = true
    this.#promised.push(entry)
  }

  /** Writes what is due, until nothing is or the message has reached this size. */
  write(composer: Composer, bytesMax: number): void {
    if (this.#promised.length > 0) this.#writePromised(composer, bytesMax)
    const blocks = this.#blocks
    let taken = 0
    while (taken < blocks.length && composer.size < bytesMax) {
      const block = blocks[taken++]!
      const isOwed = block.owed >= 0
      block.due = writeBlock(composer, block, bytesMax)
      if (isOwed && block.owed < 0) this.#owed--
      if (block.due) blocks.push(block)
    }
    cut(blocks, taken)
  }

  clear(): void {
    for (const entry of this.#promised) entry.promised = false
    for (const block of this.#blocks) {
      block.due = false
      block.owed = -1
    }
    this.#promised.length = 0
    this.#blocks.length = 0
    this.#owed = 0
  }

  #writePromised(composer: Composer, bytesMax: number): void {
    const promised = this.#promised
    let taken = 0
    while (taken < promised.length && composer.size < bytesMax) {
      const entry = promised[taken++]!
      entry.promised = writeDue(composer, entry, bytesMax)
      if (entry.promised) promised.push(entry)
    }
    cut(promised, taken)
  }
}

/** @returns whether more of it is due, because the message is as large as it may be. */
function writeBlock(composer: Composer, block: EntryBlock, bytesMax: number): boolean {
  const { entries, symbols, seen } = block
  const { length } = entries
  const first = block.next < length ? block.next : 0
  for (let i = 0; i < length; i++) {
    const at = first + i < length ? first + i : first + i - length
    if (seen[at] === symbols[at]!.count) continue
    const entry = entries[at]!
    if (!entry.answered) continue
    // Where there was no room it goes on with this entry, where one alone takes all the room, with the next.
    const isFull = composer.size >= bytesMax
    const hasMore = !isFull && writeDue(composer, entry, bytesMax)
    if (!isFull && !hasMore) continue
    block.next = isFull ? at : at + 1
    if (block.owed >= 0) block.owed = stillOwed(block.owed, i, length, hasMore)
    return true
  }
  block.next = 0
  block.owed = -1
  return false
}

/** Of an entry that has more, all was not written that is waited for: another round has to bring it. @param looked how many were looked at. */
function stillOwed(owed: number, looked: number, length: number, hasMore: boolean): number {
  if (hasMore) return length
  return looked >= owed ? -1 : owed - looked
}

/** @returns whether more of it is due. */
function writeDue(composer: Composer, entry: Entry, bytesMax: number): boolean {
  if (writeEntry(composer, entry, bytesMax)) return true
  entry.looked()
  return false
}

function cut(queue: unknown[], taken: number): void {
  if (taken === queue.length) queue.length = 0
  else if (taken > 0) queue.splice(0, taken)
}
