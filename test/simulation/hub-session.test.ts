/**
 * Properties of one sender alone: a hub with its sessions, fed record by record as a push node's, and one receiver by the
 * book over a line that stalls and crawls. Whatever is recorded, asked for and held up, P1 holds at every pulse.
 * `npm run simulate -- --sender 10000` plays more.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { play } from './sender/commands.ts'
import { REGRESSIONS } from './sender/regressions.ts'
import { checkPart } from './sequences/parts.ts'
import { inOwnTurn } from './world/microtasks.ts'

for (const { found, setting, commands } of REGRESSIONS) {
  test(found, async () => {
    const failure = await inOwnTurn(() => play(setting, commands))
    assert.equal(failure, null, failure?.message ?? '')
  })
}

/** Another one each time; a failure prints it. `PULSEWIRE_TEST_SEED` plays one again. */
const SEED = Number(process.env['PULSEWIRE_TEST_SEED'] || randomInt(2 ** 31))

test(`P1 holds at every pulse, in both modes and encodings (seed ${SEED})`, () => inOwnTurn(() => checkPart('sender', 400, SEED)))
