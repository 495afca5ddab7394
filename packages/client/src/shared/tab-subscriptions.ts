import type { Clock } from '../clock.ts'
import type { PulsewireError } from '../errors.ts'
import type { PartitionReport } from '../freshness/session-freshness.ts'
import { endedState, PENDING, type SymbolState } from '../freshness/state.ts'
import type { Entry } from '../subscription/entry.ts'
import { checkSubscribeOptions, names, type SubscribeOptions, type SubscriptionHandlers } from '../subscription/options.ts'
import { LocalSubscription, type SubscriptionOwner } from '../subscription/subscription.ts'
import { Update, type UpdateParts } from '../subscription/update.ts'
import { Wire } from '../subscription/wire.ts'
import { errorOf, type HostItem, type TabMessage } from './messages.ts'
import { TabEntry } from './tab-entry.ts'

export interface TabSubscriptionsHost {
  readonly clock: Clock
  /** Why nothing that was told can be relied on; undefined: it can. */
  readonly doubt: () => SymbolState | undefined
  readonly reports: (feed: string) => readonly PartitionReport[]
  readonly delayMs: (feed: string) => number | undefined
  readonly offsetMs: () => number | undefined
  readonly send: (message: TabMessage) => void
  readonly onThrown: (error: unknown) => void
}

interface Held {
  readonly subscription: LocalSubscription
  /** As the application gave them. */
  readonly options: Omit<SubscribeOptions, 'symbols' | 'patterns' | 'groups'>
  readonly symbols: Set<string>
  readonly patterns: Set<string>
  readonly groups: Set<string>
  /** State of the whole, where it has no symbols. */
  own: SymbolState
}

/** Subscriptions of a tab: the same as those of a client, fed by what it is told in place of a session. */
export class TabSubscriptions implements SubscriptionOwner {
  readonly #host: TabSubscriptionsHost
  readonly #held = new Map<number, Held>()
  readonly #telling = new Set<LocalSubscription>()
  #doubt: SymbolState | undefined
  #nextId = 1

  constructor(host: TabSubscriptionsHost) {
    this.#host = host
    this.#doubt = host.doubt()
  }

