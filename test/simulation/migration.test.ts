/**
 * A feed that moves, in virtual time: push nodes of two lines that hear of it, read and switch at different moments, frozen
 * or restarted, with producers of every kind. Every application is shown every record once and in order, none of it stale.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { playMove } from './migration/move-world.ts'

const SEEDS = 150
/** Others each time; a failure prints its own. `PULSEWIRE_TEST_SEED` plays one again. */
const FIRST = Number(process.env['PULSEWIRE_TEST_SEED'] || randomInt(2 ** 31))

test(`each record is given once and nothing turns stale in ${SEEDS} moves (from seed ${FIRST})`, { timeout: 200_000 }, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { failure } = await playMove(seed)
    assert.equal(failure, null, `seed ${seed}: ${failure}`)
  }
})
