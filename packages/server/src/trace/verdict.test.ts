import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TRACE_CODES, type TraceCode } from './codes.ts'
import type { FeedFact, HopFacts, LinkFact, LogFact, SessionFact, TraceFacts, UnlinkedFact } from './facts.ts'
import { judgeTrace } from './verdict.ts'

type Change<T> = { -readonly [K in keyof T]?: T[K] }

const FEED: FeedFact = {
  mode: 'latest',
  generation: 1,
  partitions: 4,
  staleAfterMs: 1500,
  symbolsHeld: 10,
  symbolsMax: 100,
  partition: 3,
  pulse: { generation: 1, offset: 4720, ageMs: 300 },
  stale: null,
}
const LATE = { of: 'real', delayMs: 900_000 }
const SYMBOL = {
  position: '1:3:4711',
  partition: 3,
  offset: 4711,
  recordAgeMs: 900,
  deleted: false,
  subscriptions: 1,
  readiness: 'ready',
} as const
const LOG: LogFact = {
  topic: 'quotes',
  generation: 1,
  catalogued: { generation: 1, topic: 'quotes' },
  pinned: false,
  reads: true,
  warm: true,
  next: 4721,
  end: 4721,
  unreachable: null,
  trouble: null,
  recordAgoMs: 900,
  otherPulses: 0,
  poison: 0,
}
const SESSION: SessionFact = {
  session: 'gw-1.k3.17',
  user: 'jo',
  client: 'app/1.4',
  state: 'open',
  remote: '192.0.2.7:5000',
  encoding: 'pulsewire.bin.v1',
  openForMs: 60_000,
  pulseIntervalMs: 1000,
  symbols: 3,
  receiverSymbols: 3,
  due: 0,
  behind: false,
  stall: null,
  bufferedBytes: 0,
  windowBytes: 32_768,
  inFlightBytes: 60,
  roundTripMs: 20,
  unacknowledgedMs: 5,
  acknowledgedPulse: 812,
  acknowledgedAgoMs: 500,
  subscription: { id: 1, answered: true, due: false, behindBy: 0, periodMs: 0, delivery: 'latest' },
  otherFeeds: [],
}

function link(node: string, line: string, change: Change<LinkFact> = {}): LinkFact {
  return {
    node,
    line,
    address: `ws://${node}:8081`,
    state: 'open',
    why: '',
    stall: null,
    silentMs: 100,
    carries: true,
    generation: 1,
    pulse: FEED.pulse,
    holds: true,
    covered: true,
    refused: null,
    notice: null,
    ...change,
  }
}

function unlinked(state: UnlinkedFact['state']): UnlinkedFact {
  return { node: 'push-a1', line: 'A', address: 'ws://push-a1:8081', state, why: 'so it is', silentMs: 14_000 }
}

function push(node: string, change: Change<HopFacts> = {}): HopFacts {
  const rest = { role: 'push', version: '0.1.0', feeds: ['quote'], sessions: 0, session: null, links: [], beside: null } as const
  return { node, ...rest, feed: FEED, symbol: SYMBOL, log: LOG, ...change }
}

interface World {
  readonly session?: Change<SessionFact> | null
  readonly gateway?: Change<HopFacts>
  readonly a?: Change<LinkFact>
  readonly b?: Change<LinkFact>
  readonly pushA?: Change<HopFacts> | null
  readonly pushB?: Change<HopFacts> | null
  readonly both?: Change<HopFacts>
  readonly unanswered?: TraceFacts['unanswered']
}

/** Everything well, but for what is said. */
function world({ session = {}, gateway, a, b, pushA = {}, pushB = {}, both = {}, unanswered = [] }: World = {}): TraceFacts {
  return {
    target: { user: 'jo', feed: 'quote', symbol: 'AAPL.US' },
    askedGateways: ['gw-1'],
    unanswered,
    gateway: {
      ...push('gw-1'),
      role: 'gateway',
      log: null,
      sessions: 1,
      session: session === null ? null : { ...SESSION, ...session },
      links: [link('push-a1', 'A', a), link('push-b1', 'B', b)],
      ...gateway,
    },
    push: [
      ...(pushA === null ? [] : [push('push-a1', { ...both, ...pushA })]),
      ...(pushB === null ? [] : [push('push-b1', { ...both, ...pushB })]),
    ],
  }
}

