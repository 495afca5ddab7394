import { canMeet, isPattern, matcherOf } from '../hub/index.ts'

/** Names and patterns by feed; the feed `*` stands for every feed. */
export type FeedRules = Readonly<Record<string, readonly string[]>>

export const EVERY_FEED = '*'

class SymbolRules {
  readonly #names = new Set<string>()
  readonly #patterns: { readonly text: string; readonly matches: (name: string) => boolean }[] = []
  #all = false

  add(texts: readonly string[]): void {
    for (const text of texts) {
      if (text === '*') this.#all = true
      else if (isPattern(text)) this.#patterns.push({ text, matches: matcherOf(text) })
      else this.#names.add(text)
    }
  }

  allows(name: string): boolean {
    return this.#all || this.#names.has(name) || this.#patterns.some(({ matches }) => matches(name))
  }

  meets(pattern: string): boolean {
    if (this.#all) return true
    const matches = matcherOf(pattern)
    for (const name of this.#names) if (matches(name)) return true
    return this.#patterns.some(({ text }) => canMeet(text, pattern))
  }
}

/** Which symbols of which feeds somebody may see: compiled once, asked when symbols are subscribed, never for an update. */
export class Entitlements {
  readonly #feeds = new Map<string, SymbolRules>()

  constructor(rules: Iterable<FeedRules>) {
    for (const each of rules) {
      for (const [feed, texts] of Object.entries(each)) {
        let symbols = this.#feeds.get(feed)
        if (symbols === undefined) this.#feeds.set(feed, (symbols = new SymbolRules()))
        symbols.add(texts)
      }
    }
  }

  /** Whether anything of the feed may be seen. */
  hasFeed(feed: string): boolean {
    return this.#feeds.has(feed) || this.#feeds.has(EVERY_FEED)
  }

  allows(feed: string, symbol: string): boolean {
    return this.#feeds.get(feed)?.allows(symbol) === true || this.#feeds.get(EVERY_FEED)?.allows(symbol) === true
  }
  /** Whether anything that the pattern can match may be seen. */
  meets(feed: string, pattern: string): boolean {
    return this.#feeds.get(feed)?.meets(pattern) === true || this.#feeds.get(EVERY_FEED)?.meets(pattern) === true
  }
}
