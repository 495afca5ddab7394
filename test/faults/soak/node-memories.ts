import type { FaultNode } from '../rig/node.ts'
import { median, type MemorySample, slopePerMinute } from './slope.ts'

export interface NodeMemory {
  readonly node: string
  readonly medianBytes: number
  /** By the second part of the run. */
  readonly slopeBytesPerMinute: number
  /** Over which it was taken. */
  readonly minutes: number
  readonly isFlat: boolean
  readonly text: string
}

/** A process takes this part of the run to get to its working size. */
const WARM_UP_PART = 1 / 4
/** More than so much of its size, over the rest of the run, is growth and no noise. */
const GROWTH_PART_MAX = 0.1
const MB = 1e6

/** A shorter life of a process says nothing of a slope. */
const LIFE_MINUTES_MIN = 4

/**
 * What the processes of nodes held after their full collections (preload/memory.ts), of each node the one that lived longest:
 * faults end most of them sooner or later.
 */
export class NodeMemories {
  readonly #longest = new Map<string, MemorySample[]>()

  /** Looks at the processes that there are now. */
  look(nodes: readonly FaultNode[]): void {
    for (const { id, process } of nodes) {
      const samples = process.lines
        .filter(({ code }) => code === 'memory_held')
        .map(({ receivedAtMs, ...line }) => ({ atMs: receivedAtMs, bytes: Number(line['bytes']) }))
      if (samples.length >= (this.#longest.get(id)?.length ?? 0)) this.#longest.set(id, samples)
    }
  }

  result(): NodeMemory[] {
    return [...this.#longest].flatMap(([node, samples]) => {
      const warm = samples.slice(Math.floor(samples.length * WARM_UP_PART))
      const minutes = warm.length === 0 ? 0 : (warm.at(-1)!.atMs - warm[0]!.atMs) / 60_000
      if (minutes < LIFE_MINUTES_MIN) return []
      const slopeBytesPerMinute = slopePerMinute(warm)
      const medianBytes = median(warm.map(({ bytes }) => bytes))
      const isFlat = slopeBytesPerMinute * minutes <= medianBytes * GROWTH_PART_MAX
      const text = `${(medianBytes / MB).toFixed(0)} MB, ${(slopeBytesPerMinute / MB).toFixed(2)} MB a minute over ${minutes.toFixed(0)} minutes`
      return [{ node, medianBytes, slopeBytesPerMinute, minutes, isFlat, text }]
    })
  }
}
