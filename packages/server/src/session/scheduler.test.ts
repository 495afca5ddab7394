import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { FlushScheduler, type Flushable } from './scheduler.ts'

function setUp(intervalMs = 10) {
  const clock = new ManualClock()
  const startMs = clock.nowMs()
  const scheduler = new FlushScheduler(clock, intervalMs)
  const flushes: string[] = []
  const flushable = (name: string, flush: () => void = () => {}): Flushable => ({
    scheduled: false,
    flushedAtMs: -Infinity,
    flush() {
      flushes.push(`${name}@${clock.nowMs() - startMs}`)
      flush()
    },
  })
  return { clock, scheduler, flushes, flushable }
}

test('what has not been flushed for an interval is flushed at the end of the turn, once', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a')
  scheduler.schedule(session)
  scheduler.schedule(session)
  assert.deepEqual(flushes, [])
  clock.turn()
  assert.deepEqual(flushes, ['a@0'])
})

test('what was flushed just now waits until an interval is over, and does not hold up the others', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const busy = flushable('busy')
  scheduler.schedule(busy)
  clock.turn()
  clock.advance(4)
  scheduler.schedule(busy)
  clock.turn()
  assert.deepEqual(flushes, ['busy@0'])
  clock.advance(4)
  assert.deepEqual(flushes, ['busy@0'])
  clock.advance(2)
  assert.deepEqual(flushes, ['busy@0', 'busy@10'])
  const other = { ...flushable('idle'), flushedAtMs: -Infinity }
  scheduler.schedule(other)
  scheduler.schedule(busy)
  clock.turn()
  assert.deepEqual(flushes, ['busy@0', 'busy@10', 'idle@10'])
})

test('answers go at the end of the turn, busy or not', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const busy = flushable('busy')
  scheduler.schedule(busy)
  clock.turn()
  scheduler.scheduleSoon(busy)
  scheduler.schedule(busy)
  clock.turn()
  assert.deepEqual(flushes, ['busy@0', 'busy@0'])
})

test('a session that is always busy is flushed once per interval, from the first on', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a', () => scheduler.schedule(session))
  scheduler.schedule(session)
  clock.advance(45)
  assert.deepEqual(flushes, ['a@0', 'a@10', 'a@20', 'a@30', 'a@40'])
})

test('after a pause it is flushed at once again', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a')
  scheduler.schedule(session)
  clock.advance(205)
  assert.equal(clock.timers, 0, 'nothing ticks for nobody')
  scheduler.schedule(session)
  clock.turn()
  assert.deepEqual(flushes, ['a@0', 'a@205'])
})

test('a long run is cut into slices, and input is let in between; nobody is flushed twice or left out', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  let slices = 0
  const sessions = Array.from({ length: 100 }, (_, i) => flushable(`${i}`, () => clock.spend(1)))
  for (const session of sessions) scheduler.schedule(session)
  clock.soon(function input() {
    slices++
    if (flushes.length < 100) clock.soon(input)
  })
  clock.turn()
  assert.equal(flushes.length, 100)
  assert.deepEqual(
    flushes.map((flush) => Number(flush.split('@')[0])),
    sessions.map((_, i) => i),
  )
  assert.ok(slices >= 6, `${slices} slices`)
})

test('what is scheduled during a long run comes after it', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const late = flushable('late')
  const sessions = Array.from({ length: 40 }, (_, i) =>
    flushable(`${i}`, () => {
      clock.spend(1)
      if (i === 0) scheduler.scheduleSoon(late)
    }),
  )
  for (const session of sessions) scheduler.schedule(session)
  clock.turn()
  assert.deepEqual([flushes.length, flushes.at(-1)?.split('@')[0]], [41, 'late'])
})

test('closed, it flushes nobody and leaves no timer', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  scheduler.schedule(flushable('a'))
  scheduler.close()
  clock.turn()
  assert.deepEqual([flushes, clock.timers], [[], 0])
})

test('sessions wait for an interval of their own, each from its last flush on', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const [a, b] = [flushable('a'), flushable('b')]
  scheduler.schedule(a)
  clock.turn()
  clock.advance(2)
  scheduler.schedule(a)
  clock.advance(2)
  scheduler.schedule(b)
  clock.turn()
  for (let ms = 0; ms < 20; ms += 2) {
    clock.advance(2)
    scheduler.schedule(a)
    scheduler.schedule(b)
  }
  assert.deepEqual(flushes, ['a@0', 'b@4', 'a@10', 'b@14', 'a@20', 'b@24'])
})

test('where updates come in batches farther apart than an interval, each batch is flushed at once, in one go', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a')
  for (let batch = 0; batch < 4; batch++) {
    for (let update = 0; update < 3; update++) scheduler.schedule(session)
    clock.turn()
    clock.advance(12)
  }
  assert.deepEqual(flushes, ['a@0', 'a@12', 'a@24', 'a@36'])
})

test('after the process was held up, everything that was due meanwhile goes out, once', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const sessions = ['a', 'b', 'c'].map((name) => flushable(name))
  for (const session of sessions) scheduler.schedule(session)
  clock.turn()
  flushes.length = 0
  for (const session of sessions) {
    clock.advance(1)
    scheduler.schedule(session)
  }
  clock.spend(500)
  clock.advance(50)
  assert.deepEqual(
    flushes.map((flush) => flush[0]),
    ['a', 'b', 'c'],
  )
  assert.equal(clock.timers, 0)
})

test('under load the interval grows, at most threefold, and shrinks again when the load is over', () => {
  const { clock, scheduler, flushable } = setUp()
  let costMs = 0
  const session = flushable('a', () => {
    clock.spend(costMs)
    scheduler.schedule(session)
  })
  scheduler.schedule(session)
  clock.advance(1000)
  assert.equal(scheduler.intervalMs, 10)
  costMs = 3
  clock.advance(2000)
  // 3 ms of each interval: the share is as it may be at 20 ms, less at 30.
  assert.ok(scheduler.intervalMs > 12 && scheduler.intervalMs < 25, `${scheduler.intervalMs} ms`)
  costMs = 60
  clock.advance(5000)
  assert.ok(scheduler.intervalMs > 29 && scheduler.intervalMs <= 30, `${scheduler.intervalMs} ms`)
  costMs = 0
  clock.advance(2000)
  assert.ok(scheduler.intervalMs < 10.1, `${scheduler.intervalMs} ms`)
})

test('a batch that comes when most of the interval has passed goes out at once, one that comes early waits', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a')
  for (const waitMs of [6, 4, 20]) {
    scheduler.schedule(session)
    clock.turn()
    clock.advance(waitMs)
  }
  assert.deepEqual(flushes, ['a@0', 'a@6', 'a@16'])
})

test('the interval grows also where batches are so far apart that nobody ever waits for it', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a', () => clock.spend(12))
  for (let batch = 0; batch < 100; batch++) {
    scheduler.schedule(session)
    clock.turn()
    clock.advance(28)
  }
  assert.equal(flushes.length, 100)
  // 12 of 40 ms, where an eighth is allowed.
  assert.ok(Math.abs(scheduler.stretch - 2.4) < 0.01, `${scheduler.stretch}`)
})
