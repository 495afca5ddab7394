/** What happens to a large fleet, and what came of it. */
import { ScaleFleet, type ScaleOptions, ZONES } from './fleet.ts'

const STORM_MS = 60_000
const BLACKOUT_MS = 15_000
const RETURN_MS = 6000
const MEASURE_MS = 5000
/** Everything that is bounded in time is looked at so often. */
const LOOK_MS = 100

export interface ScaleReport {
  readonly leases: { readonly nodes: number; readonly beatsPerSecond: number; readonly known: number }
  /** Of one balancer. */
  readonly probes: { readonly messagesPerSecond: number; readonly bytesPerSecond: number; readonly proven: number }
  readonly spread: {
    readonly clients: number
    readonly refused: number /** Largest distance of a gateway from its zone's mean, as part of it. */
    readonly off: number
  }
  readonly storm: {
    readonly clients: number
    /** Until no live balancer hands out a gateway of the zone. */
    readonly noticedMs: number
    readonly medianMs: number
    readonly p99Ms: number
    readonly lastMs: number
    readonly refused: number
    readonly refusedTwice: number
    /** Longest wait of a question at a balancer. */
    readonly queueMs: number
    /** Most arrivals at one gateway in a second, as part of what it takes. */
    readonly doorLoad: number
    readonly off: number
  }
  readonly blackout: {
    /** Gateways that were handed out before, during and after, by the balancer with the fewest. */
    readonly before: number
    readonly during: number
    readonly after: number
    readonly empty: number
    readonly unmarked: number
    readonly stillDegraded: number
  }
}

export function playScale(options: ScaleOptions): ScaleReport {
  const fleet = new ScaleFleet(options)
  fleet.fill()
  const filled = { clients: options.gateways * options.clientsPerGateway, refused: refusedAtFill(fleet), off: offMean(fleet) }
  const { leases, probes } = steady(fleet)
  const storm = loseZone(fleet)
  return { leases, probes, spread: filled, storm, blackout: blackout(fleet) }
}

function refusedAtFill(fleet: ScaleFleet): number {
  return fleet.refusedAtFill + fleet.clients.reduce((sum, { refusals }) => sum + refusals, 0)
}

function steady(fleet: ScaleFleet): Pick<ScaleReport, 'leases' | 'probes'> {
  const { park, balancers } = fleet
  const before = { beats: fleet.beats(), ...park.traffic }
  fleet.run(MEASURE_MS)
  const perSecond = (count: number) => count / (MEASURE_MS / 1000)
  const known = Math.min(...balancers.map(({ directory }) => directory.nodes.size))
  return {
    leases: { nodes: park.gateways.length + balancers.length, beatsPerSecond: perSecond(fleet.beats() - before.beats), known },
    probes: {
      messagesPerSecond: perSecond(park.traffic.messages - before.messages) / balancers.length,
      bytesPerSecond: perSecond(park.traffic.bytes - before.bytes) / balancers.length,
      proven: Math.min(...balancers.map((balancer) => fleet.handedOut(balancer))),
    },
  }
}

function loseZone(fleet: ScaleFleet): ScaleReport['storm'] {
  const { clients, kernel, options } = fleet
  const startMs = kernel.nowMs
  for (const { door } of fleet.park.gateways) door.arrivalsMax = 0
  for (const balancer of fleet.balancers) balancer.queueMsMax = 0
  fleet.loseZone()
  const live = fleet.liveGateways.length
  let noticedMs = Infinity
  const isOver = () => noticedMs < Infinity && clients.every(({ servedAtMs }) => servedAtMs < Infinity)
  while (kernel.nowMs < startMs + STORM_MS && !isOver()) {
    fleet.run(LOOK_MS)
    if (noticedMs === Infinity && fleet.liveBalancers.every((balancer) => fleet.handedOut(balancer) <= live))
      noticedMs = kernel.nowMs - startMs
  }
  const served = clients.map(({ servedAtMs }) => servedAtMs - startMs).sort((a, b) => a - b)
  const at = (part: number) => served[Math.min(served.length - 1, Math.floor(served.length * part))]!
  return {
    clients: clients.length,
    noticedMs,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    lastMs: at(1),
    refused: clients.filter(({ refusals }) => refusals > 0).length,
    refusedTwice: clients.filter(({ refusals }) => refusals > 1).length,
    queueMs: Math.max(...fleet.liveBalancers.map(({ queueMsMax }) => queueMsMax)),
    doorLoad: Math.max(...fleet.liveGateways.map(({ door }) => door.arrivalsMax)) / (options.connectionsPerSecond / options.each),
    off: offMean(fleet),
  }
}

/** Kafka is gone: no beat is written or read, and no pulse comes. */
function blackout(fleet: ScaleFleet): ScaleReport['blackout'] {
  const { log, park, kernel } = fleet
  const balancers = fleet.liveBalancers
  const handedOut = () => Math.min(...balancers.map((balancer) => fleet.handedOut(balancer)))
  const before = handedOut()
  log.setReachable(false)
  park.isSilent = true
  let during = before
  let empty = 0
  let unmarked = 0
  const startMs = kernel.nowMs
  const ask = () => balancers.flatMap((balancer) => ZONES.map((zone) => balancer.answer({ zone })))
  while (kernel.nowMs < startMs + BLACKOUT_MS) {
    fleet.run(LOOK_MS)
    during = Math.min(during, handedOut())
    const answers = ask()
    empty += answers.filter((answer) => answer === null).length
    // By then it has been noticed.
    if (kernel.nowMs - startMs > BLACKOUT_MS / 2) unmarked += answers.filter((answer) => answer?.degraded === false).length
  }
  log.setReachable(true)
  park.isSilent = false
  fleet.run(RETURN_MS)
  const stillDegraded = ask().filter((answer) => answer?.degraded !== false).length
  return { before, during, after: handedOut(), empty, unmarked, stillDegraded }
}

/** How far the gateway that is farthest from the mean of its zone is, as part of that mean. */
function offMean({ liveGateways }: ScaleFleet): number {
  const zones = Map.groupBy(liveGateways, ({ zone }) => zone)
  return Math.max(
    ...[...zones.values()].map((gateways) => {
      const counts = gateways.map(({ sessions }) => sessions)
      const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
      return Math.max(...counts.map((count) => Math.abs(count - mean))) / mean
    }),
  )
}
