import type { Grant } from '../access/index.ts'
import type { Feed, Subscription } from '../hub/index.ts'

/** What a session's receiver may subscribe to: everything within the node's own limit, unless a grant says less. */
export class Rights {
  readonly #nodeSymbolsMax: number
  #grant: Grant | null = null

  constructor(nodeSymbolsMax: number) {
    this.#nodeSymbolsMax = nodeSymbolsMax
  }

  set grant(grant: Grant) {
    this.#grant = grant
  }

  get symbolsMax(): number {
    return Math.min(this.#nodeSymbolsMax, this.#grant?.limits.subscriptions ?? Infinity)
  }

  allows(feed: Feed, name: string): boolean {
    return this.#grant === null || this.#grant.entitlements.allows(feed.name, name)
  }

  hasFeed(feed: Feed): boolean {
    return this.#grant === null || this.#grant.entitlements.hasFeed(feed.name)
  }

  /** Each update may be had, however fast they come. */
  get givesEvery(): boolean {
    return this.#grant === null || this.#grant.limits.maxRate === Infinity
  }

  get rateMessage(): string {
    return `the token gives at most ${this.#grant?.limits.maxRate} updates per second and symbol, conflated`
  }

  /** Of a subscription that asks for `maxRate`. One that is open already, under a narrower limit, goes on as it is. */
  periodMs(maxRate: number | undefined, open: Subscription | undefined): number {
    const periodMs = Math.max(maxRate === undefined ? 0 : 1000 / maxRate, this.#periodMsMin)
    return this.#grant !== null && open !== undefined && open.periodMs > periodMs ? open.periodMs : periodMs
  }

  /** Why nothing of the subscription may go on, if so. */
  objection(subscription: Subscription): string | null {
    if (!this.hasFeed(subscription.feed)) return `the token does not give access to feed ${subscription.feed.name}`
    const isTooFast = subscription.isEvery ? !this.givesEvery : subscription.periodMs < this.#periodMsMin
    return isTooFast ? this.rateMessage : null
  }

  get #periodMsMin(): number {
    return this.#grant === null ? 0 : 1000 / this.#grant.limits.maxRate
  }
}
