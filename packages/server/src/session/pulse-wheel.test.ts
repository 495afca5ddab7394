import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { PulseWheel, type Pulsed } from './pulse-wheel.ts'

function setUp(random: () => number = Math.random) {
  const clock = new ManualClock()
  const wheel = new PulseWheel(clock, random)
  const session = (pulseIntervalMs: number, meet = () => true): Pulsed & { atMs: number[] } => {
    const atMs: number[] = []
    return { pulseIntervalMs, nextPulseAtMs: 0, pulseSlot: -1, atMs, meet: (nowMs) => atMs.push(nowMs) > 0 && meet() }
  }
  return { clock, wheel, session }
}

test('each session is met once per interval, also one longer than a turn of the wheel', () => {
  const { clock, wheel, session } = setUp()
  for (const intervalMs of [200, 1000, 2500, 12_750, 60_000]) {
    const met = session(intervalMs)
    wheel.add(met)
    clock.advance(10 * intervalMs)
    assert.ok(met.atMs.length >= 9 && met.atMs.length <= 10, `${met.atMs.length} times at ${intervalMs} ms`)
    for (let i = 1; i < met.atMs.length; i++) assert.ok(Math.abs(met.atMs[i]! - met.atMs[i - 1]! - intervalMs) <= 100)
    wheel.remove(met)
  }
})

test('who wants to wait for a message is met again a quarter of an interval later, and no later than a quarter of a second', () => {
  for (const [intervalMs, againMs] of [
    [400, 100],
    [10_000, 250],
  ] as const) {
    const { clock, wheel, session } = setUp()
    let waits = true
    const met = session(intervalMs, () => !waits || (waits = false))
    wheel.add(met)
    clock.advance(intervalMs + 2 * againMs)
    const [first, second] = met.atMs
    assert.ok(Math.abs(second! - first! - againMs) <= 100, `${first} ${second}`)
    wheel.remove(met)
  }
})

test('sessions that came at once are spread over the interval', () => {
  let seed = 1
  const { clock, wheel, session } = setUp(() => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647)
  const sessions = Array.from({ length: 1000 }, () => session(1000))
  for (const each of sessions) wheel.add(each)
  clock.advance(1000)
  const perSlot = new Map<number, number>()
  for (const { atMs } of sessions) perSlot.set(atMs[0]!, (perSlot.get(atMs[0]!) ?? 0) + 1)
  assert.ok(Math.max(...perSlot.values()) < 200)
})

test('what is removed is met no more, and the last one stops the wheel', () => {
  const { clock, wheel, session } = setUp()
  const [a, b] = [session(1000), session(1000)]
  for (const each of [a, b]) wheel.add(each)
  clock.advance(1500)
  wheel.remove(a)
  wheel.remove(a)
  const before = a.atMs.length
  clock.advance(5000)
  assert.equal(a.atMs.length, before)
  assert.ok(b.atMs.length >= 5)
  wheel.remove(b)
  assert.equal(clock.timers, 0)
})

test('after a long stop of the process, each session is met once, not once per interval missed', () => {
  const { clock, wheel, session } = setUp()
  const met = session(1000)
  wheel.add(met)
  clock.advance(1000)
  const before = met.atMs.length
  clock.spend(60_000)
  clock.advance(100)
  assert.ok(met.atMs.length - before <= 2, `${met.atMs.length - before}`)
})