  subscribe(options: SubscribeOptions, handlers: SubscriptionHandlers): LocalSubscription {
    const { wire: wireOptions, queueMax } = checkSubscribeOptions(options)
    const { symbols = [], patterns = [], groups = [], ...rest } = options
    const wire = new Wire(this.#nextId++, options.feed, wireOptions, null)
    const subscription = new LocalSubscription(wire, this, handlers, queueMax)
    const fields = rest.fields === undefined ? {} : { fields: [...rest.fields] }
    const held: Held = {
      subscription,
      options: { ...rest, ...fields },
      symbols: new Set(names(symbols, 'symbols')),
      patterns: new Set(names(patterns, 'patterns')),
      groups: new Set(names(groups, 'groups')),
      own: PENDING,
    }
    for (const name of held.patterns) wire.openNames.set(name, 'patterns')
    for (const name of held.groups) wire.openNames.set(name, 'groups')
    this.#held.set(wire.id, held)
    for (const symbol of held.symbols) this.#entry(held, symbol)
    this.#send(wire.id, held)
    this.#tellSoon(subscription)
    return subscription
  }

  /** Whoever answers from now on has to be told everything. */
  resubscribe(): void {
    for (const [id, held] of this.#held) {
      for (const entry of held.subscription.entries.values() as Iterable<TabEntry>) {
        if (entry.ended) continue
        entry.isOld = entry.latest !== null
        entry.told = PENDING
      }
      this.#send(id, held)
    }
  }

  take(item: HostItem): void {
    const held = 'id' in item ? this.#held.get(item.id) : undefined
    if (held === undefined) return
    const { subscription } = held
    if (item.t === 'update') this.#update(held, item.parts)
    else if (item.t === 'states') {
      held.own = item.own
      for (const [symbol, state] of item.symbols) this.#told(this.#entry(held, symbol), state)
      this.#tellSoon(subscription)
    } else if (item.t === 'ended') {
      for (const list of [held.symbols, held.patterns, held.groups, subscription.wire.openNames]) list.delete(item.event.symbol)
      const entry = subscription.entries.get(item.event.symbol) as TabEntry | undefined
      if (entry !== undefined) this.#told(entry, endedState(item.event.code, item.event.message, this.#host.clock.nowMs()))
      this.#tellSoon(subscription)
      subscription.tellEnded(item.event, entry === undefined)
    } else if (item.t === 'gap') subscription.tellGap(item.gap)
    else if (item.t === 'resume') subscription.tellResume(item.event)
    else if (item.t === 'over') this.#over(item.id, item.error === undefined ? undefined : errorOf(item.error))
  }

  /** Everything that was asked for has ended, or nobody will serve it: iterators throw. */
  endQueues(error: PulsewireError): void {
    for (const { subscription } of this.#held.values()) subscription.endQueues(error)
  }

  finish(): void {
    for (const { subscription } of this.#held.values()) subscription.finish('closed', 'the client was closed', this.#host.clock.nowMs())
    this.#held.clear()
  }

  // What subscriptions ask for.

  addSymbols(subscription: LocalSubscription, symbols: readonly string[]): void {
    const { id } = subscription.wire
    const held = this.#held.get(id)
    if (held === undefined || symbols.length === 0) return
    for (const symbol of symbols) {
      held.symbols.add(symbol)
      const entry = this.#entry(held, symbol)
      if (entry.ended) this.#told(entry, PENDING)
    }
    this.#host.send({ t: 'add', id, symbols })
    this.#tellSoon(subscription)
  }

  removeSymbols(subscription: LocalSubscription, symbols: readonly string[]): void {
    const { id } = subscription.wire
    for (const symbol of symbols) {
      this.#held.get(id)?.symbols.delete(symbol)
      const entry = subscription.entries.get(symbol)
      if (entry !== undefined) subscription.detach(entry)
    }
    this.#host.send({ t: 'remove', id, symbols })
    this.#tellSoon(subscription)
  }

  closeSubscription(subscription: LocalSubscription): void {
    const { id } = subscription.wire
    this.#held.delete(id)
    this.#host.send({ t: 'unsubscribe', id })
    for (const entry of [...subscription.entries.values()]) subscription.detach(entry)
    subscription.finish('closed', 'the subscription was closed', this.#host.clock.nowMs())
  }

  stateWithoutSymbols(subscription: LocalSubscription): SymbolState {
    const own = this.#held.get(subscription.wire.id)?.own ?? PENDING
    return own.state === 'live' ? (this.#doubt ?? own) : own
  }

  /** Judges anew whether what was told can be relied on. */
  settle(): void {
    const doubt = this.#host.doubt()
    if (doubt === this.#doubt) return
    this.#doubt = doubt
    for (const { subscription } of this.#held.values()) {
      for (const entry of subscription.entries.values()) this.#report(entry as TabEntry)
      this.#tellSoon(subscription)
    }
  }

  delayMs(feed: string): number | undefined {
    return this.#host.delayMs(feed)
  }

  ageMs({ wire, partition }: Entry): number | undefined {
    const reports = this.#host.reports(wire.feed)
    const own = reports.find((report) => report.partition === partition)
    if (own !== undefined) return own.ageMs
    return reports.reduce<number | undefined>(
      (highest, { ageMs }) => (ageMs === undefined ? highest : Math.max(highest ?? 0, ageMs)),
      undefined,
    )
  }

  senderTimeMs(receivedAtMs: number): number {
    return receivedAtMs + (this.#host.offsetMs() ?? 0)
  }

  guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#host.onThrown(error)
    }
  }

  #send(id: number, { options, symbols, patterns, groups }: Held): void {
    this.#host.send({ t: 'subscribe', id, options: { ...options, symbols: [...symbols], patterns: [...patterns], groups: [...groups] } })
  }

  /** The symbol's entry; one that a pattern brought is new. */
  #entry({ subscription }: Held, symbol: string): TabEntry {
    const known = subscription.entries.get(symbol)
    if (known !== undefined) return known as TabEntry
    const entry = new TabEntry(symbol, subscription.wire)
    subscription.attach(entry)
    return entry
  }

  #update(held: Held, parts: UpdateParts): void {
    const entry = this.#entry(held, parts.symbol)
    const recovered = entry.isOld ? false : parts.recovered
    if (entry.isOld) held.subscription.tellResume({ recovered: [], missed: [parts.symbol] })
    entry.isOld = false
    if (recovered !== undefined) entry.recovered = recovered
    entry.latest = new Update({ ...parts, recovered })
    held.subscription.deliver(entry.latest, parts.every)
  }

  #told(entry: TabEntry, state: SymbolState): void {
    entry.told = state
    this.#report(entry)
  }

  /** What was told to be live is, unless it is in doubt. */
  #report(entry: TabEntry): void {
    const next = entry.told.state === 'live' && this.#doubt !== undefined ? this.#doubt : entry.told
    if (next === entry.reported) return
    for (const subscription of entry.subscribers) subscription.count(entry, next)
    entry.reported = next
  }

  #over(id: number, error: PulsewireError | undefined): void {
    const held = this.#held.get(id)
    this.#held.delete(id)
    held?.subscription.finish(error?.code ?? 'closed', error?.message ?? '', this.#host.clock.nowMs(), error)
  }

  #tellSoon(subscription: LocalSubscription): void {
    this.#telling.add(subscription)
    if (this.#telling.size > 1) return
    queueMicrotask(() => {
      const all = [...this.#telling]
      this.#telling.clear()
      for (const each of all) each.tellState()
    })
  }
}
