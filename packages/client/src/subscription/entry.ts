import type { AnswerState, ReceivedImage } from '@pulsewire/protocol'
import { PENDING, type SymbolState } from '../freshness/state.ts'
import type { Chain } from './chain.ts'
import { isOfOther } from './decide.ts'
import type { LocalSubscription } from './subscription.ts'
import { Update } from './update.ts'
import type { Wire } from './wire.ts'

/** A symbol as the application sees it. Outlives connections. */
export class Entry {
  readonly symbol: string
  readonly wire: Wire
  /** Who wants it. Replaced, never changed: it may be walked meanwhile, and most often it holds just one. */
  subscribers: readonly LocalSubscription[] = []
  /** The newest update; its values are the image. */
  latest: Update | null = null
  /** What was last told to the subscribers. */
  reported: SymbolState = PENDING
  /** Its row in the serving session; null while not answered there. */
  row: Row | null = null
  /** Whether the last resumption lost nothing; undefined before the first. */
  recovered: boolean | undefined
  /** Nothing came since the feed moved to another topic, or nothing but the record that was held, found again there. */
  moved = false
  /** Its resumption shall be told with the next update. */
  tellRecovered = false

  constructor(symbol: string, wire: Wire) {
    this.symbol = symbol
    this.wire = wire
  }

  get ended(): boolean {
    return this.reported.state === 'ended'
  }

  /** Whether what is held says nothing to a sender whose positions are of this log. */
  isHeldOfOther(log: string | undefined): boolean {
    return this.latest !== null && isOfOther(Update.partsOf(this.latest), log)
  }

  /** Records may be missing between what is held and what comes next. */
  missed(): void {
    this.recovered = false
    this.tellRecovered = true
  }

  get partition(): number {
    return this.latest === null ? -1 : Update.partsOf(this.latest).partition
  }
}

/** A symbol as one session knows it: an `ok` row in force. */
export class Row {
  readonly wireId: number
  readonly symbol: string
  readonly feed: string
  readonly feedIndex: number
  /** Of delivery `every`, where each record counts; else null. */
  readonly chain: Chain | null
  ref: number
  answer: AnswerState
  /** Null when nobody wants it any more and the sender has not confirmed that yet. */
  entry: Entry | null
  /** A snapshot or replay is due before the next pulse of the feed. */
  awaiting = false
  /** In the digest. */
  inForce = true
  /** What a session that does not serve yet has of another log than what is held, always the newest; taken when it serves. */
  kept: ReceivedImage | null = null

  constructor(parts: {
    wireId: number
    symbol: string
    feed: string
    feedIndex: number
    chain: Chain | null
    ref: number
    answer: AnswerState
  }) {
    this.wireId = parts.wireId
    this.symbol = parts.symbol
    this.feed = parts.feed
    this.feedIndex = parts.feedIndex
    this.chain = parts.chain
    this.ref = parts.ref
    this.answer = parts.answer
    this.entry = null
  }

  get every(): boolean {
    return this.chain !== null
  }
}
