import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import {
  AskError,
  BEYOND_QUESTIONS,
  describeConfig,
  exitCode,
  type Logger,
  probesAddress,
  processAnswers,
  type RoleConfigs,
  VERSION,
  Watchdog,
  type WatchdogConfig,
} from '@pulsewire/server'

/** Whoever asks over HTTP has gone without a word. */
const NEVER = new AbortController().signal

type RoleConfig = NonNullable<RoleConfigs[keyof RoleConfigs]>

/** Where reports go unless the configuration says. systemd names a directory that survives a restart of the machine. */
export function reportsDirectory({ reports }: WatchdogConfig): string {
  if (reports.directory !== undefined) return reports.directory
  const state = process.env['STATE_DIRECTORY']?.split(':')[0]
  return state ? join(state, 'reports') : join(tmpdir(), `pulsewire-reports-${userInfo().uid}`)
}

/** What can be asked of this process, whatever runs in it. */
export function answersOf(watchdog: Watchdog | null) {
  return processAnswers({ account: () => watchdog?.account() ?? null, reports: watchdog?.reportsPlace ?? null, version: VERSION })
}

/** Where others ask the watchdog; absent: nobody may, or its socket is not open. */
export async function watchdogAddress(
  { node, watchdog: { probes }, operator }: RoleConfig,
  watchdog: Watchdog | null,
): Promise<string | undefined> {
  const port = (await watchdog?.watching())?.probesPort ?? null
  return port === null || operator.secret === undefined ? undefined : probesAddress(node.advertise, probes.listen.host, port)
}

/** Starts the watchdog of this process. @throws Error when its probes cannot be served. */
export async function startWatchdog(
  config: RoleConfig,
  logger: Logger,
  onEnd: (reason: 'stuck' | 'blocked') => void,
): Promise<Watchdog | null> {
  const { watchdog, node, logging, operator } = config
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
      operatorSecret: operator.secret?.reveal() ?? null,
      logging,
      exitCodes: { stuck: exitCode('stuck'), blocked: exitCode('blocked') },
      nodeId: node.id,
      version: VERSION,
      config: describeConfig(config),
    },
  })
  const answers = answersOf(started)
  started.answersBy(async (question, args) => {
    const answer = BEYOND_QUESTIONS.includes(question) ? answers.get(question) : undefined
    if (answer === undefined)
      return { code: 'ask_unknown', message: `a watchdog has ${BEYOND_QUESTIONS.join(', ')}, and no ${JSON.stringify(question)}` }
    try {
      const text = await answer(args, NEVER, async () => {})
      if (typeof text === 'string') return { text }
      return { code: 'ask_too_large', message: `${question} comes in parts, which a watchdog does not give` }
    } catch (error) {
      if (error instanceof AskError) return { code: error.code as 'ask_failed', message: error.message }
      return { code: 'ask_failed', message: error instanceof Error ? error.message : String(error) }
    }
  })
  const { probesPort } = await started.watching()
  logger.debug('watching', 'the watchdog watches this process', probesPort === null ? {} : { probesPort })
  if (probesPort !== null) logger.info('probes', `/live and /ready are served on port ${probesPort}`, { port: probesPort })
  return started
}
