/** What the doctor says of facts, one break at a time; on real nodes: test/integration/doctor.test.ts. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import picocolors from 'picocolors'
import { complaintOf } from '@pulsewire/server'
import type { HeardFeed, KnownNode, Lease, ProbeReport, VerdictsAnswer } from '@pulsewire/server'
import { judgeBalancer } from './balancers.ts'
import { type Check, note, ok, problem, some } from './check.ts'
import { judgeComplaint } from './control-topic.ts'
import { checkConfiguration } from './configuration.ts'
import { examine } from './doctor.ts'
import { formatChecks } from './format.ts'
import { judgeGateway } from './gateways.ts'
import { judgeFeed, judgeNodes } from './nodes.ts'
import { judgeTopic, type PartitionFacts, type TopicFacts } from './topic.ts'
import { judgeZones } from './zones.ts'

/** Everything that is not well, as `verdict what`. */
function wrong(checks: readonly Check[]): string[] {
  return checks.filter(({ verdict }) => verdict !== 'ok').map(({ verdict, what }) => `${verdict} ${what}`)
}

describe('zones whose Kafka is their own', () => {
  const there = (zone: string, ...nodes: string[]) => {
    const gateways = nodes.filter((name) => name.startsWith('gw')).length
    return { zone, topic: 'pulsewire.control', found: { nodes, gateways } }
  }

  test('that can be read are well', () => {
    const [check, ...rest] = judgeZones([there('b', 'gw-b', 'push-b')], ['gw-a'])
    assert.deepEqual([check?.verdict, rest], ['ok', []])
    assert.match(check!.what, /pulsewire\.control of zone b can be read: 2 nodes, 1 gateways/)
  })

  test('that cannot are a problem, whatever else there is', () => {
    const gone = { zone: 'b', topic: 'pulsewire.control', found: { failure: 'no broker answers' } }
    assert.deepEqual(wrong(judgeZones([gone, there('c', 'gw-c')], [])), [
      'problem control topic pulsewire.control of zone b cannot be read: no broker answers',
    ])
  })

  test('must not have names that others have', () => {
    assert.deepEqual(wrong(judgeZones([there('b', 'gw-1', 'gw-2'), there('c', 'gw-2', 'gw-3')], ['gw-1'])), [
      'problem zone b has nodes whose names others have: gw-1 (in the own one)',
      'problem zone c has nodes whose names others have: gw-2 (in zone b)',
    ])
  })

  test('that lose what is said there are a problem', () => {
    const complaint = complaintOf({ cleanup: 'delete', deletesAfterMs: null }, 'pulsewire.control')
    assert.deepEqual(wrong(judgeZones([{ ...there('b', 'gw-b'), complaint }], [])), [
      "problem zone b: topic pulsewire.control has cleanup.policy=delete, expected compact: Kafka removes operators' words, the catalogue and revocations from it",
    ])
  })

  test('without a gateway are to be known', () => {
    assert.deepEqual(wrong(judgeZones([there('b', 'push-b')], [])), ['note zone b has no gateway now'])
  })
})

test('a control topic that loses what is said there is a problem, with the command that mends it; one that keeps it is none', () => {
  const judge = (cleanup: string, deletesAfterMs: number | null = null) =>
    judgeComplaint('kafka', complaintOf({ cleanup, deletesAfterMs }, 'pulsewire.control'))
  assert.deepEqual(judge('compact'), [])
  const [check, ...rest] = judge('delete', 604_800_000)
  assert.deepEqual([check?.verdict, rest], ['problem', []])
  assert.match(check!.what, /cleanup\.policy=delete, expected compact: .* after 604800000 ms \(retention\.ms\)$/)
  assert.match(check!.todo!, /^kafka-configs\.sh .* --entity-name pulsewire\.control --add-config cleanup\.policy=compact$/)
  assert.equal(judge('compact,delete').length, 1)
  assert.equal(judge(' delete, compact').length, 1)
})

