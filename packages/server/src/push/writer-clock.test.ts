import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WriterClocks } from './writer-clock.ts'

/** A writer whose clock is off by so much, and pulses that take so long to arrive. */
function setUp(skewMs: number, travelMs: number) {
  const clocks = new WriterClocks()
  let sequence = 0
  /** @returns the error of what is believed: positive when the pulse is taken for younger than it is; `null`: nothing is believed. */
  const pulse = (
    nowMs: number,
    options: { travelMs?: number; atTail?: boolean; skewMs?: number; restart?: boolean } = {},
  ): number | null => {
    if (options.restart === true) sequence = 0
    const writtenAtMs = nowMs - (options.travelMs ?? travelMs)
    const record = { writer: 'w', sequence: sequence++, generation: 1, atMs: writtenAtMs + (options.skewMs ?? skewMs) }
    const believedMs = clocks.writtenAtMs(record, 0, nowMs, options.atTail ?? true)
    return believedMs === null ? null : believedMs - writtenAtMs
  }
  return { clocks, pulse }
}

test('a writer whose clock agrees is believed, and a late pulse shows its age', () => {
  const { pulse } = setUp(0, 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 0)
  assert.equal(pulse(10_500, { travelMs: 3000 }), 0)
})

test('a clock ahead is seen at the first pulse from the future, and taken out with the second', () => {
  const { pulse } = setUp(5000, 20)
  assert.equal(pulse(-500), null)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 20, 'off by the travel time at most')
  assert.equal(pulse(10_500, { travelMs: 3000 }), 20, 'and a late pulse is still late')
})

test('a clock behind is taken out, once more than travel would explain', () => {
  const { pulse } = setUp(-5000, 20)
  assert.equal(pulse(-1000, { atTail: false }), -5000, 'of a backlog: as old as it says')
  assert.equal(pulse(-500), 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) assert.equal(pulse(nowMs), 20)
  assert.equal(pulse(10_500, { travelMs: 3000 }), 20)
})

test('a backlog is not taken for skew', () => {
  const { pulse } = setUp(0, 20)
  for (let behindMs = 60_000; behindMs > 0; behindMs -= 1000) assert.ok(pulse(100_000, { travelMs: behindMs, atTail: false })! <= 0)
})

test('a reader that stays behind for minutes is as far behind as it is: that is no skew either', () => {
  const { pulse } = setUp(0, 20)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 500) pulse(nowMs)
  for (let nowMs = 20_000; nowMs < 400_000; nowMs += 500) assert.equal(pulse(nowMs, { travelMs: 10_000, atTail: false }), 0)
})

test('what was held up is not taken for skew, whatever the clock of a writer that nobody knows yet', () => {
  for (const skewMs of [-7_200_000, -5000, -1000, 0, 2000, 5000, 5200, 7_200_000]) {
    const { pulse } = setUp(skewMs, 20)
    // The reader stood still: it takes itself to be at the tail, and all that was written meanwhile comes at once.
    for (let travelMs = 8000; travelMs >= 3000; travelMs -= 500) {
      const errorMs = pulse(0, { travelMs })
      const isYoung = errorMs !== null && travelMs - errorMs < 2500
      assert.ok(!isYoung, `off by ${skewMs}, ${travelMs} ms old, taken for ${travelMs - errorMs!}`)
    }
    assert.ok((pulse(500) ?? 0) <= 0)
    for (let nowMs = 1000; nowMs < 5000; nowMs += 500) assert.ok(Math.abs(pulse(nowMs)!) <= 20, 'known as soon as they come at their pace')
  }
})

test('what a life of it taught holds for the next one where that looks the same', () => {
  const { pulse } = setUp(5000, 20)
  for (let nowMs = 0; nowMs < 5000; nowMs += 500) pulse(nowMs)
  assert.equal(pulse(6000, { restart: true, travelMs: 60 }), 20)
})

test('a writer that comes back with another clock is judged anew', () => {
  const { pulse } = setUp(5000, 20)
  for (let nowMs = 0; nowMs < 5000; nowMs += 500) pulse(nowMs)
  assert.equal(pulse(6000, { skewMs: 0, restart: true }), 0)
  for (let nowMs = 6500; nowMs < 9000; nowMs += 500) pulse(nowMs, { skewMs: 0 })
  assert.equal(pulse(9500, { skewMs: 90_000, restart: true }), null)
  assert.equal(pulse(10_000, { skewMs: 90_000 }), 20)
})

test('what a partition held up is judged by the clock of the life that wrote it, whatever lives other partitions have told of', () => {
  for (const skewMs of [-500_000, 0, 500_000]) {
    const clocks = new WriterClocks()
    const believed = (partition: number, life: number, sequence: number, atMs: number, nowMs: number) =>
      clocks.writtenAtMs({ writer: 'w', life, sequence, generation: 1, atMs }, partition, nowMs, true)
    // Partition 0 is held up from 1,000 on, the writer begins anew at 5,000 with a clock that is off by so much more.
    for (let at = 0; at < 5000; at += 500) for (const partition of at < 1000 ? [0, 1] : [1]) believed(partition, 1, at / 500, at, at)
    for (let at = 5000; at < 7000; at += 500) believed(1, 2, (at - 5000) / 500, at + skewMs, at)
    for (let at = 1000; at < 5000; at += 500) assert.equal(believed(0, 1, at / 500, at, 7000), at, `skew ${skewMs}`)
    for (let at = 5000; at < 7000; at += 500) {
      const writtenAtMs = believed(0, 2, (at - 5000) / 500, at + skewMs, 7000)
      assert.ok(writtenAtMs === null || writtenAtMs === at, `skew ${skewMs}: ${writtenAtMs} for ${at}`)
    }
    assert.equal(believed(1, 2, 4, 7000 + skewMs, 7000), 7000)
  }
})

test('lives that end take their place in memory with them, and one that goes on keeps what it taught', () => {
  const clocks = new WriterClocks()
  const pulse = (writer: string, life: number, atMs: number) =>
    clocks.writtenAtMs({ writer, life, sequence: 0, generation: 1, atMs: atMs + 5000 }, 0, atMs, true)
  pulse('long', 1, 0)
  for (let atMs = 500; atMs < 500_000; atMs += 500) {
    assert.equal(pulse('long', 1, atMs), atMs)
    pulse('short', atMs, atMs)
  }
  assert.ok(clocks.size <= 65)
})

test('slow drift is followed', () => {
  const { pulse } = setUp(0, 20)
  let worstMs = 0
  for (let nowMs = 0; nowMs < 3_600_000; nowMs += 500) worstMs = Math.max(worstMs, Math.abs(pulse(nowMs, { skewMs: nowMs / 1000 })!))
  assert.ok(worstMs <= 250 + 120, `${worstMs} ms off`)
})

test('however many writers there were, memory is bounded', () => {
  const clocks = new WriterClocks()
  for (let i = 0; i < 10_000; i++) clocks.writtenAtMs({ writer: `w${i}`, sequence: 0, generation: 1, atMs: 0 }, 0, 0, true)
  assert.ok(clocks.size <= 65)
})
