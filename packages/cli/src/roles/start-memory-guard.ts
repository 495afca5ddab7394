import {
  type Logger,
  MemoryGuard,
  MemoryMeter,
  type MemoryPressure,
  systemClock,
  type Watchdog,
  type WatchdogConfig,
} from '@pulsewire/server'
import { reportsDirectory } from './start-watchdog.ts'

export interface StartedGuard extends Disposable {
  readonly pressure: MemoryPressure
}

/** Watches the memory of this process, and has V8 leave a report when it runs out of it all the same. */
export function startMemoryGuard(config: WatchdogConfig, nodeId: string, watchdog: Watchdog, logger: Logger): StartedGuard {
  const { report } = process
  report.directory = reportsDirectory(config)
  report.filename = `${nodeId}-fatal-${process.pid}.json`
  // Where V8 itself writes it, the environment goes in all the same: run-roles.ts takes our secrets out of it.
  report.excludeEnv = true
  report.reportOnFatalError = true
  const meter = new MemoryMeter(config.memory.limitBytes)
  const guard = new MemoryGuard({
    clock: systemClock,
    logger,
    read: () => meter.read(),
    collect: () => meter.collect(),
    shedAbovePercent: config.memory.shedAbovePercent,
    onCritical: (message) => watchdog.report('memory', message),
  })
  return {
    pressure: guard,
    [Symbol.dispose]() {
      guard[Symbol.dispose]()
      meter[Symbol.dispose]()
    },
  }
}
