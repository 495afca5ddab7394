import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FeedInfo, PulseFrame } from '@pulsewire/protocol'
import fc from 'fast-check'
import { judgePartition, PartitionFreshness } from './partition.ts'
import { LIVE } from './state.ts'
import { SessionFreshness } from './session-freshness.ts'

const FEED: FeedInfo = { feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 2 }
const PATH = ['push-a1', 'gw-1']

function session(offsetMs: number | undefined = 0, staleAfterMs = 2500): SessionFreshness {
  const freshness = new SessionFreshness({ node: 'gw-1', staleAfterMs, offsetMs: () => offsetMs, nowMs: 0 })
  freshness.setFeeds([FEED])
  freshness.expect('quote', 0)
  return freshness
}

function pulse(at: number, rows: [partition: number, offset: number, ageMs: number][], generation = 1): PulseFrame {
  return {
    t: 'pulse',
    pulse: offsetOf(rows),
    at,
    feed: 'quote',
    generation,
    paths: [PATH],
    partitions: rows.map(([partition, offset, ageMs]) => [partition, offset, 0, ageMs, [Math.max(0, ageMs - 5), 1]] as const),
  }
}

function offsetOf(rows: [number, number, number][]): number {
  return Math.max(0, ...rows.map(([, offset]) => offset))
}

