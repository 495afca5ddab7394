import type { ScaleReport } from './story.ts'

/** Loads of gateways of one zone differ from their mean by less. */
const OFF_MAX = 0.1
/** P4: who is gone is handed out no longer. */
const NOTICED_MS_MAX = 3000
/** Clients of a lost zone are served again. */
const BACK_MS_MAX = 30_000
/** Of the clients of a lost zone: one modelled client is fifty, so that rows of a few are unevener than they would be. */
const REFUSED_TWICE_MAX = 1 / 1000
/**
 * A pulse and its acknowledgement a second, a comparison of clocks now and then; and six messages of each new session, every
 * 1.7 s where there are few enough gateways.
 */
const PROBE_MESSAGES_MAX = 6.6

/** What a large fleet promises and this one did not keep; none: all of it. */
export function brokenBounds({ leases, probes, spread, storm, blackout }: ScaleReport, gateways: number): string[] {
  const bounds: readonly (readonly [string, boolean])[] = [
    [`every balancer knows all nodes: ${leases.known} of ${leases.nodes}`, leases.known === leases.nodes],
    [
      `a beat a second of each node: ${leases.beatsPerSecond} of ${leases.nodes}`,
      Math.abs(leases.beatsPerSecond / leases.nodes - 1) < 0.02,
    ],
    [`every balancer proves all gateways: ${probes.proven} of ${gateways}`, probes.proven === gateways],
    [`probes cost ${probes.messagesPerSecond} messages a second`, probes.messagesPerSecond <= PROBE_MESSAGES_MAX * gateways],
    [`clients are spread: ${percent(spread.off)} off the mean`, spread.off < OFF_MAX],
    [`clients that come in turn are let in: ${spread.refused} refused`, spread.refused === 0],
    [`a lost zone is noticed: after ${storm.noticedMs} ms`, storm.noticedMs <= NOTICED_MS_MAX],
    [`all its clients are back: after ${storm.lastMs} ms`, storm.lastMs <= BACK_MS_MAX],
    [
      `hardly anybody is refused twice: ${storm.refusedTwice} of ${storm.clients} were`,
      storm.refusedTwice <= storm.clients * REFUSED_TWICE_MAX,
    ],
    [`they are spread over what is left: ${percent(storm.off)} off the mean`, storm.off < OFF_MAX],
    [`Kafka away: ${blackout.during} of ${blackout.before} gateways stay in use`, blackout.during === blackout.before],
    [`Kafka away: ${blackout.empty} answers were empty`, blackout.empty === 0],
    [`Kafka away: ${blackout.unmarked} answers did not say so`, blackout.unmarked === 0],
    [`Kafka back: ${blackout.after} of ${blackout.before} gateways in use`, blackout.after === blackout.before],
    [`Kafka back: ${blackout.stillDegraded} answers are degraded`, blackout.stillDegraded === 0],
  ]
  return bounds.filter(([, holds]) => !holds).map(([text]) => text)
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`
}
