import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionEvent, SessionsAnswer } from '@pulsewire/server'
import { balancerLines } from './balancer-lines.ts'
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
  return { who: 'user jo', gateways: [gateway('gw-1'), gateway('gw-2')], balancers: [], unanswered: [], events: [], topic: null, ...change }
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

  it('does not say that a user is nowhere when nobody could be asked', () => {
    const unanswered = [{ node: 'any node', message: 'no answer from ws://gw-1:8080' }]
    const events = [event('connected', 'app/1')]
    const [first, second] = formatSessions(found({ gateways: [], unanswered, events, topic: 't' }), AT_MS + 60_000).split('\n')
    assert.equal(first, 'where user jo is now is not known: no gateway answered; last written 1 min ago at gw-1: connected: app/1')
    assert.equal(second, 'not asked: any node: no answer from ws://gw-1:8080')
  })

  it('speaks of a session as of a session', () => {
    const who = 'session gw-1.a.7'
    assert.match(formatSessions(found({ who }), AT_MS), /^session gw-1\.a\.7 is not known\n/)
    const events = [event('closed', 'bye')]
    assert.match(formatSessions(found({ who, events }), AT_MS), /^session gw-1\.a\.7 is over; last seen 0 ms ago at gw-1: closed: bye\n/)
  })

  it('says that a user never arrived, what each balancer gave, and which was never asked', () => {
    const gateways = [{ node: 'gw-2', address: 'ws://gw-2:8080', zone: 'sg-1' }]
    const answer = { user: 'jo', client: '', zone: '', track: 'stable', gateways, connectAfterMs: 2500, degraded: true, refused: true }
    const lb1 = { node: 'lb-1', nowMs: AT_MS + 12_000, sinceMs: AT_MS - 60_000, answers: [{ ...answer, atMs: AT_MS }] }
    const lb2 = { node: 'lb-2', nowMs: AT_MS, sinceMs: AT_MS - 120_000, answers: [] }
    const lines = formatSessions(found({ balancers: [lb1, lb2] }), AT_MS).split('\n')
    assert.deepEqual(lines.slice(0, 3), [
      'user jo never arrived',
      'balancer lb-1 gave gw-2: ws://gw-2:8080 12.0 s ago (track stable, to connect after 2.5 s, it had been refused, nobody vouched for them)',
      'never asked lb-2 (in the last 2 min)',
    ])
  })

  it('names the answer that led to a session: the newest before it with its gateway', () => {
    const given = (node: string, agoMs: number) => ({
      user: 'jo',
      client: '',
      zone: '',
      track: 'stable',
      gateways: [{ node, address: `ws://${node}:8080`, zone: 'sg-1' }],
      connectAfterMs: 0,
      degraded: false,
      refused: false,
      atMs: AT_MS - agoMs,
    })
    const answers = [given('gw-1', 90_000), given('gw-1', 60_000), given('gw-2', 50_000), given('gw-1', 10_000)]
    const balancers = [{ node: 'lb-1', nowMs: AT_MS, sinceMs: AT_MS, answers }]
    const open = [{ session: 'gw-1.a.7', openForMs: 45_000 }] as unknown as SessionsAnswer['open']
    const lines = balancerLines({ balancers, gateways: [{ ...gateway('gw-1'), open }] })
    assert.deepEqual(
      lines.map((line) => line.endsWith('; it led to session gw-1.a.7')),
      [true, false, false],
    )
    assert.match(lines[0]!, /1 min ago/)
  })

  it('shows what others wrote without letting it rule the terminal', () => {
    assert.ok(!formatSessions(found({ events: [event('connected', 'app\u001b[2J')] }), AT_MS).includes('\u001b'))
  })
})
