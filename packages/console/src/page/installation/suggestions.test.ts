import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallTopology } from '../../../../../test/support/topologies.ts'
import type { FindAnswer } from './find.ts'
import { type SearchedIn, suggestionsOf } from './suggestions.ts'

const FOUND: FindAnswer = {
  users: [
    { user: 'gwen', sessions: 2 },
    { user: 'jo', sessions: 0 },
  ],
  sessions: [{ session: 'gw-1.k3f9.17', user: 'gwen', isOpen: true }],
  symbols: [
    { feed: 'quote', symbol: 'AAPL.US' },
    { feed: 'trade', symbol: 'AAPL.US' },
  ],
  silent: [],
}

function row(symbol: string, name: string) {
  return { symbol, name, matches: (query: string) => `${symbol} ${name}`.toLowerCase().includes(query) }
}

function searched(change: Partial<SearchedIn> = {}): SearchedIn {
  const rows = [row('XAAPL.US', ''), row('AAPL.US', 'Apple'), row('GWRE.US', 'Guidewire')]
  return { topology: smallTopology(), board: { feed: 'quote', rows }, found: FOUND, asks: true, ...change }
}

/** `kind name`, in order. */
function found(query: string, change: Partial<SearchedIn> = {}): string[] {
  return suggestionsOf(searched(change), query).flatMap(({ kind, suggestions }) => suggestions.map(({ name }) => `${kind} ${name}`))
}

describe('suggestionsOf', () => {
  it('finds nodes, symbols, users and sessions, the likeliest kind first', () => {
    assert.deepEqual(found('gw'), ['node gw-1', 'node gw-2', 'symbol GWRE.US', 'user gwen', 'user gw', 'session gw-1.k3f9.17'])
    assert.deepEqual(found('aapl.us'), ['symbol AAPL.US', 'symbol AAPL.US', 'symbol XAAPL.US', 'user aapl.us'])
    assert.deepEqual(found('jo'), ['user jo'])
    assert.deepEqual(found(''), [])
  })

  it('finds symbols by their names, and says of which feed the others are', () => {
    const [group] = suggestionsOf(searched(), 'apple')
    assert.deepEqual(group!.suggestions, [{ kind: 'symbol', name: 'AAPL.US', feed: 'quote', about: 'Apple' }])
    const [trades] = suggestionsOf(searched(), 'aapl').map(({ suggestions }) => suggestions.filter(({ feed }) => feed === 'trade'))
    assert.equal(trades![0]!.about, 'of feed trade')
  })

  it('offers to ask for a user or session that nobody has told of yet, after all that is known', () => {
    assert.deepEqual(found('ki', { found: null }), ['user ki'])
    assert.deepEqual(found('k', { found: null }), [], 'too short to ask for')
    assert.deepEqual(found('gw-9.aa.1', { found: null }), ['session gw-9.aa.1'])
    assert.deepEqual(found('gw-1.k3f9.17'), ['session gw-1.k3f9.17'])
  })

  it('knows nodes and symbols alone where nodes are not asked', () => {
    assert.deepEqual(found('jo', { asks: false }), [])
    assert.deepEqual(found('gw-2', { asks: false, found: null }), ['node gw-2'])
  })

  it('shows a few of each kind', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => row(`S${i}.SZ`, ''))
    const [group] = suggestionsOf(searched({ board: { feed: 'quote', rows } }), 's77')
    assert.deepEqual([group!.kind, group!.suggestions.length], ['symbol', 5])
  })
})
