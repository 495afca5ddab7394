import { SubscriptionDigest, type Decoder, type FeedInfo, type OkRow, type UpstreamFrame } from '@pulsewire/protocol'
import type { Clock } from '../clock.ts'
import { obtain } from '../obtain.ts'
import { chainFor } from '../parts.ts'
import { Row } from './entry.ts'
import type { EndedEvent } from './options.ts'
import { Outstanding } from './outstanding.ts'
import { splitSubscribe, splitUnsubscribe, type Item, type Name } from './split.ts'
import type { Wire } from './wire.ts'

/** What the rows need of their session. */
export interface RowsLink {
  readonly decoder: Decoder
  readonly messageBytesMax: number
  feedIndex(feed: string): number
  feedInfo(index: number): FeedInfo | undefined
  logOf(feed: string): string | undefined
  send(frame: UpstreamFrame): void
  /** The first use of a feed was answered, or the last one is gone: pulses are due, or are not. */
  expectPulses(feed: string, due: boolean): void
}

/** Unsubscribes that the sender has not confirmed. */
interface Leaving {
  readonly wireId: number
  /** Null: all of the id. */
  readonly symbol: string | null
  count: number
  readonly sinceMs: number
}

/** What a session holds under one id. */
interface Holding {
  /** Its answers may come after the application has forgotten it. */
  readonly wire: Wire
  readonly rows: Map<string, Row>
  /** Patterns and groups that were answered. */
  readonly openNames: Set<string>
  /** Names that were refused for a reason that passes. */
  retries: Item[]
  outstanding: Outstanding
}

/** What one session holds: the answered rows by ref and by name, their digest, and what is not answered. */
export class SessionRows {
  readonly digest = new SubscriptionDigest()
  /** What this session refused or ended before it served. */
  readonly refusals: { wireId: number; event: EndedEvent }[] = []
  readonly #link: RowsLink
  readonly #clock: Clock
  readonly #byRef = new Map<number, Row>()
  readonly #held = new Map<number, Holding>()
  /** "id symbol", or "id" → unsubscribes on their way: an answer that crosses one of them comes too late. */
  readonly #leaving = new Map<string, Leaving>()
  /** By feed: rows, patterns and groups. While there are any, the sender owes pulses of the feed. */
  readonly #used = new Map<string, number>()
  /** By feed: rows whose snapshot or replay has not come. */
  readonly #awaiting = new Map<string, Set<Row>>()

  constructor(link: RowsLink, clock: Clock) {
    this.#link = link
    this.#clock = clock
  }

  byRef(ref: number): Row | undefined {
    return this.#byRef.get(ref)
  }

  get(wireId: number, symbol: string): Row | undefined {
    return this.#held.get(wireId)?.rows.get(symbol)
  }

  all(): Iterable<Row> {
    return this.#byRef.values()
  }

