import type { Feed, SymbolState } from '../hub/index.ts'
import type { LinkAccount } from '../session/index.ts'
import { type LinkFact, pulseFact, type UnlinkedFact } from '../trace/index.ts'
import type { Arbiter } from './arbiter.ts'
import type { Link } from './link.ts'
import type { UnlinkedUpstream } from './upstreams.ts'

export function linkAccounts(links: readonly Link[], nowMs: number): LinkAccount[] {
  return links.map((link) => linkAccount(link, nowMs))
}

function linkAccount({ node, address, line, state, why, stall, lastHeardMs }: Link, nowMs: number): LinkAccount {
  const isOpen = state === 'open'
  return { node, address, line, state, why: isOpen ? '' : why, stall: isOpen ? null : stall, silentMs: Math.round(nowMs - lastHeardMs) }
}

/** What the gateway has of the symbol over each link. */
export function linkFacts(
  links: readonly Link[],
  arbiter: Arbiter,
  where: { readonly feed: Feed; readonly symbol: SymbolState | undefined; readonly partition: number; readonly nowMs: number },
): LinkFact[] {
  const { feed, symbol, partition, nowMs } = where
  return links.map((link) => {
    const notice = link.notices.get(`${feed.name}/${partition}`) ?? link.notices.get(`${feed.name}/*`)
    const { pulse, ...known } = arbiter.account(link, feed, symbol, partition)
    return {
      ...linkAccount(link, nowMs),
      ...known,
      pulse: pulse === undefined ? null : pulseFact(pulse, nowMs),
      notice: notice === undefined ? null : { hop: notice.hop, reason: notice.reason, message: notice.message ?? '' },
    }
  })
}

/** Push nodes that have the feed, as far as is known, and are not linked to. */
export function unlinkedFacts(unlinked: readonly UnlinkedUpstream[], feed: Feed, nowMs: number): UnlinkedFact[] {
  return unlinked
    .filter(({ feeds }) => feeds.length === 0 || feeds.includes(feed.name))
    .map(({ feeds: _, heardAtMs, ...known }) => ({ ...known, silentMs: Math.round(nowMs - heardAtMs) }))
}
