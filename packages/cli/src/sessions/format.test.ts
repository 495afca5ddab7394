import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionEvent, SessionsAnswer } from '@pulsewire/server'
import { formatSessions } from './format.ts'
import type { SessionsFound } from './sessions.ts'

const AT_MS = Date.UTC(2026, 10, 28, 7, 40)

function event(what: SessionEvent['what'], detail: string, change: Partial<SessionEvent> = {}): SessionEvent {
  return { at: AT_MS, node: 'gw-1', session: 'gw-1.a.7', user: 'jo', what, detail, times: 1, ...change }
}

function gateway(node: string): SessionsAnswer {
  return { node, nowMs: AT_MS + 60_000, sinceMs: AT_MS - 3_540_000, open: [], events: [] }
}

function found(change: Partial<SessionsFound>): SessionsFound {
  return { who: 'user jo', gateways: [gateway('gw-1'), gateway('gw-2')], unanswered: [], events: [], topic: null, ...change }
}

describe('pulsewire sessions', () => {
  it('says where a user was last, why the session ended, and which gateways were never reached', () => {
    const events = [
      event('connected', 'app/1'),
      event('subscribed', 'A of quote', { times: 3 }),
      event('closed', 'slow_consumer: frozen peer'),
    ]
    const lines = formatSessions(found({ events }), AT_MS + 240_000).split('\n')
    assert.equal(lines[0], 'user jo has no session; last seen 4 min ago at gw-1: closed: slow_consumer: frozen peer')
    assert.equal(lines[1], 'never reached gw-2 (in the last 1 h)')
    assert.match(lines[2]!, /remember only so much.*--topic/)
    assert.match(lines[4]!, /gw-1\.a\.7 {2}subscribed \(3 times\): A of quote$/)
  })

  it('says that nothing is known, and who could not be asked', () => {
    const unanswered = [{ node: 'gw-3', message: 'gw-3 has said nothing for 2000 ms' }]
    const text = formatSessions(found({ unanswered, topic: 'pulsewire.sessions' }), AT_MS)
    assert.equal(
      text,
      'user jo has no session, and none is known\nnever reached gw-1 (in the last 1 h), gw-2 (in the last 1 h)\nnot asked: gw-3: gw-3 has said nothing for 2000 ms',
    )
  })

  it('shows what others wrote without letting it rule the terminal', () => {
    assert.ok(!formatSessions(found({ events: [event('connected', 'app\u001b[2J')] }), AT_MS).includes('\u001b'))
  })
})
