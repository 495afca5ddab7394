import { CONFIG_ROLES, ConfigError, type ConfigRole, loadConfig, type LogConfig } from '@pulsewire/server'
import { type Check, ok, problem } from './check.ts'

/** What a configuration file says that the other checks need. */
export interface Configured {
  readonly checks: readonly Check[]
  /** Feeds that it names, with their topics; empty for a gateway or balancer, which learn them. */
  readonly feeds: readonly { readonly name: string; readonly topic: string; readonly warmupMs: number }[]
  /** Whether nodes of this configuration have leases. */
  readonly directory: boolean
  readonly log: LogConfig | null
}

/** Which role a file is for is not written in it: it is good when it is good for one. */
export function checkConfiguration(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  assignments: readonly string[],
): Configured {
  const tried = CONFIG_ROLES.map((role) => attempt(role, { file, env, assignments }))
  const good = tried.find(({ error }) => error === null)
  if (good !== undefined) {
    const roles = tried.filter(({ error }) => error === null).map(({ role }) => role)
    return { ...good.configured!, checks: [ok('configuration', `${file} is good (for ${roles.join(', ')})`)] }
  }
  // The role with the fewest mistakes is the one that it was written for.
  const [closest] = tried.sort((a, b) => a.error!.problems.length - b.error!.problems.length)
  const { role, error } = closest!
  const mistakes = error!.problems.length === 0 ? [error!.message] : error!.problems
  const checks = mistakes.map((mistake) =>
    problem(
      'configuration',
      `${file}: ${mistake}`,
      'a node with this configuration does not start',
      `see \`pulsewire config check ${role} -c ${file}\``,
    ),
  )
  return { checks, feeds: [], directory: true, log: null }
}

interface Attempt {
  readonly role: ConfigRole
  readonly configured: Omit<Configured, 'checks'> | null
  readonly error: ConfigError | null
}

function attempt(role: ConfigRole, sources: Parameters<typeof loadConfig>[1]): Attempt {
  try {
    const config = loadConfig(role, sources) as Partial<ReturnType<typeof loadConfig<'all'>>>
    const feeds = (config.feeds ?? []).map(({ name, topic, warmup }) => ({ name, topic, warmupMs: warmup.spanMs }))
    return { role, configured: { feeds, directory: config.directory?.enabled ?? false, log: config.log ?? null }, error: null }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { role, configured: null, error }
  }
}
