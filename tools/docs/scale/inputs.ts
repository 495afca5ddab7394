/** What the figures of docs/scale.md are made of. */

export interface Input {
  readonly value: number
  readonly unit: string
  /** Where the number is from; of a choice, why. */
  readonly from: string
}

/** What is asked for, and how clients behave. Put in your own. */
export const CHOSEN = {
  clients: { value: 10_000_000, unit: 'clients', from: 'asked for' },
  zones: { value: 3, unit: 'zones', from: 'asked for; one may be lost' },
  symbols: { value: 1_000_000, unit: 'symbols', from: 'asked for' },
  recordsPerSecond: { value: 500_000, unit: 'records/s', from: 'asked for' },
  recordBytes: { value: 200, unit: 'bytes', from: 'a JSON quote of nine fields, as in the benchmark' },
  subscriptions: { value: 50, unit: 'per client', from: 'a watch list, as in the benchmark' },
  ratePerSymbol: { value: 1, unit: 'updates/s', from: '`maxRate: 1`: what an eye can follow in a list' },
  interest: {
    value: 0.1,
    unit: 'of all records',
    from: 'share that the clients of one gateway want together; measure yours, it decides most',
  },
  usedMost: { value: 0.7, unit: 'of a core', from: 'a node runs on one event loop; with a zone lost, no more than this' },
  backWithinMs: { value: 30_000, unit: 'ms', from: 'fault 22' },
  partitions: { value: 128, unit: 'partitions', from: 'of the topic; more than push nodes, so that shares can be even' },
  pulseWriters: { value: 3, unit: 'processes', from: 'one a zone' },
  innerFlushes: { value: 20, unit: 'writes/s', from: '`push.session.flushIntervalMs: 50`; the default of 2 ms is for few gateways' },
  replicas: { value: 3, unit: 'copies', from: 'one a zone' },
} as const satisfies Record<string, Input>

/** Measured; see the place that is named. */
export const MEASURED = {
  idleClientUs: { value: 38, unit: 'µs of CPU/s', from: 'pulses of 5,000 idle clients: 0.19 cores (performance.md, load D)' },
  writeUs: { value: 20, unit: 'µs', from: 'a write to a socket with all around it (performance.md)' },
  deliveredUs: { value: 0.5, unit: 'µs', from: 'of the hub for an update to one receiver (performance.md)' },
  updateBytes: { value: 27, unit: 'bytes', from: 'an update in `bin.v1` (performance.md)' },
  intakePerSecond: { value: 304_000, unit: 'records/s', from: 'JSON from Kafka into images, of a core (performance.md, load E)' },
  gatewayRecordUs: {
    value: 4.1,
    unit: 'µs',
    from: '`bench/inner-hop.ts`: 11.2 µs for two push nodes and a gateway, 37 % of it in the gateway, by profile',
  },
  clientKb: { value: 12.3, unit: 'kB', from: 'a connection with 10 subscriptions (performance.md, load D)' },
  answerUs: { value: 127, unit: 'µs', from: '`bench/asks.ts`: an answer of a balancer, plain HTTP, a connection each' },
  judgementUsPerGateway: { value: 27, unit: 'µs', from: '`bench/balancer.ts`: 15 to 27 ms for 1,000 gateways' },
  leaseUs: { value: 57, unit: 'µs', from: '`bench/leases.ts`: a lease that names 64 links; 23 with 16' },
  asksPerLostClient: { value: 1.3, unit: 'questions', from: '`npm run scale`: of a client whose zone is lost' },
  probeMessages: { value: 2.4, unit: 'messages/s', from: '`npm run scale`: of one probe’s own session, both ways' },
  entryMessages: { value: 6, unit: 'messages', from: 'of a new session of a probe, both ways' },
} as const satisfies Record<string, Input>

/** As the software is configured by default. */
export const DEFAULTS = {
  gatewaysRenewMs: { value: 300_000, unit: 'ms', from: '`gatewaysRenewMs` of the SDK' },
  connectionsPerSecond: { value: 500, unit: 'sessions/s', from: '`balancer.admission.connectionsPerSecond`' },
  paced: { value: 0.8, unit: 'of these', from: 'what balancers give away ([decision 13](decisions/0013-a-row-instead-of-refusals.md))' },
  pulsesPerSecond: { value: 2, unit: 'pulses/s', from: '`feeds[].pulseIntervalMs`, of each writer and partition' },
  clientPulsesPerSecond: { value: 1, unit: 'pulses/s', from: '`gateway.session.pulseIntervalMs`' },
  linksMax: { value: 31, unit: 'links', from: 'of a gateway ([decision 9](decisions/0009-leases.md))' },
  enteredWithinMs: { value: 2800, unit: 'ms', from: '`balancer.enteredWithinMs`' },
  entriesPerSecondMax: { value: 100, unit: 'sessions/s', from: '`balancer.entriesPerSecondMax`' },
  entryPause: { value: 0.6, unit: 'of that time', from: 'between two new sessions of a probe ([balancer.md](balancer.md#the-probe))' },
  judgementsPerSecond: { value: 10, unit: 'judgements/s', from: 'of a balancer' },
  beatsPerSecond: { value: 1, unit: 'beats/s', from: '`directory.beatIntervalMs`' },
} as const satisfies Record<string, Input>

export type Numbers = Readonly<Record<keyof typeof CHOSEN | keyof typeof MEASURED | keyof typeof DEFAULTS, number>>

export function numbers(changed: Partial<Numbers> = {}): Numbers {
  const all = Object.entries({ ...CHOSEN, ...MEASURED, ...DEFAULTS }).map(([name, { value }]) => [name, value] as const)
  return { ...(Object.fromEntries(all) as Numbers), ...changed }
}
