import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { topology, topologyFeed, topologyNode } from '../../../../../test/support/topologies.ts'
import { eventsBetween } from './events.ts'
import type { Topology, TopologyNode } from './schemas.ts'
import { EVENTS_MAX, TopologyBook } from './topology-book.ts'

const LEASE = topologyNode('x').lease

/** What is told when one node turns from the one into the other. */
function turn(before: Partial<TopologyNode>, after: Partial<TopologyNode>): string[] {
  return told(topology([topologyNode('gw-1', before)]), topology([topologyNode('gw-1', after)]))
}

function told(before: Topology, after: Topology): string[] {
  return eventsBetween(before, after).map(({ kind, tone, message }) => `${kind} ${tone}: ${message}`)
}

describe('eventsBetween', () => {
  it('tells nothing while nothing happens, or of what was read back at the start', () => {
    const one = topology([topologyNode('gw-1')])
    assert.deepEqual(told(one, one), [])
    assert.deepEqual(told({ ...one, nodes: [], view: { state: 'loading', sinceMs: 0 } }, one), [])
  })

  it('tells what happens in a zone with a log of its own by its name, and not what is read back of it at the start', () => {
    const zone = (view: Topology['view']['state'], generation = 1, nodes: readonly TopologyNode[] = []) =>
      topology([topologyNode('gw-1'), ...nodes], {
        otherZones: [{ zone: 'b', view: { state: view, sinceMs: 0 }, feeds: [topologyFeed('quote', { generation })] }],
      })
    const gateway = topologyNode('gw-b', { otherZone: 'b' })
    assert.deepEqual(told(zone('loading'), zone('current', 2, [gateway])), [])
    assert.deepEqual(told(topology([topologyNode('gw-1')]), zone('current')), [])
    assert.deepEqual(told(zone('current'), zone('degraded', 2, [gateway])), [
      'migration_switched good: zone b: feed quote has moved to quotes, generation 2',
      'view_degraded bad: zone b: its control topic brings nothing: its nodes stay as they were',
      'node_joined plain: gw-b, a gateway, joined',
    ])
    assert.deepEqual(told(zone('degraded'), zone('current')), ['view_current good: zone b: its control topic brings news again'])
  })

  it('tells who comes and goes, and who was started anew', () => {
    assert.deepEqual(told(topology([]), topology([topologyNode('push-a1', { role: 'push' })])), [
      'node_joined plain: push-a1, a push node, joined',
    ])
    assert.deepEqual(turn({}, { lease: { ...LEASE, state: 'expired' } }), ['node_lost bad: gw-1 beats no more: its lease ran out'])
    assert.deepEqual(turn({}, { lease: { ...LEASE, state: 'left' } }), ['node_left plain: gw-1 said goodbye'])
    assert.deepEqual(turn({ lease: { ...LEASE, state: 'expired' } }, {}), ['node_returned good: gw-1 is back'])
    assert.deepEqual(turn({}, { lease: { ...LEASE, incarnation: 2 } }), ['node_restarted plain: gw-1 was started anew'])
    assert.deepEqual(turn({}, { lease: { ...LEASE, state: 'kept' } }), [], 'a node that is kept has not gone')
  })

  it('tells why a node is evicted, and that it is used again', () => {
    const reasons = [
      { code: 'silent' as const, message: 'gw-1 says nothing', sinceMs: 0 },
      { code: 'pulse_old' as const, message: 'pulses are old', sinceMs: 0 },
    ]
    assert.deepEqual(turn({}, { handedOut: false, reasons }), ['evicted bad: gw-1 is not used any more: gw-1 says nothing; pulses are old'])
    assert.deepEqual(turn({ handedOut: false, reasons: reasons.slice(1) }, { handedOut: false, reasons: reasons.slice(0, 1) }), [
      'reasons_changed plain: gw-1 is still not used: gw-1 says nothing',
    ])
    assert.deepEqual(turn({ handedOut: false, reasons }, {}), ['rejoined good: gw-1 is in use'])
    assert.deepEqual(turn({ handedOut: false, reasons }, { degraded: true, reasons }), ['rejoined good: gw-1 is used for want of better'])
  })

  it("tells operators' words, faults, and an event loop that stood still", () => {
    assert.deepEqual(turn({}, { word: 'offline', lease: { ...LEASE, draining: true } }), ['word plain: an operator says of gw-1: offline'])
    assert.deepEqual(turn({ word: 'offline' }, { word: 'online', told: { by: 'jo@ops-1', atMs: 1 } }), [
      'word plain: jo@ops-1 says of gw-1: online',
    ])
    assert.deepEqual(turn({}, { lease: { ...LEASE, draining: true } }), ['draining plain: gw-1 is draining: it asks its receivers to move'])
    assert.deepEqual(turn({}, { fault: 'stage intake is stuck' }), ['fault bad: gw-1: stage intake is stuck'])
    assert.deepEqual(turn({ fault: 'stage intake is stuck' }, {}), ['fault_over good: gw-1: nothing is stuck any more'])
    const vitals = { uptimeMs: 1, loopDelayMs: 6200, memoryBytes: 1 }
    assert.deepEqual(turn({}, { vitals }), ['loop_stalled bad: the event loop of gw-1 stood still for 6.2 s'])
    assert.deepEqual(turn({ vitals }, { vitals }), [])
  })

  it('tells links that fall silent while the gateway lives, and those that are fresh again', () => {
    const link = { node: 'push-a1', line: 'A', state: 'open' as const, pulseAgeMs: 300 }
    const stale = 'link_stale bad: gw-1 hears no pulses from push-a1 (line A) any more'
    assert.deepEqual(turn({ links: [link] }, { links: [{ ...link, pulseAgeMs: 2400 }] }), [stale])
    assert.deepEqual(turn({ links: [link] }, { links: [{ ...link, state: 'waiting' }] }), [stale])
    assert.deepEqual(turn({ links: [{ ...link, pulseAgeMs: 9000 }] }, { links: [link] }), [
      'link_fresh good: gw-1 hears pulses from push-a1 (line A) again',
    ])
    assert.deepEqual(turn({ links: [{ ...link, pulseAgeMs: null }] }, { links: [link] }), [], 'a new one was never silent')
    const lease = { ...LEASE, state: 'expired' as const }
    assert.deepEqual(turn({ links: [link], lease }, { links: [{ ...link, pulseAgeMs: 4000 }], lease }), [])
  })

  it('tells which partitions move within a line, and nothing of a node that reads in', () => {
    const holds = (node: string, line: 'A' | 'B', ...partitions: number[]) =>
      topologyNode(node, { role: 'push', line, feeds: [{ feed: 'quote', generation: 1, partitions, pulseAgeMs: 1 }] })
    const both = (a: number[], b: number[]) => topology([holds('a1', 'A', ...a), holds('a2', 'A', ...b), holds('b1', 'B', 0, 1, 2, 3)])
    assert.deepEqual(told(both([0, 1], [2, 3]), both([0, 1, 2, 3], [2, 3])), ['rebalanced plain: a1 has taken over quote partition 2, 3'])
    assert.deepEqual(told(both([0, 1, 2, 3], [2, 3]), both([0, 1, 2, 3], [])), [], 'letting go is told by who took over')
    assert.deepEqual(told(both([0, 1], []), both([0, 1], [2, 3])), [], 'nobody of the line had them')
  })

  it('tells the steps of a migration', () => {
    const at = (change: Parameters<typeof topologyFeed>[1]) => topology([], { feeds: [topologyFeed('quote', change)] })
    const next = { generation: 2, topic: 'quotes-v2' }
    assert.deepEqual(told(at({}), at({ next })), ['migration_opened plain: feed quote is being moved to quotes-v2, generation 2'])
    const said = { by: 'jo@ops-1', atMs: 1 }
    assert.deepEqual(told(at({}), at({ next, said })), [
      'migration_opened plain: feed quote is being moved to quotes-v2, generation 2, says jo@ops-1',
    ])
    assert.deepEqual(told(at({ next, said }), at({ said })), [
      'migration_dropped bad: feed quote stays on quotes: the move to quotes-v2 was given up',
    ])
    assert.deepEqual(told(at({ next }), at({ generation: 2, topic: 'quotes-v2' })), [
      'migration_switched good: feed quote has moved to quotes-v2, generation 2',
    ])
    assert.deepEqual(told(at({ next }), at({})), ['migration_dropped bad: feed quote stays on quotes: the move to quotes-v2 was given up'])
  })

  it('tells partitions whose pulses reach nobody, and a view that is lost', () => {
    const ages = (...pulseAgesMs: number[]) =>
      topology([], { feeds: [topologyFeed('quote', { partitions: pulseAgesMs.map((pulseAgeMs) => ({ pulseAgeMs })) })] })
    assert.deepEqual(told(ages(300, 300), ages(300, 2100)), [
      'partition_stale bad: pulses of quote, partition 1, reach no gateway any more',
    ])
    assert.deepEqual(told(ages(2300, 2100), ages(300, 300)), ['partition_fresh good: pulses of quote, any partition, come through again'])
    const blind = topology([], {
      view: { state: 'degraded', sinceMs: 0 },
      degraded: [{ track: 'stable', code: 'probes_failed', message: 'all at once', sinceMs: 0 }],
    })
    assert.deepEqual(told(topology([]), blind), [
      'view_degraded bad: the control topic brings nothing: all nodes stay as they were',
      'hand_out_degraded bad: track stable: all at once',
    ])
    assert.deepEqual(told(blind, topology([])), [
      'view_current good: the control topic brings news again',
      'hand_out_proven good: track stable: gateways are handed out on proof again',
    ])
  })
})

