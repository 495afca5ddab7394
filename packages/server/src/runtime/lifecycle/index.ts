export { EXIT_CODES, EXIT_SIGNALS, type ExitReason, exitCode } from './exit-codes.ts'
export { endDespiteHandles, runProcess } from './run-process.ts'
export { type NamedService, type RunOptions, type RunResult, runServices, type SignalSource, type StopSignal } from './run-services.ts'
