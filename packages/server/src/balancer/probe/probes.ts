import type { LinksAnswer } from '../../diagnosis/index.ts'
import type { Directory, KnownNode } from '../../directory/index.ts'
import { EVERY } from './entries.ts'
import { Probe, type ProbeOptions } from './probe.ts'
import type { ProbeReport } from './report.ts'

type Shared = Omit<ProbeOptions, 'node' | 'address' | 'entries'>

/** Of new sessions that only look whether they are let in. */
export interface EntryLimits {
  /** What they say that they are. */
  readonly client: string
  /** At each gateway one has to be let in within this... */
  readonly withinMs: number
  /** ...or within as much longer as it takes where there are no more than these, at all gateways together. */
  readonly perSecondMax: number
}

/** One probe per gateway that the directory knows, on the first of the addresses that it advertises. */
export class Probes {
  readonly #directory: Directory
  readonly #shared: Omit<ProbeOptions, 'node' | 'address'>
  readonly #probes = new Map<string, Probe>()

  constructor(directory: Directory, { entries, ...shared }: Shared & { readonly entries: EntryLimits }) {
    this.#directory = directory
    const { client, withinMs, perSecondMax } = entries
    const paced = (): number => Math.max(withinMs, (this.#probes.size * 1000) / perSecondMax / EVERY)
    this.#shared = { ...shared, entries: { client, withinMs: paced } }
  }

  of(node: string): ProbeReport | null {
    return this.#probes.get(node) ?? null
  }

  /** As links of the balancer, for whoever asks. */
  accounts(nowMs: number): LinksAnswer['links'] {
    return [...this.#probes.values()].map(({ node, address, state, failure, heardAtMs }) => {
      const silentMs = Math.round(nowMs - heardAtMs)
      return { node, address, line: '', state, why: state === 'open' ? '' : (failure ?? ''), silentMs }
    })
  }

  /** Makes the probes those of the nodes that there are now. A node that said goodbye is left alone; one that fell silent is not. */
  follow(): void {
    for (const [name, probe] of this.#probes) {
      if (addressOf(this.#directory.nodes.get(name)) === probe.address) continue
      this.#probes.delete(name)
      probe.close()
    }
    for (const [name, node] of this.#directory.nodes) {
      const address = addressOf(node)
      if (address === undefined || this.#probes.has(name)) continue
      const probe = new Probe({ ...this.#shared, node: name, address })
      this.#probes.set(name, probe)
      probe.open()
    }
  }

  close(): void {
    for (const probe of this.#probes.values()) probe.close()
    this.#probes.clear()
  }
}

function addressOf(node: KnownNode | undefined): string | undefined {
  if (node === undefined || node.lease.role !== 'gateway' || node.state === 'left') return undefined
  return node.lease.addresses[0]
}
