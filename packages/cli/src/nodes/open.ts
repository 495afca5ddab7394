import {
  type AllConfig,
  type Clusters,
  clustersOf,
  ConfigError,
  ControlDirectory,
  DirectoryError,
  loadConfig,
  openLog,
  silentLogger,
  systemClock,
  type Clock,
  type Log,
} from '@pulsewire/server'

/** How to reach the control topic. */
export interface DirectoryFlags {
  readonly brokers?: string
  readonly config?: string
  readonly set: readonly string[]
}

export interface OpenDirectory extends AsyncDisposable {
  readonly log: Log
  readonly directory: ControlDirectory
  /** Where feeds lie that were moved to another cluster. */
  readonly clusters: Clusters
}

/** A whole topic of leases is some megabytes: more than this is a log that does not answer. */
export const READ_BACK_MS_MAX = 15_000
/** Past a lease's life, whoever has not been heard is gone. */
const LOOK_MS_MAX = 4000

/** The configuration of somebody who only looks: `log` and `directory` count. @throws ConfigError */
export function onlookerConfig(flags: DirectoryFlags): AllConfig {
  try {
    return loadOnlooker(flags)
  } catch (error) {
    // Who gave nothing has made no mistake in a configuration of some role.
    if (!(error instanceof ConfigError) || !error.problems.some((problem) => problem.startsWith('log.brokers: missing'))) throw error
    const problem = 'log.brokers: missing, expected --brokers kafka-1:9092, or --config with the file of any node'
    throw new ConfigError('config_invalid', 'nothing says where Kafka is', [problem])
  }
}

function loadOnlooker(flags: DirectoryFlags): AllConfig {
  return loadConfig('all', {
    env: process.env,
    ...(flags.config === undefined ? {} : { file: flags.config }),
    assignments: [
      ...(flags.brokers === undefined ? [] : [`log.brokers=${flags.brokers}`]),
      // Of the file only `log` and `directory` matter here; the schema wants feeds, and addresses that can be told to others.
      'feeds=[{name: none, topic: none}]',
      // It serves nobody.
      'node.production=false',
      ...['push', 'gateway', 'balancer', 'console'].flatMap((role) => [`${role}.listen.port=0`, `${role}.listen.host=127.0.0.1`]),
      ...flags.set,
    ],
  })
}

/** Opens the directory as an onlooker, read to its end. @throws ConfigError; DirectoryError `control_topic_silent`. */
export async function openDirectoryOf(flags: DirectoryFlags): Promise<OpenDirectory> {
  const config = onlookerConfig(flags)
  const log = await openLog(config.log, 'nodes', [])
  const directory = new ControlDirectory({ log, ...config.directory, logger: silentLogger, tidies: false })
  const clusters = clustersOf(log, config.log, 'nodes')
  const close = async (): Promise<void> => {
    await directory.close()
    await clusters.close()
    await log.close()
  }
  await directory.start()
  try {
    await within(READ_BACK_MS_MAX, directory.readBack, () => {
      const why = directory.trouble ?? 'nothing comes from it'
      return new DirectoryError('control_topic_silent', `topic ${directory.topic} cannot be read: ${why}`)
    })
  } catch (error) {
    await close()
    throw error
  }
  return { log, directory, clusters, [Symbol.asyncDispose]: close }
}

/** @throws what `late` makes when the promise has not resolved by then. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => Error, clock: Clock = systemClock): Promise<T> {
  const deadline = Promise.withResolvers<never>()
  const timer = clock.after(ms, () => deadline.reject(late()))
  try {
    return await Promise.race([promise, deadline.promise])
  } finally {
    timer.cancel()
  }
}

/** Resolves once the condition holds of the directory. */
export async function when(directory: ControlDirectory, condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>((resolve) => {
    const stop = directory.onChange(() => {
      if (!condition()) return
      stop()
      resolve()
    })
  })
}

/** Waits until it is known who is there; not longer than a lease lives, where nobody is. */
export async function whenCurrent({ directory }: Pick<OpenDirectory, 'directory'>): Promise<void> {
  const looked = Promise.withResolvers<void>()
  const timer = systemClock.after(LOOK_MS_MAX, looked.resolve)
  await Promise.race([when(directory, () => directory.view === 'current'), looked.promise])
  timer.cancel()
}
