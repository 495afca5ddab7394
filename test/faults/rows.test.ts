/** Rows of the table of faults that are quick and steady enough for every run of the tests; the others: `npm run faults -- --all`. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { loadCases } from './catalogue.ts'
import { describeOutcome, runCaseSoundly } from './rig/run-case.ts'
import { SharedKafka } from './rig/shared-kafka.ts'

const ROWS = 31
const cases = await loadCases()

test('every row of the table has a case', () => {
  assert.deepEqual(
    cases.map(({ number }) => number),
    Array.from({ length: ROWS }, (_, i) => i + 1),
  )
})

describe('faults that must be survived', () => {
  let shared: SharedKafka
  before(async () => {
    shared = await SharedKafka.start()
  })
  after(async () => {
    await shared?.[Symbol.asyncDispose]()
  })
  for (const definition of cases.filter(({ inTests }) => inTests === true)) {
    test(`row ${definition.number}, ${definition.name}: ${definition.expected}`, async () => {
      const outcome = await runCaseSoundly(definition, shared)
      console.log(describeOutcome(outcome))
      assert.deepEqual(outcome.failures, [], [...outcome.failures, outcome.nodes ?? ''].join('\n'))
    })
  }
})
