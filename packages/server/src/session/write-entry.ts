import { comparePositions, formatPosition, parsePosition } from '@pulsewire/protocol'
import type { Entry } from '../hub/index.ts'
import type { Composer } from './composer.ts'

/** A position before every other, for a receiver that was never given one: generations count from 1. */
const BEFORE_ALL = '0:0:0'

/**
 * Writes what is due of one entry.
 * @returns whether more of it is due, because the message is as large as it may be.
 */
export function writeEntry(composer: Composer, entry: Entry, bytesMax: number): boolean {
  if (entry.detached || !entry.answered) return false
  const { isEvery } = entry.subscription
  if (isEvery && entry.held >= 0) return writeItems(composer, entry, bytesMax)
  // What a rate's tick was waited for may have come with a snapshot meanwhile.
  if (isEvery || entry.held !== entry.symbol.count) writeLatest(composer, entry)
  return false
}

function writeLatest(composer: Composer, entry: Entry): void {
  const { symbol } = entry
  if (symbol.offset < 0 || !composer.latest(entry)) return
  if (composer.sampledOf === null && entry.held >= 0 && !entry.whole) sample(composer, entry, symbol.ts)
  entry.held = symbol.count
  entry.whole = symbol.deleted
  if (entry.subscription.isEvery) entry.heldPosition = formatPosition(symbol)
  else if (entry.heldPosition !== null) entry.whole ||= isBehindReceiver(entry)
}

/** Images that begin a subscription may be hours old, and what a rate holds back is late because the receiver wants it so. */
function sample(composer: Composer, { subscription }: Entry, ts: number): void {
  if (subscription.periodMs > 0) return
  composer.sampledOf = subscription.feed
  composer.sampledTs = ts
}

/**
 * Whether the receiver holds something newer from another sender, so that it takes nothing of us yet. What it holds we do
 * not know: the first update that it takes has to be whole, and has to come even if it changes nothing here.
 */
function isBehindReceiver(entry: Entry): boolean {
  const from = parsePosition(entry.heldPosition!)
  const { symbol } = entry
  const isBehind = from !== undefined && comparePositions(symbol, symbol.ts, from, symbol.ts) < 0
  if (!isBehind) entry.heldPosition = null
  return isBehind
}

/** Gives every record after what the receiver holds; what history no longer has is said to be missing. */
function writeItems(composer: Composer, entry: Entry, bytesMax: number): boolean {
  const { symbol } = entry
  const history = symbol.history!
  for (;;) {
    const item = history.firstAfter(entry.held)
    if (item === undefined) {
      // History was too short even for the newest record: it is sent all the same, as the image that it left.
      if (entry.held < symbol.count) writeGap(composer, entry)
      // A receiver that resumed and missed nothing still needs an image for changes to apply to.
      else if (!entry.whole || !symbol.hasImage) return false
      writeLatest(composer, entry)
      return false
    }
    const n = item.count - entry.held
    if (n > item.n) writeGap(composer, entry)
    composer.item(entry, item, entry.whole, n)
    if (composer.sampledOf === null && !entry.whole) sample(composer, entry, item.ts)
    entry.held = item.count
    entry.whole = item.deleted
    entry.heldPosition = formatPosition(item)
    if (composer.size >= bytesMax) return entry.held < symbol.count
  }
}

function writeGap(composer: Composer, entry: Entry): void {
  composer.control({ t: 'gap', ref: entry.ref, after: entry.heldPosition ?? BEFORE_ALL })
  entry.whole = true
}
