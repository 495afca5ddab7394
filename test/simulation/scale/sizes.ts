import type { ScaleOptions } from './fleet.ts'

/** As `npm run scale` plays it: 10 million clients, of which one in fifty is modelled. */
export const LARGE: Omit<ScaleOptions, 'seed'> = {
  gateways: 1000,
  balancersPerZone: 1,
  clientsPerGateway: 200,
  each: 50,
  partitions: 4,
  // The default of `balancer.admission.connectionsPerSecond`.
  connectionsPerSecond: 500,
  answersPerSecond: 1_000_000,
}

/** The same with fewer gateways, and balancers that have fewer clients to answer. */
export const SMALL: Omit<ScaleOptions, 'seed'> = { ...LARGE, gateways: 60, answersPerSecond: 60_000 }