describe('events of a grey release', () => {
  it('tells who set it, in what it is worse, who stopped it and why, and its end', () => {
    const grey = { percent: 5, users: 2, setAtMs: 1, guarded: true, worse: [], stopped: null }
    const worse = [{ measure: 'latencyMs', message: 'latency of grey is 400 ms', sinceMs: 0 }]
    const stopped = { by: 'lb-2', reason: 'latency of grey is 400 ms, for 20 s', atMs: 9 }
    const at = (release: Topology['grey']) => topology([], { grey: release })
    assert.deepEqual(told(at(null), at(grey)), ['grey_set plain: an operator set a grey release: 5 % of all users, 2 named ones'])
    assert.deepEqual(told(at(null), at({ ...grey, setBy: 'jo@ops-1' })), [
      'grey_set plain: jo@ops-1 set a grey release: 5 % of all users, 2 named ones',
    ])
    assert.deepEqual(told(at(grey), at({ ...grey, worse })), ['grey_worse bad: latency of grey is 400 ms'])
    assert.deepEqual(told(at({ ...grey, worse }), at({ ...grey, worse })), [])
    assert.deepEqual(told(at({ ...grey, worse }), at({ ...grey, stopped })), [
      'grey_stopped bad: lb-2 stopped the grey release: latency of grey is 400 ms, for 20 s',
    ])
    assert.deepEqual(told(at({ ...grey, stopped }), at({ ...grey, setAtMs: 2 })), [
      'grey_set plain: an operator set a grey release: 5 % of all users, 2 named ones',
    ])
    assert.deepEqual(told(at(grey), at(null)), ['grey_off plain: an operator ended the grey release'])
  })
})

