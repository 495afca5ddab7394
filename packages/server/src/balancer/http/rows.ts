import type { HeardFeed, ProbeReport } from '../probe/report.ts'
import type { Verdict } from '../verdict/verdict-book.ts'
import type { VerdictRow } from './schemas.ts'

/** A verdict as the API shows it. */
export function verdictRow(verdict: Verdict, nowMs: number): VerdictRow {
  const { lease, state, word, told, heardAtMs } = verdict.known
  return {
    node: verdict.node,
    role: verdict.role,
    handedOut: verdict.handedOut,
    degraded: verdict.degraded,
    sinceMs: whole(verdict.sinceMs),
    reasons: verdict.reasons.map((reason) => ({ ...reason, sinceMs: whole(reason.sinceMs) })),
    zone: lease.zone,
    ...(verdict.otherZone === null ? {} : { otherZone: verdict.otherZone }),
    track: lease.track,
    ...(lease.line === undefined ? {} : { line: lease.line }),
    version: lease.version,
    addresses: [...lease.addresses],
    word,
    ...(told === undefined ? {} : { told: { ...told } }),
    lease: {
      state,
      incarnation: lease.incarnation,
      beatAgeMs: whole(Math.max(0, nowMs - heardAtMs)),
      ready: lease.ready,
      draining: lease.draining,
    },
    load: { ...lease.load },
    probe: verdict.probe === null ? null : probeRow(verdict.probe, nowMs),
  }
}

function probeRow(probe: ProbeReport, nowMs: number): VerdictRow['probe'] {
  const { address, state, sinceMs, failures, failure, peer, roundTripMs, entry } = probe
  return {
    address,
    state,
    sinceMs: whole(sinceMs),
    failures,
    failure,
    entry: entry === null ? null : { enteredAtMs: whole(entry.enteredAtMs), failure: entry.failure, withinMs: whole(entry.withinMs) },
    answeredBy: peer,
    roundTripMs: roundTripMs === null ? null : Math.round(roundTripMs * 10) / 10,
    feeds: [...probe.feeds].map(([feed, heard]) => feedRow(feed, heard, nowMs)),
  }
}

function feedRow(feed: string, { generation, generations }: HeardFeed, nowMs: number) {
  const heard = generations.get(generation)
  const ages = [...(heard?.pulses.values() ?? [])].map(({ heardAtMs, ageMs }) => Math.max(0, nowMs - heardAtMs) + ageMs)
  return {
    feed,
    generation,
    partitions: heard?.partitions ?? 0,
    partitionsHeard: ages.length,
    pulseAgeMs: ages.length === 0 ? null : whole(Math.max(...ages)),
  }
}

function whole(ms: number): number {
  return Math.round(ms)
}
