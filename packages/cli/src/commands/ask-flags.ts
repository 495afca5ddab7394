import { type Command, Option } from 'commander'
import { DEFAULT_GATEWAY } from '../ask/defaults.ts'
import { toBalancer, toNodes } from './addresses.ts'

/** How commands that ask nodes are told by whom to reach them, and who may. */
export function withAsking(command: Command): Command {
  return command
    .addOption(
      new Option('-u, --via <address>', 'a node that can be reached, as often as needed')
        .argParser(toNodes)
        .default([], `PULSEWIRE_URL; else ${DEFAULT_GATEWAY}, unless a balancer is known`),
    )
    .option('--balancer <url>', 'a balancer that names the gateways (default: PULSEWIRE_BALANCER, where no node is named)', toBalancer)
    .option(
      '--secret-file <file>',
      'file that holds the operator secret (default: PULSEWIRE_OPERATOR_SECRET, or the file that PULSEWIRE_OPERATOR_SECRET_FILE names)',
    )
}
