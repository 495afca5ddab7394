/** A small version of the large fleet; `npm run scale` plays a thousand gateways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenBounds } from './scale/bounds.ts'
import { playMove } from './scale/move.ts'
import { playScale } from './scale/story.ts'
import { SMALL } from './scale/sizes.ts'
import { inOwnTurn } from './world/microtasks.ts'

for (const seed of [1, 2]) {
  test(`${SMALL.gateways} gateways in 3 zones: spread, a zone lost, Kafka away (seed ${seed})`, async () => {
    const report = await inOwnTurn(() => playScale({ ...SMALL, seed }))
    assert.deepEqual(brokenBounds(report, SMALL.gateways), [])
    // The storm was one: at some door came more than it takes in a second, and half of all had to wait.
    assert.ok(report.storm.doorLoad > 1 && report.storm.medianMs > 3000, JSON.stringify(report.storm))
  })
}

/** As in a soak (test/faults/soak): two gateways, of which one serves 2,000 clients. */
const TWO = { ...SMALL, gateways: 2, each: 1, clientsPerGateway: 2000, connectionsPerSecond: 1000, answersPerSecond: 2000 }

test('2,000 clients of a gateway that freezes are at the only other one within 4 s, where that takes 1,000 a second', async () => {
  for (const seed of [1, 2]) {
    const { clients, lastMs, refused } = await inOwnTurn(() => playMove({ ...TWO, seed }))
    assert.deepEqual([clients, refused], [2000, 0])
    assert.ok(lastMs < 4000, `seed ${seed}: the last after ${lastMs} ms`)
  }
})
