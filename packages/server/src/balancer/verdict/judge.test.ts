import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { testLease } from '../../../../../test/support/leases.ts'
import type { KnownNode, Lease } from '../../directory/index.ts'
import type { HeardFeed, HeardPulse, ProbeReport } from '../probe/report.ts'
import type { FeedExpectation } from './expectations.ts'
import { judge, type JudgeInput } from './judge.ts'
import { isSoft } from './reasons.ts'

const NOW_MS = 1_764_000_000_000
const LIMITS = { pulseHeardWithinMs: 2500, pulseAgeMaxMs: 2500 }

function known(lease: Partial<Lease> = {}, rest: Partial<KnownNode> = {}): KnownNode {
  const full = testLease('gw-1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100 }], ...lease })
  return { lease: full, heardAtMs: NOW_MS - 500, expiresAtMs: NOW_MS + 2500, state: 'live', word: 'online', ...rest }
}

function heard(pulses: readonly (Partial<HeardPulse> | null)[], generation = 2, rest: Partial<HeardFeed> = {}): HeardFeed {
  const map = new Map<number, HeardPulse>()
  pulses.forEach((pulse, partition) => {
    if (pulse !== null) map.set(partition, { offset: 7, heardAtMs: NOW_MS - 400, ageMs: 300, delayMs: 20, ...pulse })
  })
  const heardGeneration = { partitions: pulses.length, grown: null, pulses: map }
  return { generation, generations: new Map([[generation, heardGeneration]]), complaint: null, ...rest }
}

function probe(rest: Partial<ProbeReport> = {}): ProbeReport {
  return {
    address: 'ws://gw-1:8080',
    state: 'open',
    sinceMs: NOW_MS - 60_000,
    failure: null,
    failures: 0,
    entry: { enteredAtMs: NOW_MS - 400, failure: null, unservedSinceMs: null, withinMs: 2800 },
    peer: { node: 'gw-1', role: 'gateway', version: '0.1.0' },
    heardAtMs: NOW_MS - 400,
    roundTripMs: 1,
    pulseIntervalMs: 1000,
    feeds: new Map([['quote', heard([{}, {}])]]),
    ...rest,
  }
}

function expecting(accepted: readonly number[] = [2], current = 2): ReadonlyMap<string, FeedExpectation> {
  const topics = new Map([
    [1, 'quotes-v7'],
    [2, 'quotes-v8'],
    [3, 'quotes-v9'],
  ])
  return new Map([['quote', { feed: 'quote', current, accepted: new Set(accepted), topics }]])
}

function judged(input: Partial<JudgeInput> = {}) {
  return judge({ node: known(), probe: probe(), expectations: expecting(), limits: LIMITS, nowMs: NOW_MS, ...input })
}

describe('delays', () => {
  const late = (node: string, delayMs: number) =>
    known({
      node,
      role: 'push',
      feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 100, ...(delayMs > 0 ? { delayOf: 'real', delayMs } : {}) }],
    })
  const said = (node: KnownNode, delays: [number, string[]][]) => {
    const [expected] = expecting().values()
    return judged({ node, expectations: new Map([['quote', { ...expected!, delays: new Map(delays) }]]) }).map(
      ({ code, message }) => `${code}: ${message}`,
    )
  }

  it('name the push node that has another than most', () => {
    const delays: [number, string[]][] = [
      [900_000, ['push-a1', 'push-a2']],
      [0, ['push-b1']],
    ]
    assert.deepEqual(said(late('push-a1', 900_000), delays), [])
    assert.match(
      said(late('push-b1', 0), delays).join(),
      /^delay_differs: push-b1 \(version .*\) delays feed quote by 0\.0 s, push-a1, push-a2 by 900\.0 s: a gateway takes it from whom/,
    )
  })

  it('name both where nobody can tell who is right', () => {
    const delays: [number, string[]][] = [
      [900_000, ['push-a1']],
      [600_000, ['push-b1']],
    ]
    for (const [node, delayMs] of [
      ['push-a1', 900_000],
      ['push-b1', 600_000],
    ] as const)
      assert.match(said(late(node, delayMs), delays).join(), /^delay_differs/)
  })
})

function codes(input: Partial<JudgeInput>): string[] {
  return judged(input).map(({ code, feed }) => (feed === undefined ? code : `${code} ${feed}`))
}

