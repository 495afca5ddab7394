import { isDeepStrictEqual } from 'node:util'
import type { Grant } from '../access/index.ts'
import type { Feed, Subscription } from '../hub/index.ts'
import type { SessionOptions } from './options.ts'

type NodeLimits = Pick<SessionOptions, 'subscriptionsMax' | 'unknownSymbolsMax' | 'patternsMax' | 'feedPatternsMax'>

/** What a session's receiver may subscribe to: everything within the node's own limit, unless a grant says less. */
export class Rights {
  readonly #limits: NodeLimits
  #grant: Grant | null = null

  constructor(limits: NodeLimits) {
    this.#limits = limits
  }

  set grant(grant: Grant) {
    this.#grant = grant
  }

  get symbolsMax(): number {
    return Math.min(this.#limits.subscriptionsMax, this.#grant?.limits.subscriptions ?? Infinity)
  }

  get unknownSymbolsMax(): number {
    return this.#limits.unknownSymbolsMax
  }

  get patternsMax(): number {
    return Math.min(this.#limits.patternsMax, this.#grant?.limits.patterns ?? Infinity)
  }

  /** Of all sessions together. */
  get feedPatternsMax(): number {
    return this.#limits.feedPatternsMax
  }

  /** Whether another grant gives the same. Equal rules are compiled once, so that it is enough to compare what they became. */
  isAsBefore({ entitlements, limits }: Grant): boolean {
    return this.#grant?.entitlements === entitlements && isDeepStrictEqual(this.#grant.limits, limits)
  }

  allows(feed: Feed, name: string): boolean {
    return this.#grant === null || this.#grant.entitlements.allows(feed.name, name)
  }

  hasFeed(feed: Feed): boolean {
    return this.#grant === null || this.#grant.entitlements.hasFeed(feed.name)
  }

  /** Whether a pattern can bring anything: upstream nodes are not asked for what nobody here may see. */
  meets(feed: Feed, pattern: string): boolean {
    return this.#grant === null || this.#grant.entitlements.meets(feed.name, pattern)
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
