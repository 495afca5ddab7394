import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testLease } from '../../../../test/support/leases.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { MemoryDirectory } from '../../../../test/support/memory-directory.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { JoinedDirectory } from './joined-directory.ts'

function joined(...zones: string[]) {
  const clock = new ManualClock()
  const home = new MemoryDirectory(clock)
  const others = zones.map((zone) => {
    const other = new MemoryDirectory(clock)
    other.otherZone = zone
    other.logId = `log-${zone}`
    return other
  })
  const logger = createMemoryLogger()
  const directory = new JoinedDirectory(home, others, logger)
  const names = () => [...directory.nodes.keys()]
  const taken = () => logger.lines.filter(({ code }) => code === 'node_name_taken').map(({ message }) => message)
  return { home, others, directory, names, taken }
}

test('has the nodes of all, each in the part whose log is its own, and the rest of the home one', () => {
  const { home, others, directory, names } = joined('b', 'c')
  const [b, c] = others
  home.beat('gw-a')
  b!.beat('gw-b')
  c!.beat('gw-c')
  home.catalogue('quote', { generation: 3, topic: 'quotes-a' })
  b!.catalogue('quote', { generation: 7, topic: 'quotes-b' })
  assert.deepEqual(names(), ['gw-a', 'gw-b', 'gw-c'])
  assert.deepEqual([directory.nodes.size, directory.nodes.has('gw-c'), directory.nodes.has('gw-d')], [3, true, false])
  assert.equal(directory.nodes.get('gw-b')?.lease.node, 'gw-b')
  assert.deepEqual(
    directory.parts.map(({ otherZone, logId, nodes, feeds }) => [
      otherZone,
      logId,
      [...nodes.keys()],
      feeds.get('quote')?.current.generation,
    ]),
    [
      [null, 'log-1', ['gw-a'], 3],
      ['b', 'log-b', ['gw-b'], 7],
      ['c', 'log-c', ['gw-c'], undefined],
    ],
  )
  assert.deepEqual([directory.logId, directory.feeds.get('quote')?.current.generation], ['log-1', 3])
  b!.become('gw-b', 'expired')
  assert.equal(directory.nodes.get('gw-b')?.state, 'expired', 'nothing is copied')
})

test('another zone that is loading or silent changes no view but its own, and keeps its nodes', () => {
  const { home, others, directory, names } = joined('b')
  const [b] = others
  home.beat('gw-a')
  b!.beat('gw-b')
  for (const view of ['loading', 'degraded'] as const) {
    b!.see(view)
    assert.deepEqual([directory.view, directory.parts[1]?.view, names()], ['current', view, ['gw-a', 'gw-b']])
  }
  home.see('degraded')
  b!.see('current')
  assert.deepEqual([directory.view, directory.viewSinceMs, directory.parts[1]?.view], ['degraded', home.viewSinceMs, 'current'])
})

test('of a name that two have the home one counts, else the one that is named first, and that is said once', () => {
  const { home, others, directory, names, taken } = joined('b', 'c')
  const [b, c] = others
  home.beat('gw-1', { zone: 'a' })
  b!.beat('gw-1', { zone: 'b' })
  b!.beat('gw-2', { zone: 'b' })
  c!.beat('gw-2', { zone: 'c' })
  for (let look = 0; look < 3; look++) {
    assert.deepEqual(names(), ['gw-1', 'gw-2'])
    assert.deepEqual([directory.nodes.get('gw-1')?.lease.zone, directory.nodes.get('gw-2')?.lease.zone], ['a', 'b'])
    assert.deepEqual(
      directory.parts.map(({ nodes }) => [...nodes.keys()]),
      [['gw-1'], ['gw-2'], []],
    )
  }
  assert.equal(taken().length, 2)
  assert.match(taken()[0]!, /^zone b has a node gw-1, as this one has: it is left out/)
  assert.match(taken()[1]!, /^zone c has a node gw-2, as zone b has: it is left out/)
})

test('whoever listens is told of changes in any of them, until it stops', () => {
  const { home, others, directory } = joined('b')
  let told = 0
  const stop = directory.onChange(() => told++)
  home.beat('gw-a')
  others[0]!.beat('gw-b')
  assert.equal(told, 2)
  stop()
  home.beat('gw-a')
  others[0]!.beat('gw-b')
  assert.equal(told, 2)
})

test('it is looked at as a map is', () => {
  const { home, others, directory } = joined('b')
  home.beat('gw-a', testLease('gw-a'))
  others[0]!.beat('gw-b')
  const seen: string[] = []
  directory.nodes.forEach(({ lease }, name, map) => seen.push(`${name} ${lease.node} ${map.size}`))
  assert.deepEqual(seen, ['gw-a gw-a 2', 'gw-b gw-b 2'])
  assert.deepEqual(
    [...directory.nodes].map(([name, { lease }]) => [name, lease.node]),
    [
      ['gw-a', 'gw-a'],
      ['gw-b', 'gw-b'],
    ],
  )
  assert.deepEqual(
    [...directory.nodes.values()].map(({ lease }) => lease.node),
    ['gw-a', 'gw-b'],
  )
})
