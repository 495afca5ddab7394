/** One main per role: configuration, start, signals. What the roles do is theirs. */
import {
  type Balancer,
  type BalancerConfig,
  type Clusters,
  clustersOf,
  type ControlDirectory,
  createBalancer,
  BreakableLog,
  BreakableProbes,
  type ConfigRole,
  createGateway,
  type ExitReason,
  Faults,
  type GreyStop,
  createLogger,
  createPulseWriter,
  createPushNode,
  joinDirectory,
  type Log,
  type Logger,
  loadConfig,
  type Member,
  type MemoryPressure,
  NO_PRESSURE,
  NodeMetrics,
  type NamedService,
  openDirectory,
  openLog,
  type OperatorConfig,
  openTracing,
  type ProcessRole,
  type PushNode,
  type RoleConfigs,
  sayGreyStop,
  type RoleSource,
  runProcess,
  type Service,
  settingsOf,
  splitAllConfig,
  type Stages,
  type Tracing,
  unwatchedStages,
  VERSION,
} from '@pulsewire/server'
import { type ConfigOptions, sourcesOf } from '../commands/config-options.ts'
import { consoleService, type ConsoleServiceOptions } from './console-service.ts'
import { Desks } from './desks.ts'
import { logService } from './log-service.ts'
import { joinOtherZones } from './other-zones.ts'
import { startMemoryGuard } from './start-memory-guard.ts'
import { startWatchdog, watchdogAddress } from './start-watchdog.ts'

type RoleConfig = NonNullable<RoleConfigs[ProcessRole]>

/** What the roles of one process have in common. */
interface Shared {
  /** Absent in a process of gateways alone that have no directory. */
  readonly log?: Log
  readonly directory?: ControlDirectory
  readonly clusters?: Clusters
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
  forgetSecrets(role)
  await run(configs)
}

/** Runs several roles in this process. @throws ConfigError */
export async function runAll(roles: readonly ProcessRole[] | undefined, options: ConfigOptions): Promise<void> {
  const configs = splitAllConfig(loadConfig('all', sourcesOf('all', options)), roles)
  forgetSecrets('all')
  await run(configs)
}

/** What the environment holds, V8 writes into its last report; and every child process inherits it. */
function forgetSecrets(role: ConfigRole): void {
  for (const { node, env } of settingsOf(role)) if (node.secret === true && env !== undefined) delete process.env[env]
}

async function run(configs: RoleConfigs): Promise<void> {
  const config = configs.gateway ?? configs.push ?? configs.pulse ?? configs.balancer
  if (config === undefined) return
  const logger = createLogger(config.logging)
  const stop = new AbortController()
  let stuck: ExitReason | undefined
  await using watchdog = await startWatchdog(config, logger, (reason) => {
    stuck = reason
    stop.abort()
  })
  using guard = watchdog === null ? null : startMemoryGuard(config.watchdog, config.node.id, watchdog, logger)
  const traces = configs.gateway?.traces ?? configs.push?.traces
  const tracing = traces === undefined ? null : await openTracing(traces, config.node.id, logger)
  const parts: Parts = {
    logger,
    tracing,
    desks: new Desks(watchdog, logger),
    watchdogAddress: await watchdogAddress(config, watchdog),
    stages: watchdog?.stages ?? unwatchedStages,
    memory: guard?.pressure ?? NO_PRESSURE,
    breakLog: config.faults.enabled,
    ...(config.faults.enabled && configs.balancer !== undefined ? { probes: new BreakableProbes() } : {}),
  }
  const { services, isReady, breakable, sessions, sources } = await createServices(configs, parts)
  watchdog?.readyWhen(isReady)
  // Made for the first who asks: measuring the event loop and garbage collection costs a little.
  let metrics: NodeMetrics | undefined
  watchdog?.metricsBy(() => (metrics ??= new NodeMetrics(config.node.id, sources, watchdog)).text())
  await using _ = config.faults.enabled
    ? await Faults.start({
        listen: config.faults.listen,
        logger,
        sections: watchdog?.stages.sections ?? new Map(),
        stopConsuming: () => breakable?.stop(),
        loseSubscription: (symbol) => sessions.reduce((lost, one) => lost + one.lose(symbol), 0),
        ...(parts.probes === undefined ? {} : { probes: parts.probes }),
      })
    : null
  logger.info('process_starting', `pulsewire ${VERSION} starts`, { roles: Object.keys(configs), node: process.version, pid: process.pid })
  await runProcess(services, {
    ...config.shutdown,
    logger,
    stop: stop.signal,
    stopReason: () => stuck,
    onReady: () => {
      watchdog?.tellState('ready')
      logger.info('process_ready', 'every service has started')
    },
    onStopping: () => watchdog?.tellState('stopping'),
  })
}

