export { NodeMetrics } from './node-metrics.ts'
export type { IntakeCounts, ProcessSource, RoleSource } from './sources.ts'
