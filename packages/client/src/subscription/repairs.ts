import type { Session } from '../connection/session.ts'
import { obtain } from '../obtain.ts'
import type { Row } from './entry.ts'
import type { Reviewer } from './reviewer.ts'
import type { Name } from './split.ts'
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
    const byWire = new Map<Wire, Name[]>()
    for (const row of this.#rows) {
      const { entry, symbol } = row
      if (entry === null || session.rows.byRef(row.ref) !== row) continue
      obtain(byWire, entry.wire, () => []).push([symbol, 'symbols'])
    }
    this.#rows.clear()
    for (const [wire, names] of byWire) session.rows.subscribe(wire, names)
  }
}
