/** The simulation finds what it is for: a few of the planted defects, and that all of them can be planted. `npm run simulate -- --mutations` plays all. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { MUTATIONS } from './mutations.ts'
import { findMutation } from './runner/mutation-run.ts'
import { mutate } from './runner/plant.ts'

/** Found within a few seeds, each by another rule. */
const PLAYED = [
  'what nobody wants any more is not let go',
  'a link that comes back is not asked again for what is wanted',
  'a gateway takes older records for newer ones',
  'conflation drops the newest',
] as const

test('every defect can be planted', () => {
  for (const mutation of MUTATIONS) {
    const source = readFileSync(new URL(`../../${mutation.file}`, import.meta.url), 'utf8')
    const mutated = mutate(source, mutation)
    assert.notEqual(mutated, source)
    assert.doesNotThrow(() => stripTypeScriptTypes(mutated), mutation.name)
  }
  assert.equal(new Set(MUTATIONS.map(({ name }) => name)).size, MUTATIONS.length)
})

test('a text that the sources do not have any more is an error', () => {
  assert.throws(() => mutate('nothing of the kind', MUTATIONS[0]!), /stands 0 times/)
})

for (const name of PLAYED) {
  test(`found: ${name}`, { timeout: 280_000 }, async () => {
    const found = await findMutation(MUTATIONS.find((mutation) => mutation.name === name)!, { seedsMax: 60 })
    assert.notEqual(found.rule, null, `${found.played} fleets do not show it`)
  })
}

/** What takes a rare fault, and long fleets have many. */
test('found in fleets of ten minutes: digests are never compared', { timeout: 280_000 }, async () => {
  const mutation = MUTATIONS.find(({ name }) => name === 'digests are never compared')!
  // Of the first 25 the last shows it.
  const found = await findMutation(mutation, { first: 1_000_021, seedsMax: 10, faultsMs: 600_000, parts: [] })
  assert.notEqual(found.rule, null, `${found.played} fleets do not show it`)
})
