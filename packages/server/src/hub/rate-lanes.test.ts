import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import type { EntryBlock } from './entry-block.ts'
import { RateLane } from './rate-lanes.ts'

const PERIOD_MS = 10

/** Blocks that take so long to be looked through that a tick comes before the last one is done. */
function setUp(count: number) {
  const clock = new ManualClock()
  const lane = new RateLane(clock, PERIOD_MS)
  const looks = Array.from({ length: count }, () => 0)
  for (let i = 0; i < count; i++) {
    const hasNews = () => {
      looks[i]!++
      spent += 1
      return false
    }
    lane.join({ due: false, laneIndex: -1, hasNews, mark() {} } as unknown as EntryBlock)
  }
  let spent = 0
  const nowMs = clock.nowMs.bind(clock)
  clock.nowMs = () => nowMs() + spent
  return { clock, lane, looks }
}

test('a tick that comes while the last one is still looking looks once more behind it, not beside it', () => {
  const { clock, lane, looks } = setUp(64)
  lane.arm()
  const soon: (() => void)[] = []
  clock.soon = (callback) => soon.push(callback)
  clock.advance(2 * PERIOD_MS)
  assert.equal(soon.length, 1, 'the first tick is half-way')
  for (let i = 0; i < 3; i++) {
    lane.arm()
    clock.advance(100 * PERIOD_MS)
  }
  assert.equal(soon.length, 1)
  for (let next = soon.shift(); next !== undefined; next = soon.shift()) {
    next()
    assert.ok(soon.length <= 1)
  }
  assert.deepEqual(new Set(looks), new Set([2]))
})

test('news waits for no longer than a period, also when it comes right at the end of one', () => {
  const clock = new ManualClock()
  const lane = new RateLane(clock, PERIOD_MS)
  let lookedAtMs = 0
  const hasNews = () => {
    lookedAtMs = clock.nowMs()
    return false
  }
  lane.join({ due: false, laneIndex: -1, hasNews, mark() {} } as unknown as EntryBlock)
  for (let i = 0; i < 2 * PERIOD_MS; i++) {
    const sinceMs = clock.nowMs()
    lane.arm()
    clock.advance(3 * PERIOD_MS)
    assert.ok(lookedAtMs > sinceMs && lookedAtMs - sinceMs <= PERIOD_MS, `${lookedAtMs - sinceMs} ms`)
    clock.advance(1)
  }
})

test('a timer that fires a moment early makes no second tick of one', () => {
  const clock = new ManualClock()
  const lane = new RateLane(clock, PERIOD_MS)
  const ticks: number[] = []
  lane.join({ due: false, laneIndex: -1, hasNews: () => ticks.push(clock.nowMs()) > Infinity, mark() {} } as unknown as EntryBlock)
  const after = clock.after.bind(clock)
  clock.after = (delayMs, callback) => after(delayMs - 0.5, callback)
  for (let i = 0; i < 100; i++) {
    lane.arm()
    clock.advance(0.25)
  }
  for (let i = 1; i < ticks.length; i++) assert.ok(ticks[i]! - ticks[i - 1]! >= PERIOD_MS - 1, `${ticks[i]! - ticks[i - 1]!} ms`)
  assert.ok(ticks.length >= 2)
})

test('a lane that is closed looks no further', () => {
  const { clock, lane, looks } = setUp(64)
  lane.arm()
  const soon: (() => void)[] = []
  clock.soon = (callback) => soon.push(callback)
  clock.advance(2 * PERIOD_MS)
  lane.close()
  soon.shift()!()
  assert.deepEqual([soon.length, looks.at(-1)], [0, 0])
})