describe('judge, of a gateway', () => {
  it('finds nothing against one that is leased, proven and online', () => {
    assert.deepEqual(judged(), [])
  })

  it('honours the word of an operator', () => {
    assert.deepEqual(codes({ node: known({}, { word: 'offline' }) }), ['offline'])
    assert.deepEqual(codes({ node: known({}, { word: 'draining' }) }), ['draining'])
  })

  it('names who said it, and when, where that is known', () => {
    const said = (rest: Partial<KnownNode>) => judged({ node: known({}, rest) })[0]?.message
    const told = { by: 'jo@ops-1', atMs: NOW_MS }
    assert.equal(said({ word: 'offline', told }), `jo@ops-1 took gw-1 offline at ${new Date(NOW_MS).toISOString()}`)
    assert.equal(said({ word: 'draining', told }), `jo@ops-1 told gw-1 to drain at ${new Date(NOW_MS).toISOString()}`)
    assert.equal(said({ word: 'offline' }), 'an operator took gw-1 offline')
    assert.equal(said({ word: 'offline', told: { atMs: 1e300 } }), 'an operator took gw-1 offline', 'no date')
    assert.equal(said({ word: 'online', told }), undefined)
  })

  it('goes by the lease: its life, a goodbye, readiness, draining, its address', () => {
    assert.deepEqual(codes({ node: known({}, { state: 'expired', heardAtMs: NOW_MS - 3100 }) }), ['lease_expired'])
    assert.deepEqual(codes({ node: known({ ready: false, draining: true }, { state: 'left' }) }), ['lease_left', 'draining'])
    assert.deepEqual(codes({ node: known({ ready: false }) }), ['not_ready'])
    assert.deepEqual(codes({ node: known({ ready: false, draining: true }) }), ['draining'])
    assert.deepEqual(codes({ node: known({ addresses: [] }), probe: null }), ['address_missing'])
    assert.deepEqual(codes({ node: known({}, { state: 'kept', heardAtMs: NOW_MS - 600_000 }) }), [])
  })

  it('says what its probe meets: nobody, another node, silence', () => {
    assert.deepEqual(codes({ probe: null }), ['probe_pending'])
    const refused = { state: 'failed', failure: 'connect ECONNREFUSED', failures: 3, sinceMs: NOW_MS - 200 } as const
    const [finding] = judged({ probe: probe(refused) })
    assert.equal(finding?.code, 'connect_failed')
    assert.match(finding.message, /the last 3 attempts to connect to ws:\/\/gw-1:8080 failed: connect ECONNREFUSED/)
    assert.deepEqual(codes({ probe: probe({ peer: { node: 'gw-2', role: 'gateway', version: '0.1.0' } }) }), ['wrong_node'])
    assert.deepEqual(codes({ probe: probe({ peer: { node: 'gw-1', role: 'push', version: '0.1.0' } }) }), ['wrong_node'])
    assert.deepEqual(codes({ probe: probe({ heardAtMs: NOW_MS - 2501 }) }), ['silent'])
    assert.deepEqual(codes({ probe: probe({ state: 'connecting', peer: null, feeds: new Map() }) }), ['probe_pending'])
  })

  it('wants somebody new to be let in, however well those are served who are there', () => {
    const entry = { enteredAtMs: NOW_MS - 2800, failure: 'socket hang up', unservedSinceMs: NOW_MS - 1100, withinMs: 2800 }
    assert.deepEqual(codes({ probe: probe({ entry }) }), [])
    const shut = { entry: { ...entry, enteredAtMs: NOW_MS - 2801 } }
    assert.deepEqual(codes({ probe: probe(shut) }), ['entry_failed'])
    assert.equal(judged({ probe: probe(shut) })[0]!.message, 'gw-1 has let nobody new in at ws://gw-1:8080 for 2.8 s: socket hang up')
    assert.deepEqual(codes({ probe: probe({ ...shut, feeds: new Map([['quote', heard([{}, null])]]) }) }), [
      'entry_failed',
      'pulse_missing quote',
    ])
    assert.deepEqual(codes({ probe: probe({ entry: null }) }), [], 'nobody is sent')
    const mute = { ...shut, heardAtMs: NOW_MS - 1100 }
    assert.deepEqual(codes({ probe: probe(mute) }), [], 'it may be frozen, and has until that shows')
    assert.deepEqual(codes({ probe: probe({ ...mute, heardAtMs: NOW_MS - 2600 }) }), ['silent'])
  })

  it('knows that nobody new gets into one that is full, which its lease says, and hand-out heeds', () => {
    const shut = probe({
      entry: {
        enteredAtMs: NOW_MS - 60_000,
        failure: 'answered with 503: this node is full',
        unservedSinceMs: NOW_MS - 58_000,
        withinMs: 2800,
      },
    })
    const load = { sessions: 97, sessionsMax: 100, busy: 0.1 }
    assert.deepEqual(codes({ node: known({ load }), probe: shut }), ['entry_failed'])
    // Places come free, and are taken, between two beats.
    assert.deepEqual(codes({ node: known({ load: { ...load, sessions: 98 } }), probe: shut }), [])
  })

  it('lets what was proven outlive a session that was lost a moment ago, and no longer', () => {
    const lost = { state: 'connecting', failure: 'reset', sinceMs: NOW_MS - 100 } as const
    assert.deepEqual(codes({ probe: probe(lost) }), [])
    assert.deepEqual(codes({ probe: probe({ ...lost, feeds: new Map([['quote', heard([{ heardAtMs: NOW_MS - 2501 }])]]) }) }), [
      'connect_failed',
    ])
    assert.deepEqual(codes({ probe: probe({ ...lost, sinceMs: NOW_MS - 2501 }) }), ['connect_failed'])
  })

  it('wants a pulse of every partition, heard in time and not too old', () => {
    const with_ = (...pulses: (Partial<HeardPulse> | null)[]) => ({ probe: probe({ feeds: new Map([['quote', heard(pulses)]]) }) })
    assert.deepEqual(codes(with_({}, { heardAtMs: NOW_MS - 2500 })), [])
    assert.deepEqual(codes(with_({}, { heardAtMs: NOW_MS - 2501 })), ['pulse_missing quote'])
    assert.deepEqual(codes(with_({}, null)), ['pulse_missing quote'])
    assert.deepEqual(codes(with_()), ['pulse_missing quote'])
    assert.deepEqual(codes(with_({ ageMs: 2500 }, { ageMs: 2501 })), ['pulse_old quote'])
    assert.match(judged(with_({}, null))[0]!.message, /gw-1 passes on no pulse of quote, partition 1, at all/)
  })

  it('gives a new session time to bring its first pulses', () => {
    const feeds = new Map([['quote', heard([{}, null])]])
    assert.deepEqual(codes({ probe: probe({ sinceMs: NOW_MS - 2500, feeds }) }), ['probe_pending quote'])
    assert.deepEqual(codes({ probe: probe({ sinceMs: NOW_MS - 2501, feeds }) }), ['pulse_missing quote'])
  })

  it('passes on what the gateway says is wrong, and what the configuration makes impossible', () => {
    const feeds = new Map([['quote', heard([null, null], 2, { complaint: 'log_unreachable at log, no broker answers' })]])
    const [finding] = judged({ probe: probe({ feeds, pulseIntervalMs: 5000 }) })
    assert.match(finding!.message, /all partitions, at all; it says itself: log_unreachable at log, no broker answers/)
    assert.match(finding!.message, /grants a pulse only every 5000 ms: raise balancer.pulseHeardWithinMs/)
  })

  it('does not hold partitions that were just added against it', () => {
    const grown = (atMs: number) => {
      const feed = heard([{}, {}, null])
      const generation = { ...feed.generations.get(2)!, grown: { atMs, before: 2 } }
      return { probe: probe({ feeds: new Map([['quote', { ...feed, generations: new Map([[2, generation]]) }]]) }) }
    }
    assert.deepEqual(codes(grown(NOW_MS - 6000)), [])
    assert.deepEqual(codes(grown(NOW_MS - 6001)), ['pulse_missing quote'])
  })

  it('accepts the generation that counts, and while a feed moves also the other one', () => {
    const with_ = (generation: number, accepted: readonly number[]) => ({
      probe: probe({ feeds: new Map([['quote', heard([{}], generation)]]) }),
      expectations: expecting(accepted),
    })
    assert.deepEqual(codes(with_(1, [2])), ['generation_retired quote'])
    assert.deepEqual(codes(with_(1, [1, 2])), [])
    assert.deepEqual(codes(with_(3, [2, 3])), [])
    assert.match(
      judged(with_(1, [2]))[0]!.message,
      /gw-1 passes on quote generation 1 \(topic quotes-v7\); current is generation 2 \(topic quotes-v8\)/,
    )
    assert.deepEqual(codes({ node: known({ feeds: [{ feed: 'quote', generation: 1, pulseAgeMs: 5 }] }) }), ['generation_retired quote'])
  })

  it('misses a feed of the catalogue that it does not offer', () => {
    const expectations = new Map([...expecting(), ['trade', { feed: 'trade', current: 1, accepted: new Set([1]), topics: new Map() }]])
    assert.deepEqual(codes({ expectations }), ['feed_missing trade'])
  })
})

