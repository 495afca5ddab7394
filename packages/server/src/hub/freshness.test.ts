import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeedFreshness, WHOLE_FEED, type PulsePoint, type StaleCause } from './freshness.ts'

const T0 = 1_764_000_000_000
const silent = (): StaleCause => ({ hop: 'log', reason: 'no_pulse', message: 'nothing comes' })

function point(offset: number, writtenAtMs: number, generation = 1): PulsePoint {
  return { generation, partition: 0, offset, writtenAtMs, path: ['push-a1'], arrivedAtMs: [writtenAtMs] }
}

test('a newer pulse is progress; the same, an older one and one of an older generation are not', () => {
  const freshness = new FeedFreshness(1500)
  assert.equal(freshness.accept(point(5, T0)), true)
  assert.equal(freshness.revision, 1)
  for (const late of [point(5, T0 + 1), point(4, T0 + 2)]) assert.equal(freshness.accept(late), false)
  assert.equal(freshness.accept(point(1, T0 + 3, 2)), true, 'a higher generation is newer, whatever its offset')
  assert.equal(freshness.accept(point(9, T0 + 4, 1)), false)
  assert.equal(freshness.revision, 2)
  assert.equal(freshness.get(0)?.point?.offset, 1)
})

test('of two who say how old one pulse is, the one by which it is clearly younger is right', () => {
  const freshness = new FeedFreshness(1500)
  freshness.accept(point(5, T0))
  assert.equal(freshness.accept(point(5, T0 + 200)), false)
  assert.deepEqual([freshness.revision, freshness.ageMs(0, T0 + 3000)], [1, 3000], 'as old as before, about')
  assert.equal(freshness.accept(point(5, T0 + 2900)), false, 'it is no newer one')
  assert.deepEqual([freshness.revision, freshness.ageMs(0, T0 + 3000)], [2, 100])
  freshness.accept(point(5, T0))
  freshness.accept(point(4, T0 + 3000))
  freshness.accept(point(5, T0 + 3000, 0))
  assert.deepEqual([freshness.revision, freshness.ageMs(0, T0 + 3000)], [2, 100])
})

test('age counts from the newest pulse, or from when pulses were first expected', () => {
  const freshness = new FeedFreshness(1500)
  assert.equal(freshness.ageMs(0, T0), Infinity)
  freshness.expect(0, T0)
  assert.equal(freshness.ageMs(0, T0 + 100), 100)
  freshness.accept(point(0, T0 + 300))
  freshness.expect(0, T0 + 900)
  assert.equal(freshness.ageMs(0, T0 + 1000), 700)
})

test('a partition turns stale once its pulse is too old, is said to be so once, and turns live by a pulse', () => {
  const freshness = new FeedFreshness(1500)
  freshness.accept(point(0, T0))
  assert.deepEqual(freshness.check(T0 + 1500, silent), { stale: [], live: [] })
  const { stale, live } = freshness.check(T0 + 1501, silent)
  assert.deepEqual(stale, [{ partition: 0, state: { ...silent(), sinceMs: T0 } }])
  assert.deepEqual(live, [])
  assert.deepEqual(freshness.check(T0 + 1600, silent), { stale: [], live: [] })
  freshness.accept(point(1, T0 + 1700))
  assert.deepEqual(freshness.check(T0 + 1800, silent), { stale: [], live: [0] })
  assert.equal(freshness.get(0)?.stale, null)
  assert.deepEqual(freshness.check(T0 + 1900, silent), { stale: [], live: [] })
})

test('another cause is told again, with the time since when it has been stale all along', () => {
  const freshness = new FeedFreshness(1500)
  freshness.expect(0, T0)
  freshness.check(T0 + 2000, silent)
  const { stale } = freshness.check(T0 + 3000, () => ({ hop: 'log', reason: 'topic_missing', message: 'gone' }))
  assert.deepEqual(stale, [{ partition: 0, state: { hop: 'log', reason: 'topic_missing', message: 'gone', sinceMs: T0 } }])
})

test('a pulse that is too old when it comes does not make the partition live', () => {
  const freshness = new FeedFreshness(1500)
  freshness.expect(0, T0)
  freshness.check(T0 + 2000, silent)
  freshness.accept(point(0, T0 + 100))
  assert.deepEqual(freshness.check(T0 + 2100, silent), { stale: [], live: [] })
})

test('partitions that the feed no longer has are judged no more', () => {
  const freshness = new FeedFreshness(1500)
  freshness.expect(0, T0)
  freshness.expect(1, T0)
  freshness.forget(1)
  assert.deepEqual(
    freshness.check(T0 + 2000, silent).stale.map(({ partition }) => partition),
    [0],
  )
})

test('a feed of unknown partitions is judged as a whole; partitions take its place, stale for as long as it was', () => {
  const freshness = new FeedFreshness(1500)
  freshness.expect(WHOLE_FEED, T0)
  const stale = (nowMs: number) => freshness.check(nowMs, silent).stale.map(({ partition, state }) => [partition, state.sinceMs])
  assert.deepEqual(stale(T0 + 2000), [[WHOLE_FEED, T0]])
  freshness.expect(0, T0 + 3000)
  freshness.expect(1, T0 + 3000)
  const { stale: now, live } = freshness.check(T0 + 3000, silent)
  assert.deepEqual(
    [now.map(({ partition, state }) => [partition, state.sinceMs]), live],
    [
      [
        [0, T0],
        [1, T0],
      ],
      [WHOLE_FEED],
    ],
  )
  assert.deepEqual(freshness.check(T0 + 3100, silent), { stale: [], live: [] })
})
