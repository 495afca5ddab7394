import { Command, InvalidArgumentError } from 'commander'
import { loadConfig, openLog } from '@pulsewire/server'
import { produce } from '../produce/produce.ts'
import { openSource } from '../produce/source.ts'
import { collect } from './collect.ts'

interface ProduceFlags {
  readonly topic: string
  readonly brokers?: string
  readonly config?: string
  readonly set: readonly string[]
  readonly file?: string
  readonly market: boolean
  readonly rate: number
  readonly symbols: number
  readonly seed: number
  readonly keyField: string
  readonly loop: boolean
  readonly count?: number
  readonly createPartitions?: number
}

export function produceCommand(): Command {
  return new Command('produce')
    .description('feed a topic from a file or from a simulated market, at an exact rate')
    .requiredOption('-t, --topic <topic>', 'topic to write to')
    .option('-b, --brokers <list>', 'Kafka brokers, comma-separated (log.brokers)')
    .option('-c, --config <file>', 'configuration file whose `log` section says how to reach Kafka')
    .option('-s, --set <setting=value>', 'one setting of `log`, as often as needed', collect, [])
    .option('--file <file>', 'quotes.csv, with a heading line, or quotes.ndjson, one JSON object per line')
    .option('--market', 'a simulated market instead of a file', false)
    .option('-r, --rate <rate>', 'records per second', positive, 1_000)
    .option('--symbols <n>', 'symbols of the simulated market', whole, 500)
    .option('--seed <n>', 'seed of the simulated market: the same seed gives the same quotes', whole, 1)
    .option('--key-field <field>', 'column or member that holds the symbol', 'symbol')
    .option('--loop', 'begin again at the end of the file', false)
    .option('-n, --count <n>', 'stop after so many records', whole)
    .option('--create-partitions <n>', 'create the topic with so many partitions if it is missing', whole)
    .action(async (flags: ProduceFlags, command: Command) => {
      if ((flags.file === undefined) === !flags.market) command.error('error: give either --file or --market')
      await run(flags)
    })
}

async function run(flags: ProduceFlags): Promise<void> {
  const { topic } = flags
  const config = loadConfig('pulse', {
    env: process.env,
    ...(flags.config === undefined ? {} : { file: flags.config }),
    assignments: [
      ...(flags.brokers === undefined ? [] : [`log.brokers=${flags.brokers}`]),
      ...flags.set,
      // Feeds do not matter here; the schema wants one.
      `feeds=${JSON.stringify([{ name: 'produce', topic }])}`,
    ],
  })
  await using log = await openLog(config.log, 'produce', [])
  if (flags.createPartitions !== undefined) await log.createTopic(topic, { partitions: flags.createPartitions })

  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  const source = openSource(flags, (line, reason) => console.error(`line ${line}: ${reason}`))
  const totals = await produce({
    log,
    topic,
    source,
    rate: flags.rate,
    signal: stop.signal,
    onProgress: (text) => console.error(text),
    ...(flags.count === undefined ? {} : { countMax: flags.count }),
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
  console.log(totals)
}

function positive(value: string): number {
  const number = Number(value)
  if (!(number > 0 && number <= 1e7)) throw new InvalidArgumentError('It is a number from above 0 to 10,000,000.')
  return number
}

function whole(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('It is a whole number from 1.')
  return number
}
