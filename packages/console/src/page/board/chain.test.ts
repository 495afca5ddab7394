import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PartitionReport } from '@pulsewire/client'
import { ChainView, NO_CHAIN } from './chain.ts'

function report(partition: number, push: string, ms: readonly [number, number, number]): PartitionReport {
  const hops = [push, 'gw-1', 'client'].map((node, index) => ({ node, ms: ms[index]! }))
  return { partition, hops, endToEndMs: ms[0] + ms[1] + ms[2], state: { state: 'live' } }
}

describe('ChainView', () => {
  it('draws one chain from log to you, with the median of each hop', () => {
    const chain = new ChainView().update(
      [report(0, 'push-a1', [5, 3, 1]), report(1, 'push-b1', [7, 3, 1]), report(2, 'push-a1', [90, 3, 1])],
      0,
    )
    assert.deepEqual(chain, {
      stops: [
        { nodes: ['log'], ms: undefined },
        { nodes: ['push-a1', 'push-b1'], ms: 7 },
        { nodes: ['gw-1'], ms: 3 },
        { nodes: ['you'], ms: 1 },
      ],
      endToEndMs: 11,
    })
  })

  it('keeps a node in the picture for ten seconds after it last won the race', () => {
    const view = new ChainView()
    view.update([report(0, 'push-a1', [1, 1, 1])], 0)
    assert.deepEqual(view.update([report(0, 'push-b1', [1, 1, 1])], 9_000).stops[1]?.nodes, ['push-a1', 'push-b1'])
    assert.deepEqual(view.update([report(0, 'push-b1', [1, 1, 1])], 11_000).stops[1]?.nodes, ['push-b1'])
  })

  it('keeps the last chain while nothing is known, and starts anew with another gateway', () => {
    const view = new ChainView()
    assert.equal(view.update([], 0), NO_CHAIN)
    const known = view.update([report(0, 'push-a1', [1, 1, 1])], 0)
    assert.equal(view.update([{ partition: 0, hops: [], state: { state: 'pending' } }], 1), known)
    view.forget()
    assert.deepEqual(view.update([report(0, 'push-b1', [1, 1, 1])], 1).stops[1]?.nodes, ['push-b1'])
  })
})
