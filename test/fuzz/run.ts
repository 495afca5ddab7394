/**
 * Fuzzes what takes bytes from strangers, guided by the branches that an input takes. See README.md beside this file.
 *
 *   npm run fuzz                                 1,000,000 inputs over all targets
 *   npm run fuzz -- --inputs 10000000 --seed 7   so many, from another seed
 *   npm run fuzz -- --only session               targets whose names hold this
 *
 * Ctrl-C ends it early, with its account. Exits with 1 when there are findings; each is written to `regressions`, for the test to hold.
 */
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { campaign } from './engine/campaign.ts'
import type { Finding } from './engine/fuzzer.ts'
import { writeInput } from './engine/input.ts'
import { instrument } from './engine/instrument.ts'

const TELL_EVERY_MS = 30_000

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' }, only: { type: 'string', default: '' } },
})

async function main(): Promise<number> {
  const branches = instrument((file) => /\/packages\/(protocol|client|server)\/src\//.test(file))
  const { targets } = await import('./targets/index.ts')
  const wanted = targets.filter(({ name }) => name.includes(values.only))
  const inputs = Number(values.inputs)
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed)
  if (wanted.length === 0 || !Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed))
    throw new Error('see the head of test/fuzz/run.ts')
  console.log(`${inputs} inputs from seed ${seed}, ${branches.used} branches in the modules`)
  const startedMs = performance.now()
  let toldMs = startedMs
  let isStopped = false
  process.on('SIGINT', () => (isStopped = true)).on('SIGTERM', () => (isStopped = true))
  const { fuzzers, findings } = await campaign(wanted, { inputs, seed, branches }, (progress) => {
    if (performance.now() - toldMs >= TELL_EVERY_MS) {
      toldMs = performance.now()
      console.log(`${progress.inputs} inputs, ${Math.round((toldMs - startedMs) / 1000)} s`)
    }
    return !isStopped
  })
  console.log('\n| target | inputs | a second | branches | kept |\n|---|---:|---:|---:|---:|')
  for (const { target, inputs, tookMs, corpus } of fuzzers)
    console.log(`| ${target.name} | ${inputs} | ${Math.round((inputs * 1000) / tookMs)} | ${corpus.branches} | ${corpus.size} |`)
  const total = fuzzers.reduce((sum, each) => sum + each.inputs, 0)
  console.log(`\n${total} inputs in ${Math.round((performance.now() - startedMs) / 1000)} s, ${findings.length} findings`)
  console.log(`highest memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`)
  for (const finding of findings) report(finding)
  return findings.length === 0 ? 0 : 1
}

function report({ target, input, error }: Finding): void {
  const file = join(import.meta.dirname, 'regressions', `${target.replaceAll(/[^a-z0-9]+/gi, '-')}-${Date.now()}.json`)
  writeFileSync(file, `${JSON.stringify({ target, why: 'not looked at yet', input: writeInput(input) }, null, 2)}\n`)
  console.error(`\n${target}: ${error instanceof Error ? error.stack : String(error)}\n  ${file}`)
}

process.exit(await main())
