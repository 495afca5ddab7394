import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GreyPolicy } from '../../directory/index.ts'
import { GreyGuard } from './grey-guard.ts'
import type { TrackFigures } from './track-figures.ts'

const LIMITS = {
  bounds: { freshnessMs: 500, latencyMs: 100, errorRate: 5, disconnectRate: 20 },
  holdMs: 10_000,
  looksMin: 20,
  eventsMin: 5,
}

function figures(track: 'stable' | 'grey', change: Partial<TrackFigures> = {}): TrackFigures {
  const well = { gateways: 2, sessions: 1000, looks: 60, freshnessMs: 400, latencyMs: 20, errorRate: 0, disconnectRate: 2 }
  return { track, ...well, errors: 0, disconnects: 2, ...change }
}

/** Judges once a second for so long. @returns the first reason to stop, and after how many seconds it came. */
function judged(guard: GreyGuard, seconds: number, grey: (second: number) => Partial<TrackFigures>, stable: Partial<TrackFigures> = {}) {
  for (let second = 0; second < seconds; second++) {
    const reason = guard.judge(figures('stable', stable), figures('grey', grey(second)), second * 1000)
    if (reason !== null) return { second, reason }
  }
  return null
}

function guarding(): GreyGuard {
  const guard = new GreyGuard(LIMITS)
  guard.follow(new GreyPolicy({ percent: 5, users: [], atMs: 1 }), 0)
  return guard
}

describe('GreyGuard', () => {
  for (const [what, worse, says] of [
    ['freshness', { freshnessMs: 1000 }, /delay of pulses at grey is 1000 ms, stable has 400 ms, 500 ms more is allowed, for 10 s/],
    ['latency', { latencyMs: 140 }, /latency of updates at grey is 140 ms, stable has 20 ms/],
    ['errors', { errorRate: 6, errors: 6 }, /fault of its own/],
    ['disconnects', { disconnectRate: 30, disconnects: 30 }, /connections that grey lost/],
  ] as const) {
    it(`stops a release that is worse in ${what} once that has lasted, and says by how much`, () => {
      const stop = judged(guarding(), 60, () => worse)
      assert.equal(stop?.second, 10)
      assert.match(stop.reason, says)
    })
  }

  for (const [what, grey, stable] of [
    ['is as good', {}, {}],
    ['is worse by less than the bound', { freshnessMs: 890, latencyMs: 119, disconnectRate: 21 }, {}],
    ['is as bad as the stable track', { freshnessMs: 9000 }, { freshnessMs: 8900 }],
    ['was hardly looked at', { freshnessMs: 9000, looks: 19 }, {}],
    ['has a stable track that was hardly looked at', { freshnessMs: 9000 }, { looks: 19 }],
    ['lost few connections', { disconnectRate: 900, disconnects: 4 }, {}],
    ['has no gateways', { freshnessMs: 9000, gateways: 0 }, {}],
    ['has no stable gateways beside it', { freshnessMs: 9000 }, { gateways: 0 }],
    ['has nothing to be compared with', { latencyMs: 9000 }, { latencyMs: null }],
  ] as const)
    it(`stops no release that ${what}`, () => {
      assert.equal(
        judged(guarding(), 300, () => grey, stable),
        null,
      )
    })

  it('a pause begins the time anew; around the bound it is one stretch and not many', () => {
    const bumpy = (second: number) => ({ freshnessMs: second % 8 === 7 ? 400 : 1000 })
    assert.equal(judged(guarding(), 300, bumpy), null)
    const flickering = (second: number) => ({ freshnessMs: second % 2 === 0 ? 910 : 850 })
    assert.equal(judged(guarding(), 300, flickering)?.second, 10)
    const guard = guarding()
    judged(guard, 6, () => ({ freshnessMs: 1000 }))
    assert.deepEqual(
      guard.worse.map(({ measure }) => measure),
      ['freshnessMs'],
    )
    guard.pause()
    assert.deepEqual(guard.worse, [])
  })

  it('judges nobody without a release, and each release by itself', () => {
    const guard = new GreyGuard(LIMITS)
    const bad = () => ({ freshnessMs: 9000 })
    assert.equal(judged(guard, 60, bad), null)
    const release = { percent: 5, users: [], atMs: 1 }
    guard.follow(new GreyPolicy(release), 0)
    assert.equal(judged(guard, 60, bad)?.second, 10)
    guard.follow(new GreyPolicy(release, { of: 1, by: 'lb-1', reason: '', atMs: 2 }), 60_000)
    assert.equal(judged(guard, 60, bad), null, 'stopped already')
    guard.follow(new GreyPolicy({ ...release, atMs: 2 }), 70_000)
    assert.equal(guard.setAtMs, 70_000)
    assert.equal(judged(guard, 60, bad)?.second, 10)
  })
})