interface Parts {
  readonly logger: Logger
  /** `null`: nothing is traced. */
  readonly tracing: Tracing | null
  readonly desks: Desks
  /** Where it takes questions; `undefined`: nowhere. */
  readonly watchdogAddress: string | undefined
  readonly stages: Stages
  readonly memory: MemoryPressure
  readonly breakLog: boolean
  /** Only where faults may be ordered. */
  readonly probes?: BreakableProbes
}

interface Created {
  readonly services: NamedService[]
  readonly isReady: () => boolean
  readonly breakable: BreakableLog | undefined
  readonly sessions: readonly { lose(symbol: string): number }[]
  /** What metrics are read from. */
  readonly sources: readonly RoleSource[]
}

/** In the order of the flow; closed in reverse, so that clients leave before quotes stop. */
async function createServices(configs: RoleConfigs, parts: Parts): Promise<Created> {
  const { push, gateway, balancer, pulse } = configs
  const { logger, stages, memory, probes, desks, tracing } = parts
  const { log, directory, clusters, services, breakable } = await openShared(configs, parts)
  desks.directory = directory
  const shared = directory === undefined ? {} : { directory }
  const asked = parts.watchdogAddress === undefined ? {} : { watchdog: parts.watchdogAddress }
  const reached = clusters === undefined ? {} : { clusters }
  const traced = tracing === null ? {} : { followed: tracing.followed }
  if (tracing !== null) services.unshift({ name: 'traces', service: tracing.service })
  const roles: { readonly ready: boolean; readonly sessions: { lose(symbol: string): number } }[] = []
  const sources: RoleSource[] = []
  const shown: Pick<ConsoleServiceOptions, 'gateway' | 'balancer'> = {}
  let beside: PushNode | undefined
  let gateways: ((near?: string) => readonly string[]) | undefined
  const add = (role: ProcessRole, config: RoleConfig, service: Service & Member): void => {
    if (directory !== undefined) {
      const { node, directory: leases } = config
      const lease = joinDirectory({
        config: leases,
        log: log!,
        directory,
        role,
        node,
        member: service,
        logger: named(logger, config),
        ...asked,
      })
      services.push({ name: `${role} lease`, service: lease })
    }
    services.push({ name: role, service })
  }
  if (pulse !== undefined) {
    const service = createPulseWriter(pulse, { ...shared, ...reached, log: log!, stages, logger: named(logger, pulse) })
    sources.push({ role: 'pulse', leaseContent: () => service.leaseContent() })
    add('pulse', pulse, service)
  }
  if (push !== undefined) {
    const service = (beside = createPushNode(push, {
      ...shared,
      ...reached,
      ...desks.of(push),
      ...traced,
      log: log!,
      stages,
      memory,
      logger: named(logger, push),
    }))
    const { hub, sessions } = service
    sources.push({ role: 'push', leaseContent: () => service.leaseContent(), hub, sessions, intakes: () => service.intakes })
    roles.push(service)
    add('push', push, service)
  }
  if (gateway !== undefined) {
    // Without any it was left to be served by the push node here (splitAllConfig).
    const hub = beside !== undefined && directory === undefined && gateway.gateway.upstreams.length === 0 ? { beside } : {}
    const service = createGateway(gateway, {
      ...shared,
      ...hub,
      ...desks.of(gateway),
      ...traced,
      ...(log === undefined ? {} : { log }),
      stages,
      memory,
      logger: named(logger, gateway),
    })
    const { hub: own, sessions, input } = service
    sources.push({ role: 'gateway', leaseContent: () => service.leaseContent(), hub: own, sessions, linkCounts: () => input.counts })
    roles.push(service)
    add('gateway', gateway, service)
    if ('beside' in hub) desks.join()
    shown.gateway = () => service.port
  }
  // Its configuration is only taken with a directory.
  if (balancer !== undefined) {
    const broken = probes === undefined ? {} : { connect: probes.connect }
    const stopGrey = (stop: GreyStop) => sayGreyStop(log!, directory!.topic, stop)
    const joined = joinOtherZones(balancer, directory!, named(logger, balancer))
    services.push(...joined.services)
    const deps = { ...broken, ...desks.of(balancer), directory: joined.directory, stopGrey, logger: named(logger, balancer) }
    const service = createBalancer(balancer, deps)
    sources.push({
      role: 'balancer',
      leaseContent: () => service.leaseContent(),
      verdicts: () => verdictsOf(service),
      balancing: () => service.counts,
    })
    add('balancer', balancer, service)
    gateways = (near) => gatewaysOf(service, near)
    const { listen, admin } = balancer.balancer
    shown.balancer = () => {
      const secured = service.certificate === undefined ? {} : { certificate: () => service.certificate! }
      const secret = service.adminSecret
      return secret === undefined
        ? { host: listen.host, port: service.port, ...secured }
        : { host: admin.listen.host, port: service.adminPort, ...secured, secret: secret.reveal() }
    }
  }
  const console = gateway?.console ?? balancer?.console
  if (console?.enabled === true)
    services.push({
      name: 'console',
      service: consoleService({
        listen: console.listen,
        hosts: console.hosts,
        ...shown,
        ...asksOf(console, (gateway ?? balancer)!.operator, gateways),
        log: logger,
      }),
    })
  return { services, sources, breakable, sessions: roles.map(({ sessions }) => sessions), isReady: () => roles.every(({ ready }) => ready) }
}

