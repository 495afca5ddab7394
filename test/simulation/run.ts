/**
 * Simulates whole fleets through faults, each from its own seed. See README.md beside this file.
 *
 *   npm run simulate -- --seeds 1000 --from 1 --jobs 2   seeds 1 to 1000, in two processes
 *   npm run simulate -- --minutes 5                      as many as there is time for
 *   npm run simulate -- --simulated-minutes 10           faults strike for so long in each
 *   npm run simulate -- --seed 42 --trace                one seed, with everything that happens
 *   npm run simulate -- --sender 10000                   sequences of commands to one sender
 *   npm run simulate -- --gateway 10000                  sequences of what befalls one gateway
 *   npm run simulate -- --mutations                      whether planted defects are found
 *
 * Exits with 1 at the first seed that breaks a promise, and shows how.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { testMutations } from './runner/mutation-run.ts'
import { playSeed } from './runner/play-seed.ts'
import { playSeeds, type PoolResult } from './runner/pool.ts'
import { PARTS, playPart, type Part } from './sequences/parts.ts'
import { inOwnTurn } from './world/microtasks.ts'

/** Lines of a trace that are shown of a seed that failed. */
const TRACE_LINES = 120
const LINE_CHARACTERS_MAX = 600
const SEEDS = 200
const PROGRESS_EVERY_MS = 60_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    'simulated-minutes': { type: 'string' },
    sender: { type: 'string' },
    gateway: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
})

function main(): Promise<number> {
  for (const part of PARTS) if (values[part] !== undefined) return sequences(part, whole(part)!)
  if (values.seed !== undefined) return one(whole('seed')!)
  if (values.mutations) return testMutations({ jobs: whole('jobs')!, seedsMax: whole('seeds'), only: values.only, faultsMs: faultsMs() })
  return many()
}

async function many(): Promise<number> {
  const from = whole('from')!
  const jobs = whole('jobs')!
  const minutes = number('minutes')
  const startedMs = performance.now()
  let toldMs = startedMs
  const result = await playSeeds({
    from,
    jobs,
    seeds: whole('seeds') ?? (minutes === undefined ? SEEDS : Infinity),
    untilMs: startedMs + (minutes ?? Infinity) * 60_000,
    faultsMs: faultsMs(),
    keepGoing: values['keep-going'],
    onFailure: ({ seed, message }) => console.log(`seed ${seed}: ${message}`),
    onProgress: (soFar) => {
      if (performance.now() - toldMs < PROGRESS_EVERY_MS) return
      toldMs = performance.now()
      console.log(summary(soFar, from, startedMs))
    },
  })
  console.log(summary(result, from, startedMs))
  const failed = result.failures.toSorted((a, b) => a.seed - b.seed)
  for (const [rule, ofRule] of Map.groupBy(failed, (failure) => failure.rule))
    console.log(
      `${rule}: ${ofRule.length} seeds: ${ofRule
        .slice(0, 20)
        .map(({ seed }) => seed)
        .join(' ')}`,
    )
  if (failed.length > 0 && !values['keep-going']) await one(failed[0]!.seed)
  return failed.length > 0 ? 1 : 0
}

function summary({ done, simulatedMs, cpuMs }: PoolResult, from: number, startedMs: number): string {
  const minutes = (performance.now() - startedMs) / 60_000
  return [
    `${done} seeds from ${from}`,
    `${Math.round(simulatedMs / 60_000)} simulated minutes`,
    `${Math.round(done / minutes)} seeds a minute`,
    `${Math.round((done * 60_000) / cpuMs)} a minute of CPU`,
  ].join(', ')
}

async function one(seed: number): Promise<number> {
  const given = faultsMs()
  const result = await playSeed(seed, { trace: true, ...(given === undefined ? {} : { faultsMs: given }) })
  const lines = values.trace ? result.trace : result.trace.slice(-TRACE_LINES)
  for (const line of lines) console.log(line.length > LINE_CHARACTERS_MAX ? `${line.slice(0, LINE_CHARACTERS_MAX)}…` : line)
  console.log(`\nseed ${seed}: ${(result.simulatedMs / 1000).toFixed(1)} s, ${result.events} events, ${JSON.stringify(result.counts)}`)
  console.log(`faults: ${result.faults.join('; ') || 'none'}`)
  const again = `npm run simulate -- --seed ${seed}${given === undefined ? '' : ` --simulated-minutes ${given / 60_000}`} --trace`
  console.log(result.failure === null ? 'every promise was kept' : `BROKEN ${result.failure.message}\n${again}`)
  return result.failure === null ? 0 : 1
}

async function sequences(part: Part, count: number): Promise<number> {
  const seed = whole('from') === 1 ? randomInt(2 ** 31) : whole('from')!
  console.log(`${count} sequences from seed ${seed}`)
  const failure = await inOwnTurn(() => playPart({ part, sequences: count, seed, shrink: true }))
  if (failure === undefined) return 0
  console.log(failure.message)
  return 1
}

function faultsMs(): number | undefined {
  const minutes = number('simulated-minutes')
  return minutes === undefined ? undefined : minutes * 60_000
}

function number(name: 'minutes' | 'simulated-minutes' | 'seed' | 'seeds' | 'from' | 'jobs' | Part): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`)
  return value
}

function whole(name: Parameters<typeof number>[0]): number | undefined {
  const value = number(name)
  if (value !== undefined && !Number.isSafeInteger(value)) throw new Error(`--${name} takes a whole number, not ${value}`)
  return value
}

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message)
  return 2
})