describe('judge, of other nodes', () => {
  it('names a push node that was left on a retired topic, with version and address', () => {
    const lease = { role: 'push', node: 'push-a3', version: '0.0.7', addresses: ['ws://10.0.0.7:8081'] } as const
    const node = known({ ...lease, feeds: [{ feed: 'quote', generation: 1, topic: 'quotes-v7', pulseAgeMs: 3_000_000 }] })
    const [retired, old] = judged({ node, probe: null })
    assert.equal(retired?.code, 'generation_retired')
    assert.equal(
      retired.message,
      'push-a3 (version 0.0.7, ws://10.0.0.7:8081) serves quote generation 1 (topic quotes-v7), which is over; current is generation 2 (topic quotes-v8)',
    )
    assert.equal(old?.code, 'pulse_old')
  })

  it('names a topic that is not the one of the generation', () => {
    const feeds = [{ feed: 'quote', generation: 2, topic: 'quotes-test', pulseAgeMs: 5 }]
    assert.deepEqual(codes({ node: known({ role: 'push', feeds }), probe: null }), ['topic_differs quote'])
  })

  it('judges a push node by what it says of its pulses, and the rest by their leases alone', () => {
    const feeds = [{ feed: 'quote', generation: 2, pulseAgeMs: null }]
    assert.deepEqual(codes({ node: known({ role: 'push', feeds }), probe: null }), ['pulse_missing quote'])
    assert.deepEqual(codes({ node: known({ role: 'pulse', feeds }), probe: null }), [])
    assert.deepEqual(codes({ node: known({ role: 'balancer', feeds: [], addresses: [] }), probe: null }), [])
  })
})

