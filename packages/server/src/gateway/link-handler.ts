import type { FeedInfo, OkRow, ReceivedImage, RefusedRow, TraceFrame } from '@pulsewire/protocol'
import type { PulsePoint } from '../hub/index.ts'
import type { Link } from './link.ts'

/** What a link tells the arbiter; all of it in the order of the stream. */
export interface LinkHandler {
  opened(link: Link, feeds: readonly FeedInfo[]): void
  feeds(link: Link, feeds: readonly FeedInfo[]): void
  lost(link: Link, why: string): void
  answered(link: Link, id: number, ok: readonly OkRow[], refused: readonly RefusedRow[], done: boolean): void
  /** The link confirms that these ended; `closed`: nothing is left under the id. */
  unsubscribed(link: Link, id: number, names: readonly string[], closed: boolean): void
  ended(link: Link, id: number, symbols: readonly RefusedRow[]): void
  gap(link: Link, ref: number): void
  /** @returns whether it was news: no other link had brought it. */
  update(link: Link, image: ReceivedImage): boolean
  pulse(link: Link, feed: string, points: readonly PulsePoint[]): void
  /** A pulse frame of no feed: everything promised before it has come all the same. */
  heartbeat(link: Link): void
  /** The upstream node asks for all subscriptions again, because the digests differ. */
  resubscribe(link: Link): void
}

/** Who follows sampled updates. */
export interface LinkTraces {
  /** The update right before this frame is sampled. `taken`: it was news. */
  arrived(link: Link, frame: TraceFrame, taken: boolean): void
}
