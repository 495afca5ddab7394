/** The roles, and what a program needs to run them. */
export { createPushNode, type PushDeps, type PushNode } from './push/index.ts'
export { createGateway, type FindAnswer, type Gateway, type GatewayDeps, type SessionsAnswer } from './gateway/index.ts'
export * from './directory/index.ts'
export {
  type Answers,
  type Args,
  ASKED_AT_ONCE,
  AskDesk,
  AskError,
  Asker,
  askJson,
  asTheyCome,
  BEYOND_QUESTIONS,
  explore,
  findWay,
  type FoundNode,
  joinDesks,
  processAnswers,
  type Way,
} from './diagnosis/index.ts'
export * from './balancer/index.ts'
export { readSessionEvents, type SessionEvent } from './history/index.ts'
export { createPulseWriter, type PulseDeps, type PulseWriter } from './pulse/index.ts'
export { decodePulse, isPulseKey, type PulseRecord } from './feeds/index.ts'
export * from './log/index.ts'
export * from './market/index.ts'
export * from './market/index.ts'
export { systemClock, type Clock, type Timer } from './runtime/clock.ts'
export * from './runtime/config/index.ts'
export * from './runtime/errors.ts'
export {
  ago,
  type Finding,
  type HopFacts,
  judgeTrace,
  type LinkFact,
  span,
  TRACE_CODES,
  type TraceFacts,
  type TraceTarget,
  walkTrace,
} from './trace/index.ts'
export { openTracing, type Tracing } from './tracing/index.ts'
export * from './runtime/lifecycle/index.ts'
export { createLogger, createMemoryLogger, silentLogger, type Logger, type MemoryLogger } from './runtime/logger.ts'
export { type StageAccount, type Stages, unwatchedStages } from './runtime/stages/index.ts'
export { BreakableLog, Faults } from './runtime/faults/index.ts'
export { Watchdog, type WatchdogSettings } from './runtime/watchdog/index.ts'
export { NodeMetrics, type RoleSource } from './metrics/index.ts'
export { MemoryGuard, MemoryMeter, type MemoryPressure, NO_PRESSURE } from './runtime/memory/index.ts'
export type { Service } from './runtime/service.ts'
export { VERSION } from './runtime/version.ts'
export { isValidName, NAME_RULE } from '@pulsewire/protocol'
