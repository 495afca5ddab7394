import type { PulseAckFrame } from '@pulsewire/protocol'
import type { SessionContext } from './context.ts'
import type { Outbox } from './outbox.ts'
import type { Session } from './session.ts'
import type { SubscriptionTable } from './table.ts'

/** Whether both ends of a session hold the same set of subscriptions; where one has lost a frame, the receiver names everything again. */
export class Repair {
  /** What the receiver said that it holds, with its last acknowledgement; `null`: it has said nothing yet. */
  receiverSymbols: number | null = null
  readonly #session: Session
  readonly #context: SessionContext
  readonly #table: SubscriptionTable
  readonly #outbox: Outbox
  /** Behind the word to name everything; 0: there is no repair. */
  #mark = 0

  constructor(session: Session, context: SessionContext, table: SubscriptionTable, outbox: Outbox) {
    this.#session = session
    this.#context = context
    this.#table = table
    this.#outbox = outbox
  }

  compare(ack: PulseAckFrame): void {
    this.receiverSymbols = ack.count
    const verdict = this.#outbox.pulses.compare(ack)
    // The next comparison decides. It need not wait for the next pulse, which may be far for a receiver in the background.
    if (verdict === 'doubtful') this.#outbox.pulse()
    if (verdict !== 'different' || this.#mark !== 0) return
    const { count, value } = this.#table.digest
    this.#context.differs(this.#session, count, ack.count)
    this.#table.beginRepair()
    this.#outbox.control({ t: 'resubscribe', count, digest: value })
    this.#mark = this.#outbox.flow.nextMark()
    this.#outbox.control({ t: 'mark', mark: this.#mark })
  }

  /** The receiver has taken all up to this mark: everything has been named again. */
  marked(mark: number): void {
    if (mark !== this.#mark) return
    this.#mark = 0
    for (const { id, name, message } of this.#table.endRepair()) this.#outbox.ended(id, name, 'not_named', message)
    this.#outbox.pulses.restartComparing()
  }
}
