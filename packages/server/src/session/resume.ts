import { formatPosition, isValidName, parsePosition, type AnswerState, type Position, type SubscribeFrame } from '@pulsewire/protocol'
import type { Entry, SymbolState } from '../hub/index.ts'

/** Where a receiver asks to begin with a symbol. */
export interface Begin {
  /** The last position that it holds, when it resumes. */
  readonly from: string | undefined
  /** Its history is to reach back to there. */
  readonly since: string | undefined
}

/** No position is longer; what a receiver says instead of one need not be kept. */
const POSITION_CHARS_MAX = 64

export type Positions = Pick<SubscribeFrame, 'from' | 'since'>

/** Where to begin with each symbol; `undefined`: nobody says. */
export type Begins = (name: string) => Begin | undefined

export const NOWHERE: Begins = () => undefined

/** What a frame says of one symbol; `undefined` when nothing. */
export function beginOf({ from, since }: Positions, name: string): Begin | undefined {
  const of = (positions: Positions['from']) => {
    const text = positions !== undefined && Object.hasOwn(positions, name) ? positions[name]! : ''
    return text.length > 0 && text.length <= POSITION_CHARS_MAX ? text : undefined
  }
  const begin = { from: of(from), since: of(since) }
  return begin.from === undefined && begin.since === undefined ? undefined : begin
}

/**
 * Positions that receivers named with patterns which wait for an answer: several frames may name some. Only of names that
 * can come, and of no more than may be held.
 */
export class PatternPositions {
  readonly #patterns = new Map<string, Map<string, Begin>>()

  /** Of all patterns. */
  get size(): number {
    return [...this.#patterns.values()].reduce((sum, { size }) => sum + size, 0)
  }

  remember(key: string, frame: Positions, matches: (name: string) => boolean, max: number): void {
    for (const name of new Set([...Object.keys(frame.from ?? {}), ...Object.keys(frame.since ?? {})])) {
      const begin = beginOf(frame, name)
      if (begin === undefined || !isValidName(name) || !matches(name)) continue
      let named = this.#patterns.get(key)
      if (named === undefined) this.#patterns.set(key, (named = new Map()))
      const before = named.get(name)
      if (before === undefined && named.size >= max) continue
      named.set(name, { from: begin.from ?? before?.from, since: begin.since ?? before?.since })
    }
  }

  take(key: string): Begins {
    const named = this.#patterns.get(key)
    this.#patterns.delete(key)
    return named === undefined ? NOWHERE : (name) => named.get(name)
  }

  delete(key: string): void {
    this.#patterns.delete(key)
  }
}

/** Decides where a receiver begins: sets what the entry holds, and says what follows. */
export function positionReceiver(entry: Entry, begin: Begin | undefined): AnswerState {
  const { symbol, subscription } = entry
  const { isEvery } = subscription
  entry.held = -1
  entry.heldPosition = null
  const from = begin?.from === undefined ? undefined : parsePosition(begin.from)
  if (from !== undefined) {
    const recovered = symbol.offset >= 0 && (isEvery ? resumeEvery(entry, from) : resumeLatest(symbol, from))
    // Of a `latest` subscription it counts as long as this node has not reached it.
    if (recovered || !isEvery) entry.heldPosition = formatPosition(from)
    // Of a symbol deleted meanwhile, that is what follows: the receiver still shows its last image.
    if (recovered) return 'recovered'
  }
  if (symbol.offset < 0) {
    // Of an `every` feed nobody misses the first record because a second one came before the first could be sent.
    if (isEvery) beginNow(entry)
    return 'empty'
  }
  const { image, history } = subscription
  if (history > 0) {
    const since = begin?.since === undefined ? undefined : parsePosition(begin.since)
    entry.held = symbol.history?.before(history, since) ?? -1
  }
  // Who resumes shows an image: a newer one has to reach it. That there is none any more is news as well, for a gateway
  // most of all, whose own receivers may still show one.
  if (image || from !== undefined) return 'snapshot'
  beginNow(entry)
  return 'changes'
}

/**
 * Of a `latest` feed nothing is missed by whoever holds what this node is still to reach: it gets what is newer once that
 * is here. The other gateway, or the other line, was a moment ahead. Only a newer generation means nothing here.
 */
function resumeLatest(symbol: SymbolState, from: Position): boolean {
  return from.generation <= symbol.generation
}

/** The receiver gets what comes from now on. */
function beginNow(entry: Entry): void {
  entry.held = entry.symbol.count
  if (entry.symbol.offset >= 0) entry.heldPosition = formatPosition(entry.symbol)
}

/** Puts the receiver behind the record that it names, when everything after it is still held, or is still to come. */
function resumeEvery(entry: Entry, from: Position): boolean {
  const { symbol } = entry
  if (from.generation === symbol.generation && from.partition === symbol.partition && isNewest(symbol, from.offset)) {
    entry.held = symbol.count
    return true
  }
  const item = symbol.history?.at(from.generation, from.partition, from.offset)
  if (item !== undefined) {
    entry.held = item.count
    return true
  }
  const oldest = symbol.history?.oldest
  if (oldest === undefined || oldest.prev !== from.offset || oldest.partition !== from.partition || oldest.generation !== from.generation)
    return false
  entry.held = oldest.count - oldest.n
  return true
}

/**
 * Whether nothing that is held here comes after the offset. Where this node is a moment behind the receiver, every record
 * from its newest on goes through it, each naming the one before, and so every one behind the offset; the receiver passes
 * over those up to it. Of a symbol that is deleted here there would be no image to begin with.
 */
function isNewest(symbol: SymbolState, offset: number): boolean {
  return offset === symbol.offset || (offset > symbol.offset && !symbol.deleted)
}