const stale = (reason: string, message = 'so it is') => ({ ...FEED, stale: { hop: 'log', reason, message, forMs: 4000 } })
const trouble = (reason: string) => ({ log: { ...LOG, trouble: { reason, message: 'so it is' } } })
const silent = (node: string) => ({ node, code: 'ask_no_answer', message: `${node} is linked to gw-1 but has said nothing for 2000 ms` })
const nobody: TraceFacts = { ...world(), gateway: null, push: [] }
const subscription = SESSION.subscription!
const twice = { feed: stale('no_pulse') }

/** What is planted, and what has to be found first: code, severity and the hop that is named. */
const CASES: readonly (readonly [name: string, facts: TraceFacts, code: TraceCode, severity: string, hop: string])[] = [
  ['nothing', world(), 'all_well', 'well', 'gw-1'],
  ['no record for two minutes', world({ gateway: { symbol: { ...SYMBOL, recordAgeMs: 120_000 } } }), 'symbol_quiet', 'well', 'log'],
  ['no session of the user', nobody, 'user_unknown', 'broken', 'client'],
  ['the gateway of the user frozen', { ...nobody, unanswered: [silent('gw-2')] }, 'gateway_silent', 'broken', 'gw-2'],
  [
    'a client that reads nothing',
    world({ session: { stall: 'zero_window', bufferedBytes: 9000 } }),
    'client_zero_window',
    'broken',
    'client',
  ],
  ['a frozen client', world({ session: { stall: 'frozen_peer', unacknowledgedMs: 3000 } }), 'client_frozen', 'broken', 'client'],
  ['a client whose network is gone', world({ session: { stall: 'half_open' } }), 'client_unreachable', 'broken', 'client'],
  ['a slow client', world({ session: { behind: true, due: 40 } }), 'client_slow', 'broken', 'client'],
  ['a late acknowledgement', world({ session: { unacknowledgedMs: 1900 } }), 'client_late', 'degraded', 'client'],
  ['a feed that is not there', world({ gateway: { feed: null } }), 'feed_unknown', 'broken', 'gw-1'],
  ['no subscription', world({ session: { subscription: null } }), 'not_subscribed', 'broken', 'client'],
  ['a subscription that was lost', world({ session: { subscription: null, symbols: 2 } }), 'subscription_lost', 'broken', 'gw-1'],
  [
    'a subscription in another feed',
    world({ session: { subscription: null, otherFeeds: ['trade'] } }),
    'not_subscribed',
    'broken',
    'client',
  ],
  [
    'a refused symbol',
    world({ session: { subscription: null }, a: { refused: 'push-a1: no' } }),
    'subscription_refused',
    'broken',
    'push-a1',
  ],
  [
    'an unanswered subscription',
    world({ session: { subscription: { ...subscription, answered: false } } }),
    'subscription_waiting',
    'broken',
    'gw-1',
  ],
  ['an update that is not sent', world({ session: { subscription: { ...subscription, behindBy: 2 } } }), 'not_delivered', 'broken', 'gw-1'],
  [
    'a push node with another delay than the gateway shows',
    world({
      gateway: { feed: { ...FEED, delay: LATE } },
      pushA: { feed: { ...FEED, delay: LATE } },
      pushB: { feed: { ...FEED, delay: null } },
    }),
    'delay_differs',
    'degraded',
    'push-b1',
  ],
  ['no link', world({ gateway: { links: [] } }), 'gateway_unlinked', 'broken', 'gw-1'],
  [
    'a subscription that upstream forgot',
    world({ a: { holds: false, covered: false }, b: { holds: false, covered: false } }),
    'gateway_not_asking',
    'broken',
    'gw-1',
  ],
  ['an image that is missing', world({ a: { covered: false }, b: { covered: false } }), 'gateway_resyncing', 'degraded', 'gw-1'],
  [
    'a gateway that is behind',
    world({ both: { symbol: { ...SYMBOL, offset: 4800, position: '1:3:4800', recordAgeMs: 5000 } } }),
    'gateway_behind',
    'broken',
    'gw-1',
  ],
  [
    'a record on its way',
    world({ both: { symbol: { ...SYMBOL, offset: 4800, position: '1:3:4800', recordAgeMs: 5 } } }),
    'all_well',
    'well',
    'gw-1',
  ],
  [
    'a push node that reads in, and is not counted on yet',
    world({ a: { carries: false }, pushA: { feed: stale('warming'), log: { ...LOG, warm: false } } }),
    'push_warming',
    'degraded',
    'push-a1',
  ],
  [
    'a push node that hangs before it was ever counted on',
    world({ a: { carries: false }, pushA: { ...trouble('reader_stalled') } }),
    'reader_stalled',
    'degraded',
    'push-a1',
  ],
  [
    'a partition that one line lacks',
    world({ a: { carries: false }, pushA: { log: { ...LOG, reads: false } } }),
    'line_uncovered',
    'degraded',
    'push-a1',
  ],
  [
    'a line whose push node beats no more, so that nobody is linked to it any more',
    world({ gateway: { links: [link('push-b1', 'B')], unlinked: [unlinked('expired')] }, pushA: null }),
    'push_gone',
    'degraded',
    'push-a1',
  ],
  [
    'a line whose push node is stuck and drains',
    world({ gateway: { links: [link('push-b1', 'B')], unlinked: [unlinked('stuck')] }, pushA: null }),
    'push_stuck',
    'degraded',
    'push-a1',
  ],
  [
    'a line whose push node was left behind',
    world({ gateway: { links: [link('push-b1', 'B')], unlinked: [unlinked('retired')] }, pushA: null }),
    'generation_retired',
    'degraded',
    'push-a1',
  ],
  [
    'a line whose push node was taken offline',
    world({ gateway: { links: [link('push-b1', 'B')], unlinked: [unlinked('offline')] }, pushA: null }),
    'line_uncovered',
    'degraded',
    'push-a1',
  ],
  [
    'a node of a line that has another one',
    world({ gateway: { unlinked: [{ ...unlinked('left'), node: 'push-a2' }] } }),
    'all_well',
    'well',
    'gw-1',
  ],
  [
    'a push node that is stuck and still linked',
    world({ pushA: { feed: stale('no_pulse'), log: { ...LOG, end: 9000 }, fault: 'stage intake quote is past its deadline' } }),
    'push_stuck',
    'degraded',
    'push-a1',
  ],
  [
    'a push node that is stuck in another feed',
    world({ pushA: { fault: 'stage intake trade is past its deadline' } }),
    'all_well',
    'well',
    'gw-1',
  ],
  ['a gateway that is stuck', world({ gateway: { fault: 'stage dispatch is past its deadline' } }), 'gateway_stuck', 'broken', 'gw-1'],
  ['a partition that nobody has', world({ a: { carries: false }, b: { carries: false } }), 'no_carrier', 'broken', 'gw-1'],
  ['one push node frozen, still linked', world({ pushA: null, unanswered: [silent('push-a1')] }), 'push_silent', 'degraded', 'push-a1'],
  [
    'one push node frozen, given up',
    world({ a: { state: 'waiting', stall: 'frozen_peer', why: 'frozen peer' }, pushA: null }),
    'push_silent',
    'degraded',
    'push-a1',
  ],
  [
    'both push nodes frozen',
    world({ pushA: null, pushB: null, unanswered: [silent('push-a1'), silent('push-b1')] }),
    'push_silent',
    'broken',
    'push-a1',
  ],
  [
    'one push node stopped',
    world({ b: { state: 'waiting', why: 'connect ECONNREFUSED' }, pushB: null }),
    'push_down',
    'degraded',
    'push-b1',
  ],
  [
    'the host of a push node gone',
    world({ a: { state: 'waiting', stall: 'half_open', why: 'half-open' }, pushA: null }),
    'push_unreachable',
    'degraded',
    'push-a1',
  ],
  [
    'push nodes without secret, silent',
    world({ a: { pulse: null }, b: { pulse: null }, pushA: null, pushB: null }),
    'push_unasked',
    'broken',
    'push-a1',
  ],
  [
    'push nodes without secret, that say what is wrong',
    world({
      a: { notice: { hop: 'log', reason: 'log_unreachable', message: 'no broker' } },
      b: { notice: { hop: 'log', reason: 'log_unreachable', message: 'no broker' } },
      pushA: null,
      pushB: null,
    }),
    'log_unreachable',
    'broken',
    'log',
  ],
  ['push nodes without secret, well', world({ pushA: null, pushB: null }), 'all_well', 'well', 'gw-1'],
  [
    'a push node that does not read the partition',
    world({ pushA: { log: { ...LOG, reads: false } } }),
    'push_without_partition',
    'degraded',
    'push-a1',
  ],
  ['a push node without the feed', world({ pushA: { feed: null } }), 'push_without_feed', 'degraded', 'push-a1'],
  [
    'push nodes that read in',
    world({ both: { log: { ...LOG, warm: false }, feed: stale('warming') } }),
    'push_warming',
    'broken',
    'push-a1',
  ],
  ["push nodes behind the log's end", world({ both: { ...twice, log: { ...LOG, end: 9000 } } }), 'push_behind', 'broken', 'push-a1'],
  ['a reader that hangs', world({ both: trouble('reader_stalled') }), 'reader_stalled', 'broken', 'push-a1'],
  [
    'a push node on a retired topic',
    world({ pushA: { log: { ...LOG, catalogued: { generation: 2, topic: 'quotes-v2' }, pinned: true } } }),
    'generation_retired',
    'degraded',
    'push-a1',
  ],
  [
    'a link of an older generation, without catalogue',
    world({ gateway: { feed: { ...FEED, generation: 2 } }, b: { generation: 2 } }),
    'generation_retired',
    'degraded',
    'push-a1',
  ],
  [
    'a link of a generation from the future, without catalogue',
    world({ b: { generation: 99 } }),
    'generation_retired',
    'degraded',
    'push-b1',
  ],
  [
    'pulses of another generation only',
    world({ both: { feed: { ...stale('no_pulse'), pulse: null }, log: { ...LOG, otherPulses: 7 } } }),
    'generation_retired',
    'broken',
    'push-a1',
  ],
  ['Kafka gone', world({ both: trouble('log_unreachable') }), 'log_unreachable', 'broken', 'log'],
  [
    'Kafka that hangs',
    world({ both: { ...twice, log: { ...LOG, end: null, unreachable: 'no answer within 1500 ms' } } }),
    'log_unreachable',
    'broken',
    'log',
  ],
  ['a topic that is missing', world({ both: trouble('topic_missing') }), 'topic_missing', 'broken', 'log'],
  ['a topic that was made anew', world({ both: trouble('topic_recreated') }), 'topic_recreated', 'broken', 'log'],
  ['nothing written at all', world({ both: twice }), 'topic_silent', 'broken', 'log'],
  ['no pulse writers', world({ both: { feed: stale('unproven') } }), 'pulse_writers_gone', 'broken', 'log'],
  ['pulses that come late', world({ both: { feed: stale('lagging') } }), 'pulses_late', 'broken', 'log'],
  ['a gateway that is stale by itself', world({ gateway: { feed: stale('resyncing') } }), 'pulses_late', 'broken', 'gw-1'],
  ['a symbol that never was', world({ gateway: { symbol: null }, both: { symbol: null } }), 'symbol_unknown', 'well', 'log'],
  ['a deleted symbol', world({ gateway: { symbol: { ...SYMBOL, deleted: true } } }), 'symbol_deleted', 'well', 'log'],
  [
    'a feed that is full',
    world({ gateway: { symbol: null }, both: { symbol: null, feed: { ...FEED, symbolsHeld: 100 } } }),
    'feed_full',
    'broken',
    'push-a1',
  ],
]

