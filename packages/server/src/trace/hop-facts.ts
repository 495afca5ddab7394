import type { Args } from '../diagnosis/index.ts'
import type { Feed, Hub, SymbolState } from '../hub/index.ts'
import { partitionForKey } from '../log/index.ts'
import { VERSION } from '../runtime/version.ts'
import type { Sessions } from '../session/index.ts'
import type {
  FeedFact,
  HopFacts,
  LinkFact,
  LogFact,
  PulseFact,
  SessionFact,
  StaleFact,
  SubscriptionFact,
  SymbolFact,
  UnlinkedFact,
} from './facts.ts'

type Session = Sessions extends Iterable<infer S> ? S : never
type Subscription = Session['subscriptions'] extends Iterable<infer S> ? S : never

/** What only a gateway, or only a push node, knows. */
export interface OwnFacts {
  readonly links: readonly LinkFact[]
  readonly unlinked?: readonly UnlinkedFact[]
  readonly beside: string | null
  readonly log: LogFact | null
  readonly fault?: string | null
}

export interface TracedNode {
  readonly node: string
  readonly role: 'push' | 'gateway'
  readonly hub: Hub
  readonly sessions: Sessions
  readonly own: (feed: Feed, symbol: SymbolState | undefined, partition: number) => OwnFacts | Promise<OwnFacts>
}

/** What this node has of the symbol, and of the user's session. */
export async function hopFacts(traced: TracedNode, args: Args): Promise<HopFacts> {
  const { hub, sessions, node, role, own } = traced
  const { feed: feedName = '', symbol: name = '' } = args
  const nowMs = hub.clock.nowMs()
  const feed = hub.feed(feedName)
  const symbol = feed?.symbols.get(name)
  const found = sessionsOf(sessions, args)
  const session = best(found, feedName, name)
  const partition = feed === undefined ? -1 : partitionOf(feed, symbol, name)
  const none: OwnFacts = { links: [], beside: null, log: null }
  return {
    node,
    role,
    version: VERSION,
    feeds: hub.feeds.map((each) => each.name),
    feed: feed === undefined ? null : feedFact(feed, partition, nowMs),
    symbol: symbol === undefined ? null : symbolFact(symbol, nowMs - (feed?.options.delay?.delayMs ?? 0)),
    sessions: found.length,
    session: session === undefined ? null : sessionFact(session, feedName, name, nowMs),
    ...(feed === undefined ? none : await own(feed, symbol, partition)),
  }
}

function sessionsOf(sessions: Sessions, { user, session: id }: Args): Session[] {
  if (user === undefined && id === undefined) return []
  return [...sessions].filter((session) => session.state === 'open' && (id === undefined ? session.user === user : session.id === id))
}

/** Of several sessions of a user the newest that subscribes to the symbol, else the newest. */
function best(found: readonly Session[], feed: string, name: string): Session | undefined {
  const newest = [...found].sort((a, b) => b.openedAtMs - a.openedAtMs)
  return newest.find((session) => subscriptionOf(session, feed, name) !== undefined) ?? newest[0]
}

function subscriptionOf(session: Session, feed: string, name: string): Subscription | undefined {
  for (const subscription of session.subscriptions) {
    if (subscription.feed.name === feed && subscription.entries.has(name)) return subscription
  }
  return undefined
}

function sessionFact(session: Session, feed: string, name: string, nowMs: number): SessionFact {
  const subscription = subscriptionOf(session, feed, name)
  const others = [...session.subscriptions].filter((each) => each.feed.name !== feed && each.entries.has(name))
  return {
    ...session.account(nowMs),
    subscription: subscription === undefined ? null : subscriptionFact(subscription, name),
    otherFeeds: [...new Set(others.map((each) => each.feed.name))],
  }
}

function subscriptionFact({ id, entries, periodMs, delivery }: Subscription, name: string): SubscriptionFact {
  const { symbol, held, hasNews, promised, block, answered } = entries.get(name)!
  // What was looked at and left, because none of the fields that were asked for has changed, is not missing.
  const behindBy = held >= 0 && hasNews ? symbol.count - held : 0
  return { id, answered, due: promised || block?.due === true, behindBy, periodMs, delivery }
}

function partitionOf(feed: Feed, symbol: SymbolState | undefined, name: string): number {
  if (symbol !== undefined && symbol.partition >= 0) return symbol.partition
  return feed.partitions > 0 ? partitionForKey(Buffer.from(name), feed.partitions) : 0
}

function feedFact(feed: Feed, partition: number, nowMs: number): FeedFact {
  const { mode, symbolsMax } = feed.options
  const held = feed.freshness.get(partition)
  const stale = held?.stale ?? feed.freshness.get(-1)?.stale ?? null
  return {
    mode,
    generation: feed.generation,
    partitions: feed.partitions,
    staleAfterMs: feed.freshness.staleAfterMs,
    symbolsHeld: feed.known,
    symbolsMax,
    partition,
    pulse: held?.point == null ? null : pulseFact(held.point, nowMs),
    stale: stale === null ? null : staleFact(stale, nowMs),
    delay: feed.options.delay ?? null,
  }
}

export function pulseFact(
  point: { readonly generation: number; readonly offset: number; readonly writtenAtMs: number },
  nowMs: number,
): PulseFact {
  return { generation: point.generation, offset: point.offset, ageMs: Math.round(nowMs - point.writtenAtMs) }
}

function staleFact(
  { hop, reason, message, sinceMs }: { hop: string; reason: string; message: string; sinceMs: number },
  nowMs: number,
): StaleFact {
  return { hop, reason, message, forMs: Math.round(nowMs - sinceMs) }
}

function symbolFact({ generation, partition, offset, ts, deleted, entries, readiness }: SymbolState, shownMs: number): SymbolFact {
  return {
    position: offset < 0 ? null : `${generation}:${partition}:${offset}`,
    partition,
    offset,
    recordAgeMs: Math.max(0, Math.round(shownMs - ts)),
    deleted,
    subscriptions: entries.length,
    readiness,
  }
}
