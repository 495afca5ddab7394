export { Balancer, createBalancer, type BalancerDeps } from './balancer.ts'
export type { ErrorAnswer, GatewaysAnswer, VerdictRow, VerdictsAnswer } from './http/schemas.ts'
export { BreakableProbes } from './probe/breakable-probes.ts'
export type { ConnectProbe, ProbeConnection, ProbeEvents } from './probe/connect.ts'