/** Whom the page may ask, where that was allowed. */
function asksOf(
  { asks: { enabled } }: BalancerConfig['console'],
  { secret }: OperatorConfig,
  gateways: ((near?: string) => readonly string[]) | undefined,
): Pick<ConsoleServiceOptions, 'asks'> {
  if (!enabled || secret === undefined) return {}
  return { asks: { secret, ...(gateways === undefined ? {} : { gateways }) } }
}

/** Gateways that have a lease, by the first address of each; the node itself and those that are linked to it first. */
function gatewaysOf({ verdicts }: Balancer, near: string | undefined): string[] {
  const there = [...verdicts].filter(({ role, known }) => role === 'gateway' && known.state === 'live')
  return there
    .map(({ known: { lease } }) => ({
      addresses: lease.addresses,
      isNear: lease.node === near || (lease.links ?? []).some(({ node, state }) => node === near && state === 'open'),
    }))
    .sort((a, b) => Number(b.isNear) - Number(a.isNear))
    .flatMap(({ addresses }) => addresses.slice(0, 1))
}

function verdictsOf({ verdicts }: Balancer) {
  return [...verdicts].map(({ role, handedOut, reasons }) => ({ role, handedOut, reasons: reasons.map(({ code }) => code) }))
}

async function openShared(
  { push, gateway, balancer, pulse }: RoleConfigs,
  { logger, breakLog }: Parts,
): Promise<Shared & { readonly services: NamedService[]; readonly breakable?: BreakableLog }> {
  const reader = push ?? pulse
  const config = reader ?? gateway ?? balancer!
  const writesSessions = gateway?.gateway.sessionHistory.topic !== undefined
  if (reader === undefined && !config.directory.enabled && !writesSessions) return { services: [] }
  const opened = await openLog(config.log, config.node.id, reader?.feeds.map(({ topic }) => topic) ?? [])
  const breakable = breakLog ? new BreakableLog(opened) : undefined
  const log = breakable?.log ?? opened
  const broken = breakable === undefined ? {} : { breakable }
  const clusters = clustersOf(log, config.log, config.node.id)
  const services: NamedService[] = [
    { name: 'log', service: logService(log) },
    { name: 'other clusters', service: logService(clusters) },
  ]
  if (!config.directory.enabled) return { log, clusters, services, ...broken }
  const directory = openDirectory({ config: config.directory, log, logger: named(logger, config) })
  services.push({ name: 'directory', service: directory })
  return { log, directory, clusters, services, ...broken }
}

function named(logger: Logger, { node }: { readonly node: { readonly id: string } }): Logger {
  return logger.child({ nodeId: node.id })
}
