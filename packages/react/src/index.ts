/** Quotes in React: what a component shows, and whether it is proven to be the newest there is. */
import type { QuoteClient, SubscribeOptions, Subscription, SymbolState, Values } from '@pulsewire/client'
import { createContext, createElement, type ReactElement, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react'

/** One symbol, as it was at the last rendering. Another object whenever anything of it has changed. */
export interface Quote {
  readonly symbol: string
  /** Undefined before the first update. Kept while stale. */
  readonly values: Values | undefined
  /** `live`, or `stale` with hop, reason and since when. */
  readonly state: SymbolState
  /** Timestamp of the newest record, Unix time in ms. */
  readonly ts: number | undefined
}

export interface Quotes {
  /** The worst of all. */
  readonly state: SymbolState
  /** By symbol; those that patterns and groups brought included. */
  readonly quotes: ReadonlyMap<string, Quote>
}

const NONE: Quotes = { state: { state: 'pending' }, quotes: new Map() }
const ClientContext = createContext<QuoteClient | null>(null)

/** Gives the components below a client. Whoever made it closes it. */
export function PulsewireProvider({ client, children }: { readonly client: QuoteClient; readonly children?: ReactNode }): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children)
}

/** The client of the nearest provider. @throws Error without one. */
export function usePulsewire(): QuoteClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('There is no PulsewireProvider above this component.')
  return client
}

/**
 * Subscribes while the component is there; renders it at most once per frame, however many updates come. Options that mean the
 * same need not be the same object.
 */
export function useQuotes(options: SubscribeOptions): Quotes {
  const client = usePulsewire()
  const key = JSON.stringify(options, (_, value) =>
    typeof value?.[Symbol.iterator] === 'function' && typeof value !== 'string' ? [...value] : value,
  )
  const store = useMemo(() => new QuoteStore(client, JSON.parse(key) as SubscribeOptions), [client, key])
  return useSyncExternalStore(store.subscribe, store.current, () => NONE)
}

/** One symbol. Undefined until the server has answered. */
export function useQuote(feed: string, symbol: string, options: Omit<SubscribeOptions, 'feed' | 'symbols'> = {}): Quote | undefined {
  return useQuotes({ ...options, feed, symbols: [symbol] }).quotes.get(symbol)
}

class QuoteStore {
  readonly #client: QuoteClient
  readonly #options: SubscribeOptions
  readonly #listeners = new Set<() => void>()
  readonly #changed = new Set<string>()
  #subscription: Subscription | null = null
  #frame: number | null = null
  #quotes = NONE

  constructor(client: QuoteClient, options: SubscribeOptions) {
    this.#client = client
    this.#options = options
  }

  readonly current = (): Quotes => this.#quotes

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#subscription ??= this.#client.subscribe(this.#options, {
      onUpdate: ({ symbol }) => this.#due(symbol),
      onState: (_, { symbols }) => this.#due(...symbols),
    })
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#subscription!.close()
      this.#subscription = null
      // Its end was told as well; and without a subscription nothing proves what was shown.
      if (this.#frame !== null) cancelAnimationFrame(this.#frame)
      this.#frame = null
      this.#changed.clear()
      this.#quotes = NONE
    }
  }

  #due(...symbols: readonly string[]): void {
    for (const symbol of symbols) this.#changed.add(symbol)
    this.#frame ??= requestAnimationFrame(() => this.#render())
  }

  #render(): void {
    this.#frame = null
    const quotes = new Map(this.#quotes.quotes)
    for (const symbol of this.#changed) {
      const view = this.#subscription!.get(symbol)
      if (view === undefined) quotes.delete(symbol)
      else quotes.set(symbol, { symbol, values: view.values, state: view.state, ts: view.ts })
    }
    this.#changed.clear()
    this.#quotes = { state: this.#subscription!.state, quotes }
    for (const listener of this.#listeners) listener()
  }
}
