import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeedGeneration } from '../directory/index.ts'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { LineShare } from './line-share.ts'

const PARTITIONS = 12
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

function setUp(self = 'a1', directory = new FakeDirectory()) {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const share = new LineShare({ directory, self, line: 'A', track: 'stable', clock, logger })
  const wanted = (held: readonly number[] = []) => share.wanted('quote', 1, PARTITIONS, held)
  return { clock, directory, share, wanted, logger }
}

const feeds = (partitions: readonly number[], generation = 1) => [{ feed: 'quote', generation, partitions, pulseAgeMs: 0 }]

test('alone in its line, a node reads everything', () => {
  const { directory, wanted } = setUp()
  directory.push('b1')
  directory.push('gw-1', { role: 'gateway' })
  assert.deepEqual(wanted(), ALL)
})

test('nodes that see the same leases split the partitions without a rest, and without one twice', () => {
  const directory = new FakeDirectory()
  for (const node of ['a1', 'a2', 'a3']) directory.push(node)
  const shares = ['a1', 'a2', 'a3'].map((self) => setUp(self, directory).wanted()!)
  assert.deepEqual(
    shares.flat().sort((a, b) => a - b),
    ALL,
  )
})

test('expired, left, leaving, offline, another line, another track, an older generation: none of them has a share', () => {
  const { directory, wanted } = setUp()
  directory.push('a2', { state: 'expired' })
  directory.push('a3', { state: 'left' })
  directory.push('a4', { draining: true })
  directory.push('a5', { word: 'offline' })
  directory.push('a6', { word: 'draining' })
  directory.push('b2')
  directory.push('a8', { track: 'grey' })
  assert.deepEqual(wanted(), ALL)
  directory.push('a7', { feeds: feeds([], 0) })
  assert.deepEqual(wanted(), ALL)
})

test('a node of a generation that nothing names has no share: what fell to it, nobody of the line would read', () => {
  const { directory, wanted } = setUp()
  directory.push('a2', { feeds: feeds(ALL, 99) })
  assert.deepEqual(wanted(), ALL)
  const catalogue = (next: FeedGeneration | null) => {
    directory.feeds.set('quote', { feed: 'quote', current: { generation: 1, topic: 'quotes' }, next, retired: [], revision: 1 })
    directory.changed()
  }
  const next = { generation: 99, topic: 'quotes-v99' }
  for (const opening of [null, next]) {
    catalogue(opening)
    assert.deepEqual(wanted(), ALL)
  }
  catalogue({ ...next, fromMs: 1 })
  assert.ok(wanted()!.length < PARTITIONS, 'one that has switched before this node is there to stay')
})

test('what falls to another is held until that one has had it for a while', () => {
  const { clock, directory, wanted } = setUp()
  let held = wanted()!
  directory.push('a2', { ready: false, feeds: feeds([]) })
  assert.deepEqual(wanted(held), ALL)
  clock.advance(60_000)
  assert.deepEqual(wanted(held), ALL)
  const own = wanted()!
  const others = ALL.filter((partition) => !own.includes(partition))
  assert.ok(own.length > 0 && others.length > 1)
  directory.push('a2', { feeds: feeds(others.slice(1)) })
  assert.deepEqual(wanted(held), ALL)
  clock.advance(1900)
  assert.deepEqual(wanted(held), ALL)
  clock.advance(200)
  held = wanted(held)!
  assert.deepEqual(
    held,
    [...own, others[0]!].sort((a, b) => a - b),
  )
})

test('one that says for a moment that it has a partition, and then not, is not given it', () => {
  const { clock, directory, wanted } = setUp()
  wanted()
  directory.push('a2', { feeds: feeds(ALL) })
  wanted(ALL)
  clock.advance(1500)
  directory.push('a2', { feeds: feeds([]) })
  wanted(ALL)
  clock.advance(1500)
  directory.push('a2', { feeds: feeds(ALL) })
  assert.deepEqual(wanted(ALL), ALL)
})

test('one that never has its share is waited for no longer than two minutes', () => {
  const { clock, directory, wanted, logger } = setUp()
  wanted()
  directory.push('a2', { feeds: feeds([]) })
  assert.deepEqual(wanted(ALL), ALL)
  clock.advance(120_000)
  assert.ok(wanted(ALL)!.length < PARTITIONS)
  assert.ok(logger.lines.some(({ code }) => code === 'handover_late'))
})

test('on its way out a node owns nothing, and holds what it has until others have it; alone it holds everything', () => {
  const { clock, directory, share, wanted } = setUp()
  directory.push('a2', { feeds: feeds([]) })
  const held = wanted()!
  share.isLeaving = true
  assert.deepEqual(wanted(held), held)
  directory.push('a2', { feeds: feeds(ALL) })
  wanted(held)
  clock.advance(2000)
  assert.deepEqual(wanted(held), [])
  directory.push('a2', { state: 'expired' })
  assert.deepEqual(wanted(held), held)
})

test('while nothing is known nothing moves', () => {
  const { clock, directory, wanted } = setUp()
  directory.push('a2', { feeds: feeds([]) })
  const own = wanted()!
  directory.see('degraded')
  directory.push('a2', { state: 'kept' })
  clock.advance(300_000)
  assert.deepEqual(wanted(own), own)
})

test('before leases are known it waits a little, then reads everything', () => {
  const { clock, directory, wanted } = setUp()
  directory.see('loading')
  assert.equal(wanted(), undefined)
  clock.advance(4900)
  assert.equal(wanted(), undefined)
  clock.advance(100)
  assert.deepEqual(wanted(), ALL)
})
