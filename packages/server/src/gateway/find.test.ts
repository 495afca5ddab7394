import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionEvent } from '../history/index.ts'
import { FOUND_MAX, findIn, type FindIn } from './find.ts'

function event(session: string, user: string): SessionEvent {
  return { at: 1, node: 'gw-1', session, user, what: 'closed', detail: '', times: 1 }
}

function where(change: Partial<FindIn> = {}): FindIn {
  const symbols = new Map(['XAAPL.US', 'AAPL.US', 'MSFT.US'].map((symbol) => [symbol, {}])) as unknown as ReturnType<
    FindIn['feeds']
  >[number]['symbols']
  return {
    sessions: [
      { id: 'gw-1.a.1', user: 'jo', state: 'open' },
      { id: 'gw-1.a.2', user: 'jo', state: 'open' },
      { id: 'gw-1.a.3', user: 'Joan', state: 'open' },
      { id: 'gw-1.a.4', user: 'jojo', state: 'closed' },
    ],
    events: () => [event('gw-1.a.0', 'major'), event('gw-1.a.2', 'jo'), event('', '')],
    feeds: () => [{ name: 'quote', symbols }],
    ...change,
  }
}

describe('findIn', () => {
  it('finds users by a part of their name: with their sessions, and those who have gone', () => {
    assert.deepEqual(findIn('gw-1', where(), 'JO').users, [
      { user: 'jo', sessions: 2 },
      { user: 'Joan', sessions: 1 },
      { user: 'major', sessions: 0 },
    ])
  })

  it('finds sessions, open ones and those that it remembers', () => {
    assert.deepEqual(findIn('gw-1', where(), 'a.2').sessions, [{ session: 'gw-1.a.2', user: 'jo', isOpen: true }])
    assert.deepEqual(findIn('gw-1', where(), 'a.0').sessions, [{ session: 'gw-1.a.0', user: 'major', isOpen: false }])
  })

  it('finds symbols, those first that begin so', () => {
    assert.deepEqual(
      findIn('gw-1', where(), 'aapl').symbols.map(({ symbol }) => symbol),
      ['AAPL.US', 'XAAPL.US'],
    )
  })

  it('tells a few, however many there are, and nothing of nothing', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ id: `gw-1.a.${i}`, user: `user-${i}`, state: 'open' }))
    const symbols = new Map(many.map(({ user }) => [user, {}])) as unknown as ReturnType<FindIn['feeds']>[number]['symbols']
    const found = findIn('gw-1', where({ sessions: many, feeds: () => [{ name: 'quote', symbols }] }), 'user')
    assert.deepEqual([found.users.length, found.sessions.length, found.symbols.length], [FOUND_MAX, 0, FOUND_MAX])
    const none = findIn('gw-1', where(), '')
    assert.deepEqual([none.users, none.sessions, none.symbols], [[], [], []])
  })
})
