import { Argument, Command } from 'commander'
import { CONFIG_ROLES, type ConfigRole, describeConfig, jsonSchemaOf, loadConfig } from '@pulsewire/server'
import { addConfigOptions, type ConfigOptions, sourcesOf } from './config-options.ts'

export function configCommand(): Command {
  const command = new Command('config').description('look at the configuration without running it')
  const role = (): Argument => new Argument('<role>', 'whose configuration').choices(CONFIG_ROLES)

  addConfigOptions(command.command('print').description('print the complete configuration, defaults included, secrets redacted'), 'all')
    .addArgument(role())
    .action((name: ConfigRole, options: ConfigOptions) => console.log(describeConfig(loadConfig(name, sourcesOf(name, options))).trimEnd()))

  addConfigOptions(command.command('check').description('report every mistake; exit code 2 when there is one'), 'all')
    .addArgument(role())
    .action((name: ConfigRole, options: ConfigOptions) => {
      loadConfig(name, sourcesOf(name, options))
      console.log(`The configuration of ${name} is good.`)
    })

  command
    .command('schema')
    .description('print the JSON Schema, for editors')
    .addArgument(role())
    .action((name: ConfigRole) => console.log(JSON.stringify(jsonSchemaOf(name), null, 2)))
  return command
}
