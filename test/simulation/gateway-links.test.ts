/**
 * Properties of one gateway alone: its links to two or three push nodes, each of which reads the log at its own pace, is
 * cut off, held up or restarted with a short history, and two receivers by the book. Whatever happens, P1 holds at every
 * pulse, no gap is told that need not be, and in the end everybody holds what the log says.
 * `npm run simulate -- --gateway 10000` plays more.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { play } from './gateway/commands.ts'
import { REGRESSIONS } from './gateway/regressions.ts'
import { checkPart } from './sequences/parts.ts'
import { inOwnTurn } from './world/microtasks.ts'

for (const { found, keptBy, setting, commands } of REGRESSIONS) {
  test(found, async () => {
    assert.ok(existsSync(new URL(`../../${keptBy}`, import.meta.url)), keptBy)
    const failure = await inOwnTurn(() => play(setting, commands))
    assert.equal(failure, null, failure?.message ?? '')
  })
}

/** Another one each time; a failure prints it. `PULSEWIRE_TEST_SEED` plays one again. */
const SEED = Number(process.env['PULSEWIRE_TEST_SEED'] || randomInt(2 ** 31))

test(`whatever befalls its links, a gateway keeps P1 and tells no needless gap (seed ${SEED})`, () =>
  inOwnTurn(() => checkPart('gateway', 200, SEED)))
