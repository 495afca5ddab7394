/**
 * Simulates whole fleets through faults, one after the other, each from its own seed.
 *
 *   npm run simulate -- --seeds 1000 --from 1        seeds 1 to 1000
 *   npm run simulate -- --minutes 5                  as many as there is time for
 *   npm run simulate -- --seed 42 --trace            one seed, with everything that happens
 *
 * Exits with 1 at the first seed that breaks a promise, and shows how.
 */
import { parseArgs } from 'node:util'
import { Scenario, type ScenarioResult } from './scenario.ts'
import { inOwnTurn } from './world/microtasks.ts'

/** Lines of a trace that are shown of a seed that failed. */
const TRACE_LINES = 120

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
})

async function main(): Promise<number> {
  if (values.seed !== undefined) return await one(Number(values.seed))
  const from = Number(values.from)
  const seeds = Number(values.seeds ?? (values.minutes === undefined ? 200 : Infinity))
  const untilMs = performance.now() + Number(values.minutes ?? Infinity) * 60_000
  const startedMs = performance.now()
  let simulatedMs = 0
  let done = 0
  const failures = new Map<string, number[]>()
  for (; done < seeds && performance.now() < untilMs; done++) {
    const seed = from + done
    const result = await simulate(seed, false)
    simulatedMs += result.simulatedMs
    if (result.failure === null) continue
    if (!values['keep-going']) {
      await one(seed)
      return 1
    }
    const rule = result.failure.rule
    failures.set(rule, [...(failures.get(rule) ?? []), seed])
    console.log(`seed ${seed}: ${result.failure.message}`)
  }
  const minutes = (performance.now() - startedMs) / 60_000
  console.log(
    `${done} seeds (${from} to ${from + done - 1}), ${Math.round(simulatedMs / 60_000)} simulated minutes, ${Math.round(done / minutes)} seeds/minute`,
  )
  for (const [rule, seedsOfRule] of failures) console.log(`${rule}: ${seedsOfRule.length} seeds: ${seedsOfRule.slice(0, 20).join(' ')}`)
  return failures.size > 0 ? 1 : 0
}

async function one(seed: number): Promise<number> {
  const result = await simulate(seed, true)
  const lines = values.trace ? result.trace : result.trace.slice(-TRACE_LINES)
  for (const line of lines) console.log(line.length > 600 ? `${line.slice(0, 600)}…` : line)
  console.log(`\nseed ${seed}: ${(result.simulatedMs / 1000).toFixed(1)} s, ${result.events} events, ${JSON.stringify(result.counts)}`)
  console.log(`faults: ${result.faults.join('; ') || 'none'}`)
  console.log(
    result.failure === null ? 'every promise was kept' : `BROKEN ${result.failure.message}\nnpm run simulate -- --seed ${seed} --trace`,
  )
  return result.failure === null ? 0 : 1
}

/** What the code under test throws is a failure of its seed too. */
function simulate(seed: number, trace: boolean): Promise<ScenarioResult> {
  return inOwnTurn(() => new Scenario(seed, { trace }).run()).catch((error: unknown) => {
    console.error(`seed ${seed} threw`)
    throw error
  })
}

process.exitCode = await main()
