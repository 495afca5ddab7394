import type { Command } from 'commander'
import { DEFAULT_VIA } from '../ask/open.ts'

/** How commands that ask nodes are told by whom to reach them, and who may. */
export function withAsking(command: Command): Command {
  return command
    .option(
      '-u, --via <address>',
      `a node that can be reached, as often as needed (default: ${DEFAULT_VIA}, or PULSEWIRE_URL)`,
      collect,
      [],
    )
    .option('--balancer <url>', 'a balancer that names the gateways, such as http://127.0.0.1:8070')
    .option(
      '--secret-file <file>',
      'file that holds the operator secret (default: PULSEWIRE_OPERATOR_SECRET, or the file that PULSEWIRE_OPERATOR_SECRET_FILE names)',
    )
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value]
}
