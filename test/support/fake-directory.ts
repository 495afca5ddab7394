import {
  type CatalogueFeed,
  type Directory,
  type DirectoryPart,
  type GreyPolicy,
  type KnownNode,
  type Lease,
  RevocationTable,
} from '../../packages/server/src/directory/index.ts'
import { testLease } from './leases.ts'

/** A directory that says what a test wants it to say. */
export class FakeDirectory implements Directory {
  otherZone: string | null = null
  readonly parts: readonly DirectoryPart[] = [this]
  logId: string | null = 'log-1'
  view: Directory['view'] = 'current'
  viewSinceMs = 0
  isReadBack = true
  readonly nodes = new Map<string, KnownNode>()
  readonly feeds = new Map<string, CatalogueFeed>()
  readonly revocations = new RevocationTable()
  grey: GreyPolicy | null = null
  readonly #listeners = new Set<() => void>()

  /** A push node of the line, such as `a1` of line A; what is given is changed, the rest stays as it was. */
  push(node: string, change: Partial<Lease> & Partial<Pick<KnownNode, 'state' | 'word'>> = {}): void {
    const { state, word, ...lease } = change
    const known = this.nodes.get(node)
    const line = node.startsWith('b') ? 'B' : 'A'
    const feeds = [{ feed: 'quote', generation: 1, pulseAgeMs: 0 }]
    const before = known?.lease ?? testLease(node, { role: 'push', line, addresses: [`ws://push-${node}:8081`], feeds })
    this.nodes.set(node, {
      lease: { ...before, ...lease },
      heardAtMs: 0,
      expiresAtMs: 3000,
      state: state ?? known?.state ?? 'live',
      word: word ?? known?.word ?? 'online',
    })
    this.changed()
  }

  see(view: Directory['view']): void {
    this.view = view
    this.changed()
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }
}
