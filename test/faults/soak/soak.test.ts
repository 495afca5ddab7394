/** A soak of some seconds: that it counts, and that what it counts is well. At length: `npm run soak`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedKafka } from '../rig/shared-kafka.ts'
import { MENU } from './menu.ts'
import { soak } from './soak.ts'

test('clients of an installation under fault after fault are fresh, or told why not', { timeout: 240_000 }, async () => {
  await using shared = await SharedKafka.start()
  const menu = MENU.filter(({ what }) => ['push node of line B killed', 'gateway killed'].includes(what))
  const options = { clients: 60, witnesses: 4, durationMs: 21_000, faultEveryMs: 10_000, seed: 1, menu }
  const result = await soak(options, shared, (line) => console.log(line))
  const { account, blows, failures } = result
  assert.deepEqual(failures, [])
  assert.equal(blows.length, 2)
  assert.ok(account.excused > 0, 'clients of the gateway that was killed were told')
  assert.ok(account.all - account.void > 60 * 15, `${account.all} client-seconds, ${account.void} of them void`)
})
