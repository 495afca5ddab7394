import type { Clock } from '../runtime/clock.ts'
import type { Noted, SessionEvent, SessionEventKind, SessionNotes } from './event.ts'

export interface SessionHistoryOptions {
  readonly node: string
  readonly clock: Clock
  readonly entriesMax: number
  readonly bytesMax: number
  /** Told of each event, once. */
  readonly also?: (event: SessionEvent) => void
}

/** Of the same kind, one right after the other: told as one. */
const REPEATABLE: ReadonlySet<SessionEventKind> = new Set(['subscribed', 'unsubscribed', 'refused', 'repaired'])
const REPEATED_WITHIN_MS = 2000
const DETAIL_CHARS_MAX = 300
/** An object with its fields, roughly. */
const EVENT_BYTES = 160
/** One question gets at most so many, the newest. */
const FOUND_MAX = 2000

/** What happened to the sessions of a node, the newest of it, within bounds in entries and bytes. */
export class SessionHistory implements SessionNotes {
  readonly #options: SessionHistoryOptions
  #events: SessionEvent[] = []
  /** Events before this one have been let go. */
  #from = 0
  #bytes = 0
  #hasLost = false
  /** The newest of each session that may be repeated. */
  readonly #repeatable = new Map<string, SessionEvent>()
  readonly #startedAtMs: number

  constructor(options: SessionHistoryOptions) {
    this.#options = options
    this.#startedAtMs = options.clock.nowMs()
  }

  get size(): number {
    return this.#events.length - this.#from
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Since when nothing was let go. */
  get sinceMs(): number {
    return this.#hasLost ? (this.#events[this.#from]?.at ?? this.#startedAtMs) : this.#startedAtMs
  }

  note(session: Noted | null, what: SessionEventKind, detail: string): void {
    const { node, clock, also } = this.#options
    const at = Math.round(clock.nowMs())
    const { id = '', user = '' } = session ?? {}
    const before = this.#repeatable.get(id)
    const text = detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX)}…` : detail
    if (before !== undefined && before.what === what && at - before.at < REPEATED_WITHIN_MS) {
      this.#bytes += 2 * (text.length - before.detail.length)
      before.detail = text
      before.times++
      return this.#makeRoom()
    }
    const event: SessionEvent = { at, node, session: id, user, what, detail: text, times: 1 }
    if (REPEATABLE.has(what)) this.#repeatable.set(id, event)
    else this.#repeatable.delete(id)
    this.#events.push(event)
    this.#bytes += bytesOf(event)
    this.#makeRoom()
    also?.(event)
  }

  /** Of the user, or the session, the newest that are held, in order; with what happened to the node while it had one of them. */
  of({ user, session }: { readonly user?: string | undefined; readonly session?: string | undefined }): SessionEvent[] {
    const found: SessionEvent[] = []
    /** Its sessions, from the first that is known of each. */
    const open = new Set<string>()
    for (let i = this.#from; i < this.#events.length; i++) {
      const event = this.#events[i]!
      const isOwn = event.session !== '' && (session === undefined ? event.user === user : event.session === session)
      if (isOwn && event.what === 'closed') open.delete(event.session)
      else if (isOwn) open.add(event.session)
      if (isOwn || (event.session === '' && open.size > 0)) found.push(event)
    }
    return found.slice(-FOUND_MAX)
  }

  *newestFirst(): Iterable<SessionEvent> {
    for (let i = this.#events.length - 1; i >= this.#from; i--) yield this.#events[i]!
  }

  #makeRoom(): void {
    const { entriesMax, bytesMax } = this.#options
    while (this.size > entriesMax || this.#bytes > bytesMax) {
      const oldest = this.#events[this.#from++]
      if (oldest === undefined) break
      this.#hasLost = true
      this.#bytes -= bytesOf(oldest)
      if (this.#repeatable.get(oldest.session) === oldest) this.#repeatable.delete(oldest.session)
    }
    // Not with each: moving all that is left costs as much as there is.
    if (this.#from > 1000 && this.#from > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#from)
      this.#from = 0
    }
  }
}

function bytesOf({ detail, session, user }: SessionEvent): number {
  return EVENT_BYTES + 2 * (detail.length + session.length + user.length)
}
