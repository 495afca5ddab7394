/** Medians over rounds, and the JSON file that keeps a run. */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Measurement } from './loads.ts'
import type { Options } from './options.ts'
import type { Verdict } from './floors.ts'

/** Of several rounds of one peer under one load, the one whose CPU (or time) is the median: a whole measurement, not a mix. */
export function medians(measurements: readonly Measurement[]): Measurement[] {
  const groups = Map.groupBy(measurements, (each) => `${each.load} ${each.peer}`)
  return [...groups.values()].map((group) => group.toSorted((a, b) => weight(a) - weight(b))[(group.length - 1) >> 1]!)
}

function weight(each: Measurement): number {
  return each.bytesPerConnection ?? each.cpuMicrosPerUpdate ?? each.subscribeMillis?.median ?? each.recordsPerCpuSecond ?? 0
}

export async function saveResult(
  dir: string,
  options: Options,
  rounds: readonly Measurement[],
  verdicts: readonly Verdict[],
): Promise<string> {
  await mkdir(dir, { recursive: true })
  const date = new Date().toISOString()
  const file = join(dir, `${date.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}.json`)
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), kernel: release(), node: process.version }
  const { seconds, warmUpSeconds, rounds: count, seed } = options
  const result = { date, machine, options: { seconds, warmUpSeconds, rounds: count, seed }, verdicts, measurements: rounds }
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
  return file
}
