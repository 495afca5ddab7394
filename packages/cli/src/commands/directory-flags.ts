import { type Command, Option } from 'commander'
import { collect } from './collect.ts'

/** How commands that look at the control topic are told where it is. */
export function withDirectory(command: Command): Command {
  return command
    .option('-b, --brokers <list>', 'Kafka brokers, comma-separated (log.brokers)')
    .option('-c, --config <file>', 'configuration file of any role: its `log` and `directory` sections count')
    .addOption(
      new Option('-s, --set <setting=value>', 'one setting of `log` or `directory`, as often as needed')
        .argParser(collect)
        .default([], 'none'),
    )
}
