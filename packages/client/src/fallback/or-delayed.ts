import type { QuoteClient } from '../client.ts'
import { sameState, type SymbolState, worse } from '../freshness/state.ts'
import type { EndedEvent, StateChange, SubscribeOptions, SubscriptionHandlers } from '../subscription/options.ts'
import type { Subscription } from '../subscription/subscription.ts'
import type { Update } from '../subscription/update.ts'
import type { SymbolView } from '../subscription/view.ts'

export interface OrDelayedOptions extends SubscribeOptions {
  /** The feed that shows `feed` with a delay, for what the user has no right to see as it is. */
  readonly delayedFeed: string
}

/** Where something comes from, and how late that is. */
export interface Source {
  readonly feed: string
  /** 0: it is not delayed. Undefined before the server has said. */
  readonly delayMs: number | undefined
}

export interface OrDelayedHandlers extends Omit<SubscriptionHandlers, 'onUpdate'> {
  onUpdate?(update: Update, source: Source): void
  /** A symbol, pattern or group comes from the delayed feed from now on, or from the real one again. */
  onSource?(name: string, source: Source): void
}

/** The real feed where the user may see it, the delayed one where not. */
export interface OrDelayedSubscription {
  readonly feed: string
  readonly delayedFeed: string
  /** The worst state of all symbols, wherever they come from. */
  readonly state: SymbolState
  /** How late the latest of what it shows is, in ms: 0 while all of it is real time, undefined before anybody has said. */
  readonly delayMs: number | undefined
  readonly symbols: Iterable<SymbolView>
  readonly size: number
  get(symbol: string): SymbolView | undefined
  /** Where the symbol comes from now. */
  sourceOf(symbol: string): Source
  add(symbols: Iterable<string>): void
  remove(symbols: Iterable<string>): void
  /** Asks anew for the real feed of what is delayed: after a token with more rights. Each new session does it by itself. */
  retry(): void
  close(): void
  [Symbol.dispose](): void
}

/** What the server says where a token does not give a name. */
const NOT_ENTITLED = 'not_entitled'

/**
 * Subscribes to a feed; what the user has no right to is taken from a feed that shows it with a delay, name by name. Which
 * one that is is always said: by `sourceOf`, with each update, and by `onSource`.
 * @throws PulsewireError options_invalid, client_closed
 */
export function subscribeOrDelayed(
  client: QuoteClient,
  options: OrDelayedOptions,
  handlers: OrDelayedHandlers = {},
): OrDelayedSubscription {
  return new OrDelayed(client, options, handlers)
}

class OrDelayed implements OrDelayedSubscription {
  readonly feed: string
  readonly delayedFeed: string
  readonly #client: QuoteClient
  /** Without names. */
  readonly #options: Omit<SubscribeOptions, 'symbols' | 'patterns' | 'groups'>
  readonly #handlers: OrDelayedHandlers
  readonly #patterns: ReadonlySet<string>
  readonly #groups: ReadonlySet<string>
  readonly #real: Subscription
  /** Symbols that came to the delayed feed. */
  #delayed: Subscription | undefined
  /** Patterns and groups that did, each by itself. */
  readonly #opened = new Map<string, Subscription>()
  /** Asks whether the real feed is given meanwhile. */
  #trial: Subscription | undefined
  readonly #unlisten: () => void
  #told: SymbolState = { state: 'pending' }
  #closed = false

  constructor(client: QuoteClient, { delayedFeed, ...options }: OrDelayedOptions, handlers: OrDelayedHandlers) {
    const { feed, symbols = [], patterns = [], groups = [], ...rest } = options
    this.feed = feed
    this.delayedFeed = delayedFeed
    this.#client = client
    this.#options = { feed, ...rest }
    this.#handlers = handlers
    this.#patterns = new Set(patterns)
    this.#groups = new Set(groups)
    this.#real = client.subscribe({ ...this.#options, symbols, patterns: this.#patterns, groups: this.#groups }, this.#realHandlers())
    this.#unlisten = client.on('session', () => this.retry())
  }

  get state(): SymbolState {
    // What went to the delayed feed has left the real one: a part without anything left says nothing of what is shown.
    const parts = this.#parts().filter((part) => part === this.#only || part.size > 0)
    return parts.map(({ state }) => state).reduce((worst, state) => worse(worst, state))
  }

