import {
  type CatalogueFeed,
  type Directory,
  type DirectoryPart,
  type FeedGeneration,
  type GreyPolicy,
  type KnownNode,
  type Lease,
  type NodeWord,
  RevocationTable,
} from '../../packages/server/src/directory/index.ts'
import { testLease } from './leases.ts'
import type { ManualClock } from './manual-clock.ts'

/** A directory that a test writes by hand. */
export class MemoryDirectory implements Directory {
  readonly nodes = new Map<string, KnownNode>()
  readonly feeds = new Map<string, CatalogueFeed>()
  readonly revocations = new RevocationTable()
  grey: GreyPolicy | null = null
  otherZone: string | null = null
  readonly parts: readonly DirectoryPart[] = [this]
  logId: string | null = 'log-1'
  view: Directory['view'] = 'current'
  viewSinceMs: number
  isReadBack = true
  readonly #clock: Pick<ManualClock, 'nowMs'>
  readonly #listeners = new Set<() => void>()

  constructor(clock: Pick<ManualClock, 'nowMs'>) {
    this.#clock = clock
    this.viewSinceMs = clock.nowMs()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A beat of a gateway, or of another node where the lease says so. */
  beat(node: string, lease: Partial<Lease> = {}): void {
    const known = this.nodes.get(node)
    const before = known?.lease ?? testLease(node)
    const nowMs = this.#clock.nowMs()
    const next = { ...before, ...lease, beat: before.beat + 1 }
    this.#put({ lease: next, heardAtMs: nowMs, expiresAtMs: nowMs + next.lifeMs, state: 'live', word: known?.word ?? 'online' })
  }

  become(node: string, state: KnownNode['state']): void {
    this.#put({ ...this.nodes.get(node)!, state })
  }

  say(node: string, word: NodeWord): void {
    this.#put({ ...this.nodes.get(node)!, word })
  }

  see(view: Directory['view']): void {
    this.view = view
    this.viewSinceMs = this.#clock.nowMs()
    this.#changed()
  }

  /** The catalogue's entry of a feed. */
  catalogue(feed: string, current: FeedGeneration, rest: Partial<Pick<CatalogueFeed, 'next' | 'retired'>> = {}): void {
    this.feeds.set(feed, { feed, current, next: null, retired: [], revision: (this.feeds.get(feed)?.revision ?? 0) + 1, ...rest })
    this.#changed()
  }

  #put(known: KnownNode): void {
    this.nodes.set(known.lease.node, known)
    this.#changed()
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