describe('a topic', () => {
  const nowMs = 1_800_000_000_000
  const pulse = (writer: string, agoMs: number, generation = 2) => ({ writer, generation, atMs: nowMs - agoMs })
  const partition = (number: number, change: Partial<PartitionFacts> = {}): PartitionFacts => ({
    partition: number,
    held: 100,
    oldestMs: nowMs - 3_600_000,
    newestMs: nowMs - 500,
    pulses: [pulse('pulse-1', 300), pulse('pulse-2', 100)],
    ...change,
  })
  const facts = (partitions: readonly PartitionFacts[], change: Partial<TopicFacts> = {}): TopicFacts => ({
    feed: 'quote',
    topic: 'quotes',
    generation: 2,
    partitions,
    warmupMs: 600_000,
    ...change,
  })

  test('that is read, written and pulsed is well', () => {
    assert.deepEqual(wrong(judgeTopic(facts([partition(0), partition(1)]), nowMs)), [])
  })

  const breaks: [name: string, facts: TopicFacts, expected: RegExp][] = [
    ['no pulse anywhere', facts([partition(0, { pulses: [] }), partition(1, { pulses: [] })]), /^problem .*no partition is pulsed/],
    [
      'one partition without',
      facts([partition(0), partition(1, { pulses: [pulse('pulse-1', 20_000), pulse('pulse-2', 30_000)] })]),
      /^problem .*partitions 1 not pulsed for 20\.0 s/,
    ],
    ['one writer only', facts([partition(0, { pulses: [pulse('pulse-1', 1)] })]), /^note .*pulse-1 is the only pulse writer/],
    [
      'a writer of an older generation',
      facts([partition(0, { pulses: [pulse('pulse-1', 1), pulse('old', 1, 1)] })]),
      /^problem .*old \(generation 1\) pulses quotes/,
    ],
    [
      'pulses from the future',
      facts([partition(0, { pulses: [pulse('pulse-1', -9000), pulse('pulse-2', 1)] })]),
      /^note .*from 9\.0 s in the future/,
    ],
    ['no quotes', facts([partition(0, { newestMs: null })]), /^note .*none but pulses/],
    ['a retention shorter than warm-up', facts([partition(0, { oldestMs: nowMs - 60_000 })]), /^note .*reaches back 1 min.*wants 10 min/],
  ]
  for (const [name, broken, expected] of breaks) {
    test(`${name}: said once, with why and what to do`, () => {
      const checks = judgeTopic(broken, nowMs)
      assert.equal(wrong(checks).length, 1, String(wrong(checks)))
      assert.match(wrong(checks)[0]!, expected)
      const found = checks.find(({ verdict }) => verdict !== 'ok')!
      assert.ok(found.why !== undefined && found.todo !== undefined)
    })
  }
})

