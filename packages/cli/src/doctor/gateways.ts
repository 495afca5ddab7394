/** Gateways as a client meets them. */
import { connectProbeBy, Probe, type ProbeReport, type Secret, silentLogger, systemClock, span } from '@pulsewire/server'
import { type Check, ok, problem, some } from './check.ts'

/** A pulse comes once a second to a client. */
const LISTEN_MS = 3500
const PULSE_AGE_MS_MAX = 3000

export interface GatewayFacts {
  readonly node: string
  readonly address: string
  readonly report: ProbeReport
  /** When it was looked at, by the report's clock. */
  readonly atMs: number
}

/** By what gateways that demand tokens let a probe in, and who signs their certificates. */
export interface Probing {
  /** Of which the first is shown. */
  readonly probeSecrets?: readonly Secret[]
  readonly gatewayCaFile?: string
}

/** Is a client of each address for some seconds. */
export async function probeGateways(
  gateways: readonly { readonly node: string; readonly address: string }[],
  { probeSecrets: [probeSecret] = [], gatewayCaFile }: Probing,
): Promise<GatewayFacts[]> {
  const probes = gateways.map(
    ({ node, address }) =>
      new Probe({
        node,
        address,
        client: 'pulsewire doctor',
        ...(probeSecret === undefined ? {} : { secret: probeSecret }),
        connect: connectProbeBy(gatewayCaFile),
        clock: systemClock,
        random: Math.random,
        logger: silentLogger,
        onChange: () => {},
      }),
  )
  for (const probe of probes) probe.open()
  await new Promise<void>((resolve) => systemClock.after(LISTEN_MS, resolve))
  const atMs = systemClock.nowMs()
  return probes.map((probe) => {
    const { node, address } = probe
    const report = { ...reportOf(probe) }
    probe.close()
    return { node, address, report, atMs }
  })
}

function reportOf(probe: Probe): ProbeReport {
  const { address, state, sinceMs, failure, failures, peer, entry, heardAtMs, roundTripMs, pulseIntervalMs, feeds } = probe
  return { address, state, sinceMs, failure, failures, peer, entry, heardAtMs, roundTripMs, pulseIntervalMs, feeds }
}

export function judgeGateway({ node, address, report, atMs }: GatewayFacts, generations: ReadonlyMap<string, number>): Check {
  const name = node === address ? address : `${node} (${address})`
  const leave = 'clients that are sent there get nothing; a balancer does not hand it out'
  if (report.state !== 'open') {
    return problem(
      'gateways',
      `${name} does not take a client: ${report.failure ?? `no answer for ${span(LISTEN_MS)}`}`,
      leave,
      'is the process up, the address right, the network open?',
    )
  }
  const wrong = [...report.feeds].flatMap(([feed, heard]) => {
    const generation = generations.get(feed) ?? heard.generation
    const brought = heard.generations.get(generation)
    if (heard.complaint !== null) return [`${feed}: ${heard.complaint}`]
    if (brought === undefined) return [`${feed}: no pulse of generation ${generation}`]
    const ages = [...brought.pulses.values()].map(({ heardAtMs, ageMs }) => atMs - heardAtMs + ageMs)
    const missing = brought.partitions - ages.length
    if (missing > 0) return [`${feed}: no pulse of ${missing} of ${brought.partitions} partitions`]
    const oldestMs = Math.max(0, ...ages)
    return oldestMs > PULSE_AGE_MS_MAX ? [`${feed}: the newest pulse is ${span(oldestMs)} old`] : []
  })
  if (report.feeds.size === 0) wrong.push('it offers no feed')
  if (wrong.length > 0)
    return problem(
      'gateways',
      `${name} does not bring fresh data: ${some(wrong)}`,
      'its clients are told that it is stale',
      '`pulsewire trace` from this gateway to the log names the hop',
    )
  const trip = report.roundTripMs === null ? '' : `, round trip ${span(report.roundTripMs)}`
  return ok('gateways', `${name} brings fresh pulses of ${some([...report.feeds.keys()])}${trip}`)
}
