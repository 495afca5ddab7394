import type { Clock } from '../runtime/clock.ts'
import type { Feed } from './feed.ts'
import type { PatternState } from './pattern-state.ts'
import { isPattern } from './pattern.ts'
import type { SymbolState } from './symbol.ts'

/** Symbols that are looked at in one turn, for all patterns together: less than a millisecond. */
const LOOKS_PER_TURN = 20_000
/** What is taken costs more than a look: a row is made of it. */
const LOOKS_PER_TAKEN = 20

/** Who wants to know which symbols a pattern means. */
export interface PatternScan {
  /** A symbol with an image that matches. @returns false: enough, no more of them are wanted. */
  take(symbol: SymbolState): boolean
  /** All have been seen that were there when it began, and perhaps some that came since. */
  done(): void
}

interface Scan extends PatternScan {
  readonly owner: object
  readonly pattern: PatternState
  readonly symbols: Iterator<SymbolState>
  isOver: boolean
}

/**
 * Finds the symbols that patterns mean. Receivers choose patterns, and each is held against every symbol of its feed: what
 * takes longer than a turn may is cut into turns, and whoever asks for much waits behind those who ask for little.
 */
export class PatternScans {
  readonly #clock: Clock
  /** By who asked: one scan of each in its turn. */
  readonly #waiting = new Map<object, Scan[]>()
  #left = LOOKS_PER_TURN
  #isDue = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Scans that are not over yet. */
  get size(): number {
    let size = 0
    for (const scans of this.#waiting.values()) size += scans.length
    return size
  }

  /** At once, where that is little and nobody waits. @returns how to give it up. */
  start(owner: object, feed: Feed, pattern: PatternState, wanted: PatternScan): () => void {
    // One without a wildcard is a name: what probes ask for, and they come often.
    const named = isPattern(pattern.pattern) ? null : feed.symbols.get(pattern.pattern)
    const looks = named === null ? feed.symbols.size : 1
    const scan: Scan = {
      owner,
      pattern,
      symbols: named === null ? feed.symbols.values() : (named === undefined ? [] : [named]).values(),
      isOver: false,
      take: (symbol) => wanted.take(symbol),
      done: () => wanted.done(),
    }
    this.#schedule()
    if (this.#waiting.size === 0 && looks <= this.#left) {
      this.#run(scan, Infinity)
      return () => {}
    }
    const own = this.#waiting.get(owner)
    if (own === undefined) this.#waiting.set(owner, [scan])
    else own.push(scan)
    return () => {
      if (!scan.isOver) this.#remove(scan)
    }
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#clock.soon(() => this.#turn())
  }

  #turn(): void {
    this.#isDue = false
    this.#left = LOOKS_PER_TURN
    while (this.#left > 0) {
      const next = this.#waiting.values().next()
      if (next.done === true) return
      this.#run(next.value[0]!, this.#left)
    }
    this.#schedule()
  }

  #run(scan: Scan, looks: number): void {
    const { pattern, symbols } = scan
    for (let looked = 0; looked < looks; looked++) {
      this.#left--
      const { value: symbol, done } = symbols.next()
      if (done !== true && !(symbol.hasImage && pattern.matches(symbol.name))) continue
      if (done !== true && this.#takes(scan, symbol)) continue
      this.#remove(scan)
      scan.done()
      return
    }
  }

  #takes(scan: Scan, symbol: SymbolState): boolean {
    this.#left -= LOOKS_PER_TAKEN
    return scan.take(symbol)
  }

  /** Others of the same owner wait behind those of everybody else. */
  #remove(scan: Scan): void {
    scan.isOver = true
    const own = this.#waiting.get(scan.owner)
    if (own === undefined) return
    const wasFirst = own[0] === scan
    const left = own.filter((each) => each !== scan)
    if (left.length === 0 || wasFirst) this.#waiting.delete(scan.owner)
    if (left.length > 0) this.#waiting.set(scan.owner, left)
  }
}
