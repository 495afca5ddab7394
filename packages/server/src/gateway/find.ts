import type { AskDesk } from '../diagnosis/index.ts'
import type { SessionEvent } from '../history/index.ts'
import type { Feed } from '../hub/index.ts'

/** Of users, sessions and symbols each, at most so many; a page that searches as somebody types shows no more. */
export const FOUND_MAX = 8
/** Looked at in the memory of what happened, the newest of it. */
const EVENTS_MAX = 20_000
const TEXT_CHARS_MAX = 128

/** What this gateway knows under names that contain a text. */
export interface FindAnswer {
  readonly node: string
  /** Those that are here now first, then those that were here last. */
  readonly users: readonly { readonly user: string; readonly sessions: number }[]
  readonly sessions: readonly { readonly session: string; readonly user: string; readonly isOpen: boolean }[]
  readonly symbols: readonly { readonly feed: string; readonly symbol: string }[]
}

interface Named {
  readonly id: string
  readonly user: string
  readonly state: string
}

export interface FindIn {
  readonly sessions: Iterable<Named>
  /** Newest first; `null`: nothing is written down. */
  readonly events: () => Iterable<SessionEvent>
  readonly feeds: () => readonly Pick<Feed, 'name' | 'symbols'>[]
}

/** Has the gateway say whom and what it knows under a part of a name, in any case. */
export function answerFinds(desk: AskDesk, where: FindIn): void {
  desk.answers.set('find', ({ text = '' }) => JSON.stringify(findIn(desk.node, where, text)))
}

export function findIn(node: string, { sessions, events, feeds }: FindIn, text: string): FindAnswer {
  const wanted = text.slice(0, TEXT_CHARS_MAX).toLowerCase()
  if (wanted === '') return { node, users: [], sessions: [], symbols: [] }
  const has = (name: string): boolean => name.toLowerCase().includes(wanted)
  const users = new Map<string, number>()
  const found = new Map<string, { user: string; isOpen: boolean }>()
  for (const { id, user, state } of sessions) {
    if (state !== 'open') continue
    if (user !== '' && (users.has(user) || (users.size < FOUND_MAX && has(user)))) users.set(user, (users.get(user) ?? 0) + 1)
    if (found.size < FOUND_MAX && has(id)) found.set(id, { user, isOpen: true })
  }
  let looked = 0
  for (const { session, user } of events()) {
    if (++looked > EVENTS_MAX || (users.size >= FOUND_MAX && found.size >= FOUND_MAX)) break
    if (user !== '' && users.size < FOUND_MAX && !users.has(user) && has(user)) users.set(user, 0)
    if (session !== '' && found.size < FOUND_MAX && !found.has(session) && has(session)) found.set(session, { user, isOpen: false })
  }
  return {
    node,
    users: [...users].map(([user, open]) => ({ user, sessions: open })),
    sessions: [...found].map(([session, rest]) => ({ session, ...rest })),
    symbols: symbolsOf(feeds(), has, wanted),
  }
}

/** Those that begin so come first: who types `AAPL` wants no `XAAPL`. */
function symbolsOf(feeds: ReturnType<FindIn['feeds']>, has: (name: string) => boolean, wanted: string): FindAnswer['symbols'] {
  const begin: { feed: string; symbol: string }[] = []
  const others: { feed: string; symbol: string }[] = []
  for (const { name: feed, symbols } of feeds) {
    for (const symbol of symbols.keys()) {
      if (begin.length >= FOUND_MAX) break
      if (!has(symbol)) continue
      if (symbol.toLowerCase().startsWith(wanted)) begin.push({ feed, symbol })
      else if (others.length < FOUND_MAX) others.push({ feed, symbol })
    }
  }
  return [...begin, ...others].slice(0, FOUND_MAX)
}
