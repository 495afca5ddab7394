/** What a search may mean, the likeliest first: a pure function of what is known. */
import type { TopologyAnswer } from './answers.ts'
import { isSession } from './ask.ts'
import { FIND_CHARS_MIN, type FindAnswer } from './find.ts'
import { matches } from './search.ts'
import { standing } from './tone.ts'
import { roleInWords } from './words.ts'

export type Kind = 'node' | 'symbol' | 'user' | 'session'

export interface Suggestion {
  readonly kind: Kind
  readonly name: string
  /** Of a symbol. */
  readonly feed?: string
  /** What else is known of it. */
  readonly about: string
  /** Nobody has said that it exists: it is asked for when it is chosen. */
  readonly isGuess?: boolean
}

export interface SuggestionGroup {
  readonly kind: Kind
  readonly suggestions: readonly Suggestion[]
}

export interface SearchedIn {
  readonly topology: TopologyAnswer | null
  /** Symbols of the quote board. */
  readonly board: {
    readonly feed: string
    readonly rows: Iterable<{ readonly symbol: string; readonly name: string; matches(query: string): boolean }>
  }
  /** What gateways found; `null`: nothing yet, or they are not asked. */
  readonly found: FindAnswer | null
  /** Whether nodes can be asked, for users and sessions. */
  readonly asks: boolean
}

const PER_KIND_MAX = 5
const GUESS = { about: 'ask all gateways', isGuess: true } as const
/** Of groups that are as likely, this one first. */
const KINDS: readonly Kind[] = ['node', 'symbol', 'user', 'session']

/** @returns groups of what is found, the one with the best match first. */
export function suggestionsOf({ topology, board, found, asks }: SearchedIn, typed: string): SuggestionGroup[] {
  const query = typed.trim().toLowerCase()
  if (query === '') return []
  const all: Readonly<Record<Kind, readonly Suggestion[]>> = {
    node: nodesOf(topology, query),
    symbol: symbolsOf(board, found, query),
    user: asks ? usersOf(found, typed.trim()) : [],
    session: asks ? sessionsOf(found, typed.trim()) : [],
  }
  return KINDS.map((kind) => ({ kind, suggestions: best(all[kind], query) }))
    .filter(({ suggestions }) => suggestions.length > 0)
    .toSorted((a, b) => likeness(b.suggestions[0]!, query) - likeness(a.suggestions[0]!, query))
}

function nodesOf(topology: TopologyAnswer | null, query: string): Suggestion[] {
  const nodes = topology?.nodes.filter((node) => matches(node, query)) ?? []
  return nodes.map((node) => ({ kind: 'node', name: node.node, about: `${roleInWords(node)}, ${standing(node).text}` }))
}

function symbolsOf({ feed, rows }: SearchedIn['board'], found: FindAnswer | null, query: string): Suggestion[] {
  const symbols = new Map<string, Suggestion>()
  for (const row of rows)
    if (row.matches(query)) symbols.set(`${feed} ${row.symbol}`, { kind: 'symbol', name: row.symbol, feed, about: row.name })
  for (const { feed: other, symbol } of found?.symbols ?? []) {
    const key = `${other} ${symbol}`
    if (!symbols.has(key) && symbol.toLowerCase().includes(query))
      symbols.set(key, { kind: 'symbol', name: symbol, feed: other, about: `of feed ${other}` })
  }
  return [...symbols.values()]
}

function usersOf(found: FindAnswer | null, typed: string): Suggestion[] {
  const wanted = typed.toLowerCase()
  const users = (found?.users ?? []).filter(({ user }) => user.toLowerCase().includes(wanted))
  const known = users.map(({ user, sessions }): Suggestion => ({ kind: 'user', name: user, about: sessionsInWords(sessions) }))
  const isGuess = typed.length >= FIND_CHARS_MIN && !isSession(typed) && !known.some(({ name }) => name === typed)
  return isGuess ? [...known, { kind: 'user', name: typed, ...GUESS }] : known
}

function sessionsInWords(count: number): string {
  if (count === 0) return 'was here'
  return count === 1 ? '1 session' : `${count} sessions`
}

function sessionsOf(found: FindAnswer | null, typed: string): Suggestion[] {
  const wanted = typed.toLowerCase()
  const sessions = (found?.sessions ?? []).filter(({ session }) => session.toLowerCase().includes(wanted))
  const known = sessions.map(
    ({ session, user, isOpen }): Suggestion => ({
      kind: 'session',
      name: session,
      about: `${user === '' ? 'of nobody' : `of ${user}`}, ${isOpen ? 'open' : 'closed'}`,
    }),
  )
  return isSession(typed) && !known.some(({ name }) => name === typed) ? [...known, { kind: 'session', name: typed, ...GUESS }] : known
}

/** The few that are most alike; as they came where they are equally so. */
function best(suggestions: readonly Suggestion[], query: string): Suggestion[] {
  return suggestions.toSorted((a, b) => likeness(b, query) - likeness(a, query)).slice(0, PER_KIND_MAX)
}

/** A guess is last, whatever it is called. */
function likeness({ name, isGuess }: Suggestion, query: string): number {
  if (isGuess === true) return 0
  const text = name.toLowerCase()
  if (text === query) return 4
  if (text.startsWith(query)) return 3
  return text.includes(query) ? 2 : 1
}
