import { SubscriptionDigest, type Decoder, type FeedInfo, type OkRow, type UpstreamFrame } from '@pulsewire/protocol'
import type { Clock } from '../clock.ts'
import { chainFor } from '../parts.ts'
import { Row } from './entry.ts'
import type { EndedEvent } from './options.ts'
import { Outstanding } from './outstanding.ts'
import { splitSubscribe, splitUnsubscribe, type Item } from './split.ts'
import type { Wire } from './wire.ts'

/** What the rows need of their session. */
export interface RowsLink {
  readonly decoder: Decoder
  readonly messageBytesMax: number
  feedIndex(feed: string): number
  feedInfo(index: number): FeedInfo | undefined
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

/** What one session holds: the answered rows by ref and by name, their digest, and what is not answered. */
export class SessionRows {
  readonly digest = new SubscriptionDigest()
  /** What this session refused or ended before it served. */
  readonly refusals: { wireId: number; event: EndedEvent }[] = []
  readonly #link: RowsLink
  readonly #clock: Clock
  readonly #byRef = new Map<number, Row>()
  readonly #byWire = new Map<number, Map<string, Row>>()
  /** What was asked under each id: its answers may come after the application has forgotten it. */
  readonly #wires = new Map<number, Pick<Wire, 'id' | 'feed' | 'options'>>()
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #retries = new Map<number, Item[]>()
  /** "id symbol", or "id" → unsubscribes on their way: an answer that crosses one of them comes too late. */
  readonly #leaving = new Map<string, Leaving>()
  /** By id: patterns and groups that were answered. */
  readonly #openNames = new Map<number, Set<string>>()
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
    return this.#byWire.get(wireId)?.get(symbol)
  }

  all(): Iterable<Row> {
    return this.#byRef.values()
  }

