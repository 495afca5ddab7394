import type { EntryBlock } from './entry-block.ts'
import type { PatternState } from './pattern-state.ts'
import type { Subscription } from './subscription.ts'
import type { SymbolState } from './symbol.ts'

/** What receives a symbol's updates: a session's side of the hub. */
export interface Subscriber {
  /** Something in the block may be new. Told once, until the subscriber has looked and taken `due` back. */
  due(block: EntryBlock): void
  /** The symbol of a waiting entry can be answered now. */
  ready(entry: Entry): void
  /** The symbol cannot be had. The entry is detached already. */
  refused(entry: Entry, code: string, message: string): void
  /** A symbol that this pattern subscription asked for appeared. */
  matched(subscription: Subscription, pattern: PatternState, symbol: SymbolState): void
  patternReady(subscription: Subscription, pattern: PatternState): void
  /** The pattern cannot be had any longer; it is still attached. */
  patternRefused(subscription: Subscription, pattern: PatternState, code: string, message: string): void
}

/** One symbol in one subscription of one session. */
export class Entry {
  readonly symbol: SymbolState
  /** The symbol's count that the receiver has been given; −1: nothing yet. */
  held = -1
  /** Whether the `subscribed` row was sent; nothing else is before. */
  answered = false
  readonly subscription: Subscription
  detached = false
  /** Whether its answer promised what waits to be sent. */
  promised = false
  /** Whether the next update has to carry the whole image, because the receiver has none to apply changes to. */
  whole = true
  readonly ref: number
  /** Position behind `held`, for `every` deliveries; else a newer one that the receiver holds from another sender. */
  heldPosition: string | null = null
  /** Whether its row counts in the digest. */
  inForce = false
  /** Index in the symbol's entries, so that leaving is cheap. */
  index = -1
  /** The block that it stands in, and where; `null` and −1 when it is detached. */
  block: EntryBlock | null = null
  slot = -1
  /** Whether the receiver asked for it by name, and which patterns brought it; a set for each would double the size of idle sessions. */
  named = false
  patterns: Set<string> | null = null

  constructor(subscription: Subscription, symbol: SymbolState, ref: number) {
    this.subscription = subscription
    this.symbol = symbol
    this.ref = ref
  }

  /** Whether its symbol has changed since the session looked at it. */
  get hasNews(): boolean {
    return this.block !== null && this.block.seen[this.slot] !== this.symbol.count
  }

  /** The session has looked at it, and given its receiver what is new. */
  looked(): void {
    this.block?.looked(this.slot)
  }
}
