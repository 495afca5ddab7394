import { Command, Option } from 'commander'
import picocolors from 'picocolors'
import { EXIT_CODES } from '@pulsewire/server'
import { type DoctorFlags, examine } from '../doctor/doctor.ts'
import { formatChecks } from '../doctor/format.ts'
import { balancerFromEnvironment } from '../ask/defaults.ts'
import { toBalancers, toNodes } from './addresses.ts'
import { withDirectory } from './directory-flags.ts'

export function doctorCommand(): Command {
  return withDirectory(
    new Command('doctor').description('look at everything: configuration, Kafka, leases, feeds, gateways as a client, balancers'),
  )
    .addOption(
      new Option('-g, --gateway <address>', 'a gateway beside those that have leases, as often as needed')
        .argParser(toNodes)
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--balancer <address>',
        'a balancer beside those that have leases, as often as needed; where leases cannot be read, its gateways are looked at',
      )
        .argParser(toBalancers)
        .default([], 'PULSEWIRE_BALANCER'),
    )
    .option('--json', 'one JSON object per check', false)
    .addHelpText('after', '\nExit code 0 when no problem was found, else 1. Notes are no problems.')
    .action(async (flags: DoctorFlags & { readonly json: boolean }) => {
      const known = balancerFromEnvironment()
      const checks = await examine(flags.balancer.length > 0 || known === undefined ? flags : { ...flags, balancer: [known] })
      if (flags.json) for (const check of checks) console.log(JSON.stringify(check))
      else console.log(formatChecks(checks, picocolors.createColors(process.stdout.isTTY && !process.env['NO_COLOR'])))
      if (checks.some(({ verdict }) => verdict === 'problem')) process.exitCode = EXIT_CODES.failure[0]
    })
}
