import type { TopologyAnswer } from './answers.ts'
import { isThere, oldest } from './tone.ts'

/** Five minutes, one look a second. */
const SAMPLES_MAX = 300

/** What is drawn of the whole: the oldest proof of any gateway in use, the slowest event loop, both in ms. */
export interface Sample {
  readonly atMs: number
  readonly proofMs: number | null
  readonly loopMs: number | null
}

/** The last minutes of an installation, bounded. */
export class History {
  readonly samples: Sample[] = []
  /** By node: its event-loop delay and its pulse age with each sample, the newest last. */
  readonly #nodes = new Map<string, { readonly loopMs: (number | null)[]; readonly pulseMs: (number | null)[] }>()

  add({ atMs, nodes }: TopologyAnswer): void {
    const there = nodes.filter(isThere)
    const gateways = there.filter(({ role, handedOut }) => role === 'gateway' && handedOut)
    const proofs = gateways.map(({ probe }) => oldest(probe?.feeds.map(({ pulseAgeMs }) => pulseAgeMs) ?? []))
    const loops = there.flatMap(({ vitals }) => vitals?.loopDelayMs ?? [])
    this.samples.push({ atMs, proofMs: oldest(proofs), loopMs: loops.length === 0 ? null : Math.max(...loops) })
    if (this.samples.length > SAMPLES_MAX) this.samples.shift()
    for (const node of nodes) this.#addNode(node.node, node.vitals?.loopDelayMs ?? null, pulseAgeOf(node))
    const known = new Set(nodes.map(({ node }) => node))
    for (const name of this.#nodes.keys()) if (!known.has(name)) this.#nodes.delete(name)
  }

  /** Aligned with the newest of `samples`. */
  of(node: string): { readonly loopMs: readonly (number | null)[]; readonly pulseMs: readonly (number | null)[] } {
    return this.#nodes.get(node) ?? { loopMs: [], pulseMs: [] }
  }

  #addNode(node: string, loopMs: number | null, pulseMs: number | null): void {
    let known = this.#nodes.get(node)
    if (known === undefined) this.#nodes.set(node, (known = { loopMs: [], pulseMs: [] }))
    for (const [list, value] of [
      [known.loopMs, loopMs],
      [known.pulseMs, pulseMs],
    ] as const) {
      list.push(value)
      if (list.length > SAMPLES_MAX) list.shift()
    }
  }
}

/** A gateway is as fresh as what a probe hears from it, any other node as its lease says. */
function pulseAgeOf({ role, probe, feeds }: TopologyAnswer['nodes'][number]): number | null {
  return oldest((role === 'gateway' ? (probe?.feeds ?? []) : feeds).map(({ pulseAgeMs }) => pulseAgeMs))
}
