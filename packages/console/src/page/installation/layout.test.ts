import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { smallTopology, topology, topologyNode } from '../../../../../test/support/topologies.ts'
import { layoutOf, type Box, type Layout } from './layout.ts'
import { nextBox } from './walk.ts'

function box({ boxes }: Layout, id: string): Box {
  const found = boxes.find((one) => one.id === id)
  assert.ok(found !== undefined, `${id} is in the picture`)
  return found
}

function overlaps({ boxes }: Layout): string[] {
  return boxes.flatMap((a, i) =>
    boxes
      .slice(i + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      .map((b) => `${a.id} ${b.id}`),
  )
}

function large() {
  const push = Array.from({ length: 40 }, (_, i) => topologyNode(`push-${i}`, { role: 'push', line: i % 2 === 0 ? 'A' : 'B' }))
  const gateways = Array.from({ length: 156 }, (_, i) => {
    const links = push.slice(0, 20).map(({ node, line }) => ({ node, line: line!, state: 'open' as const, pulseAgeMs: 100 }))
    return topologyNode(`gw-${i}`, { links })
  })
  return topology([...push, ...gateways, topologyNode('pulse-1', { role: 'pulse' }), topologyNode('lb-1', { role: 'balancer' })])
}

describe('layoutOf', () => {
  it('draws a push node of a zone with a log of its own beside a feed of this one, and no hop between them', () => {
    const feeds = [{ feed: 'quote', generation: 1, topic: 'quotes', partitions: [0], pulseAgeMs: 120 }]
    const push = (node: string, change: object) => topologyNode(node, { role: 'push', line: 'A', feeds, ...change })
    const layout = layoutOf(topology([push('push-a', {}), push('push-b', { otherZone: 'b' })]), 1000, null)
    box(layout, 'node/push-b')
    assert.deepEqual(
      layout.edges.map(({ from, to }) => [from, to]),
      [['feed/quote', 'node/push-a']],
    )
  })

  it('puts everything in the order of the flow, inside of the width, and nothing onto anything else', () => {
    for (const [shown, width] of [
      [smallTopology(), 1000],
      [smallTopology(), 640],
      [smallTopology(), 360],
      [large(), 1000],
      [large(), 360],
    ] as const) {
      const layout = layoutOf(shown, width, null)
      assert.deepEqual(overlaps(layout), [])
      for (const { id, x, y, width: wide, height } of layout.boxes) {
        assert.ok(x >= 0 && x + wide <= width && y >= 0 && y + height <= layout.height, `${id} is inside of ${width}`)
      }
    }
    const layout = layoutOf(smallTopology(), 1000, null)
    const xs = ['feed/quote', 'node/push-a1', 'node/gw-1', 'clients/gw-1'].map((id) => box(layout, id).x)
    assert.deepEqual(
      xs,
      xs.toSorted((a, b) => a - b),
    )
    assert.equal(box(layout, 'node/push-a1').x, box(layout, 'node/push-b1').x)
    assert.equal(layoutOf(smallTopology(), 360, null).narrow, true)
  })

  it('draws each hop in the colour of its age, from the edge of one box to that of the next', () => {
    const layout = layoutOf(smallTopology(), 1000, null)
    const hop = (from: string, to: string) => layout.edges.find((edge) => edge.from === from && edge.to === to)!
    assert.deepEqual([hop('node/push-a1', 'node/gw-1').tone, hop('node/push-a1', 'node/gw-1').ageMs], ['fresh', 300])
    assert.deepEqual([hop('node/push-b1', 'node/gw-1').tone, hop('node/push-b1', 'node/gw-1').ageMs], ['stale', 5200])
    assert.equal(hop('node/push-b1', 'node/gw-2').tone, 'stale', 'a link that is down is stale, whatever came last')
    assert.equal(hop('feed/quote', 'node/push-a1').tone, 'fresh')
    assert.equal(hop('node/gw-1', 'clients/gw-1').tone, 'none', 'nothing is proven yet')
    const from = box(layout, 'node/push-a1')
    assert.ok(hop('node/push-a1', 'node/gw-1').path.startsWith(`M${Math.round((from.x + from.width) * 10) / 10} `))
    assert.equal(layout.labelled, true)
  })

  it('of very many nodes every column begins in sight, and those that something is the matter with come first', () => {
    const { nodes, ...rest } = large()
    const sick = {
      'gw-97': { handedOut: false },
      'gw-31': { lease: { ...nodes[0]!.lease, state: 'expired' as const } },
      'push-38': { fault: 'stuck' },
    }
    const layout = layoutOf({ ...rest, nodes: nodes.map((node) => ({ ...node, ...sick[node.node as keyof typeof sick] })) }, 1000, null)
    for (const heading of ['Feeds', 'Push nodes, line A', 'Gateways', 'Clients']) {
      const { y } = layout.headings.find(({ text }) => text === heading)!
      assert.ok(y < 100, `${heading} begins at ${y}`)
    }
    const order = (kind: string) => layout.boxes.filter((one) => one.kind === kind).map(({ name }) => name)
    assert.deepEqual(order('gateway').slice(0, 4), ['gw-31', 'gw-97', 'gw-0', 'gw-1'])
    assert.equal(order('push')[0], 'push-38')
    assert.ok(layout.height < 3000, `${layout.height} px`)
  })

  it('draws of very many hops those of one node alone', () => {
    assert.deepEqual(layoutOf(large(), 1000, null).edges, [])
    const { edges, labelled } = layoutOf(large(), 1000, 'node/gw-7')
    assert.equal(edges.length, 20)
    assert.equal(labelled, true)
    assert.ok(edges.every(({ to }) => to === 'node/gw-7'))
  })
})

describe('nextBox', () => {
  it('goes where the arrow points, and nowhere beyond the last', () => {
    const layout = layoutOf(smallTopology(), 1000, null)
    const from = box(layout, 'node/push-a1')
    assert.equal(nextBox(layout.boxes, from, 'down')!.id, 'node/push-b1')
    assert.match(nextBox(layout.boxes, from, 'right')!.id, /^node\/gw-/)
    assert.match(nextBox(layout.boxes, from, 'left')!.id, /^(feed|node\/pulse)/)
    assert.equal(nextBox(layout.boxes, box(layout, 'clients/gw-1'), 'right'), undefined)
  })
})
