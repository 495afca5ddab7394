import type { Session } from '../connection/session.ts'
import type { Entry, Row } from './entry.ts'
import type { Reviewer } from './reviewer.ts'
import type { Wire } from './wire.ts'

/** Asks for the records that are missing on rows of delivery `every`. */
export class Repairs {
  readonly #reviewer: Reviewer
  /** To be asked about at the end of the message. */
  readonly #rows = new Set<Row>()

  constructor(reviewer: Reviewer) {
    this.#reviewer = reviewer
  }

  begin(row: Row): void {
    row.chain?.repair()
    this.#rows.add(row)
    if (row.entry !== null) this.#reviewer.touch(row.entry)
  }

  gapFrame(session: Session, ref: number): void {
    const row = session.rows.byRef(ref)
    if (row?.entry == null || row.chain === null) return
    if (row.chain.lost(row.entry.latest !== null, session === this.#reviewer.serving)) this.begin(row)
  }

  /** A session begins to serve: what it could not chain before, and nobody else brought, is asked for. */
  beginDeferred(session: Session): void {
    for (const row of session.rows.all()) if (row.chain?.takeDeferred() === true && row.entry !== null) this.begin(row)
    this.ask(session)
  }

  ask(session: Session): void {
    if (this.#rows.size === 0) return
    const byWire = new Map<Wire, Entry[]>()
    for (const row of this.#rows) {
      if (row.entry === null || session.rows.byRef(row.ref) !== row) continue
      const entries = byWire.get(row.entry.wire) ?? []
      entries.push(row.entry)
      byWire.set(row.entry.wire, entries)
    }
    this.#rows.clear()
    for (const [wire, entries] of byWire)
      session.rows.subscribe(
        wire,
        entries.map((entry) => wire.item(entry.symbol, session.logOf(wire.feed))),
      )
  }
}
