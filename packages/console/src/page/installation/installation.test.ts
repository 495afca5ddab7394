import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallTopology, topology, topologyNode } from '../../../../../test/support/topologies.ts'
import type { EventsAnswer, NodeAnswer, TopologyAnswer } from './answers.ts'
import { History } from './history.ts'
import { Timeline } from './events.ts'
import { matches } from './search.ts'
import { oldest, standing, toneOf } from './tone.ts'
import { partitionsInWords, ranges, roleInWords } from './words.ts'

describe('what the page reads', () => {
  it('is what a balancer answers', () => {
    const answer: TopologyAnswer = smallTopology()
    assert.equal(answer.nodes.length, 6)
  })
})

describe('tones and words', () => {
  it('colours by the age of the newest pulse', () => {
    assert.deepEqual([null, 0, 1600, 1700, 2600].map(toneOf), ['none', 'fresh', 'fresh', 'aging', 'stale'])
    assert.deepEqual([oldest([]), oldest([3, null]), oldest([3, 7])], [null, null, 7])
  })

  it('says in a word what a node is to others, what is worst first', () => {
    const said = (change: Partial<NodeAnswer>) => standing({ ...topologyNode('gw-1'), ...change }).text
    const { lease } = topologyNode('gw-1')
    assert.equal(said({}), 'in use')
    assert.equal(said({ lease: { ...lease, state: 'expired' }, word: 'offline' }), 'silent')
    assert.equal(said({ lease: { ...lease, state: 'left' } }), 'left')
    assert.equal(said({ word: 'offline', handedOut: false }), 'offline')
    assert.equal(said({ fault: 'stage intake is stuck', handedOut: false }), 'stuck')
    assert.equal(said({ handedOut: false }), 'not used')
    assert.equal(said({ degraded: true }), 'unproven')
    assert.equal(said({ lease: { ...lease, draining: true } }), 'draining')
  })

  it('names partitions and roles', () => {
    const [push] = smallTopology().nodes
    assert.equal(partitionsInWords(push!), 'quote 0–3')
    assert.deepEqual([ranges([]), ranges([4, 0, 1])], ['none', '0–1 4'])
    assert.equal(roleInWords(push!), 'push node, line A')
  })
})

describe('search', () => {
  it('finds nodes by all words of what is known of them', () => {
    const node = topologyNode('gw-7', {
      zone: 'sg-2',
      handedOut: false,
      reasons: [{ code: 'generation_retired', message: 'serves quote generation 1', sinceMs: 0 }],
    })
    for (const query of ['', 'gw-7', 'GATEWAY sg-2', 'retired', 'quote generation', '0.1.0', 'not used'])
      assert.ok(matches(node, query), query)
    assert.ok(!matches(node, 'gw-7 hk-1'))
    assert.ok(matches(smallTopology().nodes[1]!, 'line b'))
  })
})

describe('History', () => {
  it('keeps the oldest proof, and of each node what it had, aligned and bounded', () => {
    const history = new History()
    const probe = (pulseAgeMs: number) => ({
      ...{
        address: 'x',
        state: 'open' as const,
        sinceMs: 0,
        failures: 0,
        entry: null,
        failure: null,
        answeredBy: null,
        roundTripMs: 1,
      },
      feeds: [{ feed: 'quote', generation: 1, partitions: 4, partitionsHeard: 4, pulseAgeMs }],
    })
    for (let i = 0; i < 400; i++) {
      const vitals = { uptimeMs: 1, loopDelayMs: i, memoryBytes: 1 }
      history.add(
        topology([topologyNode('gw-1', { probe: probe(100 + i), vitals }), topologyNode('gw-2', { probe: probe(50) })], { atMs: i }),
      )
    }
    assert.equal(history.samples.length, 300)
    assert.deepEqual(history.samples.at(-1), { atMs: 399, proofMs: 499, loopMs: 399 })
    assert.deepEqual([history.of('gw-1').loopMs.at(-1), history.of('gw-1').pulseMs.length], [399, 300])
    history.add(topology([]))
    assert.deepEqual(history.of('gw-1').loopMs, [])
    assert.deepEqual([history.samples.at(-1)!.proofMs, history.samples.at(-1)!.loopMs], [null, null])
  })
})

describe('Timeline', () => {
  const event = (id: number) => ({ id, atMs: id, kind: 'word', tone: 'plain' as const, message: `event ${id}` })
  const answer = (startedAtMs: number, ...ids: number[]): EventsAnswer => ({ startedAtMs, events: ids.map(event), last: ids.at(-1) ?? 0 })

  it('puts the newest first, and asks for what comes after', () => {
    const timeline = new Timeline()
    timeline.take(answer(1, 1, 2))
    timeline.take({ ...answer(1), last: 2 })
    timeline.take(answer(1, 3))
    assert.deepEqual([timeline.events.map(({ id }) => id), timeline.since], [[3, 2, 1], 3])
  })

  it('begins anew with a balancer that has', () => {
    const timeline = new Timeline()
    timeline.take(answer(1, 1, 2, 3))
    timeline.take(answer(9, 3))
    assert.equal(timeline.since, 0, 'what came before event 3 is asked for')
    timeline.take(answer(9, 1, 2, 3))
    assert.deepEqual([timeline.events.length, timeline.since], [3, 3])
  })

  it('takes what a stream tells, each once, also beside what was asked for, and all anew of another balancer', () => {
    const timeline = new Timeline()
    timeline.takePushed(answer(1, 1, 2))
    timeline.take(answer(1, 2, 3))
    timeline.takePushed(answer(1, 3, 4))
    assert.deepEqual([timeline.events.map(({ id }) => id), timeline.since], [[4, 3, 2, 1], 4])
    timeline.takePushed(answer(9, 1, 2))
    assert.deepEqual([timeline.events.map(({ id }) => id), timeline.since], [[2, 1], 2])
  })
})