  /** Whether everything was answered and every promised snapshot is here. */
  get settled(): boolean {
    return !this.unanswered && [...this.#awaiting.values()].every((rows) => rows.size === 0)
  }

  answered(wireId: number): boolean {
    return this.#byWire.has(wireId) && !this.#isAsking(wireId)
  }

  subscribe(wire: Wire, items: Iterable<Item>): void {
    for (const part of splitSubscribe(wire.frameBase, items, this.#link.messageBytesMax)) {
      this.#outstandingOf(wire.id).ask(part.items, this.#clock.nowMs())
      if (!this.#byWire.has(wire.id)) {
        this.#byWire.set(wire.id, new Map())
        this.#wires.set(wire.id, { id: wire.id, feed: wire.feed, options: wire.options })
      }
      this.#link.send(part.frame)
    }
  }

  /** Ends symbols. Their rows stay in the digest until the sender confirms, and bring nothing more. */
  unsubscribe(wireId: number, symbols: Iterable<string>): void {
    if (!this.#byWire.has(wireId)) return
    const names = [...symbols]
    for (const name of names) {
      this.#release(this.get(wireId, name))
      this.#outstanding.get(wireId)?.forget(name)
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
    const rows = this.#byWire.get(wireId)
    if (rows === undefined) return
    for (const row of rows.values()) this.#release(row)
    this.#outstanding.delete(wireId)
    this.#leaving.delete(`${wireId}`)
    this.#countLeaving(wireId, null, 1)
    this.#link.send({ t: 'unsubscribe', id: wireId })
  }

  /** Takes an `ok` row into force, new or again. Returns undefined for a feed or an id that nobody named. */
  accept(wire: Pick<Wire, 'id' | 'feed' | 'options'>, [symbol, ref, answer]: OkRow): Row | undefined {
    const rows = this.#byWire.get(wire.id)
    const feedIndex = this.#link.feedIndex(wire.feed)
    const info = this.#link.feedInfo(feedIndex)
    if (rows === undefined || info === undefined) return undefined
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
    let rows = this.#awaiting.get(row.feed)
    if (rows === undefined) this.#awaiting.set(row.feed, (rows = new Set()))
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
    this.#byWire.get(wireId)?.delete(symbol)
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
    for (const symbol of [...(this.#byWire.get(wireId)?.keys() ?? [])]) this.drop(wireId, symbol)
    for (const name of [...(this.#openNames.get(wireId) ?? [])]) this.dropName(wireId, name)
    this.#retries.delete(wireId)
    if (this.#isAsking(wireId)) return
    this.#byWire.delete(wireId)
    this.#wires.delete(wireId)
    this.#openNames.delete(wireId)
  }

  /** A pattern or group is over. */
  dropName(wireId: number, name: string): void {
    const feed = this.#wires.get(wireId)?.feed
    if (this.#openNames.get(wireId)?.delete(name) === true && feed !== undefined) this.#use(feed, -1)
  }

  #openName(wireId: number, name: string): void {
    const feed = this.#wires.get(wireId)?.feed
    const names = this.#openNames.get(wireId) ?? new Set()
    this.#openNames.set(wireId, names)
    if (feed === undefined || names.has(name)) return
    names.add(name)
    this.#use(feed, 1)
  }

  wireInfo(wireId: number): Pick<Wire, 'id' | 'feed' | 'options'> | undefined {
    return this.#wires.get(wireId)
  }

  /** A name that was refused for a reason that passes. */
  retryLater(wireId: number, item: Item): void {
    const items = this.#retries.get(wireId)
    if (items === undefined) this.#retries.set(wireId, [item])
    else items.push(item)
  }

  takeRetries(): [wireId: number, items: Item[]][] {
    const retries = [...this.#retries]
    this.#retries.clear()
    return retries
  }

  /** A name was answered, by whatever. */
  answeredName(wireId: number, name: string): void {
    this.#outstanding.get(wireId)?.answered(name, this.#clock.nowMs())
  }

  /**
   * A `done` came. It may stand for several subscribes in a row, so that it is the names that count: a pattern or group
   * has no row of its own and is answered by this, a symbol by its row.
   */
  answeredFrame(wireId: number): void {
    const outstanding = this.#outstanding.get(wireId)
    if (outstanding === undefined) return
    for (const item of outstanding.items) {
      if (item.kind === 'symbols') continue
      outstanding.answered(item.name, this.#clock.nowMs())
      this.#openName(wireId, item.name)
    }
    if (outstanding.size === 0) this.#outstanding.delete(wireId)
  }

  /** A subscribe under this id had no effect: what was asked and is now void. */
  takeOutstanding(wireId: number): Item[] {
    const items = this.#outstanding.get(wireId)?.items ?? []
    this.#outstanding.delete(wireId)
    return items
  }

  /** Takes out, by id, the names whose answer is overdue. `repeats` counts how often the same was asked. */
  takeOverdue(nowMs: number, timeoutMs: number): { wireId: number; items: Item[]; repeats: number }[] {
    const all: { wireId: number; items: Item[]; repeats: number }[] = []
    for (const [wireId, outstanding] of this.#outstanding) {
      const overdue = outstanding.takeOverdue(nowMs, timeoutMs)
      if (overdue.items.length > 0) all.push({ wireId, ...overdue })
    }
    return all
  }

  /** When the oldest thing that the sender owes may be overdue. */
  nextOverdueMs(timeoutMs: number): number {
    let nextMs = Infinity
    for (const each of this.#outstanding.values()) nextMs = Math.min(nextMs, each.nextAtMs(timeoutMs))
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
    for (const { size } of this.#outstanding.values()) if (size > 0) return true
    return false
  }

  #isAsking(wireId: number): boolean {
    return (this.#outstanding.get(wireId)?.size ?? 0) > 0
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

  #outstandingOf(wireId: number): Outstanding {
    let outstanding = this.#outstanding.get(wireId)
    if (outstanding === undefined) this.#outstanding.set(wireId, (outstanding = new Outstanding()))
    return outstanding
  }
}
