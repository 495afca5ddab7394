/**
 * `npm run soak`: very many clients on real processes with real Kafka, under fault after fault, for half an hour. Every
 * second of every client is accounted for: fresh, flagged as a fault allows, or neither.
 *
 *   npm run soak
 *   npm run soak -- --minutes 5 --clients 500 --every 20 --seed 7
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { keepResult } from '../rig/keep-result.ts'
import { SharedKafka } from '../rig/shared-kafka.ts'
import { percent, soak, type SoakOptions, type SoakResult } from './soak.ts'

const WITNESSES = 24

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      clients: { type: 'string', default: '2000' },
      every: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
    },
  })
  const options: SoakOptions = {
    clients: number('clients', values.clients),
    durationMs: number('minutes', values.minutes) * 60_000,
    faultEveryMs: number('every', values.every) * 1000,
    seed: number('seed', values.seed),
    witnesses: WITNESSES,
  }
  console.log('Starting Apache Kafka …')
  await using shared = await SharedKafka.start()
  const result = await soak(options, shared, (line) => console.log(line))
  console.log(describe(result, options))
  console.log(`Result: ${await keepResult('soak', { options, ...result })}`)
  return result.failures.length === 0 ? 0 : 1
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`)
  return value
}

function describe(
  { account, blows, memory, wrong, gaps, longestStallMs, updates, failures }: SoakResult,
  { clients }: SoakOptions,
): string {
  const { all, void: isVoid, excused, unexcused, lied, freshShare, worst } = account
  return [
    '',
    `${blows.length} faults, ${clients} clients, ${all} client-seconds (${isVoid} void) on ${availableParallelism()} × ${cpus()[0]?.model}`,
    `fresh where no fault excuses otherwise: ${percent(freshShare)} (excused ${excused}, flagged for no reason ${unexcused}, shown live and not true ${lied})`,
    ...(worst === null ? [] : [`most at once for no reason: ${worst.clients} clients, which said ${JSON.stringify(worst.said)}`]),
    `wrong values ${wrong}, gaps told ${gaps}; ${updates} events of the witnesses held against the log; their process stood still for ${longestStallMs} ms at most`,
    ...memory.map(({ node, text }) => `memory of ${node}: ${text}`),
    ...failures.map((text) => `✖ ${text}`),
    `Soak: ${failures.length === 0 ? 'passed' : 'failed'}`,
  ].join('\n')
}

// An end by signal runs no cleaning up of its own; an exit does.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message)
  return 2
})
