import { CLOSE_CODES, type CloseReason } from '@pulsewire/protocol'
import type { Feed } from '../hub/index.ts'
import { Histogram } from '../runtime/histogram.ts'

/** How a session ended: why this node ended it, or that its receiver `left`, in good order, or was `lost`. */
export type SessionEnd = CloseReason | 'left' | 'lost'

const ENDS = [...(Object.keys(CLOSE_CODES) as CloseReason[]), 'left', 'lost'] as const satisfies readonly SessionEnd[]

/** One histogram for each feed of which something was observed. */
export class FeedHistograms {
  readonly #byIndex: Histogram[] = []
  readonly #names: string[] = []

  of({ index, name }: Feed): Histogram {
    this.#names[index] = name
    return (this.#byIndex[index] ??= new Histogram())
  }

  *[Symbol.iterator](): Iterator<readonly [feed: string, histogram: Histogram]> {
    for (const [index, histogram] of this.#byIndex.entries()) if (histogram !== undefined) yield [this.#names[index]!, histogram]
  }
}

/** What a node sent to all its receivers since it started, and how they ended. Plain numbers, because they grow with each message. */
export class SessionCounts {
  messages = 0
  /** Of JSON: in characters. */
  bytes = 0
  opened = 0
  readonly ended = Object.fromEntries(ENDS.map((end) => [end, 0])) as Record<SessionEnd, number>
  /** From the time of a record until it is sent, of the first update in each message. */
  readonly latency = new FeedHistograms()
  /** From when a pulse was written until it is sent, of the partition where it is oldest. */
  readonly pulseAge = new FeedHistograms()
  /** From when the newest pulse was written that a receiver is known to hold until it acknowledged it, or a heartbeat after it. */
  readonly acknowledgedAge = new FeedHistograms()
  /** From when a pulse is sent until the receiver has acknowledged it. */
  readonly delivery = new Histogram()
}

/** A close code says of the receiver's end whether it meant to go (RFC 6455, section 7.4.1). */
export function endOf(closeCode: number): SessionEnd {
  return closeCode === 1000 || closeCode === 1001 || closeCode === 1005 ? 'left' : 'lost'
}
