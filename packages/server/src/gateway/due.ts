import type { Feed } from '../hub/index.ts'
import type { LinkBook } from './link-book.ts'
import type { Link } from './link.ts'
import type { Proof } from './proof.ts'
import type { PatternSource, SymbolSource } from './symbol-source.ts'

/**
 * Whether what was asked for can be answered downstream. While those links that have answered have old pulses only, whoever
 * asks would be told that it is stale: another, which has not answered yet, may be of a line that is well.
 */
export class Due {
  readonly #books: ReadonlyMap<Link, LinkBook>
  readonly #proof: Proof

  constructor(books: ReadonlyMap<Link, LinkBook>, proof: Proof) {
    this.#books = books
    this.#proof = proof
  }

  /** Whether it can be answered by what there is, whoever else answers. */
  isProven(source: SymbolSource): boolean {
    return this.#proof.isSettled(source) && this.#proof.isYoung(source)
  }

  /** Whether it can be answered when a pulse or heartbeat has come: behind its answer a link says at once how fresh it is. */
  isDue(source: SymbolSource): boolean {
    if (!this.#proof.isSettled(source)) return false
    return this.#proof.isYoung(source) || this.#haveAllAnswered(source.symbol.feed, source.covered | source.refused)
  }

  isPatternDue(source: PatternSource): boolean {
    if (source.answerByMs === Infinity || !this.#proof.isPatternSettled(source)) return false
    return this.#proof.isPatternYoung(source) || this.#haveAllAnswered(source.feed, source.covered)
  }

  /** Whether these links are all that were asked. */
  #haveAllAnswered(feed: Feed, answered: number): boolean {
    for (const [link, book] of this.#books) {
      if ((answered & link.bit) === 0 && book.serves(feed)) return false
    }
    return true
  }
}
