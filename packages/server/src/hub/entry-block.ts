import type { Entry, Subscriber } from './entry.ts'
import type { SymbolState } from './symbol.ts'

/** What is looked through in vain for a single update, at most. */
export const BLOCK_ENTRIES_MAX = 64
/** No count of a symbol: it has not been looked at. */
const NEVER = -1

/**
 * Some entries of one subscription, which are looked through together: an update only marks the block of each of its
 * entries, and the session finds out what is new in it when it flushes. A busy session's block is marked already for
 * nearly every update, so that fanning out costs a look at one flag per receiver; and what is looked through lies side by
 * side in memory (docs/decisions/0020-a-flush-finds-out-what-is-new.md).
 */
export class EntryBlock {
  readonly subscriber: Subscriber
  /** Whether the subscriber was told that something in it may be new, and has not looked yet. */
  due = false
  readonly isRated: boolean
  readonly entries: Entry[] = []
  /**
   * Of each entry its symbol, and the symbol's count when the session last looked at it: any other means that there is
   * something to look at. They stand here and not in the entries, because a flush finds news in a few of many, and the
   * entries of all sessions are too many to be near.
   */
  readonly symbols: SymbolState[] = []
  readonly seen: number[] = []
  /** Where looking goes on, when it had to end half-way: nothing behind waits for ever because what stands before changes always. */
  next = 0
  /** How many entries, from `next` on, are still to be looked at before a pulse that waits may go; −1: none waits for it. */
  owed = -1
  /** Index in its rate lane, so that leaving is cheap. */
  laneIndex = -1

  constructor(subscriber: Subscriber, isRated: boolean) {
    this.subscriber = subscriber
    this.isRated = isRated
  }

  /** Something in it may be new. */
  mark(): void {
    if (this.due) return
    this.due = true
    this.subscriber.due(this)
  }

  /** Other entries stand in it, or elsewhere than before: whoever waits until all were looked at waits for another round. */
  changed(): void {
    if (this.owed >= 0) this.owed = this.entries.length
  }

  hasNews(): boolean {
    const { entries, symbols, seen } = this
    for (let at = 0; at < entries.length; at++) if (seen[at] !== symbols[at]!.count && entries[at]!.answered) return true
    return false
  }

  /** The session has looked at this entry, and given its receiver what is new. */
  looked(at: number): void {
    this.seen[at] = this.symbols[at]!.count
  }
}

/** The blocks of one subscription. */
export class EntryBlocks {
  readonly #subscriber: Subscriber
  readonly #isRated: boolean
  readonly #blocks: EntryBlock[] = []

  constructor(subscriber: Subscriber, isRated: boolean) {
    this.#subscriber = subscriber
    this.#isRated = isRated
  }

  /** Finds a place for the entry. */
  add(entry: Entry): EntryBlock {
    let block = this.#blocks.findLast(({ entries }) => entries.length < BLOCK_ENTRIES_MAX)
    if (block === undefined) {
      block = new EntryBlock(this.#subscriber, this.#isRated)
      this.#blocks.push(block)
    }
    entry.block = block
    entry.slot = block.entries.push(entry) - 1
    block.symbols.push(entry.symbol)
    block.seen.push(NEVER)
    block.changed()
    return block
  }

  remove(entry: Entry): EntryBlock {
    const block = entry.block!
    const { slot } = entry
    const last = block.entries.pop()!
    const lastSymbol = block.symbols.pop()!
    const lastSeen = block.seen.pop()!
    if (last !== entry) {
      block.entries[slot] = last
      block.symbols[slot] = lastSymbol
      block.seen[slot] = lastSeen
      last.slot = slot
    }
    entry.block = null
    entry.slot = -1
    block.changed()
    if (block.entries.length === 0) this.#blocks.splice(this.#blocks.indexOf(block), 1)
    return block
  }
}