const pulse = fc.record({
  offset: fc.nat(),
  heardAtMs: fc.integer({ min: NOW_MS - 6000, max: NOW_MS }),
  ageMs: fc.integer({ min: 0, max: 6000 }),
})

describe('judge, whatever it is given', () => {
  it('hands a gateway out exactly when everything that must hold does', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<KnownNode['state']>('live', 'live', 'live', 'kept', 'expired', 'left'),
        fc.constantFrom<KnownNode['word']>('online', 'online', 'online', 'offline', 'draining'),
        fc.record({ ready: fc.constantFrom(true, true, false), draining: fc.constantFrom(false, false, true) }),
        fc.constantFrom<ProbeReport['state']>('open', 'open', 'failed'),
        fc.array(fc.option(pulse, { freq: 12 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(2, 2, 1),
        (state, word, flags, probeState, pulses, generation) => {
          const findings = judged({
            node: known(flags, { state, word }),
            probe: probe({ state: probeState, feeds: new Map([['quote', heard(pulses, generation)]]) }),
          })
          const isProven = pulses.every(
            (heardPulse) => heardPulse !== null && NOW_MS - heardPulse.heardAtMs <= 2500 && heardPulse.ageMs <= 2500,
          )
          const holds =
            (state === 'live' || state === 'kept') &&
            word === 'online' &&
            flags.ready &&
            !flags.draining &&
            probeState === 'open' &&
            generation === 2 &&
            isProven
          assert.equal(findings.length === 0, holds, JSON.stringify(findings))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('never takes what an operator, a lease or the catalogue says for something that a blackout excuses', () => {
    for (const code of ['offline', 'draining', 'not_ready', 'lease_expired', 'lease_left', 'generation_retired', 'wrong_node'] as const)
      assert.equal(isSoft({ code }), false, code)
  })
})
