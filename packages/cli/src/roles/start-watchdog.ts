import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { describeConfig, exitCode, type Logger, type RoleConfigs, VERSION, Watchdog, type WatchdogConfig } from '@pulsewire/server'

type RoleConfig = NonNullable<RoleConfigs[keyof RoleConfigs]>

/** Where reports go unless the configuration says. systemd names a directory that survives a restart of the machine. */
export function reportsDirectory({ reports }: WatchdogConfig): string {
  if (reports.directory !== undefined) return reports.directory
  const state = process.env['STATE_DIRECTORY']?.split(':')[0]
  return state ? join(state, 'reports') : join(tmpdir(), `pulsewire-reports-${userInfo().uid}`)
}

/** Starts the watchdog of this process. @throws Error when its probes cannot be served. */
export async function startWatchdog(
  config: RoleConfig,
  logger: Logger,
  onEnd: (reason: 'stuck' | 'blocked') => void,
): Promise<Watchdog | null> {
  const { watchdog, node, logging } = config
  if (!watchdog.enabled) return null
  const { stageDeadlineMs, loopDeadlineMs, loopExitAfterMs, stageExitAfterMs, reports, probes } = watchdog
  const started = new Watchdog({
    logger,
    onEnd,
    settings: {
      stageDeadlineMs,
      loopDeadlineMs,
      loopExitAfterMs,
      stageExitAfterMs,
      reports: { ...reports, directory: reportsDirectory(watchdog) },
      probes: probes.enabled ? probes.listen : null,
      logging,
      exitCodes: { stuck: exitCode('stuck'), blocked: exitCode('blocked') },
      nodeId: node.id,
      version: VERSION,
      config: describeConfig(config),
    },
  })
  const { probesPort } = await started.watching()
  logger.debug('watching', 'the watchdog watches this process', probesPort === null ? {} : { probesPort })
  if (probesPort !== null) logger.info('probes', `/live and /ready are served on port ${probesPort}`, { port: probesPort })
  return started
}
