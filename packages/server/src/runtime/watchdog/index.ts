export type { ThreadAnswer, WatchdogSettings } from './messages.ts'
export { Watchdog, type WatchdogOptions } from './watchdog.ts'
