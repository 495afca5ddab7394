import type { PulsewireError } from '../errors.ts'
import { endedState, PENDING, sameState, type StateName, type SymbolState } from '../freshness/state.ts'
import { readersFor } from '../parts.ts'
import type { Entry } from './entry.ts'
import { names, type EndedEvent, type ResumeEvent, type SubscriptionHandlers } from './options.ts'
import type { Readers } from './readers.ts'
import { Update, type Gap } from './update.ts'
import { SymbolView, type ViewSource } from './view.ts'
import type { Wire } from './wire.ts'

/** A subscription: iterate it for updates, ask it for states, change its symbols. */
export interface Subscription extends AsyncIterable<Update> {
  readonly feed: string
  /** The worst state of its symbols, judged at the time of reading. Ended symbols count only when all have ended. */
  readonly state: SymbolState
  /** One view per symbol, those that patterns and groups brought included. */
  readonly symbols: Iterable<SymbolView>
  readonly size: number
  /**
   * How late the feed is shown, in ms, by the word of the gateway that serves, or served last: 0 for one that is not
   * delayed, undefined before anybody said.
   */
  readonly delayMs: number | undefined
  get(symbol: string): SymbolView | undefined
  /** Subscribes to more symbols. One that has ended is asked for again. */
  add(symbols: Iterable<string>): void
  remove(symbols: Iterable<string>): void
  /** Ends the subscription and its iterators. Idempotent. */
  close(): void
  [Symbol.dispose](): void
}

/** What a subscription asks of its registry. */
export interface SubscriptionOwner extends ViewSource {
  addSymbols(subscription: LocalSubscription, symbols: readonly string[]): void
  removeSymbols(subscription: LocalSubscription, symbols: readonly string[]): void
  closeSubscription(subscription: LocalSubscription): void
  /** State of a subscription that has no symbols (yet). */
  stateWithoutSymbols(subscription: LocalSubscription): SymbolState
  delayMs(feed: string): number | undefined
  /** Runs a callback of the application; what it throws is reported, not thrown. */
  guard(callback: () => void): void
}

export class LocalSubscription implements Subscription {
  readonly wire: Wire
  /** Symbols in view, those that have ended too. */
  readonly entries = new Map<string, Entry>()
  readonly #owner: SubscriptionOwner
  readonly #handlers: SubscriptionHandlers
  readonly #readers: Pick<Readers, keyof Readers>
  readonly #counts: Record<StateName, number> = { pending: 0, live: 0, stale: 0, ended: 0 }
  /** Entries whose state changed since the last `tellState`. */
  #changed = new Set<Entry>()
  #told: SymbolState = PENDING
  #closed: SymbolState | undefined

  constructor(wire: Wire, owner: SubscriptionOwner, handlers: SubscriptionHandlers, queueMax: number) {
    this.wire = wire
    this.#owner = owner
    this.#handlers = handlers
    this.#readers = readersFor(queueMax)
  }

  get feed(): string {
    return this.wire.feed
  }

  get state(): SymbolState {
    this.#owner.settle()
    return this.#judge()
  }

  get symbols(): Iterable<SymbolView> {
    return this.#views()
  }

  get size(): number {
    return this.entries.size
  }

