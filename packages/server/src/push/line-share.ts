import { isConfirmed, rendezvousOwner, type Directory, type KnownNode, type Lease, type LeasedFeed } from '../directory/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'

/** A node that cannot learn of its line by then reads everything: twice is harmless, not at all is not. */
const LOADING_MS_MAX = 5000
/** So long after another says that it has a partition, gateways have certainly heard so as well. */
const HANDOVER_MS = 2000
/** A partition whose new owner still does not have it is given up all the same: that node is in trouble and says so itself. */
const HANDOVER_MS_MAX = 120_000

interface Handover {
  readonly sinceMs: number
  carriedSinceMs: number | null
}

/**
 * Which partitions fall to this push node. All nodes of a line and track compute the same from the same leases, so nobody
 * has to agree on anything; where two see different leases for a moment, a partition is read twice.
 */
export class LineShare {
  readonly #directory: Directory
  readonly #self: string
  readonly #line: string
  readonly #track: Lease['track']
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #startedAtMs: number
  /** Owners of each feed's partitions, for the members that they were computed for. */
  readonly #owners = new Map<string, { readonly members: string; readonly owners: readonly (string | undefined)[] }>()
  readonly #handovers = new Map<string, Handover>()
  readonly #last = new Map<string, readonly number[]>()
  /** This node is on its way out: everything falls to others. */
  isLeaving = false

  constructor(options: {
    readonly directory: Directory
    readonly self: string
    readonly line: string
    readonly track: Lease['track']
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#directory = options.directory
    this.#self = options.self
    this.#line = options.line
    this.#track = options.track
    this.#clock = options.clock
    this.#logger = options.logger
    this.#startedAtMs = options.clock.nowMs()
  }

  /**
   * The partitions of the feed that this node is to read now: its own, and those that it still holds for others.
   * `undefined` while that is not known. While the view is degraded nothing moves.
   */
  wanted(feed: string, generation: number, partitions: number, held: Iterable<number>): readonly number[] | undefined {
    if (this.#directory.view !== 'current') return this.#last.get(`${feed}/${generation}`) ?? this.#withoutView(partitions)
    const members = this.#members(feed, generation)
    const key = `${feed}/${generation}`
    const owners = this.#ownersOf(feed, generation, partitions, members)
    const isHeld = new Set(held)
    const wanted: number[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const owner = owners[partition]
      const isOwn = owner === this.#self || owner === undefined
      if (isOwn) this.#handovers.delete(`${key}/${partition}`)
      if (
        isOwn
          ? owner !== undefined || isHeld.has(partition)
          : isHeld.has(partition) && this.#holds(feed, generation, partition, members.get(owner)!)
      )
        wanted.push(partition)
    }
    this.#last.set(key, wanted)
    return wanted
  }

  /** Everything, once waiting for leases has taken too long. */
  #withoutView(partitions: number): readonly number[] | undefined {
    const isLoading = this.#directory.view === 'loading'
    if (isLoading && this.#clock.nowMs() - this.#startedAtMs < LOADING_MS_MAX) return undefined
    return Array.from({ length: partitions }, (_, partition) => partition)
  }

  /** Who shares the feed: push nodes of this line and track that are there to stay. One that is still reading in is among them. */
  #members(feed: string, generation: number): ReadonlyMap<string, KnownNode | null> {
    const members = new Map<string, KnownNode | null>()
    if (!this.isLeaving) members.set(this.#self, null)
    for (const known of this.#directory.nodes.values()) {
      const { lease, state, word } = known
      const isThere = state === 'live' && word === 'online' && !lease.draining
      const isOfLine = lease.role === 'push' && lease.line === this.#line && lease.track === this.#track
      if (lease.node === this.#self || !isOfLine || !isThere) continue
      if (lease.feeds.some((served) => served.feed === feed && this.#succeeds(served, generation))) members.set(lease.node, known)
    }
    return members
  }

  /** Whether it is this generation, or one that the catalogue puts in its place: any other a single node may have by mistake. */
  #succeeds(served: LeasedFeed, generation: number): boolean {
    if (served.generation === generation) return true
    return served.generation > generation && isConfirmed(this.#directory.feeds.get(served.delayOf ?? served.feed), served.generation)
  }

  #ownersOf(feed: string, generation: number, partitions: number, members: ReadonlyMap<string, unknown>): readonly (string | undefined)[] {
    const names = [...members.keys()].sort()
    const joined = names.join(' ')
    const known = this.#owners.get(`${feed}/${generation}`)
    if (known?.members === joined && known.owners.length === partitions) return known.owners
    const owners = Array.from({ length: partitions }, (_, partition) => rendezvousOwner(`${feed}/${partition}`, names))
    this.#owners.set(`${feed}/${generation}`, { members: joined, owners })
    const own = owners.flatMap((owner, partition) => (owner === this.#self ? [partition] : []))
    this.#logger.info('partitions_shared', `of feed ${feed}, partitions ${own.join(', ') || 'none'} fall to this node`, {
      feed,
      generation,
      line: this.#line,
      members: names,
    })
    return owners
  }

  /** Whether a partition that another owns must still be held for it. */
  #holds(feed: string, generation: number, partition: number, owner: KnownNode | null): boolean {
    const nowMs = this.#clock.nowMs()
    const key = `${feed}/${generation}/${partition}`
    let handover = this.#handovers.get(key)
    if (handover === undefined) this.#handovers.set(key, (handover = { sinceMs: nowMs, carriedSinceMs: null }))
    const served = servedAt(owner, feed, generation)
    const isCarried = served !== undefined && (served.partitions === undefined || served.partitions.includes(partition))
    if (isCarried) handover.carriedSinceMs ??= nowMs
    else handover.carriedSinceMs = null
    if (nowMs - handover.sinceMs < HANDOVER_MS_MAX) {
      if (handover.carriedSinceMs === null || nowMs - handover.carriedSinceMs < HANDOVER_MS) return true
    } else this.#logger.warn('handover_late', `${owner?.lease.node} still does not have ${key}: it is given up all the same`, { feed })
    this.#handovers.delete(key)
    return false
  }
}

/** What the node says of this generation of the feed, else of one that took its place: it has handed on what it had. */
function servedAt(owner: KnownNode | null, feed: string, generation: number): LeasedFeed | undefined {
  const served = owner?.lease.feeds.filter((each) => each.feed === feed && each.generation >= generation) ?? []
  return served.find((each) => each.generation === generation) ?? served[0]
}
