import type { Logger } from '../logger.ts'
import { type ExitReason, exitCode } from './exit-codes.ts'
import { type NamedService, type RunOptions, runServices } from './run-services.ts'

/** How long handles that were left open may keep an otherwise finished process alive. */
const LINGER_MS = 1_000

export interface ProcessOptions extends RunOptions {
  readonly logger: Logger
  /** Why it was asked to stop, when that is an exit reason of its own. */
  readonly stopReason?: () => ExitReason | undefined
}

/**
 * Runs services as this process: until its end, with its signals and its exit code. What nobody caught stops it with
 * exit code 1, after the services had their chance to close.
 */
export async function runProcess(services: readonly NamedService[], options: ProcessOptions): Promise<void> {
  const { logger } = options
  const crash = new AbortController()
  let hasCrashed = false
  const onUncaught = (error: unknown): void => {
    hasCrashed = true
    logger.error('uncaught', `nobody caught: ${error instanceof Error ? error.message : String(error)}`, { error })
    crash.abort()
  }
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)

  const stop = options.stop === undefined ? crash.signal : AbortSignal.any([options.stop, crash.signal])
  const { reason } = await runServices(services, { ...options, stop })
  const stopReason = options.stopReason?.()
  process.exitCode = exitCode(stopReason ?? (hasCrashed && reason === 'clean' ? 'failure' : reason))
  if (reason === 'forced' || stopReason !== undefined) process.exit()
  endDespiteHandles((handles) => logger.warn('handles_left_open', 'ending although handles are open', { handles }))
}

/**
 * For a process with nothing left to do, which ends by itself: a forgotten handle must not hold it.
 *
 * @param tell is told what would have held it.
 */
export function endDespiteHandles(tell: (handles: readonly string[]) => void = () => {}): void {
  setTimeout(() => {
    tell(process.getActiveResourcesInfo())
    process.exit()
  }, LINGER_MS).unref()
}
