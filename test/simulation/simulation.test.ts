/** A short run of the simulated fleet: whole fleets through faults, P1 and P2 checked at every pulse. `npm run simulate` plays more. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { FORMER, SEEDS as REGRESSIONS } from './regressions.ts'
import { playSeed } from './runner/play-seed.ts'

const FIRST_SEED = 1
const SEEDS = 120

test('what former seeds found is kept by tests that there are', () => {
  for (const { keptBy } of FORMER) if (keptBy !== null) assert.ok(existsSync(new URL(`../../${keptBy}`, import.meta.url)), keptBy)
})

for (const { seed, found, simulatedMinutes } of REGRESSIONS) {
  test(`seed ${seed}: ${found}`, async () => {
    const { failure } = await playSeed(seed, simulatedMinutes === undefined ? {} : { faultsMs: simulatedMinutes * 60_000 })
    assert.equal(failure, null, `npm run simulate -- --seed ${seed} --trace: ${failure?.message}`)
  })
}

test(`no promise is broken in ${SEEDS} fleets with faults`, { timeout: 280_000 }, async () => {
  let events = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const result = await playSeed(seed, {})
    assert.equal(result.failure, null, `npm run simulate -- --seed ${seed} --trace: ${result.failure?.message}`)
    events += result.events
  }
  assert.ok(events > SEEDS * 100, 'the fleets were at work')
})
