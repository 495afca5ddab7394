import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { type Candidate, chooseUpstreams } from './choose-upstreams.ts'
import { LeasedUpstreams } from './leased-upstreams.ts'

const feeds = (...partitions: number[]) => [{ feed: 'quote', generation: 1, partitions, pulseAgeMs: 0 }]

function setUp(track: 'stable' | 'grey' = 'stable') {
  const directory = new FakeDirectory()
  const upstreams = new LeasedUpstreams({ directory, self: 'gw-1', zone: 'default', track })
  let changes = 0
  upstreams.onChange(() => changes++)
  const chosen = () => upstreams.chosen.map(({ address }) => /push-(\w+):/.exec(address)![1]!).sort()
  return { directory, upstreams, chosen, changes: () => changes }
}

test('push nodes that are there and ready are chosen, others are not; each beat is not a change', () => {
  const { directory, upstreams, chosen, changes } = setUp()
  directory.push('a1')
  directory.push('b1', { ready: false })
  directory.push('gw', { role: 'gateway' })
  directory.push('nowhere', { addresses: [] })
  assert.deepEqual([chosen(), changes()], [['a1'], 1])
  assert.match(upstreams.whyNot(), /push-b1:8081: it is not ready/)
  directory.push('b1', { ready: true })
  directory.push('b1', { beat: 7 })
  directory.push('b1', { ready: false })
  assert.deepEqual([chosen(), changes()], [['a1', 'b1'], 2])
  upstreams.close()
  assert.equal(directory.listeners, 0)
})

for (const [what, change, why] of [
  ['expired', { state: 'expired' }, 'its lease expired'],
  ['left', { state: 'left' }, 'it said goodbye'],
  ['was taken offline', { word: 'offline' }, 'it was taken offline'],
  ['is draining', { draining: true }, 'it is draining'],
  ['was told to drain', { word: 'draining' }, 'it is draining'],
] as const) {
  test(`one that ${what} is dropped, with the reason`, () => {
    const { directory, upstreams, chosen } = setUp()
    directory.push('a1')
    directory.push('b1')
    directory.push('a1', change)
    assert.deepEqual(chosen(), ['b1'])
    assert.equal(upstreams.whyNot('ws://push-a1:8081'), why)
  })
}

test('a gateway takes from push nodes of its track alone, and a grey one from stable ones only while there are none of its own', () => {
  const [stable, grey] = [setUp('stable'), setUp('grey')]
  const push = (...args: Parameters<FakeDirectory['push']>) => {
    for (const { directory } of [stable, grey]) directory.push(...args)
  }
  push('a1')
  push('a2', { track: 'grey', ready: false })
  assert.deepEqual([stable.chosen(), grey.chosen()], [['a1'], ['a1']])
  push('a2', { track: 'grey', ready: true })
  assert.deepEqual([stable.chosen(), grey.chosen()], [['a1'], ['a2']])
  push('a1', { state: 'expired' })
  push('a2', { track: 'grey', state: 'expired' })
  assert.deepEqual([stable.chosen(), grey.chosen()], [['a1'], ['a2']], 'nobody crosses over when all is lost')
  push('a1', { state: 'live' })
  push('a2', { track: 'grey', state: 'left' })
  assert.deepEqual([stable.chosen(), grey.chosen()], [['a1'], ['a1']])
})

test('those that are known and dropped are told, with what speaks against them; one that is needed and one too many are not', () => {
  const { directory, upstreams } = setUp()
  directory.push('a1')
  directory.push('b1')
  assert.equal(upstreams.unlinked.length, 0)
  directory.push('a1', { state: 'expired' })
  directory.push('a2', { ready: false, fault: 'stage intake quote is past its deadline' })
  const told = () => upstreams.unlinked.map(({ node, line, state, why, feeds }) => [node, line, state, why, feeds])
  assert.deepEqual(told(), [
    ['a1', 'A', 'expired', 'its lease expired', ['quote']],
    ['a2', 'A', 'stuck', 'it is stuck: stage intake quote is past its deadline', ['quote']],
  ])
  directory.push('a1', { state: 'live' })
  directory.push('a2', { state: 'left' })
  assert.deepEqual(told(), [['a2', 'A', 'left', 'it said goodbye', ['quote']]])
  directory.push('b1', { state: 'expired', fault: 'stage decode is past its deadline' })
  assert.match(upstreams.unlinked.find(({ node }) => node === 'b1')!.why, /lease expired; before that it was stuck: stage decode/)
})

