import type { Subscription } from './subscription.ts'
import type { SymbolState } from './symbol.ts'

/** What receives a symbol's updates: a session's side of the hub. */
export interface Subscriber {
  /** The entry has something to send that it had not before. */
  due(entry: Entry): void
  /** The symbol of a waiting entry can be answered now. */
  ready(entry: Entry): void
  /** The symbol cannot be had. The entry is detached already. */
  refused(entry: Entry, code: string, message: string): void
}

/** One symbol in one subscription of one session. */
export class Entry {
  readonly subscription: Subscription
  readonly symbol: SymbolState
  readonly ref: number
  /** The symbol's count that the receiver holds; −1: a snapshot is due. */
  held = -1
  /** Whether the `subscribed` row was sent; nothing else is before. */
  answered = false
  /** Whether it stands in the session's queue of what is due, or in a rate lane. */
  queued = false
  /** Whether the image that the receiver holds already is to be skipped on the first send. */
  detached = false
  /** Index in the symbol's entries, so that leaving is cheap. */
  index = -1
  /** Index in the session's table of refs is `ref` itself; who asked for it, by name or by which patterns. */
  named = false
  readonly patterns = new Set<string>()

  constructor(subscription: Subscription, symbol: SymbolState, ref: number) {
    this.subscription = subscription
    this.symbol = symbol
    this.ref = ref
  }
}