  /** Whether everything was answered and every promised snapshot is here. */
  get settled(): boolean {
    return !this.unanswered && [...this.#awaiting.values()].every((rows) => rows.size === 0)
  }

  answered(wireId: number): boolean {
    return this.#held.get(wireId)?.outstanding.size === 0
  }

  /** Names these, each with the position that is held of it. */
  subscribe(wire: Wire, names: Iterable<Name>): void {
    const log = this.#link.logOf(wire.feed)
    const items = Array.from(names, ([name, kind]) => wire.item(name, kind, log))
    for (const part of splitSubscribe(wire.frameBase, items, this.#link.messageBytesMax)) {
      const holding = (): Holding => ({ wire, rows: new Map(), openNames: new Set(), retries: [], outstanding: new Outstanding() })
      obtain(this.#held, wire.id, holding).outstanding.ask(part.items, this.#clock.nowMs())
      this.#link.send(part.frame)
    }
  }

  /** Ends symbols. Their rows stay in the digest until the sender confirms, and bring nothing more. */
  unsubscribe(wireId: number, symbols: Iterable<string>): void {
    const held = this.#held.get(wireId)
    if (held === undefined) return
    const names = [...symbols]
    for (const name of names) {
      this.#release(held.rows.get(name))
      held.outstanding.forget(name)
      this.#countLeaving(wireId, name, 1)
    }
    for (const frame of splitUnsubscribe(wireId, names, this.#link.messageBytesMax)) this.#link.send(frame)
  }

  /** Whether the symbol was unsubscribed and the sender has not confirmed that. */
  isLeaving(wireId: number, symbol: string): boolean {
    return this.#leaving.has(`${wireId} ${symbol}`)
  }

  /** The sender confirmed the end of a symbol, or never knew it. */
  left(wireId: number, symbol: string): void {
    this.#countLeaving(wireId, symbol, -1)
  }

  /** Ends that the sender did not confirm in time, no longer waited for. */
  takeOverdueLeaving(nowMs: number, timeoutMs: number): readonly Leaving[] {
    if (this.#leaving.size === 0) return []
    const overdue = [...this.#leaving.values()].filter(({ sinceMs }) => nowMs - sinceMs > timeoutMs)
    for (const { wireId, symbol } of overdue) this.#leaving.delete(symbol === null ? `${wireId}` : `${wireId} ${symbol}`)
    return overdue
  }

  #countLeaving(wireId: number, symbol: string | null, step: 1 | -1): void {
    const key = symbol === null ? `${wireId}` : `${wireId} ${symbol}`
    const count = (this.#leaving.get(key)?.count ?? 0) + step
    if (count > 0) this.#leaving.set(key, { wireId, symbol, count, sinceMs: this.#clock.nowMs() })
    else this.#leaving.delete(key)
  }

  /** Ends a whole id. */
  unsubscribeAll(wireId: number): void {
    const held = this.#held.get(wireId)
    if (held === undefined) return
    for (const row of held.rows.values()) this.#release(row)
    held.outstanding = new Outstanding()
    this.#leaving.delete(`${wireId}`)
    this.#countLeaving(wireId, null, 1)
    this.#link.send({ t: 'unsubscribe', id: wireId })
  }

  /** Takes an `ok` row into force, new or again. Returns undefined for a feed or an id that nobody named. */
  accept(wireId: number, [symbol, ref, answer]: OkRow): Row | undefined {
    const held = this.#held.get(wireId)
    if (held === undefined) return undefined
    const { wire, rows } = held
    const feedIndex = this.#link.feedIndex(wire.feed)
    const info = this.#link.feedInfo(feedIndex)
    if (info === undefined) return undefined
    let row = rows.get(symbol)
    if (row === undefined) {
      const { delivery, maxRate } = wire.options
      const chain = chainFor(delivery ?? (maxRate === undefined ? info.mode : 'latest'))
      row = new Row({ wireId: wire.id, symbol, feed: wire.feed, feedIndex, chain, ref, answer })
      row.inForce = false
      rows.set(symbol, row)
      this.#use(row.feed, 1)
    } else if (row.ref !== ref) {
      this.#byRef.delete(row.ref)
      this.#link.decoder.close(row.ref)
    }
    row.ref = ref
    row.answer = answer
    row.kept = null
    row.chain?.answered(answer)
    this.#byRef.set(ref, row)
    this.#link.decoder.open(ref, feedIndex)
    this.#confirm(row)
    // "recovered" may or may not be followed by something: only the next pulse tells.
    this.setAwaiting(row, answer === 'snapshot' || answer === 'recovered')
    return row
  }

  #confirm(row: Row): void {
    if (!row.inForce) this.digest.add(row.wireId, row.symbol)
    row.inForce = true
  }

  setAwaiting(row: Row, awaiting: boolean): void {
    row.awaiting = awaiting
    const rows = obtain(this.#awaiting, row.feed, () => new Set<Row>())
    if (awaiting) rows.add(row)
    else rows.delete(row)
  }

  /** A pulse of the feed came: whatever was promised is here. */
  takeAwaiting(feed: string): readonly Row[] {
    const rows = this.#awaiting.get(feed)
    if (rows === undefined || rows.size === 0) return []
    const taken = [...rows]
    rows.clear()
    for (const row of taken) row.awaiting = false
    return taken
  }

  /** The row is over: unsubscribed, ended or refused. */
  drop(wireId: number, symbol: string): Row | undefined {
    const row = this.get(wireId, symbol)
    if (row === undefined) return undefined
    this.#held.get(wireId)?.rows.delete(symbol)
    this.#use(row.feed, -1)
    if (this.#byRef.get(row.ref) === row) {
      this.#byRef.delete(row.ref)
      this.#link.decoder.close(row.ref)
    }
    this.setAwaiting(row, false)
    if (row.inForce) this.digest.remove(wireId, symbol)
    row.inForce = false
    return row
  }

  /**
   * Nothing is left under an id. What was asked since under the same id is still to be answered: the last symbol gone and
   * a new one added in one go closes the id at the sender and opens it again.
   */
  dropWire(wireId: number): void {
    this.#leaving.delete(`${wireId}`)
    const held = this.#held.get(wireId)
    if (held === undefined) return
    for (const symbol of [...held.rows.keys()]) this.drop(wireId, symbol)
    for (const name of held.openNames) this.dropName(wireId, name)
    held.retries = []
    if (held.outstanding.size === 0) this.#held.delete(wireId)
  }

  /** A pattern or group is over. */
  dropName(wireId: number, name: string): void {
    const held = this.#held.get(wireId)
    if (held?.openNames.delete(name) === true) this.#use(held.wire.feed, -1)
  }

  /** A name that was refused for a reason that passes. */
  retryLater(wireId: number, item: Item): void {
    this.#held.get(wireId)?.retries.push(item)
  }

  takeRetries(): [wireId: number, items: Item[]][] {
    return Array.from(this.#held, ([wireId, held]) => {
      const { retries } = held
      held.retries = []
      return [wireId, retries]
    })
  }

  /** A name was answered, by whatever. */
  answeredName(wireId: number, name: string): void {
    this.#held.get(wireId)?.outstanding.answered(name, this.#clock.nowMs())
  }

  /**
   * A `done` came. It may stand for several subscribes in a row, so that it is the names that count: a pattern or group
   * has no row of its own and is answered by this, a symbol by its row.
   */
  answeredFrame(wireId: number): void {
    const held = this.#held.get(wireId)
    if (held === undefined) return
    const { outstanding, openNames, wire } = held
    for (const { kind, name } of outstanding.items) {
      if (kind === 'symbols') continue
      outstanding.answered(name, this.#clock.nowMs())
      if (openNames.has(name)) continue
      openNames.add(name)
      this.#use(wire.feed, 1)
    }
    if (outstanding.size === 0) held.outstanding = new Outstanding()
  }

  /** A subscribe under this id had no effect: what was asked and is now void. */
  takeOutstanding(wireId: number): Item[] {
    const held = this.#held.get(wireId)
    if (held === undefined) return []
    const { items } = held.outstanding
    held.outstanding = new Outstanding()
    return items
  }

  /** Takes out, by id, the names whose answer is overdue. `repeats` counts how often the same was asked. */
  takeOverdue(nowMs: number, timeoutMs: number): { wireId: number; items: Item[]; repeats: number }[] {
    const all: { wireId: number; items: Item[]; repeats: number }[] = []
    for (const [wireId, { outstanding }] of this.#held) {
      const overdue = outstanding.takeOverdue(nowMs, timeoutMs)
      if (overdue.items.length > 0) all.push({ wireId, ...overdue })
    }
    return all
  }

  /** When the oldest thing that the sender owes may be overdue. */
  nextOverdueMs(timeoutMs: number): number {
    let nextMs = Infinity
    for (const { outstanding } of this.#held.values()) nextMs = Math.min(nextMs, outstanding.nextAtMs(timeoutMs))
    for (const { sinceMs } of this.#leaving.values()) return Math.min(nextMs, sinceMs + timeoutMs)
    return nextMs
  }

  /** The sender's set differs from ours: start the digest anew; the answers to come make it. */
  resetDigest(): void {
    this.digest.clear()
    for (const row of this.#byRef.values()) row.inForce = false
  }

  /** After everything was answered anew: rows that were not named again are gone at the sender. */
  dropUnconfirmed(): Row[] {
    const gone = [...this.#byRef.values()].filter((row) => !row.inForce)
    for (const row of gone) this.drop(row.wireId, row.symbol)
    return gone
  }

  get unanswered(): boolean {
    for (const { outstanding } of this.#held.values()) if (outstanding.size > 0) return true
    return false
  }

  #use(feed: string, step: 1 | -1): void {
    const before = this.#used.get(feed) ?? 0
    this.#used.set(feed, before + step)
    if (before === 0 || before + step === 0) this.#link.expectPulses(feed, step > 0)
  }

  #release(row: Row | undefined): void {
    if (row === undefined) return
    row.entry = null
    this.setAwaiting(row, false)
  }
}
