/** What Pulsewire has to reach. Shown beside what was measured, never asserted: a shared machine is no judge. */
import type { Load, Measurement } from './loads.ts'
import { REFERENCE } from './peers.ts'

export interface Verdict {
  readonly floor: string
  readonly limit: number
  /** Absent: not measured in this run, or not comparable. */
  readonly measured: number | undefined
  readonly verdict: 'pass' | 'FAIL' | 'not measured' | 'not comparable'
}

/** A peer that delivered less than this did not keep up: its CPU and latency are those of another, smaller load. */
const DELIVERED_SHARE_MIN = 0.9

type Value = (measurement: Measurement) => number | undefined

const cpuPerUpdate: Value = (each) => each.cpuMicrosPerUpdate
const cpuPerClient: Value = (each) => each.cpuMillisPerClientSecond
const bytesPerUpdate: Value = (each) => each.bytesPerUpdate
const p99: Value = (each) => each.window?.latency?.p99Ms

export function verdicts(measurements: readonly Measurement[]): Verdict[] {
  const find = (load: Load, peer: string): Measurement | undefined => measurements.find((each) => each.load === load && each.peer === peer)
  const list: Verdict[] = []
  for (const load of ['A', 'B'] as const) {
    const one = find(load, 'pulsewire')
    const two = find(load, 'pulsewire-split')
    const go = find(load, REFERENCE)
    list.push(
      ratio(`${load}: CPU per update, one process, × ${REFERENCE}`, 0.7, cpuPerUpdate, one, go),
      ratio(`${load}: CPU per update, two processes, × ${REFERENCE}`, 1.2, cpuPerUpdate, two, go),
      ratio(`${load}: latency p99, one process, × ${REFERENCE}`, 1.5, p99, one, go),
      ratio(`${load}: bytes per update, bin.v1, × ${REFERENCE}'s JSON`, 0.15, bytesPerUpdate, one, go),
    )
  }
  const megaRecords = divided(find('E', 'pulsewire')?.recordsPerCpuSecond, 1e6)
  list.push(
    ratio(`C: CPU per client, × ${REFERENCE}`, 0.2, cpuPerClient, find('C', 'pulsewire'), find('C', REFERENCE) ?? find('B', REFERENCE)),
    judged('D: kB per idle connection', 16, divided(find('D', 'pulsewire')?.bytesPerConnection, 1_000)),
    judged('E: million records/s on one core, at least', 0.2, megaRecords, (value, limit) => value >= limit),
    judged('F: ms to 1,000 snapshots, median', 50, find('F', 'pulsewire')?.subscribeMillis?.median),
  )
  return list
}

function ratio(floor: string, limit: number, value: Value, ours: Measurement | undefined, theirs: Measurement | undefined): Verdict {
  if (ours === undefined || theirs === undefined) return judged(floor, limit, undefined)
  if (!keptUp(ours) || !keptUp(theirs)) return { floor, limit, measured: undefined, verdict: 'not comparable' }
  return judged(floor, limit, divided(value(ours), value(theirs)))
}

function keptUp(each: Measurement): boolean {
  return (each.deliveredShare ?? 1) >= DELIVERED_SHARE_MIN
}

function judged(
  floor: string,
  limit: number,
  measured: number | undefined,
  holds = (value: number, bound: number) => value <= bound,
): Verdict {
  if (measured === undefined) return { floor, limit, measured, verdict: 'not measured' }
  return { floor, limit, measured, verdict: holds(measured, limit) ? 'pass' : 'FAIL' }
}

function divided(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by
}