  get delayMs(): number | undefined {
    const delays = this.#parts()
      .filter((part) => part === this.#only || part.size > 0)
      .map(({ delayMs }) => delayMs)
    return delays.includes(undefined) ? undefined : Math.max(...(delays as number[]))
  }

  get symbols(): Iterable<SymbolView> {
    return this.#views()
  }

  get size(): number {
    return [...this.#views()].length
  }

  get(symbol: string): SymbolView | undefined {
    return this.#partOf(symbol)?.get(symbol)
  }

  sourceOf(symbol: string): Source {
    return sourceOf(this.#partOf(symbol) ?? this.#real)
  }

  add(symbols: Iterable<string>): void {
    const list = [...symbols]
    this.#delayed?.remove(list)
    this.#real.add(list)
  }

  remove(symbols: Iterable<string>): void {
    const list = [...symbols]
    for (const part of [this.#real, this.#delayed, this.#trial]) part?.remove(list)
  }

  retry(): void {
    if (this.#closed) return
    const symbols = [...(this.#delayed?.symbols ?? [])].map(({ symbol }) => symbol)
    if (symbols.length === 0) return
    this.#trial?.close()
    // Nobody is told of what it finds but by the symbol's coming back.
    this.#trial = this.#client.subscribe(
      { ...this.#options, symbols },
      { onUpdate: ({ symbol }) => this.#return(symbol), onEnded: () => {} },
    )
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#unlisten()
    for (const part of [...this.#parts(), this.#trial]) part?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The part whose state counts even without symbols: the real one until something has left it. */
  get #only(): Subscription {
    const [first] = this.#delayed === undefined ? this.#opened.values() : [this.#delayed]
    return this.#real.size > 0 || first === undefined ? this.#real : first
  }

  #parts(): Subscription[] {
    return [this.#real, ...(this.#delayed === undefined ? [] : [this.#delayed]), ...this.#opened.values()]
  }

  #partOf(symbol: string): Subscription | undefined {
    return this.#parts().find((part) => part.get(symbol) !== undefined)
  }

  *#views(): Iterable<SymbolView> {
    const seen = new Set<string>()
    for (const part of this.#parts()) {
      for (const view of part.symbols) {
        if (seen.has(view.symbol)) continue
        seen.add(view.symbol)
        yield view
      }
    }
  }

  #realHandlers(): SubscriptionHandlers {
    return {
      ...this.#shared(() => this.#real),
      onEnded: (event) => (event.code === NOT_ENTITLED ? this.#fallBack(event) : this.#handlers.onEnded?.(event)),
    }
  }

  /** @param part there by the time that anything is told. */
  #shared(part: () => Subscription): SubscriptionHandlers {
    const { onGap, onResume } = this.#handlers
    return {
      onUpdate: (update) => {
        // Of two parts that have it, the real one counts.
        if (this.#partOf(update.symbol) === part()) this.#handlers.onUpdate?.(update, sourceOf(part()))
      },
      onState: (_state, { symbols }) => this.#tellState(symbols),
      onEnded: (event) => this.#handlers.onEnded?.(event),
      ...(onGap === undefined ? {} : { onGap: (gap) => onGap.call(this.#handlers, gap) }),
      ...(onResume === undefined ? {} : { onResume: (event) => onResume.call(this.#handlers, event) }),
    }
  }

  #tellState(symbols: StateChange['symbols']): void {
    // The last thing that its parts say when it is closed.
    if (this.#closed) return
    const { state } = this
    const previous = this.#told
    if (symbols.length === 0 && sameState(state, previous)) return
    this.#told = state
    this.#handlers.onState?.(state, { previous, symbols })
  }

  #fallBack({ symbol: name }: EndedEvent): void {
    if (this.#closed) return
    if (this.#patterns.has(name) || this.#groups.has(name)) return this.#open(name)
    this.#real.remove([name])
    if (this.#delayed === undefined) this.#delayed = this.#subscribeDelayed({ symbols: [name] }, () => this.#delayed!)
    else this.#delayed.add([name])
    this.#handlers.onSource?.(name, sourceOf(this.#delayed))
  }

  #open(name: string): void {
    const names = this.#patterns.has(name) ? { patterns: [name] } : { groups: [name] }
    const part = this.#subscribeDelayed(names, () => part)
    this.#opened.set(name, part)
    this.#handlers.onSource?.(name, sourceOf(part))
  }

  #subscribeDelayed(names: Pick<SubscribeOptions, 'symbols' | 'patterns' | 'groups'>, part: () => Subscription): Subscription {
    return this.#client.subscribe({ ...this.#options, ...names, feed: this.delayedFeed }, this.#shared(part))
  }

  /** The real feed gives the symbol: the image that the trial has brought is there at once. */
  #return(symbol: string): void {
    if (this.#delayed?.get(symbol) === undefined) return
    this.#real.add([symbol])
    this.#delayed.remove([symbol])
    this.#handlers.onSource?.(symbol, sourceOf(this.#real))
    queueMicrotask(() => this.#trial?.remove([symbol]))
  }
}

function sourceOf({ feed, delayMs }: Subscription): Source {
  return { feed, delayMs }
}
