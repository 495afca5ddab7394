import type { Hub, PatternState, Subscription, SymbolState } from '../hub/index.ts'
import type { Work } from './pace.ts'
import type { Rights } from './rights.ts'

interface Look {
  again: boolean
  giveUp: () => void
}

/** Patterns of one session whose symbols are looked for: the hub does so at its own pace. */
export class PatternLooks {
  readonly #hub: Hub
  readonly #rights: Rights
  readonly #work: Work
  readonly #under = new Map<string, Look>()

  constructor(hub: Hub, rights: Rights, work: Work) {
    this.#hub = hub
    this.#rights = rights
    this.#work = work
  }

  /** @param again all of it is to be given anew. @returns false when it is looked for already: that answers this one as well. */
  start(
    subscription: Subscription,
    pattern: PatternState,
    again: boolean,
    found: (symbols: readonly SymbolState[], again: boolean) => void,
  ): boolean {
    const { feed, subscriber } = subscription
    const key = patternKey(subscription, pattern.pattern)
    const under = this.#under.get(key)
    if (under !== undefined) {
      under.again ||= again
      return false
    }
    const look: Look = { again, giveUp: () => {} }
    const symbols: SymbolState[] = []
    this.#under.set(key, look)
    this.#work.lookedAt(feed.symbols.size)
    look.giveUp = this.#hub.scans.start(subscriber, feed, pattern, {
      take: (symbol) => {
        // A pattern brings what may be seen of what it means, and is silent about the rest.
        if (this.#rights.allows(feed, symbol.name)) symbols.push(symbol)
        return symbols.length <= this.#rights.symbolsMax
      },
      done: () => {
        this.#under.delete(key)
        // Some may be gone since they were seen.
        found(
          symbols.filter((symbol) => symbol.hasImage && feed.symbols.get(symbol.name) === symbol),
          look.again,
        )
      },
    })
    return true
  }

  /** @returns whether it was to be given anew; `null`: it was not looked for. */
  giveUp(subscription: Subscription, text: string): boolean | null {
    const key = patternKey(subscription, text)
    const look = this.#under.get(key)
    if (look === undefined) return null
    look.giveUp()
    this.#under.delete(key)
    return look.again
  }

  close(): void {
    for (const { giveUp } of this.#under.values()) giveUp()
    this.#under.clear()
  }
}

/** Names a pattern of a subscription among all that a session has. */
export function patternKey(subscription: Subscription, text: string): string {
  return `${subscription.id} ${text}`
}
