import { isValidName, type SubscribeFrame, type SubscribeOptions } from '@pulsewire/protocol'
import { obtain } from '../obtain.ts'
import { Entry } from './entry.ts'
import type { Item, Kind, Name } from './split.ts'
import type { LocalSubscription } from './subscription.ts'
import { Update } from './update.ts'

/**
 * One subscription on the wire: an id, a feed, options, and the names wanted under it. Subscriptions of the application
 * that name only symbols and have the same options share one, so that a symbol shown in five places is sent once. Those
 * with patterns or groups have their own, because only the sender knows which symbols these bring.
 */
export class Wire {
  readonly id: number
  readonly feed: string
  readonly options: SubscribeOptions
  /** Key of `sharedKey`, or null when not shared. */
  readonly key: string | null
  /** Patterns and groups. */
  readonly openNames = new Map<string, Kind>()
  /** Every symbol that somebody holds a view of, those that have ended too. */
  readonly entries = new Map<string, Entry>()
  readonly subscriptions = new Set<LocalSubscription>()
  /** What the next flush sends. */
  readonly adding = new Map<string, Kind>()
  readonly removing = new Set<string>()

  constructor(id: number, feed: string, options: SubscribeOptions, key: string | null) {
    this.id = id
    this.feed = feed
    this.options = options
    this.key = key
  }

  /** Whether the sender may answer with symbols that were not named. */
  get open(): boolean {
    return this.openNames.size > 0
  }

  get frameBase(): Pick<SubscribeFrame, 'id' | 'feed'> & SubscribeOptions {
    return { id: this.id, feed: this.feed, ...this.options }
  }

  entry(symbol: string): Entry {
    return obtain(this.entries, symbol, () => new Entry(symbol, this))
  }

  /** Whether it is wanted, now. */
  wants(name: string, kind: Kind): boolean {
    return kind === 'symbols' ? this.entries.has(name) : this.openNames.has(name)
  }

  /** @param log the one that the positions of whoever is asked are of; one that is held of another says nothing there. */
  item(name: string, kind: Kind, log: string | undefined): Item {
    const entry = kind === 'symbols' ? this.entries.get(name) : undefined
    return entry?.latest == null || entry.isHeldOfOther(log) ? { kind, name } : { kind, name, from: entry.latest.position }
  }

  /**
   * All that a new session has to be told. Symbols that a pattern brought are named too, each with the position held:
   * under the pattern alone they could not be resumed.
   */
  *names(): Iterable<Name> {
    for (const { symbol, ended } of this.entries.values()) if (!ended && isValidName(symbol)) yield [symbol, 'symbols']
    for (const name of this.openNames) if (isValidName(name[0])) yield name
  }

  /** Position and time of what is held of a symbol. */
  static held(entry: Entry) {
    return entry.latest === null ? null : Update.partsOf(entry.latest)
  }
}

/** Equal for subscriptions that can share a wire. Field order does not matter to the sender, nor does it here. */
export function sharedKey(feed: string, options: SubscribeOptions): string {
  const fields = options.fields === undefined ? null : [...new Set(options.fields)].sort()
  return JSON.stringify([feed, fields, options.maxRate ?? null, options.delivery ?? null, options.image ?? true])
}
