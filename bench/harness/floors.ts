/** What Pulsewire has to reach. Shown beside what was measured, never asserted: a shared machine is no judge. */
import type { Load, Measurement } from './loads.ts'
import { REFERENCE } from './peers.ts'

export interface Verdict {
  readonly floor: string
  readonly limit: number
  /** Absent: not measured in this run. */
  readonly measured: number | undefined
  readonly passed: boolean | undefined
}

/** Finds a measurement of this run. */
type Find = (load: Load, peer: string) => Measurement | undefined

const MEGA = 1e6

export function verdicts(measurements: readonly Measurement[]): Verdict[] {
  const find: Find = (load, peer) => measurements.find((each) => each.load === load && each.peer === peer)
  const list: Verdict[] = []
  const atMost = (floor: string, limit: number, measured: number | undefined): void => {
    list.push({ floor, limit, measured, passed: measured === undefined ? undefined : measured <= limit })
  }
  for (const load of ['A', 'B'] as const) {
    const one = find(load, 'pulsewire')
    const two = find(load, 'pulsewire-split')
    const go = find(load, REFERENCE)
    atMost(`${load}: CPU per update, one process, × ${REFERENCE}`, 0.7, ratio(one?.cpuMicrosPerUpdate, go?.cpuMicrosPerUpdate))
    atMost(`${load}: CPU per update, two processes, × ${REFERENCE}`, 1.2, ratio(two?.cpuMicrosPerUpdate, go?.cpuMicrosPerUpdate))
    atMost(`${load}: latency p99, one process, × ${REFERENCE}`, 1.5, ratio(one?.window?.latency?.p99Ms, go?.window?.latency?.p99Ms))
    atMost(`${load}: bytes per update, bin.v1, × ${REFERENCE}'s JSON`, 0.15, ratio(one?.bytesPerUpdate, go?.bytesPerUpdate))
  }
  const limited = find('C', 'pulsewire')
  const unlimited = find('C', REFERENCE) ?? find('B', REFERENCE)
  atMost(`C: CPU per client, × ${REFERENCE}`, 0.2, ratio(limited?.cpuMillisPerClientSecond, unlimited?.cpuMillisPerClientSecond))
  atMost('D: kB per idle connection', 16, divided(find('D', 'pulsewire')?.bytesPerConnection, 1_000))
  const intake = divided(find('E', 'pulsewire')?.recordsPerCpuSecond, MEGA)
  list.push({ floor: 'E: million records/s on one core (at least)', limit: 0.2, measured: intake, passed: intake === undefined ? undefined : intake >= 0.2 })
  atMost('F: ms to 1,000 snapshots, median', 50, find('F', 'pulsewire')?.subscribeMillis?.median)
  return list
}

function ratio(measured: number | undefined, reference: number | undefined): number | undefined {
  return measured === undefined || reference === undefined ? undefined : measured / reference
}

function divided(measured: number | undefined, by: number): number | undefined {
  return measured === undefined ? undefined : measured / by
}