describe('what a trace finds', () => {
  for (const [name, facts, code, severity, hop] of CASES) {
    test(`${name}: ${code}`, () => {
      const [first] = judgeTrace(facts)
      assert.deepEqual([first?.code, first?.severity, first?.hop], [code, severity, hop], first!.sentence)
    })
  }

  test('is tried for every code', () => {
    const found = new Set(CASES.map(([, , code]) => code))
    assert.deepEqual(
      Object.keys(TRACE_CODES).filter((code) => !found.has(code as TraceCode)),
      [],
    )
  })

  test('names who stands in for a line that broke, and says that the rest is well', () => {
    const [broken, well] = judgeTrace(world({ pushA: null, unanswered: [silent('push-a1')] }))
    assert.match(broken!.sentence, /push-a1 \(line A\) is frozen or blocked.*; push-b1 \(line B\) stands in$/)
    assert.equal(well?.code, 'all_well')
  })

  test('names who is missing where there is no link at all', () => {
    const facts = world({ gateway: { links: [], unlinked: [unlinked('expired')] }, pushA: null, pushB: null })
    const [none, gone] = judgeTrace(facts)
    assert.deepEqual([none?.code, gone?.code, gone?.severity], ['gateway_unlinked', 'push_gone', 'broken'])
    assert.match(gone!.sentence, /^push-a1 \(line A, ws:\/\/push-a1:8081\) is frozen, gone or cut off: it has not beaten for 14\.0 s/)
  })

  test('does not say of a gateway where nobody subscribes that it has the record', () => {
    const [first] = judgeTrace(world({ session: null, gateway: { symbol: null }, a: { holds: false }, b: { holds: false } }))
    assert.equal(first?.code, 'all_well')
    assert.match(first!.sentence, /is at push-a1, push-b1; nobody at gw-1 subscribes to it/)
  })

  test('tells what lies nearer to the log first', () => {
    const facts = world({ pushA: null, unanswered: [silent('push-a1')], pushB: trouble('log_unreachable') })
    assert.deepEqual(
      judgeTrace(facts).map(({ code }) => code),
      ['log_unreachable', 'push_silent'],
    )
  })

  test('tells of the client as well as of the log', () => {
    const facts = world({ session: { stall: 'frozen_peer' }, both: trouble('log_unreachable') })
    const codes = judgeTrace(facts).map(({ code }) => code)
    assert.deepEqual(codes.slice(0, 2), ['client_frozen', 'log_unreachable'])
  })

  test('a gateway that serves from the push node beside it is judged by that', () => {
    const beside = { links: [], beside: 'core-push' }
    const facts = { ...world({ gateway: beside }), push: [push('core-push', trouble('log_unreachable'))] }
    assert.deepEqual(judgeTrace(facts)[0]?.code, 'log_unreachable')
    assert.equal(judgeTrace({ ...facts, push: [push('core-push')] })[0]?.code, 'all_well')
  })
})

test('of a delayed feed it says what it shows, and how late; a version that does not say is no mistake', () => {
  const late = { ...FEED, delay: LATE }
  const [found, ...others] = judgeTrace(world({ gateway: { feed: late }, both: { feed: late } }))
  assert.deepEqual([found?.code, others], ['all_well', []])
  assert.match(found!.sentence, /; feed quote shows real as it was 15 min ago$/)
  assert.deepEqual(
    judgeTrace(world({ gateway: { feed: late } })).map(({ code }) => code),
    ['all_well'],
  )
})