describe('the freshness of a partition', () => {
  test('is pending until the first pulse, and stale when none comes in time', () => {
    const freshness = session()
    assert.equal(freshness.stateOf('quote', 'A', 0).state, 'pending')
    freshness.review(2500)
    assert.equal(freshness.stateOf('quote', 'A', 0).state, 'pending')
    freshness.review(2501)
    assert.deepEqual(freshness.stateOf('quote', 'A', 0), { state: 'stale', hop: 'gw-1', reason: 'no_pulse', sinceMs: 2500 })
  })

  test('what was said of one feed is a change also when another one is asked for in the same message', () => {
    const freshness = session()
    freshness.pulse(pulse(0, [[0, 1, 10]]), 0)
    freshness.review(0)
    freshness.stale({ t: 'stale', feed: 'quote', partitions: [0], hop: 'log', reason: 'unproven', since: 50 })
    freshness.expect('trade', 100)
    assert.ok(100 > freshness.expiresAtMs, 'what pulses are due of is to be judged')
    assert.equal(freshness.review(100), true)
    assert.equal(freshness.stateOf('quote', 'A', 0).reason, 'unproven')
  })

  test('a partition that is no more is a change for symbols whose partition is not known', () => {
    const freshness = session()
    freshness.pulse(
      pulse(0, [
        [0, 1, 10],
        [1, 1, 10],
      ]),
      0,
    )
    freshness.stale({ t: 'stale', feed: 'quote', partitions: [1], hop: 'log', reason: 'unproven', since: 0 })
    freshness.review(0)
    assert.equal(freshness.stateOf('quote', 'NEW', -1).state, 'stale')
    freshness.setFeeds([{ ...FEED, generation: 2, partitions: 1 }])
    assert.equal(freshness.review(0), true)
    assert.equal(freshness.stateOf('quote', 'NEW', -1).state, 'live')
  })

  test('adds the way from the sender to the age, once the offset of the clocks is known', () => {
    const unknown = session(undefined)
    unknown.pulse(pulse(1000, [[0, 1, 14]]), 1000)
    assert.equal(unknown.ageMs('quote', 0, 1000), 14)
    const known = session(500)
    // Sent at 1000 by the sender's clock, which is 500 by ours; it came at 530.
    known.pulse(pulse(1000, [[0, 1, 14]]), 530)
    assert.equal(known.ageMs('quote', 0, 530), 44)
    assert.equal(known.ageMs('quote', 0, 1530), 1044)
    const [report] = known.report('quote', 1530)
    assert.deepEqual(report!.hops, [
      { node: 'push-a1', ms: 5 },
      { node: 'gw-1', ms: 8 },
      { node: 'client', ms: 31 },
    ])
    assert.equal(report!.endToEndMs, 44)
    assert.equal(report!.position, '1:0:1')
  })

  test('a row that is no progress proves nothing', () => {
    const freshness = session()
    freshness.pulse(pulse(1000, [[0, 5, 0]]), 1000)
    freshness.pulse(pulse(3000, [[0, 5, 0]]), 3000)
    freshness.pulse(pulse(3000, [[0, 4, 0]]), 3000)
    freshness.pulse(pulse(3000, [[0, 9, 0]], 0), 3000)
    assert.equal(freshness.ageMs('quote', 0, 3000), 2000)
    freshness.pulse(pulse(3000, [[0, 1, 0]], 2), 3000)
    assert.equal(freshness.ageMs('quote', 0, 3000), 0, 'a higher generation begins anew')
  })

  test('names the sender when nothing comes, the hop that lost most time when pulses come too old', () => {
    const freshness = session()
    freshness.pulse(
      pulse(1000, [
        [0, 5, 0],
        [1, 5, 0],
      ]),
      1000,
    )
    for (const at of [2000, 3000, 4000]) {
      freshness.pulse(pulse(at, [[1, at, 0]]), at)
      freshness.review(at)
    }
    const stuck = freshness.stateOf('quote', 'A', 0)
    assert.deepEqual(stuck, { state: 'stale', hop: 'gw-1', reason: 'lagging', sinceMs: 3500 }, 'it should have said why')
    assert.equal(freshness.stateOf('quote', 'A', 1).state, 'live')
    freshness.pulse({ ...pulse(5000, []), partitions: [[0, 50, 0, 9000, [10, 4]]] }, 5000)
    freshness.review(5000)
    assert.equal(freshness.stateOf('quote', 'A', 0).hop, 'log', 'it was 9 s on its way from the writer to the first node')
    freshness.pulse({ ...pulse(5100, []), partitions: [[0, 51, 0, 9000, [8990, 4]]] }, 5100)
    freshness.review(5100)
    assert.equal(freshness.stateOf('quote', 'A', 0).hop, 'push-a1')
    freshness.review(9000)
    assert.deepEqual(freshness.stateOf('quote', 'A', 1).reason, 'no_pulse')
  })

  test('heeds what the sender says, for the partition or for all, until it is withdrawn', () => {
    const freshness = session(100)
    freshness.pulse(
      pulse(1100, [
        [0, 1, 0],
        [1, 1, 0],
      ]),
      1000,
    )
    freshness.stale({ t: 'stale', feed: 'quote', hop: 'log', reason: 'log_unreachable', since: 900, message: 'no broker' })
    freshness.review(1000)
    const told = { state: 'stale', hop: 'log', reason: 'log_unreachable', sinceMs: 800, message: 'no broker' }
    assert.deepEqual(
      [0, 1, -1].map((partition) => freshness.stateOf('quote', 'A', partition)),
      [told, told, told],
    )
    freshness.live({ t: 'live', feed: 'quote', partitions: [0] })
    freshness.review(1000)
    assert.deepEqual(
      [0, 1, -1].map((partition) => freshness.stateOf('quote', 'A', partition).state),
      ['live', 'stale', 'stale'],
    )
    freshness.stale({ t: 'stale', feed: 'quote', partitions: [0], hop: 'push-a1', reason: 'reader_stalled', since: 1000 })
    freshness.review(1000)
    assert.equal(freshness.stateOf('quote', 'A', 0).reason, 'reader_stalled')
    freshness.live({ t: 'live', feed: 'quote' })
    freshness.review(1000)
    assert.deepEqual(
      [0, 1, -1].map((partition) => freshness.stateOf('quote', 'A', partition).state),
      ['live', 'live', 'live'],
    )
  })

  test('whatever comes and whenever it is looked at: live exactly while the data age is within the bound', () => {
    const event = fc.record({
      waitMs: fc.double({ min: 0, max: 3000, noNaN: true }),
      ageMs: fc.double({ min: -50, max: 6000, noNaN: true }),
      progress: fc.boolean(),
      transitMs: fc.double({ min: 0, max: 500, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 5000 }), (events, staleAfterMs) => {
        const offsetMs = 1234.5
        const freshness = session(offsetMs, staleAfterMs)
        let nowMs = 0
        let offset = 0
        /** When the newest pulse held was written, by our clock: the whole truth. */
        let writtenAtMs = -Infinity
        let held = false
        for (const { waitMs, ageMs, progress, transitMs } of events) {
          nowMs += waitMs
          const sentAtMs = nowMs - transitMs
          freshness.pulse(pulse(sentAtMs + offsetMs, [[0, progress || !held ? ++offset : offset, ageMs]]), nowMs)
          if (progress || !held) writtenAtMs = Math.min(nowMs, sentAtMs - ageMs)
          held = true
          freshness.review(nowMs)
          for (const laterMs of [0, staleAfterMs / 2, staleAfterMs - 1, staleAfterMs, staleAfterMs + 1, 10 * staleAfterMs]) {
            const atMs = nowMs + laterMs
            // As every reader does: judge anew only when something can have changed.
            const before = freshness.expiresAtMs
            if (atMs > before) freshness.review(atMs)
            const trueAgeMs = atMs - writtenAtMs
            const state = freshness.stateOf('quote', 'A', 0).state
            if (Math.abs(trueAgeMs - staleAfterMs) > 1e-3) assert.equal(state, trueAgeMs <= staleAfterMs ? 'live' : 'stale')
          }
          freshness.review(nowMs)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('tells when it may change: never live past that time, never changed before it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 4000, noNaN: true }), fc.double({ min: 0, max: 8000, noNaN: true }), (ageMs, laterMs) => {
        const partition = new PartitionFreshness(0)
        partition.accept([0, 1, 0, ageMs, []], 1, [], 0, 1000)
        const context = { node: 'gw-1', staleAfterMs: 2500, live: LIVE, lastPulseAtMs: 1000, expectedSinceMs: 0 }
        partition.state = judgePartition(partition, null, context, 1000)
        const state = judgePartition(partition, null, context, 1000 + laterMs)
        if (1000 + laterMs <= partition.expiresAtMs(context)) assert.equal(state.state, partition.state.state)
        else assert.equal(state.state, 'stale')
      }),
    )
  })
})
