/** A small version of the large fleet; `npm run scale` plays a thousand gateways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenBounds } from './scale/bounds.ts'
import { playScale } from './scale/story.ts'
import { SMALL } from './scale/sizes.ts'
import { inOwnTurn } from './world/microtasks.ts'

for (const seed of [1, 2]) {
  test(`${SMALL.gateways} gateways in 3 zones: spread, a zone lost, Kafka away (seed ${seed})`, async () => {
    const report = await inOwnTurn(() => playScale({ ...SMALL, seed }))
    assert.deepEqual(brokenBounds(report, SMALL.gateways), [])
    // The storm was one: more came than gateways take in a second.
    assert.ok(report.storm.refused > 0 && report.storm.medianMs > 3000, JSON.stringify(report.storm))
  })
}
