/** One main per role: configuration, start, signals. What the roles do is theirs. */
import {
  type ControlDirectory,
  createBalancer,
  createGateway,
  type GatewayConfig,
  createLogger,
  createPulseWriter,
  createPushNode,
  joinDirectory,
  type Log,
  type Logger,
  loadConfig,
  type Member,
  type NamedService,
  openDirectory,
  openLog,
  type ProcessRole,
  type RoleConfigs,
  runProcess,
  type Service,
  splitAllConfig,
  VERSION,
} from '@pulsewire/server'
import { type ConfigOptions, sourcesOf } from '../commands/config-options.ts'
import { consoleService } from './console-service.ts'
import { logService } from './log-service.ts'

type RoleConfig = NonNullable<RoleConfigs[ProcessRole]>

/** What the roles of one process have in common. */
interface Shared {
  /** Absent in a process of gateways alone that have no directory. */
  readonly log?: Log
  readonly directory?: ControlDirectory
}

/** Runs one role until a signal ends it. @throws ConfigError */
export async function runRole(role: ProcessRole, options: ConfigOptions): Promise<void> {
  const sources = sourcesOf(role, options)
  const configs: RoleConfigs =
    role === 'push'
      ? { push: loadConfig('push', sources) }
      : role === 'gateway'
        ? { gateway: loadConfig('gateway', sources) }
        : role === 'balancer'
          ? { balancer: loadConfig('balancer', sources) }
          : { pulse: loadConfig('pulse', sources) }
  await run(configs)
}

/** Runs several roles in this process. @throws ConfigError */
export async function runAll(roles: readonly ProcessRole[] | undefined, options: ConfigOptions): Promise<void> {
  await run(splitAllConfig(loadConfig('all', sourcesOf('all', options)), roles))
}

async function run(configs: RoleConfigs): Promise<void> {
  const config = configs.gateway ?? configs.push ?? configs.pulse ?? configs.balancer
  if (config === undefined) return
  const logger = createLogger(config.logging)
  const services = await createServices(configs, logger)
  logger.info('process_starting', `pulsewire ${VERSION} starts`, { roles: Object.keys(configs), node: process.version, pid: process.pid })
  await runProcess(services, {
    ...config.shutdown,
    logger,
    onReady: () => logger.info('process_ready', 'every service has started'),
  })
}

/** In the order of the flow; closed in reverse, so that clients leave before quotes stop. */
async function createServices(configs: RoleConfigs, logger: Logger): Promise<NamedService[]> {
  const { push, gateway, balancer, pulse } = configs
  const { log, directory, services } = await openShared(configs, logger)
  const shared = directory === undefined ? {} : { directory }
  const add = (role: ProcessRole, config: RoleConfig, service: Service & Member): void => {
    if (directory !== undefined) {
      const { node, directory: leases } = config
      const lease = joinDirectory({ config: leases, log: log!, directory, role, node, member: service, logger: named(logger, config) })
      services.push({ name: `${role} lease`, service: lease })
    }
    services.push({ name: role, service })
  }
  if (pulse !== undefined) add('pulse', pulse, createPulseWriter(pulse, { log: log!, logger: named(logger, pulse) }))
  if (push !== undefined) add('push', push, createPushNode(push, { ...shared, log: log!, logger: named(logger, push) }))
  if (gateway !== undefined) {
    const service = createGateway(gateway, { ...shared, logger: named(logger, gateway) })
    add('gateway', gateway, service)
    if (gateway.console.enabled) services.push(consoleOf(gateway, () => service.port, named(logger, gateway)))
  }
  // Its configuration is only taken with a directory.
  if (balancer !== undefined)
    add('balancer', balancer, createBalancer(balancer, { directory: directory!, logger: named(logger, balancer) }))
  return services
}

async function openShared(
  { push, gateway, balancer, pulse }: RoleConfigs,
  logger: Logger,
): Promise<Shared & { readonly services: NamedService[] }> {
  const reader = push ?? pulse
  const config = reader ?? gateway ?? balancer!
  if (reader === undefined && !config.directory.enabled) return { services: [] }
  const log = await openLog(config.log, config.node.id, reader?.feeds.map(({ topic }) => topic) ?? [])
  const services: NamedService[] = [{ name: 'log', service: logService(log) }]
  if (!config.directory.enabled) return { log, services }
  const directory = openDirectory({ config: config.directory, log, logger: named(logger, config) })
  services.push({ name: 'directory', service: directory })
  return { log, directory, services }
}

function consoleOf({ console: { listen } }: GatewayConfig, port: () => number, logger: Logger): NamedService {
  return { name: 'console', service: consoleService(listen, port, logger) }
}

function named(logger: Logger, { node }: { readonly node: { readonly id: string } }): Logger {
  return logger.child({ nodeId: node.id })
}
