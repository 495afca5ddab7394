import { matcherOf } from './pattern.ts'
import type { Subscription } from './subscription.ts'
import type { Readiness } from './symbol.ts'

/** One pattern of a feed and who subscribes to it. */
export class PatternState {
  readonly pattern: string
  readonly matches: (symbol: string) => boolean
  readonly subscriptions = new Set<Subscription>()
  readiness: Readiness = 'ready'

  constructor(pattern: string) {
    this.pattern = pattern
    this.matches = matcherOf(pattern)
  }
}
