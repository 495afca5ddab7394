import { Command, InvalidArgumentError, Option } from 'commander'
import { watch } from '../watch/watch.ts'
import { DEFAULT_BALANCER, DEFAULT_GATEWAY, gatewaysFromEnvironment } from '../ask/defaults.ts'
import { toBalancers, toNodes } from './addresses.ts'
import { collect } from './collect.ts'

interface WatchFlags {
  readonly url: readonly string[]
  readonly balancer: readonly string[]
  readonly feed: string
  readonly fields?: readonly string[]
  readonly group: readonly string[]
  readonly maxRate?: number
  readonly json: boolean
}

export function watchCommand(): Command {
  return new Command('watch')
    .description('show quotes live, and say at once when they are not: a table on a terminal, plain lines otherwise')
    .argument('[symbols...]', "symbols, and patterns such as '*.HK'")
    .addOption(
      new Option('-u, --url <address>', 'gateway, as often as needed')
        .argParser(toNodes)
        .default([], `PULSEWIRE_URL, else ${DEFAULT_GATEWAY}`),
    )
    .addOption(
      new Option('--balancer <url>', `a balancer that names gateways, such as ${DEFAULT_BALANCER}, as often as needed`)
        .argParser(toBalancers)
        .default([], 'none'),
    )
    .option('-f, --feed <feed>', 'feed', 'quote')
    .addOption(
      new Option('-g, --group <name>', 'group configured at the gateway, as often as needed').argParser(collect).default([], 'none'),
    )
    .option('--fields <list>', 'only these fields, comma-separated', (value) => value.split(',').map((field) => field.trim()))
    .option('--max-rate <rate>', 'updates per second per symbol at most', toRate)
    .option('--json', 'one JSON object per update and per change of state', false)
    .addHelpText('after', '\nA token, where the gateway demands one, comes from the environment variable PULSEWIRE_TOKEN.')
    .action(async (symbols: string[], flags: WatchFlags, command: Command) => {
      if (symbols.length === 0 && flags.group.length === 0) command.error('error: name at least one symbol, pattern or --group')
      process.exitCode = await watch(
        {
          urls: flags.url.length > 0 || flags.balancer.length > 0 ? flags.url : (gatewaysFromEnvironment() ?? [DEFAULT_GATEWAY]),
          balancers: flags.balancer,
          feed: flags.feed,
          symbols: symbols.filter((symbol) => !isPattern(symbol)),
          patterns: symbols.filter(isPattern),
          groups: flags.group,
          format: flags.json ? 'json' : process.stdout.isTTY ? 'table' : 'lines',
          ...(flags.fields === undefined ? {} : { fields: flags.fields }),
          ...(flags.maxRate === undefined ? {} : { maxRate: flags.maxRate }),
          ...(process.env['PULSEWIRE_TOKEN'] === undefined ? {} : { token: process.env['PULSEWIRE_TOKEN'] }),
        },
        { stdout: process.stdout, stderr: process.stderr, signals: process },
      )
    })
}

function isPattern(text: string): boolean {
  return /[*?]/.test(text)
}

function toRate(value: string): number {
  const rate = Number(value)
  if (!(rate >= 0.1 && rate <= 1000)) throw new InvalidArgumentError('It is a number from 0.1 to 1000.')
  return rate
}
