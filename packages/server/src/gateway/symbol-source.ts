import type { Feed, SymbolState } from '../hub/index.ts'
import { ANY_PARTITION } from './coverage.ts'
import type { CountLineage } from './record-counts.ts'

/** A symbol at a gateway: which links have it, and which of them are believed to be complete. */
export class SymbolSource implements CountLineage {
  readonly symbol: SymbolState
  /** Links (bits) that hold the symbol for us and whose images have arrived: their pulses cover it. */
  covered = 0
  lineage = 0
  /** The partition under which it counts in the coverage. */
  countedIn = ANY_PARTITION
  /** Whether it counts there: from when somebody downstream may have been answered. */
  counted = false
  /** Links that will not give it. */
  refused = 0
  refusal: { code: string; message: string } | null = null
  /** Somebody here subscribes by name, so links are asked by name. */
  named = false
  /** From where the first who wanted it resumes: until there is an image, links are asked for what lies behind that. */
  since: string | undefined
  /** By when it is answered downstream, come what may; Infinity once it is. */
  answerByMs = Infinity
  /** Somebody here was told that there is nothing of it, by links that know: the first record is owed, too. */
  saidEmpty = false
  /** Since when nobody here wants it; Infinity while somebody does. */
  idleSinceMs = Infinity

  constructor(symbol: SymbolState) {
    this.symbol = symbol
  }

  /** Whether it is known up to which record receivers were given everything. */
  get hasBegun(): boolean {
    return this.symbol.offset >= 0 || this.saidEmpty
  }
}

/** A pattern that somebody here subscribes to. */
export interface PatternSource {
  readonly feed: Feed
  /** Links (bits) that name new symbols of it as they appear. */
  covered: number
  /** Links that will not give it. */
  refused: number
  /** Whether it counts in the coverage: from when somebody downstream was answered. */
  counted: boolean
  /** By when it is answered downstream, come what may; Infinity once it is. */
  answerByMs: number
  /** As that of a symbol, by name. */
  readonly since: Readonly<Record<string, string>> | undefined
}
