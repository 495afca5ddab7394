import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallTopology, topology, topologyNode } from '../../../../../test/support/topologies.ts'
import { type HoldersAnswer, holdersOf, partitionOf } from './holders.ts'

function named(rows: readonly { readonly node: { readonly node: string }; readonly ageMs: number | null }[]) {
  return rows.map(({ node, ageMs }) => [node.node, ageMs])
}

describe('holdersOf', () => {
  it('names of each line who reads the partition, and the gateways behind them, the one with the oldest way first', () => {
    const { lines, gateways } = holdersOf(smallTopology(), 'quote', 2, null)
    assert.deepEqual(
      lines.map(({ line, rows }) => [line, named(rows)]),
      [
        ['A', [['push-a1', 120]]],
        ['B', [['push-b1', 120]]],
      ],
    )
    assert.deepEqual(named(gateways), [
      ['gw-1', 300],
      ['gw-2', 300],
    ])
  })

  it('leaves out who reads other partitions, other feeds, or is gone', () => {
    const read = (partitions: number[]) => [{ feed: 'quote', generation: 1, topic: 'quotes', partitions, pulseAgeMs: 5 }]
    const push = (name: string, change: object) => topologyNode(name, { role: 'push', line: 'A', feeds: read([0, 1]), ...change })
    const { lease } = topologyNode('x')
    const shown = topology([
      push('push-a1', {}),
      push('push-a2', { feeds: read([2, 3]) }),
      push('push-a3', { feeds: [{ ...read([0])[0], feed: 'trade' }] }),
      push('push-a4', { lease: { ...lease, state: 'expired' } }),
      topologyNode('gw-1', { links: [{ node: 'push-a2', line: 'A', state: 'open', pulseAgeMs: 9 }] }),
    ])
    const of = (partition: number | null) => {
      const { lines, gateways } = holdersOf(shown, 'quote', partition, null)
      return [lines.flatMap(({ rows }) => rows.map(({ node }) => node.node)), gateways.map(({ node }) => node.node)]
    }
    assert.deepEqual(of(1), [['push-a1'], []])
    assert.deepEqual(of(2), [['push-a2'], ['gw-1']])
    assert.deepEqual(of(null), [['push-a1', 'push-a2'], ['gw-1']])
  })

  it('believes what a node says of itself more than its lease', () => {
    const told: HoldersAnswer = {
      partition: 2,
      holders: [{ node: 'push-a1', position: '1:2:77', recordAgeMs: 40, subscriptions: 2, pulseAgeMs: 3100 }],
      silent: ['gw-2'],
    }
    const [line] = holdersOf(smallTopology(), 'quote', 2, told).lines
    assert.deepEqual([line!.rows[0]!.ageMs, line!.rows[0]!.told!.position], [3100, '1:2:77'])
  })
})

describe('partitionOf', () => {
  it('is in the middle of a position', () => {
    assert.deepEqual([partitionOf('1:3:4711'), partitionOf(undefined)], [3, null])
  })
})
