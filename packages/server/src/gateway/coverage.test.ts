import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeedFreshness, type PulsePoint } from '../hub/freshness.ts'
import { ANY_PARTITION, FeedCoverage } from './coverage.ts'

const A = 1 << 0
const B = 1 << 1

function point(offset: number, partition = 0, generation = 1): PulsePoint {
  return { generation, partition, offset, writtenAtMs: 0, path: [], arrivedAtMs: [] }
}

function setUp(partitions = 2) {
  const coverage = new FeedCoverage(() => partitions)
  const claim = (partition = 0) => coverage.claim(partition)?.offset
  return { coverage, claim }
}

test('where nothing is asked for, the newest pulse of any link holds', () => {
  const { coverage, claim } = setUp()
  assert.equal(claim(), undefined)
  coverage.accept(0, point(5))
  coverage.accept(1, point(7))
  assert.deepEqual([claim(0), claim(1)], [7, undefined])
})

test('a symbol that both links cover is as fresh as the better of them', () => {
  const { coverage, claim } = setUp()
  coverage.add(0, A | B)
  coverage.accept(0, point(5))
  assert.equal(claim(), 5)
  coverage.accept(1, point(7))
  assert.equal(claim(), 7)
})

test('a symbol that only one link covers holds the claim to that link', () => {
  const { coverage, claim } = setUp()
  coverage.accept(0, point(5))
  coverage.accept(1, point(7))
  coverage.add(0, A | B)
  coverage.add(0, A)
  assert.equal(claim(), 5)
  coverage.remove(0, A)
  assert.equal(claim(), 7)
})

test('symbols covered by different links: the slower of the two decides', () => {
  const { coverage, claim } = setUp()
  coverage.add(0, A)
  coverage.add(0, B)
  coverage.accept(0, point(9))
  assert.equal(claim(), undefined)
  coverage.accept(1, point(4))
  assert.equal(claim(), 4)
})

test('a symbol that no link has confirmed is never covered by a claim', () => {
  const { coverage, claim } = setUp()
  coverage.accept(0, point(5))
  coverage.accept(1, point(5))
  coverage.add(0, A | B)
  coverage.add(0, 0)
  assert.equal(claim(), undefined)
  coverage.remove(0, 0)
  assert.equal(claim(), 5)
})

test('a symbol counts in its own partition; one whose partition is not known counts in all', () => {
  const { coverage, claim } = setUp()
  for (const partition of [0, 1]) {
    coverage.accept(0, point(5, partition))
    coverage.accept(1, point(7, partition))
  }
  coverage.add(1, A)
  assert.deepEqual([claim(0), claim(1)], [7, 5])
  coverage.add(ANY_PARTITION, A)
  assert.deepEqual([claim(0), claim(1)], [5, 5])
  coverage.remove(ANY_PARTITION, A)
  coverage.remove(1, A)
  assert.deepEqual([claim(0), claim(1)], [7, 7])
})

test('many symbols with the same links count as one set, and each must go before the set does', () => {
  const { coverage, claim } = setUp()
  coverage.accept(0, point(5))
  coverage.accept(1, point(7))
  for (let i = 0; i < 3; i++) coverage.add(0, A)
  for (let i = 0; i < 2; i++) coverage.remove(0, A)
  assert.equal(claim(), 5)
  coverage.remove(0, A)
  assert.equal(claim(), 7)
})

test('only newer pulses of a link count; a higher generation is newer', () => {
  const { coverage, claim } = setUp()
  assert.deepEqual(
    [point(5), point(5), point(4), point(1, 0, 2), point(9, 0, 1)].map((each) => coverage.accept(0, each)),
    [true, false, false, true, false],
  )
  assert.equal(claim(), 1)
})

test('what a lost link told is no longer vouched for', () => {
  const { coverage, claim } = setUp()
  coverage.accept(0, point(5))
  coverage.accept(1, point(7))
  coverage.add(0, A | B)
  coverage.forget(1)
  assert.equal(claim(), 5)
  coverage.reset()
  assert.equal(claim(), undefined)
})

test('links are complete together when they carry every partition of the feed', () => {
  const { coverage } = setUp(3)
  assert.equal(coverage.isComplete(0), false)
  assert.equal(coverage.isComplete(A), true, 'a link that says nothing has all')
  coverage.setCarried(0, [0, 2])
  coverage.setCarried(1, [1, 2, 7])
  assert.deepEqual(
    [A, B, A | B].map((mask) => coverage.isComplete(mask)),
    [false, false, true],
  )
  coverage.setCarried(1, null)
  assert.equal(coverage.isComplete(B), true)
  assert.equal(new FeedCoverage(() => 0).isComplete(A), true)
})

test('links reach what was passed on when their own pulses are as new', () => {
  const { coverage } = setUp()
  const passed = new FeedFreshness(1000)
  assert.equal(coverage.reaches(A, ANY_PARTITION, passed), true)
  passed.accept(point(5))
  passed.accept(point(5, 1))
  coverage.accept(0, point(5))
  coverage.accept(0, point(4, 1))
  assert.deepEqual(
    [coverage.reaches(A, 0, passed), coverage.reaches(A, 1, passed), coverage.reaches(A, ANY_PARTITION, passed)],
    [true, false, false],
  )
  coverage.accept(1, point(6, 1))
  assert.deepEqual([coverage.reaches(A | B, ANY_PARTITION, passed), coverage.reaches(B, 0, passed)], [true, false])
})
