import { Command } from 'commander'
import picocolors from 'picocolors'
import { EXIT_CODES } from '@pulsewire/server'
import { type DoctorFlags, examine } from '../doctor/doctor.ts'
import { formatChecks } from '../doctor/format.ts'
import { withDirectory } from './directory-flags.ts'

const many = (value: string, all: readonly string[]): readonly string[] => [...all, value]

export function doctorCommand(): Command {
  return withDirectory(
    new Command('doctor').description('look at everything: configuration, Kafka, leases, feeds, gateways as a client, balancers'),
  )
    .option('-g, --gateway <address>', 'a gateway beside those that have leases, as often as needed', many, [])
    .option('--balancer <address>', 'a balancer beside those that have leases, as often as needed', many, [])
    .option('--json', 'one JSON object per check', false)
    .addHelpText('after', '\nExit code 0 when no problem was found, else 1. Notes are no problems.')
    .action(async (flags: DoctorFlags & { readonly json: boolean }) => {
      const checks = await examine(flags)
      if (flags.json) for (const check of checks) console.log(JSON.stringify(check))
      else console.log(formatChecks(checks, picocolors.createColors(process.stdout.isTTY && !process.env['NO_COLOR'])))
      if (checks.some(({ verdict }) => verdict === 'problem')) process.exitCode = EXIT_CODES.failure[0]
    })
}
