/** What a process may be asked of itself, whichever of its threads answers. */

/** Of a CPU profile. */
export const CPU_SECONDS = 10
export const CPU_SECONDS_MAX = 120
/** Taking a snapshot stops the process for about a second per this; much more, and its watchdog would end it. */
export const SNAPSHOT_MB_MAX = 256
const MIB = 1024 * 1024

/** Why a snapshot of a heap of this size is not taken; `undefined`: it is. */
export function snapshotRefusal(usedBytes: number, limitMb: number): string | undefined {
  const usedMb = Math.round(usedBytes / MIB)
  if (usedMb <= limitMb) return undefined
  const seconds = Math.ceil(usedMb / SNAPSHOT_MB_MAX)
  return `the heap holds ${usedMb} MB: a snapshot would stop the node for some ${seconds} s or more, and its watchdog may end it. To take it all the same, say --limit-mb ${usedMb * 2}`
}