  get delayMs(): number | undefined {
    return this.#owner.delayMs(this.feed)
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  get(symbol: string): SymbolView | undefined {
    const entry = this.entries.get(symbol)
    return entry === undefined ? undefined : new SymbolView(entry, this.#owner)
  }

  add(symbols: Iterable<string>): void {
    const list = names(symbols, 'symbols')
    if (this.#closed === undefined) this.#owner.addSymbols(this, list)
  }

  remove(symbols: Iterable<string>): void {
    const list = names(symbols, 'symbols')
    if (this.#closed === undefined) this.#owner.removeSymbols(this, list)
  }

  close(): void {
    if (this.#closed === undefined) this.#owner.closeSubscription(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Updates from now on; images that are held already come first, as snapshots. Bounded: see `queueMax`.
   * Ends when the subscription is closed; throws when all of it was ended by the server or the client gave up.
   */
  [Symbol.asyncIterator](): AsyncIterator<Update, undefined> {
    return this.#readers.open(this.closed ? null : this.#heldUpdates())
  }

  // What follows is for the registry.

  attach(entry: Entry): void {
    if (this.entries.has(entry.symbol)) return
    this.entries.set(entry.symbol, entry)
    entry.subscribers = [...entry.subscribers, this]
    this.#counts[entry.reported.state]++
    this.#changed.add(entry)
  }

  detach(entry: Entry): void {
    if (!this.entries.delete(entry.symbol)) return
    entry.subscribers = entry.subscribers.filter((each) => each !== this)
    this.#counts[entry.reported.state]--
    this.#changed.delete(entry)
  }

  /** The entry's state is about to become `next`. */
  count(entry: Entry, next: SymbolState): void {
    this.#counts[entry.reported.state]--
    this.#counts[next.state]++
    this.#changed.add(entry)
  }

  deliver(update: Update, every: boolean): void {
    this.#readers.push(update, every)
    if (this.#handlers.onUpdate !== undefined) this.#owner.guard(() => this.#handlers.onUpdate?.(update))
  }

  /** Gives a latecomer the image that others already have. */
  deliverHeld(entry: Entry): void {
    if (this.entries.get(entry.symbol) === entry && entry.latest !== null) this.deliver(heldUpdate(entry), false)
  }

  tellState(): void {
    const state = this.#judge()
    const previous = this.#told
    if (this.#changed.size === 0 && sameState(state, previous)) return
    const symbols = [...this.#changed].map((entry) => entry.symbol)
    this.#changed = new Set()
    this.#told = state
    if (this.#handlers.onState !== undefined) this.#owner.guard(() => this.#handlers.onState?.(state, { previous, symbols }))
  }

  /** @param wasOpenName it was a pattern or group. */
  tellEnded(event: EndedEvent, wasOpenName: boolean): void {
    if (this.#handlers.onEnded !== undefined) this.#owner.guard(() => this.#handlers.onEnded?.(event))
    const isOver = this.size > 0 ? this.#counts.ended === this.size : wasOpenName
    if (isOver && !this.wire.open) this.#readers.over(event)
  }

  tellGap(gap: Gap): void {
    if (this.#handlers.onGap !== undefined) this.#owner.guard(() => this.#handlers.onGap?.(gap))
  }

  tellResume(event: ResumeEvent): void {
    if (this.#handlers.onResume !== undefined) this.#owner.guard(() => this.#handlers.onResume?.(event))
  }

  endQueues(error: PulsewireError | undefined): void {
    this.#readers.end(error)
  }

  /** The last state there is. */
  finish(code: string, message: string, nowMs: number, error?: PulsewireError): void {
    this.#closed = endedState(code, message, nowMs)
    this.endQueues(error)
    this.tellState()
  }

  #judge(): SymbolState {
    if (this.#closed !== undefined) return this.#closed
    const counts = this.#counts
    if (this.entries.size === 0) return this.#owner.stateWithoutSymbols(this)
    const worst: StateName = counts.stale > 0 ? 'stale' : counts.pending > 0 ? 'pending' : counts.live > 0 ? 'live' : 'ended'
    // Most often nothing changed since it was told.
    if (this.#changed.size === 0 && this.#told.state === worst) return this.#told
    for (const entry of this.entries.values()) if (entry.reported.state === worst) return entry.reported
    return PENDING
  }

  *#heldUpdates(): Iterable<Update> {
    for (const entry of this.entries.values()) if (entry.latest !== null) yield heldUpdate(entry)
  }

  *#views(): Iterable<SymbolView> {
    for (const entry of this.entries.values()) yield new SymbolView(entry, this.#owner)
  }
}

/** The held image as an update: a snapshot that stands for no record. */
function heldUpdate(entry: Entry): Update {
  const parts = Update.partsOf(entry.latest!)
  return new Update({
    ...parts,
    n: 0,
    snapshot: true,
    recovered: undefined,
    gap: undefined,
    state: entry.reported,
    changedIndexes: null,
  })
}
