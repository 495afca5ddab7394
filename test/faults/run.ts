/**
 * `npm run faults`: rows of the table of faults, on real processes with real Kafka. One line per row: what was measured
 * beside its bound, and the checker's verdict.
 *
 *   npm run faults                      rows that are quick
 *   npm run faults -- --all             every row, at full length
 *   npm run faults -- --only 1,3,8      these
 *   npm run faults -- --list            what there is, and what is missing
 *   npm run faults -- --repeat 5 --only 2
 */
import { parseArgs } from 'node:util'
import { loadCases } from './catalogue.ts'
import type { FaultBound, FaultCase } from './rig/fault-case.ts'
import { keepResult } from './rig/keep-result.ts'
import { describeOutcome, type Outcome, runCaseSoundly } from './rig/run-case.ts'
import { SharedKafka } from './rig/shared-kafka.ts'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      only: { type: 'string' },
      repeat: { type: 'string', default: '1' },
    },
  })
  // Cases read it where a row has a full length and a shorter one.
  if (values.all) process.env['FAULTS_FULL'] = '1'
  const cases = await loadCases()
  if (values.list) return list(cases)
  const chosen = choose(cases, values.only, values.all)
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error(`--repeat takes a whole number from 1, not ${values.repeat}`)
  console.log('Starting Apache Kafka …')
  const outcomes: Outcome[] = []
  await using shared = await SharedKafka.start()
  for (const definition of chosen) {
    for (let i = 0; i < repeat; i++) {
      const outcome = await runCaseSoundly(definition, shared)
      outcomes.push(outcome)
      console.log(describeOutcome(outcome))
    }
  }
  const failed = outcomes.filter(({ verdict }) => verdict === 'failed').length
  console.log(`\nFaults: ${outcomes.length - failed} passed, ${failed} failed`)
  console.log(`Result: ${await keepResult('rows', { rows: outcomes })}`)
  return failed === 0 ? 0 : 1
}

function list(cases: readonly FaultCase[]): number {
  const bound = ({ detectMs, recoverMs }: FaultBound) =>
    `${detectMs === undefined ? '–' : detectMs / 1000} / ${recoverMs === undefined ? '–' : recoverMs / 1000}`
  for (const { number, name, bound: b, inTests } of cases)
    console.log(`${String(number).padStart(2)}  ${name} (${bound(b)} s)${inTests === true ? ' · in npm test' : ''}`)
  return 0
}

function choose(cases: readonly FaultCase[], only: string | undefined, all: boolean): readonly FaultCase[] {
  if (only === undefined) return all ? cases : cases.filter(({ inTests }) => inTests === true)
  return only.split(',').map((text) => {
    const number = Number(text)
    const definition = cases.find((each) => each.number === number)
    if (definition === undefined) throw new Error(`there is no row ${text}; --list shows what there is`)
    return definition
  })
}

// An end by signal runs no cleaning up of its own; an exit does: nodes are killed, namespaces removed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message)
  return 2
})
