import { cpus } from 'node:os'

/** What all processors of a machine have done since it started, together. */
export interface ProcessorTimes {
  readonly idleMs: number
  readonly allMs: number
}

export function processorTimes(): ProcessorTimes {
  let [idleMs, allMs] = [0, 0]
  for (const { times } of cpus()) {
    idleMs += times.idle
    for (const ms of Object.values(times)) allMs += ms
  }
  return { idleMs, allMs }
}

/** The part of the time between the two in which processors had something to do; 0 of no time. */
export function busyPart(from: ProcessorTimes, until: ProcessorTimes): number {
  const allMs = until.allMs - from.allMs
  return allMs <= 0 ? 0 : 1 - (until.idleMs - from.idleMs) / allMs
}
