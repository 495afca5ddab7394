import type { FaultNode } from '../rig/node.ts'
import { median, type MemorySample, residentBytes, slopePerMinute } from './resident-memory.ts'

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

/** Follows the resident memory of nodes from beginning to end; those that were ended in between are left out. */
export class NodeMemories {
  readonly #nodes: readonly FaultNode[]
  readonly #samples = new Map<string, { readonly pid: number; readonly samples: MemorySample[] }>()

  constructor(nodes: readonly FaultNode[]) {
    this.#nodes = nodes
    for (const node of nodes) this.#samples.set(node.id, { pid: pidOf(node), samples: [] })
  }

  sample(atMs: number): void {
    for (const node of this.#nodes) {
      const followed = this.#samples.get(node.id)
      if (followed === undefined) continue
      if (pidOf(node) === followed.pid) followed.samples.push({ atMs, bytes: residentBytes(followed.pid) })
      else this.#samples.delete(node.id)
    }
  }

  result(): NodeMemory[] {
    return [...this.#samples].flatMap(([node, { samples }]) => {
      const warm = samples.slice(Math.floor(samples.length * WARM_UP_PART))
      if (warm.length < 2) return []
      const minutes = (warm.at(-1)!.atMs - warm[0]!.atMs) / 60_000
      const slopeBytesPerMinute = slopePerMinute(warm)
      const medianBytes = median(warm.map(({ bytes }) => bytes))
      const isFlat = slopeBytesPerMinute * minutes <= medianBytes * GROWTH_PART_MAX
      const text = `${(medianBytes / MB).toFixed(0)} MB, ${(slopeBytesPerMinute / MB).toFixed(2)} MB a minute over ${minutes.toFixed(0)} minutes`
      return [{ node, medianBytes, slopeBytesPerMinute, minutes, isFlat, text }]
    })
  }
}

function pidOf(node: FaultNode): number {
  return node.process.child.pid!
}