describe('TopologyBook', () => {
  it('numbers events, gives those after a number, and keeps a bounded many', () => {
    let word: TopologyNode['word'] = 'online'
    const book = new TopologyBook((atMs) => topology([topologyNode('gw-1', { word })], { atMs }), 7)
    let nowMs = 0
    const look = () => {
      word = word === 'online' ? 'draining' : 'online'
      book.look((nowMs += 1000))
    }
    for (let i = 0; i < 4; i++) look()
    assert.deepEqual([book.events(0, nowMs).events.map(({ id }) => id), book.events(0, nowMs).last], [[1, 2, 3], 3])
    assert.deepEqual(
      book.events(2, nowMs).events.map(({ id, atMs }) => [id, atMs]),
      [[3, 4000]],
    )
    assert.deepEqual(book.events(3, nowMs).events, [])
    assert.equal(book.events(99, nowMs).events.length, 3, 'a number of another balancer: all of them')
    for (let i = 0; i < EVENTS_MAX; i++) look()
    const { events, startedAtMs, balancer } = book.events(0, nowMs)
    assert.deepEqual([events.length, events[0]!.id, startedAtMs, balancer], [EVENTS_MAX, 4, 7, 'lb-1'])
    assert.equal(book.events(5, nowMs).events[0]!.id, 6)
  })

  it('looks a few times a second at most, however often it is asked to', () => {
    let looks = 0
    const book = new TopologyBook((atMs) => {
      looks++
      return topology([], { atMs })
    }, 0)
    for (let nowMs = 0; nowMs < 1000; nowMs += 10) book.look(nowMs)
    assert.equal(looks, 4)
  })
})
