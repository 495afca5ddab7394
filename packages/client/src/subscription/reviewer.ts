import type { Clock } from '../clock.ts'
import type { Session } from '../connection/session.ts'
import { obtain } from '../obtain.ts'
import { PENDING, sameState, staleState, type SymbolState } from '../freshness/state.ts'
import type { Entry } from './entry.ts'
import type { LocalSubscription } from './subscription.ts'
import type { Wire } from './wire.ts'

/**
 * Keeps the state of every symbol up to date and tells subscriptions what changed. All state changes go through
 * `#report`. States follow from the serving session's freshness; without one, everything shown is stale.
 */
export class Reviewer {
  readonly #clock: Clock
  readonly #wires: () => Iterable<Wire>
  #serving: Session | null = null
  /** The last word on the connection that was lost; null before the first one. */
  #outage: { hop: string; message: string } | null = null
  /** Entries to judge at the end of the message. */
  readonly #touched = new Set<Entry>()
  readonly #telling = new Set<LocalSubscription>()
  #tellingSoon = false
  #stopped = false

  constructor(clock: Clock, wires: () => Iterable<Wire>) {
    this.#clock = clock
    this.#wires = wires
  }

  get serving(): Session | null {
    return this.#serving
  }

  /**
   * `session` takes over. What it has not answered yet stays as stale as it is, or becomes so.
   * @param taken called before anything is judged by it.
   */
  serve(session: Session, taken: () => void): void {
    this.#serving = session
    session.freshness.review(this.#clock.nowMs())
    for (const wire of this.#wires()) {
      for (const entry of wire.entries.values()) entry.row = session.rows.get(wire.id, entry.symbol) ?? null
    }
    taken()
    this.#reviewAll()
    this.#tell()
  }

  /** @param pendingToo nothing is on its way any more: what is pending will not come by waiting. */
  disconnect(hop: string, message: string, pendingToo: boolean): void {
    const nowMs = this.#clock.nowMs()
    this.#serving = null
    this.#outage = { hop, message }
    // Few distinct times, so few objects, however many symbols.
    const states = new Map<number, SymbolState>()
    for (const wire of this.#wires()) {
      for (const entry of wire.entries.values()) {
        entry.row = null
        if (entry.ended || (entry.reported.state === 'pending' && !pendingToo)) continue
        const sinceMs = entry.reported.sinceMs ?? nowMs
        this.#report(
          entry,
          obtain(states, sinceMs, () => staleState(hop, 'disconnected', sinceMs, message)),
        )
      }
    }
    this.#tellOpenWires()
    this.#tell()
  }

  /** Judges by the clock as it is now. What changed is told soon, not from within a getter. */
  settle(): void {
    const serving = this.#serving
    if (serving === null || this.#stopped) return
    const nowMs = this.#clock.nowMs()
    if (nowMs <= serving.freshness.expiresAtMs) return
    if (serving.freshness.review(nowMs)) this.#reviewAll()
    this.#tellSoon()
  }

  /** The same from a timer: what changed is told at once. */
  expire(): void {
    this.settle()
    this.#tell()
  }

  messageEnd(session: Session, judge: boolean): void {
    if (session !== this.#serving) return
    const nowMs = this.#clock.nowMs()
    const freshness = session.freshness
    const partitionChanged = (judge || nowMs > freshness.expiresAtMs) && freshness.review(nowMs)
    const symbolChanged = freshness.takeSymbolChange()
    if (partitionChanged || symbolChanged) this.#reviewAll()
    else for (const entry of this.#touched) this.#review(entry)
    this.#touched.clear()
    this.#tell()
  }

  /** The entry's row changed: judge it at the end of the message, or soon. */
  touch(entry: Entry): void {
    this.#touched.add(entry)
  }

  forget(entry: Entry): void {
    this.#touched.delete(entry)
    entry.row = null
  }

  /** Judges one entry now and returns its state. */
  current(entry: Entry): SymbolState {
    this.#review(entry)
    return entry.reported
  }

  end(entry: Entry, state: SymbolState): void {
    entry.row = null
    this.#report(entry, state)
  }

  /** An ended symbol is asked for again. */
  restart(entry: Entry): void {
    this.#report(entry, PENDING)
  }

  /** A symbol that the node cannot get at the moment; asked for again later. */
  delay(entry: Entry, hop: string, message: string): void {
    this.#report(entry, staleState(hop, 'upstream_disconnected', this.#clock.nowMs(), message))
  }

  stateWithoutSymbols(subscription: LocalSubscription): SymbolState {
    const serving = this.#serving
    if (serving === null) return this.#outage === null ? PENDING : this.#outageState(this.#clock.nowMs())
    if (!serving.rows.answered(subscription.wire.id)) return PENDING
    return serving.freshness.stateOf(subscription.feed, '', -1)
  }

  tellSoon(subscription: LocalSubscription): void {
    this.#telling.add(subscription)
    this.#tellSoon()
  }

  stop(): void {
    this.#stopped = true
    this.#serving = null
    this.#touched.clear()
  }

  #reviewAll(): void {
    for (const wire of this.#wires()) for (const entry of wire.entries.values()) this.#review(entry)
    this.#tellOpenWires()
  }

  /** Subscriptions without symbols have a state too. */
  #tellOpenWires(): void {
    for (const wire of this.#wires()) {
      for (const subscription of wire.subscriptions) if (subscription.size === 0) this.#telling.add(subscription)
    }
  }

  #review(entry: Entry): void {
    if (entry.ended || entry.wire.entries.get(entry.symbol) !== entry) return
    this.#report(entry, this.#judge(entry))
  }

  #judge(entry: Entry): SymbolState {
    const { row, reported } = entry
    const serving = this.#serving
    if (serving !== null && row !== null && !row.awaiting && row.chain?.hasHole !== true) {
      const state = serving.freshness.stateOf(row.feed, entry.symbol, entry.partition)
      // After an outage "not proven yet" is still the outage.
      return state.state === 'pending' && reported.state === 'stale' ? reported : state
    }
    if (reported.state !== 'live') return reported
    const nowMs = this.#clock.nowMs()
    return serving === null ? this.#outageState(nowMs) : staleState(serving.node, 'resyncing', nowMs)
  }

  #outageState(nowMs: number): SymbolState {
    return staleState(this.#outage?.hop ?? '', 'disconnected', nowMs, this.#outage?.message)
  }

  #report(entry: Entry, state: SymbolState): void {
    if (sameState(entry.reported, state)) return
    for (const subscription of entry.subscribers) {
      subscription.count(entry, state)
      this.#telling.add(subscription)
    }
    entry.reported = state
  }

  #tellSoon(): void {
    if (this.#tellingSoon || this.#telling.size === 0) return
    this.#tellingSoon = true
    queueMicrotask(() => {
      this.#tellingSoon = false
      for (const entry of this.#touched) this.#review(entry)
      this.#touched.clear()
      this.#tell()
    })
  }

  #tell(): void {
    for (const subscription of this.#telling) {
      this.#telling.delete(subscription)
      if (!subscription.closed) subscription.tellState()
    }
  }
}
