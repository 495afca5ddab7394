import type { Command } from 'commander'
import { type ConfigRole, type ConfigSources, expectation, settingsOf } from '@pulsewire/server'
import { collect } from './collect.ts'

/** The flags that every role has; each but the first two stands for one setting. */
export interface ConfigOptions {
  readonly config?: string
  readonly set: readonly string[]
  readonly nodeId?: string
  readonly zone?: string
  readonly line?: string
  readonly port?: string
  readonly brokers?: string
  readonly logLevel?: string
  readonly logFormat?: string
}

interface OwnFlag {
  readonly flag: string
  readonly option: keyof ConfigOptions
  readonly setting: (role: ConfigRole) => string
  readonly description: string
}

const OWN_FLAGS: readonly OwnFlag[] = [
  { flag: '--node-id <id>', option: 'nodeId', setting: () => 'node.id', description: 'name of this node' },
  { flag: '--zone <zone>', option: 'zone', setting: () => 'node.zone', description: 'data centre of this node' },
  { flag: '--line <A|B>', option: 'line', setting: () => 'node.line', description: 'line of this push node' },
  { flag: '--port <port>', option: 'port', setting: portSetting, description: 'port to listen on' },
  { flag: '-b, --brokers <list>', option: 'brokers', setting: () => 'log.brokers', description: 'Kafka brokers, comma-separated' },
  { flag: '--log-level <level>', option: 'logLevel', setting: () => 'logging.level', description: 'debug, info, warn, error or silent' },
  { flag: '--log-format <format>', option: 'logFormat', setting: () => 'logging.format', description: 'json or pretty' },
]

/** Of `pulsewire all`, the port that clients connect to. */
function portSetting(role: ConfigRole): string {
  return `${role === 'all' ? 'gateway' : role}.listen.port`
}

/** Adds --config, --set and the role's own flags, and lists every setting below the help. */
export function addConfigOptions(command: Command, role: ConfigRole): Command {
  command.option('-c, --config <file>', 'configuration file (YAML); default: the one that PULSEWIRE_CONFIG names')
  command.option('-s, --set <setting=value>', 'one setting, as often as needed', collect, [])
  const known = new Set(settingsOf(role).map(({ path }) => path))
  for (const { flag, description, setting } of OWN_FLAGS) {
    if (known.has(setting(role))) command.option(flag, `${description} (${setting(role)})`)
  }
  return command.addHelpText(
    'after',
    () => `\nSettings, for --set, the file and the environment (docs/configuration.md):\n${settingsHelp(role)}`,
  )
}

function settingsHelp(role: ConfigRole): string {
  return settingsOf(role)
    .filter(({ isSection }) => !isSection)
    .map(({ path, node, env, required }) => {
      const value = required ? 'required' : node.default === undefined ? '' : `default ${JSON.stringify(node.default)}`
      return `  ${path}${env === undefined ? '' : `  ${env}`}\n      ${node.description} (${[expectation(node), value].filter(Boolean).join('; ')})`
    })
    .join('\n')
}

export function sourcesOf(role: ConfigRole, options: ConfigOptions): ConfigSources {
  // One that the role does not have is reported as any unknown setting.
  const own = OWN_FLAGS.flatMap(({ option, setting }) =>
    options[option] === undefined ? [] : [`${setting(role)}=${String(options[option])}`],
  )
  return {
    env: process.env,
    assignments: [...own, ...options.set],
    ...(options.config === undefined ? {} : { file: options.config }),
  }
}
