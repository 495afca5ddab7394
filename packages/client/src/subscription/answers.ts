import {
  isTokenCode,
  type EndedFrame,
  type ErrorFrame,
  type OkRow,
  type RefusedRow,
  type SubscribedFrame,
  type UnsubscribedFrame,
} from '@pulsewire/protocol'
import type { Clock, Timer } from '../clock.ts'
import type { Session } from '../connection/session.ts'
import { PulsewireError } from '../errors.ts'
import { obtain } from '../obtain.ts'
import { refusalText } from '../parts.ts'
import type { Entry, Row } from './entry.ts'
import type { EndedEvent } from './options.ts'
import type { Registry } from './registry.ts'
import type { Item } from './split.ts'

/** Refusals that pass by themselves: the client asks again, the symbol is stale meanwhile. */
const PASSING_CODES: ReadonlySet<string> = new Set(['upstream_timeout'])
const RETRY_AFTER_MS = 5_000
/** Refusals where asking again later, by the application, can help. */
const RETRYABLE_CODES: ReadonlySet<string> = new Set(['subscriptions_limit', 'feed_unknown', 'upstream_refused', 'upstream_timeout'])

/** What a sender has not answered for so long is said again: it, or the answer, was lost (repair within 5 s). */
const ANSWER_TIMEOUT_MS = 3_000
/** Asked this often again without an answer, the session is given up. */
const REPEATS_MAX = 3
/** A session that asks this often to be told everything again will not be helped by another time. */
const RESUBSCRIPTIONS_MAX = 5

/** The two ends of the connection held different sets of subscriptions, and that is being put right. */
export interface RepairEvent {
  /**
   * - `digest`: the server found that the sets differ, and is told everything again.
   * - `unanswered`: a subscribe, or its answer, was lost; what is missing is asked for again.
   */
  readonly reason: 'digest' | 'unanswered'
  readonly session: string
  readonly node: string
  /** Repairs since the client was made. */
  readonly total: number
}

/** Takes the answers to subscribes, for whichever session they come from. */
export class Answers {
  readonly #registry: Registry
  readonly #clock: Clock
  readonly #onError: (error: PulsewireError) => void
  readonly #onRepair: (event: RepairEvent) => void
  #repairs = 0
  /** Sessions in the middle of a full resubscription that the sender asked for. */
  readonly #resubscribing = new Set<Session>()
  /** How often each session asked for one. */
  readonly #resubscriptions = new Map<Session, number>()
  readonly #retries = new Map<Session, Timer>()

  constructor(registry: Registry, clock: Clock, onError: (error: PulsewireError) => void, onRepair: (event: RepairEvent) => void) {
    this.#registry = registry
    this.#clock = clock
    this.#onError = onError
    this.#onRepair = onRepair
  }

  subscribed(session: Session, frame: SubscribedFrame): void {
    const recovered: string[] = []
    const missed: string[] = []
    for (const row of frame.ok ?? []) {
      const resumed = this.#ok(session, frame.id, row)
      if (resumed !== undefined) (resumed ? recovered : missed).push(row[0])
    }
    for (const row of frame.refused ?? []) this.#refused(session, frame.id, row)
    if (frame.done === true) {
      session.rows.answeredFrame(frame.id)
      this.#registry.tellWithoutSymbols(frame.id)
      this.#finishResubscription(session)
    }
    if (recovered.length + missed.length > 0) this.#tellResume(frame.id, recovered, missed)
  }

  unsubscribed(session: Session, frame: UnsubscribedFrame): void {
    for (const symbol of [...frame.ok, ...frame.unknown]) {
      this.#dropped(session, frame.id, symbol)
      session.rows.left(frame.id, symbol)
    }
    if (frame.closed) session.rows.dropWire(frame.id)
  }

  ended(session: Session, frame: EndedFrame): void {
    let isLost = false
    for (const [symbol, code, message] of frame.symbols) {
      const row = this.#dropped(session, frame.id, symbol)
      if (code !== 'not_named') this.#end(session, frame.id, endedEvent(symbol, code, message))
      // It may have been named, and that not have arrived.
      else isLost ||= row?.entry != null || this.#registry.wire(frame.id)?.openNames.has(symbol) === true
    }
    const wire = isLost ? this.#registry.wire(frame.id) : undefined
    if (wire !== undefined) session.rows.subscribe(wire, wire.names())
  }