describe('nodes', () => {
  const lease = (node: string, role: Lease['role'], change: Partial<Lease> = {}): Lease => ({
    node,
    role,
    incarnation: 1,
    beat: 1,
    lifeMs: 3000,
    zone: 'default',
    track: 'stable',
    version: '0.1.0',
    addresses: [],
    feeds: [{ feed: 'quote', generation: 2, topic: 'quotes', pulseAgeMs: 200 }],
    load: { sessions: 0, sessionsMax: 10, busy: 0 },
    ready: true,
    draining: false,
    ...change,
  })
  const known = (one: Lease, change: Partial<KnownNode> = {}): KnownNode => ({
    lease: one,
    heardAtMs: 0,
    expiresAtMs: 3000,
    state: 'live',
    word: 'online',
    ...change,
  })
  const directory = (...nodes: KnownNode[]) => ({
    view: 'current' as const,
    feeds: new Map(),
    nodes: new Map(nodes.map((one) => [one.lease.node, one])),
  })
  const good = [
    known(lease('push-a1', 'push', { line: 'A' })),
    known(lease('push-b1', 'push', { line: 'B' })),
    known(lease('pulse-1', 'pulse')),
    known(lease('gw-1', 'gateway')),
  ]

  test('that cover for each other are well', () => {
    assert.deepEqual(wrong([...judgeNodes(directory(...good)), ...judgeFeed(directory(...good), 'quote', 4)]), [])
  })

  test('nobody there', () => {
    assert.match(wrong(judgeNodes(directory()))[0]!, /^problem no node has a lease/)
    assert.match(wrong(judgeFeed(directory(), 'quote', 4))[0]!, /^problem no push node reads feed quote/)
  })

  test('what a lease says of its node', () => {
    const [a, , pulse, gateway] = good
    const of = (node: KnownNode) => wrong(judgeNodes(directory(a!, node)))
    assert.match(of(known(pulse!.lease, { state: 'expired' }))[0]!, /^note pulse pulse-1 .* ended without a goodbye/)
    assert.match(
      of(known(gateway!.lease, { word: 'offline', told: { by: 'jo@ops-1', atMs: 0 } }))[0]!,
      /^note gw-1 .* was taken offline by jo@ops-1 at 1970/,
    )
    assert.match(of(known(lease('gw-1', 'gateway', { ready: false })))[0]!, /^problem gateway gw-1 .* is not ready/)
    assert.match(of(known(lease('gw-1', 'gateway', { fault: 'stage flush is stuck' })))[0]!, /^problem gw-1 .*stage flush is stuck/)
    assert.match(of(known(lease('gw-1', 'gateway', { version: '0.0.9' })))[0]!, /^note versions differ: 0\.0\.9, 0\.1\.0/)
    const vitals = { uptimeMs: 1, loopDelayMs: 900, memoryBytes: 1 }
    assert.match(of(known(lease('gw-1', 'gateway', { vitals })))[0]!, /^note gw-1 .*stood still for 900 ms/)
    assert.deepEqual(of(known(pulse!.lease, { state: 'left' })), [])
    assert.match(wrong(judgeNodes({ ...directory(...good), view: 'degraded' }))[0]!, /^problem the control topic is silent/)
  })

  test('a feed that is being moved, and who moves it', () => {
    const feed = {
      feed: 'quote',
      current: { generation: 2, topic: 'quotes' },
      next: { generation: 3, topic: 'quotes-v8' },
      retired: [],
      revision: 1,
      said: { by: 'jo@ops-1', atMs: 0 },
    }
    const of = (next: typeof feed.next | null) =>
      wrong(judgeFeed({ ...directory(...good), feeds: new Map([['quote', { ...feed, next }]]) }, 'quote', 4))
    assert.match(of(feed.next)[0]!, /^note feed quote is being moved to .*quotes-v8.*: jo@ops-1 said so at 1970/)
    assert.deepEqual(of(null), [])
  })

  test('lines, and who was left behind', () => {
    const [a, b, pulse] = good
    const of = (...nodes: KnownNode[]) => wrong(judgeFeed(directory(...nodes), 'quote', 4))
    assert.match(of(a!, pulse!)[0]!, /^problem only line A reads feed quote/)
    const late = known(
      lease('push-b1', 'push', { line: 'B', feeds: [{ feed: 'quote', generation: 2, topic: 'quotes', pulseAgeMs: 9000 }] }),
    )
    assert.match(of(a!, late, pulse!)[0]!, /^problem line B does not bring all of feed quote/)
    const half = known(
      lease('push-b1', 'push', {
        line: 'B',
        feeds: [{ feed: 'quote', generation: 2, topic: 'quotes', pulseAgeMs: 1, partitions: [0, 1] }],
      }),
    )
    assert.match(of(a!, half, pulse!)[0]!, /^problem line B/)
    const zombie = known(
      lease('push-old', 'push', {
        line: 'B',
        version: '0.0.1',
        addresses: ['ws://push-old:8081'],
        feeds: [{ feed: 'quote', generation: 1, topic: 'quotes-v1', pulseAgeMs: 1 }],
      }),
    )
    assert.match(
      of(a!, b!, zombie, pulse!)[0]!,
      /^problem push-old \(version 0\.0\.1, ws:\/\/push-old:8081\) is left behind: it reads generation 1 \(quotes-v1\) of feed quote, which is at 2/,
    )
    const odd = known(lease('push-x', 'push', { line: 'B', feeds: [{ feed: 'quote', generation: 99, topic: 'quotes', pulseAgeMs: null }] }))
    assert.deepEqual(
      of(a!, b!, odd, pulse!).map((what) => what.split(' (')[0]),
      ['problem push-x'],
    )
    assert.match(of(a!, b!, odd, pulse!)[0]!, /is ahead of all others: it reads generation 99 \(quotes\) of feed quote, which is at 2/)
    assert.match(of(a!, b!)[0]!, /^note no pulse writer with a lease/)
  })

  test('a feed that is delayed differently: who by how much', () => {
    const shows = (delayMs?: number) => ({
      feeds: [
        { feed: 'late', generation: 2, topic: 'quotes', pulseAgeMs: 1, ...(delayMs === undefined ? {} : { delayOf: 'quote', delayMs }) },
      ],
    })
    const nodes = (b: number | undefined, gateway: number) => [
      known(lease('push-a1', 'push', { line: 'A', ...shows(900_000) })),
      known(lease('push-b1', 'push', { line: 'B', ...shows(b) })),
      known(lease('gw-1', 'gateway', shows(gateway))),
    ]
    const of = (...all: KnownNode[]) => wrong(judgeFeed(directory(...all), 'late', 4))
    assert.deepEqual(of(...nodes(900_000, 900_000)), [])
    assert.match(
      of(...nodes(undefined, 900_000))[0]!,
      /^problem feed late is delayed differently: push-a1, gw-1 by 15 min; push-b1 not at all/,
    )
    assert.match(of(...nodes(900_000, 60_000))[0]!, /^problem feed late is delayed differently: push-a1, push-b1 by 15 min; gw-1 by 1 min/)
  })
})

