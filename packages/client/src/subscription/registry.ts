import { isValidName, type ReceivedImage, type SubscribeOptions as WireOptions } from '@pulsewire/protocol'
import type { Clock } from '../clock.ts'
import type { Session } from '../connection/session.ts'
import type { PulsewireError } from '../errors.ts'
import { endedState, isLogFault, type SymbolState } from '../freshness/state.ts'
import { repairsFor } from '../parts.ts'
import { Answers, endedEvent, type RepairEvent } from './answers.ts'
import type { Entry, Row } from './entry.ts'
import type { EndedEvent, SubscriptionHandlers } from './options.ts'
import { Receiver } from './receiver.ts'
import type { Repairs } from './repairs.ts'
import { Reviewer } from './reviewer.ts'
import type { Kind } from './split.ts'
import { LocalSubscription, type SubscriptionOwner } from './subscription.ts'
import { sharedKey, Wire } from './wire.ts'

export interface RegistryOptions {
  readonly clock: Clock
  /** Takes what a callback of the application threw. */
  readonly onThrown: (error: unknown) => void
  /** Takes trouble that no caller waits for. */
  readonly onError: (error: PulsewireError) => void
  readonly onRepair: (event: RepairEvent) => void
}

const INVALID = { symbols: 'symbol_invalid', patterns: 'pattern_invalid', groups: 'group_unknown' } as const

/**
 * All subscriptions of a client. Sessions come and go: each gets told everything when it opens, and what changes
 * afterwards. More than one is attached during a move; positions make what both bring harmless.
 */
export class Registry implements SubscriptionOwner {
  readonly reviewer: Reviewer
  readonly answers: Answers
  readonly #repairs: Repairs | null
  readonly #receiver: Receiver
  readonly #options: RegistryOptions
  readonly #wires = new Map<number, Wire>()
  readonly #shared = new Map<string, Wire>()
  readonly #sessions = new Set<Session>()
  readonly #dirty = new Set<Wire>()
  /** Who serves, or served last. */
  #last: Session | undefined
  #flushing = false
  #nextId = 1

