import type { Directory, KnownNode, Lease } from '../directory/index.ts'
import { type Candidate, chooseUpstreams } from './choose-upstreams.ts'
import { LINKS_MAX, type UnlinkedUpstream, type Upstream, type Upstreams } from './upstreams.ts'

interface Verdict {
  readonly state: 'good' | 'leaving' | 'lost' | 'out'
  readonly why: string
  /** What it is called where it is not linked to; absent: nothing speaks against it. */
  readonly against?: UnlinkedUpstream['state']
}

interface Judged extends Verdict {
  readonly candidate: Candidate
  readonly heardAtMs: number
}

/**
 * The push nodes of its track that have a lease. Links come and go with them: who has expired, was taken offline or serves
 * only what is over is dropped. While nothing is known (degraded, or still loading) nobody is; and where all have expired at
 * once, those that were linked stay, because no push node at all is worse than one without a lease.
 */
export class LeasedUpstreams implements Upstreams {
  readonly #directory: Directory
  readonly #self: string
  readonly #zone: string
  readonly #track: Lease['track']
  readonly #listeners = new Set<() => void>()
  readonly #stop: () => void
  readonly #why = new Map<string, string>()
  #chosen: readonly Upstream[] = []
  /** As they were judged last. */
  #judged: readonly Judged[] = []

  constructor(options: { readonly directory: Directory; readonly self: string; readonly zone: string; readonly track: Lease['track'] }) {
    this.#directory = options.directory
    this.#self = options.self
    this.#zone = options.zone
    this.#track = options.track
    this.#stop = options.directory.onChange(() => this.#choose())
    this.#choose()
  }

  get chosen(): readonly Upstream[] {
    return this.#chosen
  }

  get unlinked(): readonly UnlinkedUpstream[] {
    const isLinked = new Set(this.#chosen.map(keyOf))
    return this.#judged.flatMap(({ candidate, against, why, heardAtMs }) => {
      if (against === undefined || isLinked.has(keyOf(candidate))) return []
      const { node, line, address, feeds } = candidate
      return [{ node, line, address, state: against, why, heardAtMs, feeds: feeds.map(({ feed }) => feed) }]
    })
  }

  whyNot(address?: string): string {
    if (address !== undefined) return this.#why.get(address) ?? 'it has no lease'
    const known = [...this.#why].map(([of, why]) => `${of}: ${why}`).join(', ')
    return known === '' ? `no push node has a lease (the directory is ${this.#directory.view})` : known
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    this.#stop()
    this.#listeners.clear()
  }

  #choose(): void {
    const linked = new Map(this.#chosen.map((upstream) => [keyOf(upstream), upstream]))
    const track = this.#trackOfPushNodes()
    const all = [...this.#directory.nodes.values()].flatMap((known) => {
      if (known.lease.track !== track) return []
      const candidate = this.#candidate(known.lease, linked)
      return candidate === undefined ? [] : [{ candidate, heardAtMs: known.heardAtMs, ...this.#judge(known, candidate) }]
    })
    this.#why.clear()
    for (const { candidate, why } of all) this.#why.set(candidate.address, why)
    const of = (state: Verdict['state']) => all.filter((each) => each.state === state).map(({ candidate }) => candidate)
    const chosen = chooseUpstreams({ self: this.#self, good: of('good'), leaving: of('leaving'), max: LINKS_MAX })
    this.#take(this.#keeping(chosen, of('lost'), linked), linked)
    this.#judged = all
  }

  /**
   * Its own track's and no other's: a grey version serves nobody but those of the release. Only a release without push
   * nodes of its own, so far or not any more, takes from the stable ones.
   */
  #trackOfPushNodes(): Lease['track'] {
    const isOwn = ({ lease, state }: KnownNode) => lease.role === 'push' && lease.track === this.#track && lease.ready && state !== 'left'
    return this.#track === 'stable' || [...this.#directory.nodes.values()].some(isOwn) ? this.#track : 'stable'
  }

  #candidate({ role, node, line, zone, feeds, addresses }: Lease, linked: ReadonlyMap<string, Upstream>): Candidate | undefined {
    const [address] = addresses
    if (role !== 'push' || line === undefined || address === undefined) return undefined
    return { node, line, address, feeds, isNear: zone === this.#zone, isLinked: linked.has(keyOf({ line, address })) }
  }

  #judge({ lease, state, word }: KnownNode, { isLinked }: Candidate): Verdict {
    if (state === 'left') return { state: 'out', against: 'left', why: 'it said goodbye' }
    if (word === 'offline') return { state: 'out', against: 'offline', why: 'it was taken offline' }
    if (this.#isRetired(lease))
      return { state: 'out', against: 'retired', why: `it serves only generations that are over (version ${lease.version})` }
    if (state === 'expired') {
      const before = lease.fault === undefined ? '' : `; before that it was stuck: ${lease.fault}`
      return { state: isLinked ? 'lost' : 'out', against: 'expired', why: `its lease expired${before}` }
    }
    const stuck = lease.fault === undefined ? undefined : ({ against: 'stuck', why: `it is stuck: ${lease.fault}` } as const)
    if (word === 'draining' || lease.draining)
      return { state: isLinked ? 'leaving' : 'out', ...(stuck ?? { against: 'draining', why: 'it is draining' }) }
    if (!lease.ready && !isLinked) return { state: 'out', ...(stuck ?? { against: 'unready', why: 'it is not ready' }) }
    return { state: 'good', why: 'there are enough others' }
  }

  #isRetired({ feeds }: Lease): boolean {
    const isOver = ({ feed, generation }: Lease['feeds'][number]) =>
      generation < (this.#directory.feeds.get(feed)?.current.generation ?? generation)
    return feeds.length > 0 && feeds.every(isOver)
  }

  /** What is linked to beside what is chosen, because too little is known, or nothing is left. */
  #keeping(chosen: readonly Upstream[], lost: readonly Candidate[], linked: ReadonlyMap<string, Upstream>): readonly Upstream[] {
    if (this.#directory.view === 'current') return chosen.length > 0 ? chosen : lost
    const isChosen = new Set(chosen.map(keyOf))
    const kept = [...linked.values()].filter((upstream) => !isChosen.has(keyOf(upstream)))
    return [...kept, ...chosen].slice(0, LINKS_MAX)
  }

  #take(next: readonly Upstream[], linked: ReadonlyMap<string, Upstream>): void {
    if (next.length === linked.size && next.every((upstream) => linked.has(keyOf(upstream)))) return
    this.#chosen = next.map(({ line, address }) => ({ line, address }))
    for (const listener of this.#listeners) listener()
  }
}

function keyOf({ line, address }: Upstream): string {
  return `${line} ${address}`
}
