/** `npm run bench`: Pulsewire and its peers side by side on one Kafka topic. See bench/README.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { startKafka } from '../test/support/kafka.ts'
import { verdicts } from './harness/floors.ts'
import { buildGoPrograms } from './harness/go.ts'
import { type Measurement, measure } from './harness/loads.ts'
import { type Options, readOptions, UsageError, usage } from './harness/options.ts'
import { otherPeers } from './harness/peers.ts'
import { overhead } from './harness/observation.ts'
import { killAll, stopAll } from './harness/processes.ts'
import { FLUSH_MS, pulsewirePeers, takesPart } from './harness/pulsewire.ts'
import { medians, saveResult } from './harness/results.ts'
import { measureSideBySide } from './harness/side-by-side.ts'
import { measurementTables, verdictTable, warnings } from './harness/table.ts'
import { type Environment, Producer } from './harness/tools.ts'

const benchDir = import.meta.dirname
const cacheDir = join(benchDir, '..', '.cache', 'bench')
const BROKER_WARM_UP_RECORDS = 300_000
const peers = [...pulsewirePeers, ...otherPeers(FLUSH_MS)]

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), peers)
  if (options === 'help') return console.log(usage(peers))
  if (process.platform !== 'linux') throw new Error('The benchmark reads CPU time and memory from /proc, which only Linux has.')

  console.log('Building …')
  const programs = await buildGoPrograms(benchDir, join(cacheDir, 'bin'))
  console.log('Starting Kafka …')
  const kafka = await startKafka()
  const scratchDir = mkdtempSync(join(tmpdir(), 'pulsewire-bench-'))
  process.once('exit', () => rmSync(scratchDir, { recursive: true, force: true }))
  try {
    const brokers = kafka.brokers.join(',')
    const topicPrefix = `bench-quotes-${Date.now()}`
    const environment: Environment = {
      brokers,
      topic: `${topicPrefix}-warm-up`,
      programs,
      logDir: join(cacheDir, 'logs'),
      scratchDir,
      seed: options.seed,
    }
    // A cold broker would be part of the first peer's latency.
    await Producer.createTopic(environment)
    await Producer.fill(environment, BROKER_WARM_UP_RECORDS)
    const rounds = await (options.sideBySide ? measureTogether : measureAll)(options, environment, topicPrefix)
    const final = medians(rounds)
    const floors = verdicts(final)
    console.log(`\n${measurementTables(final)}\n\n${verdictTable(floors)}`)
    console.log(warnings(final))
    console.log(overhead(rounds))
    console.log(`Kept in ${relative(process.cwd(), await saveResult(join(benchDir, 'results'), options, rounds, floors))}`)
  } finally {
    await stopAll()
    await kafka.stop()
  }
}

/** Peers run one after another; every other pass runs backwards, so that drift of the machine favours nobody. */
async function measureAll(options: Options, environment: Environment, topicPrefix: string): Promise<Measurement[]> {
  const measurements: Measurement[] = []
  let backwards = false
  for (let round = 1; round <= options.rounds; round++) {
    for (const load of options.loads) {
      const order = options.peers.filter((peer) => takesPart(peer, load, options.loads))
      for (const peer of backwards ? order.toReversed() : order) {
        process.stdout.write(`Load ${load}, ${peer.name} … `)
        try {
          // A topic of its own: what was written before must not be read back by whoever reads back.
          const topic = `${topicPrefix}-${round}-${load}-${peer.name}`
          measurements.push(await measure(load, peer, { ...environment, topic }, options))
          console.log('done')
        } catch (error) {
          console.log(`failed: ${(error as Error).message}`)
          process.exitCode = 1
        }
      }
      backwards = !backwards
    }
  }
  return measurements
}

/** Every other round they start the other way round. */
async function measureTogether(options: Options, environment: Environment, topicPrefix: string): Promise<Measurement[]> {
  const measurements: Measurement[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const order = round % 2 === 0 ? options.peers.toReversed() : options.peers
    process.stdout.write(`Load B side by side, ${order.map(({ name }) => name).join(' and ')} … `)
    measurements.push(...(await measureSideBySide(order, { ...environment, topic: `${topicPrefix}-${round}` }, options)))
    console.log('done')
  }
  return measurements
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // The broker's own watcher ends it when this process is gone.
    killAll()
    process.exit(130)
  })
}
process.once('exit', killAll)

try {
  await main()
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage(peers)}` : (error as Error).message)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
