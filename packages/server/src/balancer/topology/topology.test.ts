import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { MemoryDirectory } from '../../../../../test/support/memory-directory.ts'
import type { ProbeReport } from '../probe/report.ts'
import type { Verdict } from '../verdict/verdict-book.ts'
import { topologyOf } from './topology.ts'

function world() {
  const clock = new ManualClock()
  const directory = new MemoryDirectory(clock)
  const verdicts = new Map<string, Verdict>()
  const probes = new Map<string, ProbeReport>()
  const topology = (degraded = false) => {
    verdicts.clear()
    for (const [node, known] of directory.nodes)
      verdicts.set(node, {
        node,
        role: known.lease.role,
        known,
        otherZone: null,
        probe: probes.get(node) ?? null,
        handedOut: true,
        degraded: false,
        sinceMs: 0,
        reasons: [],
      })
    const degradations = (track: string) =>
      degraded && track === 'grey' ? [{ code: 'never_proven' as const, message: 'no probe', sinceMs: 4.4 }] : []
    return topologyOf({ balancer: 'lb-1', directory, verdicts, degradations, tracks: [], worse: [] }, clock.nowMs())
  }
  return { clock, directory, probes, topology }
}

function probe(
  pulses: ReadonlyMap<number, { readonly offset: number; readonly heardAtMs: number; readonly ageMs: number; readonly delayMs: number }>,
): ProbeReport {
  const generations = new Map([[2, { partitions: 3, grown: null, pulses }]])
  return {
    address: 'ws://gw-1:8080',
    state: 'open',
    sinceMs: 0,
    failure: null,
    failures: 0,
    entry: null,
    peer: null,
    heardAtMs: 0,
    roundTripMs: null,
    pulseIntervalMs: 1000,
    feeds: new Map([['quote', { generation: 2, generations, complaint: null }]]),
  }
}

describe('topologyOf', () => {
  it('has what each node serves and how it fares, as old as it is now', () => {
    const { clock, directory, topology } = world()
    directory.catalogue('quote', { generation: 2, topic: 'quotes-v2' }, { next: { generation: 3, topic: 'quotes-v3' } })
    directory.beat('push-a1', {
      role: 'push',
      line: 'A',
      feeds: [{ feed: 'quote', generation: 2, topic: 'quotes-v2', partitions: [0, 2], pulseAgeMs: 120 }],
      vitals: { uptimeMs: 5000, loopDelayMs: 3, memoryBytes: 1e8 },
    })
    directory.beat('gw-1', {
      feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: null }],
      links: [{ node: 'push-a1', line: 'A', state: 'open', pulseAgeMs: 200 }],
      fault: 'stage dispatch is past its deadline',
    })
    clock.advance(500)
    const { feeds, nodes, atMs, view } = topology()
    assert.equal(atMs, Math.round(clock.nowMs()))
    assert.equal(view.state, 'current')
    assert.deepEqual(
      feeds.map(({ feed, generation, topic, next, partitions }) => [feed, generation, topic, next, partitions.length]),
      [['quote', 2, 'quotes-v2', { generation: 3, topic: 'quotes-v3' }, 3]],
    )
    const [push, gateway] = ['push-a1', 'gw-1'].map((name) => nodes.find(({ node }) => node === name)!)
    assert.deepEqual(push!.feeds, [{ feed: 'quote', generation: 2, topic: 'quotes-v2', partitions: [0, 2], pulseAgeMs: 620 }])
    assert.deepEqual(push!.vitals, { uptimeMs: 5000, loopDelayMs: 3, memoryBytes: 1e8 })
    assert.deepEqual([push!.line, push!.lease.beatAgeMs, push!.fault, push!.links], ['A', 500, null, []])
    assert.deepEqual(gateway!.links, [{ node: 'push-a1', line: 'A', state: 'open', pulseAgeMs: 700 }])
    assert.deepEqual([gateway!.feeds[0]!.pulseAgeMs, gateway!.vitals], [null, null], 'what is not known is said to be so')
    assert.equal(gateway!.fault, 'stage dispatch is past its deadline')
  })

  it('takes the youngest pulse that any gateway brought, per partition', () => {
    const { clock, directory, probes, topology } = world()
    directory.catalogue('quote', { generation: 2, topic: 'quotes-v2' })
    const atMs = clock.nowMs()
    for (const [node, heardAtMs] of [
      ['gw-1', atMs - 900],
      ['gw-2', atMs - 300],
    ] as const) {
      directory.beat(node)
      probes.set(node, probe(new Map([[1, { offset: 7, heardAtMs, ageMs: 50, delayMs: 5 }]])))
    }
    assert.deepEqual(topology().feeds[0]!.partitions, [{ pulseAgeMs: null }, { pulseAgeMs: 350 }, { pulseAgeMs: null }])
  })

  it('knows a feed that only leases name, by the generation of its gateways, else by its newest, and forgets it with its last node', () => {
    const { directory, topology } = world()
    directory.beat('push-a1', {
      role: 'push',
      feeds: [{ feed: 'trade', generation: 1, topic: 'trades-v1', partitions: [0], pulseAgeMs: 1 }],
    })
    directory.beat('push-b1', { role: 'push', feeds: [{ feed: 'trade', generation: 2, topic: 'trades', partitions: [4], pulseAgeMs: 1 }] })
    assert.deepEqual(
      topology().feeds.map(({ feed, generation, topic, partitions }) => [feed, generation, topic, partitions.length]),
      [['trade', 2, 'trades', 5]],
    )
    directory.beat('gw-1', { feeds: [{ feed: 'trade', generation: 1, pulseAgeMs: 1 }] })
    assert.deepEqual(
      topology().feeds.map(({ feed, generation, topic }) => [feed, generation, topic]),
      [['trade', 1, 'trades-v1']],
      'gateways know which one counts',
    )
    directory.become('gw-1', 'left')
    directory.become('push-a1', 'expired')
    directory.become('push-b1', 'left')
    assert.deepEqual(topology().feeds, [])
    assert.equal(topology().nodes.length, 3, 'a dead node stays in the picture')
  })

  it('says which tracks are degraded, of those that there are', () => {
    const { directory, topology } = world()
    assert.deepEqual(topology(true).degraded, [])
    directory.beat('gw-9', { track: 'grey' })
    assert.deepEqual(topology(true).degraded, [{ code: 'never_proven', message: 'no probe', sinceMs: 4, track: 'grey' }])
  })
})
