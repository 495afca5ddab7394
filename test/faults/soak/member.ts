import { PulsewireClient, type Subscription, type Update } from '@pulsewire/client'
import type { TruthPoint } from './recent-truth.ts'

export interface MemberOptions {
  readonly name: string
  readonly balancer: readonly string[]
  readonly gatewaysRenewMs: number
  readonly encoding: 'bin' | 'json'
  /** By feed: two of `quote`, conflated, and one of `trade`, each record of it. */
  readonly quotes: readonly string[]
  readonly trades: readonly string[]
}

export type Seen = 'live' | 'flagged' | 'lied'

/** Tells of what was shown and cannot be: once per update. */
export type Wrong = (message: string) => void

/** One client of very many: keeps the newest of what it is shown, and nothing of what was before. */
export class Member implements AsyncDisposable {
  readonly #client: PulsewireClient
  readonly #views: readonly Subscription[]
  readonly #name: string
  readonly #wrong: Wrong
  /** By symbol. */
  readonly #sequences = new Map<string, number>()
  /** Records that the SDK said are missing. */
  gaps = 0
  /** Where it was served when it was last all live. */
  #liveAt = 'nobody'

  constructor({ name, balancer, gatewaysRenewMs, encoding, quotes, trades }: MemberOptions, wrong: Wrong) {
    this.#name = name
    this.#wrong = wrong
    this.#client = new PulsewireClient({ balancer, name, gatewaysRenewMs, encoding })
    const onUpdate = (update: Update) => this.#update(update)
    const onState = () => this.#look()
    this.#views = [
      this.#client.subscribe({ feed: 'quote', symbols: quotes }, { onUpdate, onState }),
      this.#client.subscribe({ feed: 'trade', symbols: trades, delivery: 'every' }, { onUpdate, onState }),
    ]
  }

  get isLive(): boolean {
    return this.#views.every(({ state }) => state.state === 'live')
  }

  /** The gateway that served it when all was last live. */
  get liveAt(): string {
    return this.#liveAt
  }

  /** What it says of something that is not live, such as `no_pulse at gw-1`. */
  get complaint(): string {
    for (const { state } of this.#views) if (state.state !== 'live') return `${state.reason ?? state.state} at ${state.hop ?? 'nobody'}`
    return 'nothing'
  }

  /** @param truth as old as what is shown may be */
  seen(truth: TruthPoint | undefined): Seen {
    if (!this.isLive) return 'flagged'
    this.#look()
    for (const [symbol, sequence] of this.#sequences) if (sequence < (truth?.sequences[symbol] ?? 0)) return 'lied'
    return 'live'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
  }

  #look(): void {
    const node = this.#client.session?.node
    if (node !== undefined && this.isLive) this.#liveAt = node
  }

  #update({ symbol, values, gap, deleted, n, snapshot }: Update): void {
    if (gap !== undefined) this.gaps++
    const { sequence, last } = values
    const before = this.#sequences.get(symbol) ?? 0
    if (typeof sequence !== 'number' || deleted) return this.#wrong(`${this.#name} ${symbol}: ${JSON.stringify(values)}`)
    if (last !== lastOf(sequence)) this.#wrong(`${this.#name} ${symbol}: sequence ${sequence} with last ${last}, not ${lastOf(sequence)}`)
    const isAgain = n === 0 && snapshot && sequence === before
    if (sequence <= before && !isAgain) this.#wrong(`${this.#name} ${symbol}: sequence ${sequence} after ${before}`)
    this.#sequences.set(symbol, sequence)
  }
}

/** What the producer writes beside a sequence. */
export function lastOf(sequence: number): number {
  return (sequence % 10_000) / 100
}
