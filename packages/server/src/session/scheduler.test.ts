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
    flushedAtTick: 0,
    flush() {
      flushes.push(`${name}@${clock.nowMs() - startMs}`)
      flush()
    },
  })
  return { clock, scheduler, flushes, flushable }
}

test('what has been idle is flushed at the end of the turn, once', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a')
  scheduler.schedule(session)
  scheduler.schedule(session)
  assert.deepEqual(flushes, [])
  clock.turn()
  assert.deepEqual(flushes, ['a@0'])
})

test('what was flushed just now waits for the next tick, and does not hold up the others', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const busy = flushable('busy')
  scheduler.schedule(busy)
  clock.turn()
  clock.advance(5)
  scheduler.schedule(busy)
  clock.turn()
  assert.deepEqual(flushes, ['busy@0'])
  clock.advance(5)
  assert.deepEqual(flushes, ['busy@0', 'busy@10'])
  const other = { ...flushable('idle'), flushedAtTick: -1000 }
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

test('a session that is always busy is flushed once per tick, from the first on', () => {
  const { clock, scheduler, flushes, flushable } = setUp()
  const session = flushable('a', () => scheduler.schedule(session))
  scheduler.schedule(session)
  clock.advance(45)
  assert.deepEqual(flushes, ['a@0', 'a@10', 'a@20', 'a@30', 'a@40'])
})

test('after a pause it is idle again', () => {
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

test('under load the tick slows down, at most threefold, and quickens again when the load is over', () => {
  let nowMs = 0
  let onTick: () => void = () => {}
  let tickInMs = 0
  // A clock whose time passes only in flushes and between ticks, by hand.
  const clock = {
    nowMs: () => nowMs,
    soon: (callback: () => void) => callback(),
    every: () => ({ cancel() {} }),
    after: (delayMs: number, callback: () => void) => {
      tickInMs = delayMs
      onTick = callback
      return { cancel() {} }
    },
  }
  const scheduler = new FlushScheduler(clock, 10)
  let costMs = 6
  const session: Flushable = { scheduled: false, flushedAtTick: -1000, flush: () => void (nowMs += costMs) }
  const play = (ticks: number): void => {
    for (let i = 0; i < ticks; i++) {
      scheduler.schedule(session)
      nowMs += tickInMs
      onTick()
    }
  }
  assert.equal(scheduler.tickMs, 10)
  play(20)
  assert.ok(scheduler.tickMs > 15 && scheduler.tickMs <= 30, `${scheduler.tickMs} ms`)
  costMs = 60
  play(20)
  assert.equal(scheduler.tickMs, 30)
  costMs = 0
  play(20)
  assert.equal(scheduler.tickMs, 10)
})
