/** What a page that searches asks nodes: who and what there is under a part of a name, and who holds a symbol. */
import {
  ASKED_AT_ONCE,
  AskError,
  askJson,
  asTheyCome,
  explore,
  type FindAnswer,
  type HopFacts,
  type Secret,
  type Way,
} from '@pulsewire/server'
import { connectAll } from './open.ts'

/** Of users, sessions and symbols each, over all gateways. */
const FOUND_MAX = 8

export interface FindTold {
  readonly users: readonly { readonly user: string; readonly sessions: number }[]
  readonly sessions: FindAnswer['sessions']
  readonly symbols: FindAnswer['symbols']
  /** Gateways that said nothing: what they know is missing. */
  readonly silent: readonly string[]
}

/** What one node holds of a symbol. */
export interface Holder {
  readonly node: string
  readonly role: 'push' | 'gateway'
  /** Where its newest record lies, `generation:partition:offset`; `null`: it holds none. */
  readonly position: string | null
  readonly recordAgeMs: number | null
  /** Of all its receivers. */
  readonly subscriptions: number
  /** Of the partition of the symbol; `null`: none has come. */
  readonly pulseAgeMs: number | null
  /** Of a push node: whether it reads the partition. */
  readonly reads: boolean
}

export interface HoldersTold {
  /** `null`: nobody who answered knows. */
  readonly partition: number | null
  readonly holders: readonly Holder[]
  readonly silent: readonly string[]
}

/** Asks the gateways who and what they know under a part of a name, and puts their answers together. */
export async function findOver(gateways: readonly string[], secret: Secret, who: string, text: string): Promise<FindTold> {
  using entrances = await connectAll(gateways, secret, who)
  const silent = entrances.unreached.map(({ node, message }) => node ?? message)
  const answers = await Promise.all(
    entrances.askers.map(async (asker) => {
      try {
        return (await askJson({ asker, path: [] }, 'find', { text })) as FindAnswer
      } catch (error) {
        silent.push(nameOf(error, asker.node))
        return null
      }
    }),
  )
  return { ...together(answers.filter((answer) => answer !== null)), silent }
}

/** Users with the sessions that they have anywhere; sessions and symbols each once. */
export function together(answers: readonly FindAnswer[]): Omit<FindTold, 'silent'> {
  const users = new Map<string, number>()
  for (const { user, sessions } of answers.flatMap((answer) => answer.users)) users.set(user, (users.get(user) ?? 0) + sessions)
  const sessions = new Map(answers.flatMap((answer) => answer.sessions).map((one) => [one.session, one]))
  const symbols = new Map(answers.flatMap((answer) => answer.symbols).map((one) => [`${one.feed} ${one.symbol}`, one]))
  return {
    users: [...users]
      .sort(([a, here], [b, there]) => Number(there > 0) - Number(here > 0) || a.length - b.length || (a < b ? -1 : 1))
      .slice(0, FOUND_MAX)
      .map(([user, open]) => ({ user, sessions: open })),
    sessions: [...sessions.values()].sort((a, b) => Number(b.isOpen) - Number(a.isOpen)).slice(0, FOUND_MAX),
    symbols: [...symbols.values()].slice(0, FOUND_MAX),
  }
}

/** Asks every node that can be reached what it holds of a symbol. @throws AskError `ask_unproven` */
export async function holdersOver(
  gateways: readonly string[],
  secret: Secret,
  who: string,
  target: { readonly feed: string; readonly symbol: string },
): Promise<HoldersTold> {
  using entrances = await connectAll(gateways, secret, who)
  const silent = new Set(entrances.unreached.map(({ node, message }) => node ?? message))
  const ways: Way[] = []
  for await (const found of explore(entrances.askers)) {
    if ('error' in found) silent.add(found.node)
    else if (found.answer.role === 'push' || found.answer.role === 'gateway') ways.push(found.way)
  }
  const facts: HopFacts[] = []
  const ask = async (way: Way): Promise<void> => {
    try {
      facts.push((await askJson(way, 'trace', target)) as HopFacts)
    } catch (error) {
      silent.add(nameOf(error, way.path.at(-1) ?? way.asker.node))
    }
  }
  for await (const _ of asTheyCome(ways, ASKED_AT_ONCE, ask));
  return { ...holdersOf(facts), silent: [...silent] }
}

/** Where the record is known to lie counts more than where a key like that would go. */
export function holdersOf(facts: readonly HopFacts[]): Omit<HoldersTold, 'silent'> {
  const known = facts.find(({ symbol }) => symbol?.position != null)?.symbol?.partition
  const supposed = facts.find(({ feed }) => feed !== null && feed.partitions > 0)?.feed?.partition
  return {
    partition: known ?? supposed ?? null,
    holders: facts.map(({ node, role, feed, symbol, log }) => ({
      node,
      role,
      position: symbol?.position ?? null,
      recordAgeMs: symbol?.position == null ? null : symbol.recordAgeMs,
      subscriptions: symbol?.subscriptions ?? 0,
      pulseAgeMs: feed?.pulse?.ageMs ?? null,
      reads: log?.reads ?? false,
    })),
  }
}

function nameOf(error: unknown, node: string): string {
  if (!(error instanceof AskError) || error.code === 'ask_unproven') throw error
  return error.node ?? node
}
