import type { StaleReason } from '@pulsewire/protocol'
import { WHOLE_FEED, type Feed, type Hub, type StaleCause } from '../hub/index.ts'
import type { FeedCoverage } from './coverage.ts'
import type { Link } from './link.ts'

export interface ExplainOptions {
  readonly hub: Hub
  readonly links: readonly Link[]
  readonly coverage: FeedCoverage | undefined
  readonly feed: Feed
  readonly partition: number
  /** Why nothing of the feed is taken from the node of an open link; `null`: it is. */
  readonly doubted: (link: Link) => string | null
  /** Why there is no link at all. */
  readonly whyNone: () => string
}

/**
 * Why a partition is stale at a gateway: what a node says itself goes first, then who is silent, then who cannot be reached.
 * A node of which nothing is taken counts as none, and is named where all others cannot be reached.
 */
export function explainStale({ hub, links, coverage, feed, partition, doubted, whyNone }: ExplainOptions): StaleCause {
  const what = partition === WHOLE_FEED ? `feed ${feed.name}` : `partition ${partition}`
  let silent: StaleCause | undefined
  let met: StaleCause | undefined
  // Of a node that does not have the partition, nothing is to be had.
  const concerned = partition === WHOLE_FEED ? links : links.filter(({ index }) => coverage?.carries(index, partition) !== false)
  const believed = concerned.filter((link) => doubted(link) === null)
  for (const link of believed) {
    const notice = link.notices.get(`${feed.name}/${partition}`) ?? link.notices.get(`${feed.name}/*`)
    if (notice !== undefined) return { hop: notice.hop, reason: notice.reason as StaleReason, message: notice.message ?? '' }
    if (link.state !== 'open') continue
    const newest = coverage?.newestOf(link.index, partition)
    const isYoung = (sinceMs: number | undefined) => sinceMs !== undefined && hub.clock.nowMs() - sinceMs < feed.options.staleAfterMs
    if (isYoung(newest?.writtenAtMs)) return { hop: hub.nodeId, reason: 'resyncing', message: `images of ${what} are missing here` }
    if (isYoung(newest?.arrivedAtMs.at(-1)))
      silent ??= { hop: link.node, reason: 'lagging', message: `pulses from ${link.node} arrive too old` }
    // Nobody is called silent who has just been met: this node was away, or that one, and neither is any more.
    else if (isYoung(link.openedAtMs))
      met ??= { hop: hub.nodeId, reason: 'resyncing', message: `the link to ${link.node} has just been made` }
    else silent ??= { hop: link.node, reason: 'no_pulse', message: `${link.node} is connected but sends no pulse of ${what}` }
  }
  const cause = silent ?? met
  if (cause !== undefined) return cause
  if (links.length === 0) return { hop: hub.nodeId, reason: 'upstream_disconnected', message: `no push node is known: ${whyNone()}` }
  if (concerned.length === 0) return { hop: hub.nodeId, reason: 'upstream_disconnected', message: `no push node has ${what}` }
  const others = concerned.flatMap((link) => doubted(link) ?? [])
  if (believed.length === 0) return { hop: concerned[0]!.node, reason: 'no_pulse', message: others.join('; ') }
  const tried = [...believed.map((link) => `${link.address} (${link.why})`), ...others].join(', ')
  return { hop: hub.nodeId, reason: 'upstream_disconnected', message: `no push node can be reached: ${tried}` }
}
