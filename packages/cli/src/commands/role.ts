import { Command, InvalidArgumentError } from 'commander'
import { PROCESS_ROLES, type ProcessRole } from '@pulsewire/server'
import { runAll, runRole } from '../roles/run-roles.ts'
import { addConfigOptions, type ConfigOptions } from './config-options.ts'

const DESCRIPTIONS: Readonly<Record<ProcessRole, string>> = {
  push: 'run a push node: reads Kafka, serves gateways',
  gateway: 'run a gateway: links to push nodes, serves clients',
  balancer: 'run a balancer: proves gateways, tells clients where to connect',
  pulse: 'run a pulse writer: proves that quotes are fresh',
}

export function roleCommands(): Command[] {
  const single = PROCESS_ROLES.map((role) =>
    addConfigOptions(new Command(role).description(DESCRIPTIONS[role]), role).action((options: ConfigOptions) => runRole(role, options)),
  )
  const all = addConfigOptions(new Command('all').description('run several roles in one process'), 'all')
    .option('--roles <list>', `of ${PROCESS_ROLES.join(', ')}; default: all, the balancer only with directory.enabled`, parseRoles)
    .action((options: ConfigOptions & { readonly roles?: readonly ProcessRole[] }) => runAll(options.roles, options))
  return [...single, all]
}

function parseRoles(value: string): readonly ProcessRole[] {
  const roles = value.split(',').map((role) => role.trim())
  const unknown = roles.find((role) => !(PROCESS_ROLES as readonly string[]).includes(role))
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${PROCESS_ROLES.join(', ')}.`)
  return roles as ProcessRole[]
}