test('one that serves only generations that are over is dropped, with its version', () => {
  const { directory, upstreams, chosen } = setUp()
  directory.push('a1', { version: '0.0.9' })
  directory.push('b1')
  directory.push('b1', { feeds: [{ feed: 'quote', generation: 2, pulseAgeMs: 0 }] })
  const current = { generation: 2, topic: 'quotes-v8' }
  directory.feeds.set('quote', { feed: 'quote', current, next: null, retired: [{ generation: 1, topic: 'quotes' }], revision: 2 })
  directory.changed()
  assert.deepEqual(chosen(), ['b1'])
  assert.match(upstreams.whyNot('ws://push-a1:8081'), /generations that are over \(version 0\.0\.9\)/)
})

test('while nothing is known, nobody is dropped, and whoever comes is taken', () => {
  const { directory, chosen } = setUp()
  directory.push('a1')
  directory.push('b1')
  directory.see('degraded')
  directory.push('a1', { state: 'kept' })
  directory.push('b1', { state: 'expired' })
  directory.push('a2')
  assert.deepEqual(chosen(), ['a1', 'a2', 'b1'])
  directory.see('current')
  assert.deepEqual(chosen(), ['a1', 'a2'])
})

test('all that have expired at once stay, until one of them is back; one that was taken offline does not', () => {
  const { directory, chosen } = setUp()
  for (const node of ['a1', 'a2', 'b1']) directory.push(node)
  directory.push('a2', { word: 'offline' })
  for (const node of ['a1', 'a2', 'b1']) directory.push(node, { state: 'expired' })
  // The last to expire is the last that is left; those that expired before it were dropped.
  assert.deepEqual(chosen(), ['b1'])
  directory.push('a1', { state: 'live' })
  assert.deepEqual(chosen(), ['a1'])
})

test('a leaving node stays for as long as nobody else has what it has', () => {
  const { directory, chosen } = setUp()
  directory.push('a1', { feeds: feeds(0, 1) })
  directory.push('a2', { feeds: feeds(2) })
  directory.push('a1', { draining: true })
  assert.deepEqual(chosen(), ['a1', 'a2'])
  directory.push('a2', { feeds: feeds(1, 2) })
  assert.deepEqual(chosen(), ['a1', 'a2'])
  directory.push('a2', { feeds: feeds(0, 1, 2) })
  assert.deepEqual(chosen(), ['a2'])
})

test('of too many, as many are chosen as may be, each line covered, and those that are linked already stay', () => {
  const nodes = fc.array(
    fc.record({ line: fc.constantFrom('A', 'B'), partitions: fc.uniqueArray(fc.nat(11), { minLength: 1 }), isLinked: fc.boolean() }),
    {
      minLength: 12,
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(nodes, (all) => {
      const good = all.map(({ line, partitions, isLinked }, i): Candidate => {
        const node = `push-${i}`
        return { node, line, address: `ws://${node}:1`, isLinked, isNear: true, feeds: feeds(...partitions) }
      })
      const max = 24
      const chosen = chooseUpstreams({ self: 'gw-1', good, leaving: [], max })
      assert.equal(chosen.length, Math.min(max, good.length))
      assert.equal(new Set(chosen).size, chosen.length)
      const cover = (of: readonly Candidate[], line: string) =>
        [...new Set(of.filter((each) => each.line === line).flatMap((each) => each.feeds[0]!.partitions!))].sort((a, b) => a - b)
      // Twelve partitions are covered by at most twelve nodes a line.
      for (const line of ['A', 'B']) assert.deepEqual(cover(chosen, line), cover(good, line))
      const again = good.map((candidate) => ({ ...candidate, isLinked: chosen.includes(candidate) }))
      const names = (of: readonly Candidate[]) => of.map(({ node }) => node).sort()
      assert.deepEqual(names(chooseUpstreams({ self: 'gw-1', good: again, leaving: [], max })), names(chosen))
    }),
    { seed: 7, numRuns: 300 },
  )
})