describe('a gateway, met as a client', () => {
  const heard = (change: Partial<HeardFeed> = {}, ageMs = 400): HeardFeed => ({
    generation: 2,
    generations: new Map([
      [2, { partitions: 2, grown: null, pulses: new Map([0, 1].map((n) => [n, { offset: 1, heardAtMs: 9000, ageMs, delayMs: 1 }])) }],
    ]),
    complaint: null,
    ...change,
  })
  const report = (change: Partial<ProbeReport> = {}): ProbeReport => ({
    address: 'ws://gw-1:8080',
    state: 'open',
    sinceMs: 0,
    failure: null,
    failures: 0,
    entry: null,
    peer: null,
    heardAtMs: 9900,
    roundTripMs: 2,
    pulseIntervalMs: 1000,
    feeds: new Map([['quote', heard()]]),
    ...change,
  })
  const judge = (change: Partial<ProbeReport> = {}) => {
    const { verdict, what } = judgeGateway(
      { node: 'gw-1', address: 'ws://gw-1:8080', report: report(change), atMs: 10_000 },
      new Map([['quote', 2]]),
    )
    return `${verdict} ${what}`
  }

  test('fresh, or what keeps it from being', () => {
    assert.match(judge(), /^ok gw-1 .* fresh pulses of quote, round trip 2 ms/)
    assert.match(judge({ state: 'failed', failure: 'connect ECONNREFUSED' }), /^problem .*ECONNREFUSED/)
    assert.match(judge({ feeds: new Map([['quote', heard({ complaint: 'push-a1: upstream_silent' })]]) }), /^problem .*upstream_silent/)
    assert.match(judge({ feeds: new Map([['quote', heard({}, 8000)]]) }), /^problem .*newest pulse is 9\.0 s old/)
    assert.match(
      judge({ feeds: new Map([['quote', heard({ generation: 1, generations: new Map() })]]) }),
      /^problem .*no pulse of generation 2/,
    )
    assert.match(judge({ feeds: new Map() }), /^problem .*offers no feed/)
  })

  test('and what balancers make of it', () => {
    const row = (node: string, handedOut: boolean) => ({
      node,
      role: 'gateway',
      handedOut,
      reasons: handedOut ? [] : [{ code: 'offline', message: '' }],
    })
    const answer = (...verdicts: unknown[]) => ({ verdicts }) as unknown as VerdictsAnswer
    const all = (said: VerdictsAnswer | { failure: string }, proven: string[] = [], failed: string[] = [], offline: string[] = []) =>
      judgeBalancer(
        { address: 'http://lb:8070', answer: said },
        { proven: new Set(proven), failed: new Set(failed), offline: new Set(offline) },
      )
    const judged = (...known: Parameters<typeof all>) => wrong(all(...known))
    assert.deepEqual(judged(answer(row('gw-1', true)), ['gw-1']), [])
    assert.match(judged({ failure: 'refused' })[0]!, /^problem .*does not answer: refused/)
    assert.match(judged(answer(row('gw-1', false)))[0]!, /^problem .*hands out no gateway \(gw-1: offline\)/)
    assert.match(judged(answer(row('gw-1', true), row('gw-2', false)), ['gw-1', 'gw-2'])[0]!, /^note .*does not hand out gw-2 \(offline\)/)
    assert.match(judged(answer(row('gw-1', true)), [], ['gw-1'])[0]!, /^note .*hands out gw-1, which cannot be used from here/)
    assert.match(judged(answer(row('gw-1', true)), [], [], ['gw-1'])[0]!, /^problem .*hands out gw-1, which an operator took offline/)
    const told = all(answer(row('gw-1', true), row('gw-2', false)), [], ['gw-1'], ['gw-2'])
    assert.deepEqual(
      told.map(({ verdict, what }) => `${verdict} ${what}`),
      [
        'note http://lb:8070 hands out gw-1, which cannot be used from here',
        'ok http://lb:8070 hands out gw-1, and not gw-2, which an operator took offline',
      ],
    )
  })
})

