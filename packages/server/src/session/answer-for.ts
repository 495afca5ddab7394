import type { Args, AskDesk } from '../diagnosis/index.ts'
import { type Feed, type Hub, oldestPulseAgeMs } from '../hub/index.ts'
import type { StallKind } from '../runtime/stall.ts'
import { VERSION } from '../runtime/version.ts'
import type { Sessions } from './sessions.ts'

/** A link to an upstream node, as whoever asks is shown it. */
export interface LinkAccount {
  readonly node: string
  readonly address: string
  readonly line: string
  readonly state: string
  /** Why it is not open. */
  readonly why: string
  /** How its other end fell silent, when that is why. */
  readonly stall: StallKind | null
  readonly silentMs: number
}

export interface AnsweringNode {
  readonly role: 'push' | 'gateway'
  readonly hub: Hub
  readonly sessions: Sessions
  readonly links: () => readonly LinkAccount[]
}

/** Rows of one kind in one answer. */
const ROWS_MAX = 10_000

/** What every node that serves sessions can be asked. */
export function answerFor(desk: AskDesk, node: AnsweringNode): void {
  desk.answers.set('links', () => JSON.stringify(links(desk, node)))
  desk.answers.set('subscriptions', (args) => JSON.stringify(subscriptions(desk.node, node, args)))
}

/** Who this is and who is next to it: how a way to a node is found. */
function links(desk: AskDesk, { role, sessions, links }: AnsweringNode): object {
  return { node: desk.node, role, version: VERSION, links: links(), neighbours: desk.neighbours, sessions: sessions.size }
}

function subscriptions(name: string, { hub, sessions }: AnsweringNode, { symbol, user }: Args): object {
  const nowMs = hub.clock.nowMs()
  const accounts = [...sessions].filter((session) => user === undefined || session.user === user)
  return {
    node: name,
    feeds: hub.feeds.map((feed) => feedAccount(feed, nowMs, symbol)),
    sessionsInAll: accounts.length,
    sessions: accounts.slice(0, ROWS_MAX).map((session) => session.account(nowMs)),
  }
}

function feedAccount(feed: Feed, nowMs: number, wanted: string | undefined): object {
  const subscribed = [...feed.symbols.values()].filter(({ entries, name }) => (wanted === undefined ? entries.length > 0 : name === wanted))
  const patterns = [...feed.patterns.values()].map(({ pattern, subscriptions }) => ({ pattern, subscriptions: subscriptions.size }))
  return {
    feed: feed.name,
    generation: feed.generation,
    partitions: feed.partitions,
    carried: feed.carried,
    oldestPulseAgeMs: oldestPulseAgeMs(feed, nowMs),
    symbolsHeld: feed.symbols.size,
    symbolsSubscribed: subscribed.length,
    symbols: subscribed.slice(0, ROWS_MAX).map(({ name, partition, offset, generation, entries, readiness }) => ({
      symbol: name,
      position: offset < 0 ? null : `${generation}:${partition}:${offset}`,
      subscriptions: entries.length,
      readiness,
    })),
    patterns: patterns.slice(0, ROWS_MAX),
  }
}
