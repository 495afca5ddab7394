import type { PulseAckFrame } from '@pulsewire/protocol'
import type { Feed, Hub } from '../hub/index.ts'
import type { Composer } from './composer.ts'
import type { SessionCounts } from './counts.ts'
import { DigestWatch, type Verdict } from './digest-watch.ts'
import type { SubscriptionTable } from './table.ts'

/** The pulses that one receiver was sent, and what it says to them. */
export class PulseOutbox {
  readonly #hub: Hub
  readonly #table: SubscriptionTable
  readonly #digests = new DigestWatch()
  /** Per feed index the number of the newest pulse sent. Made at its length: an array that grows reserves room for many more. */
  readonly #sent: number[]

  constructor(hub: Hub, table: SubscriptionTable) {
    this.#hub = hub
    this.#table = table
    this.#sent = new Array<number>(hub.feeds.length).fill(0)
  }

  /** Whether there is a feed that the receiver subscribes to and has never had a pulse of. */
  get awaitsFirst(): boolean {
    for (const feed of this.#hub.feeds) if (this.#table.usesFeed(feed) && this.#sentOf(feed) === 0) return true
    return false
  }

  /** The receiver begins, or begins again, to follow the feed: it has had no pulse of it that counts. */
  begin(feed: Feed): void {
    this.#sent[feed.index] = 0
  }

  /** Writes the newest pulse of each feed subscribed to, a heartbeat when none is new. @returns the highest number written. */
  write(composer: Composer, nowMs: number, counts: SessionCounts): number {
    let highest = 0
    for (const feed of this.#hub.feeds) {
      if (!this.#table.usesFeed(feed)) continue
      const frame = this.#hub.pulseFrame(feed, composer.encoding)
      if (frame === undefined || frame.pulse <= this.#sentOf(feed)) continue
      composer.pulse(frame)
      counts.pulseAge.of(feed).observe(nowMs - frame.writtenAtMs)
      this.#sent[feed.index] = frame.pulse
      highest = Math.max(highest, frame.pulse)
    }
    if (highest === 0) {
      const frame = this.#hub.heartbeat(composer.encoding)
      composer.pulse(frame)
      highest = frame.pulse
    }
    const { count, value } = this.#table.digest
    this.#digests.sent(highest, count, value, !this.#table.answersOutstanding)
    return highest
  }

  /** The receiver holds this pulse, or heartbeat: so it holds the newest pulse of each feed that went before it, however old that is. */
  acknowledged(pulse: number, nowMs: number, counts: SessionCounts): void {
    for (const feed of this.#hub.feeds) {
      if (this.#sentOf(feed) === 0 || !this.#table.usesFeed(feed)) continue
      const writtenAtMs = this.#hub.pulseWrittenAtMs(feed, pulse)
      if (writtenAtMs !== undefined) counts.acknowledgedAge.of(feed).observe(nowMs - writtenAtMs)
    }
  }

  /** What an acknowledgement says of the receiver's set of subscriptions. */
  compare(ack: PulseAckFrame): Verdict {
    return this.#digests.compare(ack)
  }

  /** A repair has ended. */
  restartComparing(): void {
    this.#digests.restart()
  }

  #sentOf(feed: Feed): number {
    return this.#sent[feed.index] ?? 0
  }
}