describe('a configuration file', () => {
  const checked = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'pulsewire-doctor-'))
    try {
      const file = join(folder, 'node.yaml')
      writeFileSync(file, text)
      return checkConfiguration(file, {}, [])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('is judged as the role that it fits', () => {
    const { checks, feeds, directory } = checked(
      'log: {brokers: [kafka:9092]}\ndirectory: {enabled: true}\nfeeds: [{name: quote, topic: quotes}]\n',
    )
    assert.deepEqual(wrong(checks), [])
    assert.deepEqual([feeds.map(({ name, topic }) => [name, topic]), directory], [[['quote', 'quotes']], true])
  })

  test('is told every mistake when it fits none', () => {
    const { checks } = checked('log: {brokers: [kafka:9092]}\nfeeds: [{name: quote, topic: quotes, codek: json}]\nnode: {colour: red}\n')
    assert.ok(checks.length >= 2 && checks.every(({ verdict }) => verdict === 'problem'))
    assert.match(wrong(checks).join('\n'), /colour/)
  })
})

test('the report: area by area, with why and what to do, and a count', () => {
  const text = formatChecks(
    [note('nodes', 'n', 'w', 't'), ok('kafka', 'k'), problem('kafka', 'p', 'w', 't')],
    picocolors.createColors(false),
  )
  assert.equal(
    text,
    [
      'kafka',
      '✓ k',
      '✗ p',
      '    why it matters: w',
      '    what to do:     t',
      '',
      'nodes',
      '! n',
      '    why it matters: w',
      '    what to do:     t',
      '',
      '1 problem, 1 note, 1 well.',
    ].join('\n'),
  )
  assert.match(formatChecks([ok('kafka', 'k')], picocolors.createColors(false)), /All is well: 1 check\./)
  assert.equal(some(['a', 'b', 'c'], 2), 'a, b and 1 more')
})

describe('without leases', () => {
  const flags = { set: [], gateway: [], balancer: [] }

  test('it says what it was not given, and that gateways were not looked at: not that there are none', async () => {
    const found = wrong(await examine(flags))
    assert.match(found[0]!, /^problem log\.brokers: missing, expected --brokers kafka-1:9092, or --config/)
    assert.deepEqual(found.slice(1), ['note no gateway was looked at'])
  })

  test('gateways are those that the balancer knows which was named', async () => {
    const row = { role: 'gateway', handedOut: true, reasons: [], word: 'online', lease: { state: 'live' } }
    const verdicts = [
      { ...row, node: 'gw-1', addresses: ['ws://127.0.0.1:1'] },
      { ...row, node: 'gw-2', addresses: ['ws://127.0.0.1:1'], word: 'offline', handedOut: false },
      { ...row, node: 'push-a1', role: 'push', addresses: ['ws://127.0.0.1:1'] },
    ]
    const server = createServer((_, response) => response.end(JSON.stringify({ verdicts }))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const found = wrong(await examine({ ...flags, balancer: [url] }))
      assert.match(found[1]!, /^problem gw-1 \(ws:\/\/127\.0\.0\.1:1\) does not take a client/)
      assert.match(found[2]!, /^note http.* hands out gw-1, which cannot be used from here/)
      assert.equal(found.length, 3)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
