import type { Feed, Hub, SymbolState } from '../hub/index.ts'
import type { Sessions } from '../session/index.ts'
import type { LinkFact, UnlinkedFact } from '../trace/index.ts'
import type { Link } from './link.ts'

/** What became of the updates of all links, since the start. */
export interface LinkCounts {
  readonly taken: number
  readonly duplicates: number
  /** Holes in `every` feeds that nobody could fill, and asked-for refills. */
  readonly gaps: number
  readonly refills: number
}

/** Where a gateway's quotes come from: the hub that its sessions are served from, and what feeds it. */
export interface GatewayInput {
  readonly hub: Hub
  /** Whether subscriptions can be answered. */
  readonly ready: boolean
  /** Links to upstream nodes that there are now. */
  readonly links: readonly Link[]
  readonly counts: LinkCounts
  /** The push node in the same process that it serves from; `null`: it has links. */
  readonly beside: string | null
  /** What there is of the symbol over each link. */
  linkFacts(feed: Feed, symbol: SymbolState | undefined, partition: number): LinkFact[]
  /** Push nodes that have the feed and that it is not linked to. */
  unlinkedFacts(feed: Feed): UnlinkedFact[]
  /** Connects the sessions with the hub. Once, before anything flows. */
  serve(sessions: Sessions): void
  open(): void
  /** Called some times a second. */
  check(): void
  close(): void
}
