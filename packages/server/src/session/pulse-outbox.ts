import type { Encoding, PulseAckFrame } from '@pulsewire/protocol'
import type { EncodedPulse, Feed, Hub } from '../hub/index.ts'
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
  /** Per feed index what goes when all that precedes it has been sent; `null`: none waits. */
  #waiting: (EncodedPulse | undefined)[] | null = null

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
    this.forgetWaiting()
  }

  get isWaiting(): boolean {
    return this.#waiting !== null
  }

  /** Keeps the newest pulse of each feed: it says what the receiver has when all that is due now has been sent. */
  wait(encoding: Encoding): void {
    this.#waiting = this.#hub.feeds.map((feed) => (this.#table.usesFeed(feed) ? this.#hub.pulseFrame(feed, encoding) : undefined))
  }

  /** What was kept does not hold for what the receiver is given since. */
  forgetWaiting(): void {
    this.#waiting = null
  }

  /** Writes of each feed subscribed to the pulse that has waited, a heartbeat when none is new. @returns the highest number written. */
  writeWaiting(composer: Composer, nowMs: number, counts: SessionCounts): number {
    const waiting = this.#waiting ?? []
    return this.#write((feed) => waiting[feed.index], composer, nowMs, counts)
  }

  /** Writes the newest pulse of each feed subscribed to, a heartbeat when none is new. @returns the highest number written. */
  write(composer: Composer, nowMs: number, counts: SessionCounts): number {
    return this.#write((feed) => this.#hub.pulseFrame(feed, composer.encoding), composer, nowMs, counts)
  }

  #write(frameOf: (feed: Feed) => EncodedPulse | undefined, composer: Composer, nowMs: number, counts: SessionCounts): number {
    this.#waiting = null
    let highest = 0
    for (const feed of this.#hub.feeds) {
      if (!this.#table.usesFeed(feed)) continue
      const frame = frameOf(feed)
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