  constructor(options: RegistryOptions) {
    this.#options = options
    this.reviewer = new Reviewer(options.clock, () => this.#wires.values())
    this.#repairs = repairsFor(this.reviewer)
    this.#receiver = new Receiver(options.clock, this.reviewer, this.#repairs)
    this.answers = new Answers(this, options.clock, options.onError, options.onRepair)
  }

  get wires(): Iterable<Wire> {
    return this.#wires.values()
  }

  get serving(): Session | null {
    return this.reviewer.serving
  }

  wire(id: number): Wire | undefined {
    return this.#wires.get(id)
  }

  // What the application does.

  subscribe(
    feed: string,
    options: WireOptions,
    names: { symbols: readonly string[]; patterns: readonly string[]; groups: readonly string[] },
    handlers: SubscriptionHandlers,
    queueMax: number,
  ): LocalSubscription {
    const shared = names.patterns.length === 0 && names.groups.length === 0
    const wire = this.#wireFor(feed, options, shared)
    const subscription = new LocalSubscription(wire, this, handlers, queueMax)
    wire.subscriptions.add(subscription)
    for (const pattern of names.patterns) this.#want(wire, pattern, 'patterns')
    for (const group of names.groups) this.#want(wire, group, 'groups')
    this.addSymbols(subscription, names.symbols)
    return subscription
  }

  addSymbols(subscription: LocalSubscription, symbols: readonly string[]): void {
    const { wire } = subscription
    for (const symbol of symbols) {
      const known = wire.entries.get(symbol)
      const entry = known ?? wire.entry(symbol)
      if (known === undefined || known.ended) this.#want(wire, symbol, 'symbols')
      if (known?.ended === true) this.reviewer.restart(known)
      if (known?.latest != null && wire.options.image !== false && !subscription.entries.has(symbol)) {
        queueMicrotask(() => subscription.deliverHeld(entry))
      }
      subscription.attach(entry)
      this.reviewer.touch(entry)
    }
    this.reviewer.tellSoon(subscription)
  }

  removeSymbols(subscription: LocalSubscription, symbols: readonly string[]): void {
    for (const symbol of symbols) {
      const entry = subscription.entries.get(symbol)
      if (entry === undefined) continue
      subscription.detach(entry)
      this.#releaseUnwanted(entry)
    }
    this.reviewer.tellSoon(subscription)
  }

  closeSubscription(subscription: LocalSubscription): void {
    const { wire } = subscription
    for (const entry of [...subscription.entries.values()]) {
      subscription.detach(entry)
      if (wire.subscriptions.size > 1) this.#releaseUnwanted(entry)
    }
    wire.subscriptions.delete(subscription)
    if (wire.subscriptions.size === 0) this.#closeWire(wire)
    subscription.finish('closed', 'the subscription was closed', this.#options.clock.nowMs())
  }

  settle(): void {
    this.reviewer.settle()
  }

  stateWithoutSymbols(subscription: LocalSubscription): SymbolState {
    return this.reviewer.stateWithoutSymbols(subscription)
  }

  delayMs(feed: string): number | undefined {
    const info = this.#last?.feedInfo(this.#last.feedIndex(feed))
    return info && (info.delayMs ?? 0)
  }

  ageMs(entry: Entry): number | undefined {
    return this.serving?.freshness.ageMs(entry.wire.feed, entry.partition, this.#options.clock.nowMs())
  }

  senderTimeMs(receivedAtMs: number): number {
    return receivedAtMs + (this.serving?.offsetMs ?? 0)
  }

  guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#options.onThrown(error)
    }
  }

  // What happens to connections.

  /** Tells a fresh session everything. */
  attach(session: Session): void {
    this.flush()
    this.#sessions.add(session)
    for (const wire of this.#wires.values()) session.rows.subscribe(wire, wire.names())
  }

  /** From now on this session's word counts. */
  promote(session: Session): void {
    this.#last = session
    this.reviewer.serve(session, () => this.answers.tellMissed(this.#receiver.takeKept(session)))
    this.answers.promote(session)
    this.#repairs?.beginDeferred(session)
  }

  detach(session: Session): void {
    this.#sessions.delete(session)
    this.answers.forget(session)
  }

  /** Nobody serves: everything that was shown is stale from now on. */
  disconnect(hop: string, message: string): void {
    this.reviewer.disconnect(hop, message, false)
  }

  /** Nobody will serve unless the application does something: what is pending is stale too, and iterators throw. */
  giveUp(hop: string, error: PulsewireError): void {
    this.reviewer.disconnect(hop, error.message, true)
    for (const wire of this.#wires.values()) for (const subscription of wire.subscriptions) subscription.endQueues(error)
  }

  /** Whether anything that is shown is stale through the fault of a node, rather than of the log. */
  get suffers(): boolean {
    for (const wire of this.#wires.values()) {
      for (const { reported } of wire.entries.values()) if (reported.state === 'stale' && !isLogFault(reported)) return true
    }
    return false
  }

  /**
   * How a session that is to take over compares with the one that serves: `worse` if anything that is live now would
   * not be, `better` if something would become live and nothing is lost.
   */
  compare(candidate: Session): 'unsettled' | 'worse' | 'same' | 'better' {
    if (!candidate.rows.settled) return 'unsettled'
    let better = false
    for (const wire of this.#wires.values()) {
      for (const entry of wire.entries.values()) {
        if (entry.ended) continue
        const row = candidate.rows.get(wire.id, entry.symbol)
        const live =
          row !== undefined && candidate.freshness.stateOf(row.feed, entry.symbol, row.kept?.partition ?? entry.partition).state === 'live'
        if (entry.reported.state === 'live' && !live) return 'worse'
        better ||= live && entry.reported.state !== 'live'
      }
    }
    return better ? 'better' : 'same'
  }

  onUpdate(session: Session, row: Row, image: ReceivedImage): void {
    this.#receiver.receive(session, row, image)
  }

  onGapFrame(session: Session, ref: number): void {
    this.#repairs?.gapFrame(session, ref)
  }

  onComplete(rows: Iterable<Row>): void {
    for (const row of rows) if (row.entry !== null) this.reviewer.touch(row.entry)
  }

  onMessageEnd(session: Session, judge: boolean): void {
    this.#repairs?.ask(session)
    this.reviewer.messageEnd(session, judge)
  }

  /** The client gives up for good: every subscription ends, with an error unless it was wanted. */
  finish(code: string, message: string, error: PulsewireError | undefined): void {
    const nowMs = this.#options.clock.nowMs()
    for (const wire of this.#wires.values()) {
      for (const subscription of wire.subscriptions) subscription.finish(code, message, nowMs, error)
    }
    this.#wires.clear()
    this.#shared.clear()
    this.#sessions.clear()
    this.reviewer.stop()
  }

  // What the server answers.

  /** A row for a symbol that is wanted, or that a pattern brought; undefined when nobody wants it (any more). */
  entryFor(wireId: number, symbol: string): Entry | undefined {
    const wire = this.#wires.get(wireId)
    if (wire === undefined) return undefined
    const known = wire.entries.get(symbol)
    if (known !== undefined) return known
    if (!wire.open) return undefined
    const entry = wire.entry(symbol)
    for (const subscription of wire.subscriptions) subscription.attach(entry)
    return entry
  }

  /** The server refused a name or ended it. */
  end(wireId: number, event: EndedEvent): void {
    const wire = this.#wires.get(wireId)
    if (wire === undefined) return
    const isOpenName = wire.openNames.delete(event.symbol)
    const entry = isOpenName ? undefined : wire.entries.get(event.symbol)
    if (entry !== undefined) this.reviewer.end(entry, endedState(event.code, event.message, this.#options.clock.nowMs()))
    const concerned = entry?.subscribers ?? (isOpenName ? wire.subscriptions : [])
    for (const subscription of [...concerned]) {
      this.reviewer.tellSoon(subscription)
      subscription.tellEnded(event, isOpenName)
    }
  }

  /** An id was answered: subscriptions that have no symbols under it have a state now. */
  tellWithoutSymbols(wireId: number): void {
    for (const subscription of this.#wires.get(wireId)?.subscriptions ?? []) {
      if (subscription.size === 0) this.reviewer.tellSoon(subscription)
    }
  }

  /** Sends what was added and removed since the last time. */
  flush(): void {
    this.#flushing = false
    for (const wire of this.#dirty) {
      for (const session of this.#sessions) {
        if (wire.subscriptions.size === 0) session.rows.unsubscribeAll(wire.id)
        else {
          session.rows.unsubscribe(wire.id, wire.removing)
          session.rows.subscribe(wire, wire.adding)
        }
      }
      wire.adding.clear()
      wire.removing.clear()
    }
    this.#dirty.clear()
  }

  #wireFor(feed: string, options: WireOptions, shared: boolean): Wire {
    const key = shared ? sharedKey(feed, options) : null
    const known = key === null ? undefined : this.#shared.get(key)
    if (known !== undefined) return known
    const wire = new Wire(this.#nextId++, feed, options, key)
    this.#wires.set(wire.id, wire)
    if (key !== null) this.#shared.set(key, wire)
    return wire
  }

  #closeWire(wire: Wire): void {
    this.#wires.delete(wire.id)
    if (wire.key !== null) this.#shared.delete(wire.key)
    wire.entries.clear()
    this.#flushSoon(wire)
  }

  #want(wire: Wire, name: string, kind: Kind): void {
    if (kind !== 'symbols') wire.openNames.set(name, kind)
    if (!isValidName(name)) {
      // Known to be refused. In a microtask, because the caller does not have the subscription in hand yet.
      queueMicrotask(() => this.end(wire.id, endedEvent(name, INVALID[kind], '')))
      return
    }
    wire.adding.set(name, kind)
    this.#flushSoon(wire)
  }

  #releaseUnwanted(entry: Entry): void {
    const { wire, symbol } = entry
    if (entry.subscribers.length > 0) return
    wire.entries.delete(symbol)
    this.reviewer.forget(entry)
    // Never sent yet: nothing to take back.
    if (wire.adding.delete(symbol) || entry.ended) return
    wire.removing.add(symbol)
    this.#flushSoon(wire)
  }

  /** In a microtask, so that a hundred `subscribe` calls in a row make one frame. */
  #flushSoon(wire: Wire): void {
    this.#dirty.add(wire)
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => this.flush())
  }
}
