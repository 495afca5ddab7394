/** Prints what was measured as text tables that stay readable in a terminal and in a pull request. */
import type { Verdict } from './floors.ts'
import { LOADS, type Load, type Measurement } from './loads.ts'
import { REFERENCE } from './peers.ts'

type Column = readonly [title: string, cell: (each: Measurement, reference: Measurement | undefined) => string]

const STREAM: readonly Column[] = [
  ['CPU µs/update', (m) => fixed(m.cpuMicrosPerUpdate, 2)],
  [`× ${REFERENCE}`, (m, r) => times(m.cpuMicrosPerUpdate, r?.cpuMicrosPerUpdate)],
  ['CPU ms/client/s', (m) => fixed(m.cpuMillisPerClientSecond, 3)],
  ['p50 ms', (m) => fixed(m.window?.latency?.p50Ms, 1)],
  ['p99 ms', (m) => fixed(m.window?.latency?.p99Ms, 1)],
  ['max ms', (m) => fixed(m.window?.latency?.maxMs, 1)],
  ['p99 ×', (m, r) => times(m.window?.latency?.p99Ms, r?.window?.latency?.p99Ms)],
  ['B/update', (m) => fixed(m.bytesPerUpdate, 1)],
  ['bytes ×', (m, r) => times(m.bytesPerUpdate, r?.bytesPerUpdate)],
  ['delivered', (m) => percent(m.deliveredShare)],
  ['records/update', (m) => fixed(m.recordsPerUpdate, 2)],
  ['updates/message', (m) => fixed(quotient(m.window?.updates, m.window?.messages), 2)],
  ['RSS MB', (m) => fixed(mega(m.residentBytes), 0)],
  ['cores: servers', (m) => fixed(quotient(m.serverCpuSeconds, m.seconds), 2)],
  ['loadgen', (m) => fixed(quotient(m.window?.cpuSeconds, m.window?.seconds), 2)],
  ['rest', (m) => fixed(m.restOfMachineCores, 2)],
]

const COLUMNS: Readonly<Record<Load, readonly Column[]>> = {
  A: STREAM,
  B: STREAM,
  C: STREAM,
  D: [
    ['kB/connection', (m) => fixed(divided(m.bytesPerConnection, 1_000), 1)],
    [`× ${REFERENCE}`, (m, r) => times(m.bytesPerConnection, r?.bytesPerConnection)],
    ['RSS MB', (m) => fixed(mega(m.residentBytes), 0)],
    ['idle CPU, cores', (m) => fixed(quotient(m.serverCpuSeconds, m.seconds), 3)],
  ],
  E: [['records/s per core', (m) => fixed(m.recordsPerCpuSecond, 0)]],
  F: [
    ['median ms', (m) => fixed(m.subscribeMillis?.median, 1)],
    ['max ms', (m) => fixed(m.subscribeMillis?.max, 1)],
  ],
}

export function measurementTables(measurements: readonly Measurement[]): string {
  const parts: string[] = []
  for (const load of Object.keys(LOADS) as Load[]) {
    const rows = measurements.filter((each) => each.load === load)
    if (rows.length === 0) continue
    const reference = rows.find((each) => each.peer === REFERENCE)
    const columns = COLUMNS[load]
    const lines = rows.map((each) => [each.peer, ...columns.map(([, cell]) => cell(each, reference))])
    parts.push(`${load}: ${LOADS[load]}\n${aligned([['peer', ...columns.map(([title]) => title)], ...lines])}`)
  }
  return parts.join('\n\n')
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((each) => [each.floor, fixed(each.measured, 3), fixed(each.limit, 3), each.verdict])
  return `Floors\n${aligned([['what', 'measured', 'floor', ''], ...rows])}`
}

/** Kafka and the producer take about half a core under these loads; strangers should take next to nothing. */
const REST_CORES_QUIET = 0.7

/** What a reader must know before believing the tables; empty when there is nothing. */
export function warnings(measurements: readonly Measurement[]): string {
  const disturbed = measurements
    .filter((each) => (each.restOfMachineCores ?? 0) > REST_CORES_QUIET)
    .map((each) => `${each.load} ${each.peer}`)
  if (disturbed.length === 0) return ''
  return `\nThe machine was busy with other work during: ${disturbed.join(', ')}. Latencies there say little; repeat when it is quiet.\n`
}

/** First column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')
  const [head, ...body] = rows.map(line)
  return [head, '-'.repeat(head!.length), ...body].join('\n')
}

function fixed(value: number | undefined, decimals: number): string {
  return value === undefined ? '–' : value.toFixed(decimals)
}

function times(value: number | undefined, reference: number | undefined): string {
  return value === undefined || reference === undefined ? '–' : (value / reference).toFixed(2)
}

function percent(value: number | undefined): string {
  return value === undefined ? '–' : `${(value * 100).toFixed(1)}%`
}

function divided(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by
}

function mega(value: number | undefined): number | undefined {
  return divided(value, 1e6)
}

function quotient(value: number | undefined, seconds: number | undefined): number | undefined {
  return value === undefined || seconds === undefined ? undefined : value / seconds
}
