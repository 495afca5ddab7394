/** One main per role: configuration, start, signals. What the roles do is theirs. */
import {
  createGateway,
  type GatewayConfig,
  createLogger,
  createPulseWriter,
  createPushNode,
  type Logger,
  loadConfig,
  type NamedService,
  openLog,
  type ProcessRole,
  type RoleConfigs,
  runProcess,
  splitAllConfig,
  VERSION,
} from '@pulsewire/server'
import { type ConfigOptions, sourcesOf } from '../commands/config-options.ts'
import { consoleService } from './console-service.ts'
import { logService } from './log-service.ts'

/** Runs one role until a signal ends it. @throws ConfigError */
export async function runRole(role: ProcessRole, options: ConfigOptions): Promise<void> {
  const sources = sourcesOf(role, options)
  const configs: RoleConfigs =
    role === 'push'
      ? { push: loadConfig('push', sources) }
      : role === 'gateway'
        ? { gateway: loadConfig('gateway', sources) }
        : { pulse: loadConfig('pulse', sources) }
  await run(configs)
}

/** Runs several roles in this process. @throws ConfigError */
export async function runAll(roles: readonly ProcessRole[], options: ConfigOptions): Promise<void> {
  await run(splitAllConfig(loadConfig('all', sourcesOf('all', options)), roles))
}

async function run(configs: RoleConfigs): Promise<void> {
  const config = configs.gateway ?? configs.push ?? configs.pulse
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
async function createServices({ push, gateway, pulse }: RoleConfigs, logger: Logger): Promise<NamedService[]> {
  const services: NamedService[] = []
  const reader = push ?? pulse
  if (reader !== undefined) {
    const log = await openLog(
      reader.log,
      reader.node.id,
      reader.feeds.map(({ topic }) => topic),
    )
    services.push({ name: 'log', service: logService(log) })
    if (pulse !== undefined) services.push({ name: 'pulse', service: createPulseWriter(pulse, { log, logger: named(logger, pulse) }) })
    if (push !== undefined) services.push({ name: 'push', service: createPushNode(push, { log, logger: named(logger, push) }) })
  }
  if (gateway !== undefined) services.push(...gatewayServices(gateway, named(logger, gateway)))
  return services
}

function gatewayServices(config: GatewayConfig, logger: Logger): NamedService[] {
  const gateway = createGateway(config, { logger })
  const services: NamedService[] = [{ name: 'gateway', service: gateway }]
  if (config.console.enabled) services.push({ name: 'console', service: consoleService(config.console.listen, () => gateway.port, logger) })
  return services
}

function named(logger: Logger, { node }: { readonly node: { readonly id: string } }): Logger {
  return logger.child({ nodeId: node.id })
}