  /** With an id: nothing of what was asked under it took effect. */
  error(session: Session, frame: ErrorFrame): void {
    if (isTokenCode(frame.code)) {
      this.#onError(new PulsewireError('token_refused', `${session.node}: ${frame.code}: ${frame.message}`))
      return
    }
    const items = frame.id === undefined ? [] : session.rows.takeOutstanding(frame.id)
    for (const item of items) this.#end(session, frame.id!, endedEvent(item.name, frame.code, frame.message))
    const message = `${session.node}: ${frame.code}: ${frame.message}`
    this.#onError(new PulsewireError('server_error', message, { retryable: items.length === 0 }))
  }

  /** The sender's set differs from ours: tell it everything again. */
  resubscribe(session: Session): void {
    const times = (this.#resubscriptions.get(session) ?? 0) + 1
    if (times > RESUBSCRIPTIONS_MAX) {
      const message = `${session.node} holds another set of subscriptions, and naming them again ${RESUBSCRIPTIONS_MAX} times did not help`
      session.abandon(new PulsewireError('subscriptions_differ', message, { retryable: true }))
      return
    }
    this.#resubscriptions.set(session, times)
    this.#tellRepair(session, 'digest')
    this.#resubscribing.add(session)
    this.#registry.flush()
    session.rows.resetDigest()
    for (const wire of this.#registry.wires) session.rows.subscribe(wire, wire.names())
    this.#finishResubscription(session)
  }

  /** When `checkOverdue` may have something to do. */
  nextCheckMs(session: Session): number {
    return session.rows.nextOverdueMs(ANSWER_TIMEOUT_MS)
  }

  /** Asks again what was not answered in time; gives the session up when that does not help. */
  checkOverdue(session: Session): void {
    this.#leaveAgain(session)
    if (!session.rows.unanswered) return
    for (const { wireId, items, repeats } of session.rows.takeOverdue(this.#clock.nowMs(), ANSWER_TIMEOUT_MS)) {
      const message = `${session.node} did not answer a subscribe in ${ANSWER_TIMEOUT_MS} ms`
      const error = new PulsewireError('subscribe_timeout', message, { retryable: true })
      if (repeats > REPEATS_MAX) {
        session.abandon(error)
        return
      }
      this.#onError(error)
      this.#tellRepair(session, 'unanswered')
      this.#ask(session, wireId, items)
    }
  }

  /** Ends again what the sender did not confirm; a symbol that is wanted again is asked for instead. */
  #leaveAgain(session: Session): void {
    for (const { wireId, symbol } of session.rows.takeOverdueLeaving(this.#clock.nowMs(), ANSWER_TIMEOUT_MS)) {
      if (symbol === null) session.rows.unsubscribeAll(wireId)
      else if (this.#registry.wire(wireId)?.entries.has(symbol) === true) this.#ask(session, wireId, [{ kind: 'symbols', name: symbol }])
      else session.rows.unsubscribe(wireId, [symbol])
    }
  }

  /** A session begins to serve: what it refused is refused now. */
  promote(session: Session): void {
    for (const { wireId, event } of session.rows.refusals.splice(0)) this.#registry.end(wireId, event)
  }

  /** A session serves that could not be told where to go on. */
  tellMissed(entries: readonly Entry[]): void {
    const byWire = new Map<number, string[]>()
    for (const { wire, symbol } of entries) {
      obtain(byWire, wire.id, () => []).push(symbol)
    }
    for (const [wireId, missed] of byWire) this.#tellResume(wireId, [], missed)
  }

  forget(session: Session): void {
    this.#resubscribing.delete(session)
    this.#resubscriptions.delete(session)
    this.#retries.get(session)?.cancel()
    this.#retries.delete(session)
  }

  /** @returns whether it was recovered, where it was a resumption at all. */
  #ok(session: Session, wireId: number, ok: OkRow): boolean | undefined {
    const [symbol, , answer] = ok
    session.rows.answeredName(wireId, symbol)
    const entry = session.rows.isLeaving(wireId, symbol) ? undefined : this.#registry.entryFor(wireId, symbol)
    // The answer to something unsubscribed meanwhile still counts in the digest, until the sender confirms the end.
    const known = session.rows.get(wireId, symbol)
    const row = session.rows.accept(wireId, ok)
    if (row === undefined) return undefined
    if (entry === undefined || entry.ended) return undefined
    row.entry = entry
    if (session === this.#registry.serving) entry.row = row
    this.#registry.reviewer.touch(entry)
    // Already resumed in this session, or nothing to resume from.
    if (entry.latest === null || known !== undefined) return undefined
    if (entry.isHeldOfOther(session.logOf(row.feed))) {
      // It may never serve: until then what is held stands.
      if (session !== this.#registry.serving) return undefined
      entry.missed()
      if (answer !== 'snapshot') entry.latest = null
      return false
    }
    entry.recovered = answer === 'recovered'
    entry.tellRecovered = true
    return entry.recovered
  }

  #refused(session: Session, wireId: number, [name, code, message]: RefusedRow): void {
    const wire = this.#registry.wire(wireId)
    session.rows.answeredName(wireId, name)
    if (wire !== undefined && PASSING_CODES.has(code)) {
      const kind = wire.openNames.get(name) ?? 'symbols'
      const entry = kind === 'symbols' ? wire.entries.get(name) : undefined
      if (entry !== undefined && session === this.#registry.serving) this.#registry.reviewer.delay(entry, session.node, message)
      session.rows.retryLater(wireId, { kind, name })
      this.#retrySoon(session)
      return
    }
    session.rows.drop(wireId, name)
    // A pattern that was open, and cannot be held any longer; what it brought stays.
    session.rows.dropName(wireId, name)
    this.#end(session, wireId, endedEvent(name, code, message))
  }

  /** A session that does not serve yet ends nothing: the one that does may know better. */
  #end(session: Session, wireId: number, event: EndedEvent): void {
    const { serving } = this.#registry
    if (serving === null || serving === session) this.#registry.end(wireId, event)
    else session.rows.refusals.push({ wireId, event })
  }

  #retrySoon(session: Session): void {
    if (this.#retries.has(session)) return
    const timer = this.#clock.after(RETRY_AFTER_MS, () => {
      this.#retries.delete(session)
      for (const [wireId, items] of session.rows.takeRetries()) this.#ask(session, wireId, items)
    })
    this.#retries.set(session, timer)
  }

  /** Asks again for what is still wanted. */
  #ask(session: Session, wireId: number, items: readonly Item[]): void {
    const wire = this.#registry.wire(wireId)
    if (wire === undefined) return
    const wanted = items.filter(({ kind, name }) => wire.wants(name, kind))
    session.rows.subscribe(
      wire,
      wanted.map(({ kind, name }) => [name, kind]),
    )
  }

  #dropped(session: Session, wireId: number, symbol: string): Row | undefined {
    const row = session.rows.drop(wireId, symbol)
    session.rows.dropName(wireId, symbol)
    const entry = row?.entry
    if (entry != null && entry.row === row) {
      entry.row = null
      this.#registry.reviewer.touch(entry)
    }
    return row
  }

  #tellRepair(session: Session, reason: RepairEvent['reason']): void {
    this.#onRepair({ reason, session: session.welcome?.session ?? '', node: session.node, total: ++this.#repairs })
  }

  #finishResubscription(session: Session): void {
    if (!this.#resubscribing.has(session) || session.rows.unanswered) return
    this.#resubscribing.delete(session)
    for (const row of session.rows.dropUnconfirmed()) {
      if (row.entry === null || row.entry.row !== row) continue
      row.entry.row = null
      this.#registry.reviewer.touch(row.entry)
    }
  }

  #tellResume(wireId: number, recovered: readonly string[], missed: readonly string[]): void {
    for (const subscription of [...(this.#registry.wire(wireId)?.subscriptions ?? [])]) {
      const mine = (symbol: string) => subscription.entries.has(symbol)
      const event = { recovered: recovered.filter(mine), missed: missed.filter(mine) }
      if (event.recovered.length + event.missed.length > 0) subscription.tellResume(event)
    }
  }
}

export function endedEvent(symbol: string, code: string, message: string): EndedEvent {
  return { symbol, code, message: message || refusalText(code), retryable: RETRYABLE_CODES.has(code) }
}
