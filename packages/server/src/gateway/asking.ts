import { formatPosition } from '@pulsewire/protocol'
import type { Feed, PatternState } from '../hub/index.ts'
import type { Link } from './link.ts'

/** Records of an `every` feed asked for with a new symbol, so that clients who come from another gateway can resume here. */
const HISTORY_RECORDS = 200
/** Most bytes of names in one frame, well below what any push node takes. */
const NAMES_BYTES_MAX = 8 * 1024
/** What a name costs in a frame beside its characters: quotes, a comma, a position to resume from. */
const NAME_OVERHEAD_BYTES = 40
/** Symbols of a pattern that are resumed at most; the others begin with history. */
const PATTERN_POSITIONS_MAX = 5000

/** Asks a link for symbols by name, in as many frames as it takes. */
export function subscribeNames(link: Link, id: number, feed: Feed, names: readonly string[]): void {
  for (const symbols of inParts(names)) {
    if (feed.history === null) link.send({ t: 'subscribe', id, feed: feed.name, symbols })
    else link.send({ t: 'subscribe', id, feed: feed.name, symbols, from: positionsOf(feed, symbols), history: HISTORY_RECORDS })
  }
}

export function unsubscribeNames(link: Link, id: number, names: readonly string[]): void {
  for (const symbols of inParts(names)) link.send({ t: 'unsubscribe', id, symbols })
}

export function subscribePattern(link: Link, id: number, feed: Feed, { pattern, matches }: PatternState): void {
  if (feed.history === null) {
    link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern] })
    return
  }
  const held = [...feed.symbols.keys()].filter(matches).slice(0, PATTERN_POSITIONS_MAX)
  link.send({ t: 'subscribe', id, feed: feed.name, patterns: [pattern], from: positionsOf(feed, held), history: HISTORY_RECORDS })
}

/** Cuts a list of names into parts for one frame each. */
function* inParts(names: readonly string[]): Generator<readonly string[]> {
  let start = 0
  let bytes = 0
  for (let i = 0; i < names.length; i++) {
    bytes += names[i]!.length * 3 + NAME_OVERHEAD_BYTES
    if (bytes <= NAMES_BYTES_MAX && i < names.length - 1) continue
    yield names.slice(start, i + 1)
    start = i + 1
    bytes = 0
  }
}

/** Where we stand with each symbol, to be given what follows. */
function positionsOf(feed: Feed, names: readonly string[]): Record<string, string> {
  const positions = Object.create(null) as Record<string, string>
  for (const name of names) {
    const symbol = feed.symbols.get(name)
    if (symbol !== undefined && symbol.offset >= 0) positions[name] = formatPosition(symbol)
  }
  return positions
}
