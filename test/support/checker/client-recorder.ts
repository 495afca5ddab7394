/** A client that writes down all that an application could see, and when. What it means is judged afterwards, against the log. */
import {
  PulsewireClient,
  type ClientOptions,
  type SubscribeOptions,
  type Subscription,
  type SymbolState,
  type Update,
  type Values,
} from '@pulsewire/client'
import { steadyMs } from '../steady.ts'

/** One thing that was seen of one symbol, at a steady time of the recording process. */
export type ViewEvent =
  | {
      readonly kind: 'update'
      readonly atMs: number
      readonly symbol: string
      readonly position: string
      readonly values: Values
      readonly raw: Uint8Array | null
      readonly deleted: boolean
      /** The held image once more, which stands for no record: a snapshot with `n` 0. */
      readonly again: boolean
      /** The SDK itself said that records are missing right before it. */
      readonly gapTold: boolean
    }
  | { readonly kind: 'state'; readonly atMs: number; readonly symbol: string; readonly state: SymbolState }

export interface ViewRecording {
  readonly feed: string
  readonly every: boolean
  readonly fields: ReadonlySet<string> | null
  /** Asked for by name: these must be seen, also where nothing ever came of them. Those that patterns bring are seen when they come. */
  readonly symbols: readonly string[]
  /** In the order in which they were seen. */
  readonly events: readonly ViewEvent[]
}

export interface ServedBy {
  readonly atMs: number
  readonly node: string
  readonly url: string
}

export interface ClientRecording {
  readonly id: string
  readonly views: readonly ViewRecording[]
  /** Every session that began to serve. */
  readonly sessions: readonly ServedBy[]
  readonly errors: readonly { readonly atMs: number; readonly code: string; readonly message: string }[]
}

export interface RecordedSubscription extends SubscribeOptions {
  /** Default: what the feed's mode is; must be said, because the recording is judged by it. */
  readonly delivery: 'latest' | 'every'
}

class RecordedView implements ViewRecording {
  readonly feed: string
  readonly every: boolean
  readonly fields: ReadonlySet<string> | null
  readonly events: ViewEvent[] = []
  readonly #named: Set<string>
  readonly #subscription: Subscription

  constructor(client: PulsewireClient, options: RecordedSubscription) {
    const { delivery, ...rest } = options
    this.feed = options.feed
    this.every = delivery === 'every'
    this.fields = options.fields === undefined ? null : new Set(options.fields)
    this.#named = new Set(options.symbols ?? [])
    this.#subscription = client.subscribe(this.every ? { ...rest, delivery } : rest, {
      onUpdate: (update) => this.#update(update),
      onState: (_state, { symbols }) => {
        for (const symbol of symbols) this.#state(symbol)
      },
    })
  }

  get symbols(): readonly string[] {
    return [...this.#named]
  }

  get subscription(): Subscription {
    return this.#subscription
  }

  add(symbols: readonly string[]): void {
    for (const symbol of symbols) this.#named.add(symbol)
    this.#subscription.add(symbols)
  }

  /** Not live by now; judged anew by the SDK at this very moment. */
  get pending(): string[] {
    return [...this.#subscription.symbols].filter((view) => view.state.state !== 'live').map((view) => view.symbol)
  }

  #update(update: Update): void {
    const { symbol, position, values, raw, deleted, gap } = update
    const again = update.n === 0 && update.snapshot
    this.events.push({ kind: 'update', atMs: steadyMs(), symbol, position, values, raw, deleted, again, gapTold: gap !== undefined })
  }

  #state(symbol: string): void {
    const state = this.#subscription.get(symbol)?.state
    if (state !== undefined) this.events.push({ kind: 'state', atMs: steadyMs(), symbol, state })
  }
}

export class ClientRecorder implements ClientRecording, AsyncDisposable {
  readonly id: string
  readonly client: PulsewireClient
  /** Where it says that it is. */
  readonly zone: string | undefined
  readonly track: string | undefined
  readonly views: readonly RecordedView[]
  readonly sessions: ServedBy[] = []
  readonly errors: { readonly atMs: number; readonly code: string; readonly message: string }[] = []

  constructor(id: string, options: ClientOptions, subscriptions: readonly RecordedSubscription[]) {
    this.id = id
    this.zone = options.zone
    this.track = options.track
    this.client = new PulsewireClient({ ...options, name: id })
    this.client.on('session', ({ node, url }) => this.sessions.push({ atMs: steadyMs(), node, url }))
    this.client.on('error', ({ code, message }) => this.errors.push({ atMs: steadyMs(), code, message }))
    this.views = subscriptions.map((subscription) => new RecordedView(this.client, subscription))
  }

  /** Name of the node that serves now. */
  get node(): string | undefined {
    return this.client.session?.node
  }

  /** Everything asked for is there and live. */
  get live(): boolean {
    return this.views.every(({ subscription }) => subscription.state.state === 'live')
  }

  /** For messages: what is not live. */
  describe(): string {
    const bad = this.views.flatMap((view) => view.pending.map((symbol) => ({ symbol, state: view.subscription.get(symbol)!.state })))
    const texts = bad.slice(0, 2).map(({ symbol, state }) => `${symbol} ${state.state} ${state.reason ?? ''} at ${state.hop ?? '?'}`)
    return `${this.id} at ${this.node ?? 'no gateway'}: ${bad.length} symbols are not live (${texts.join('; ')})`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
  }
}
