import type { IgnoredWhy, Word } from './control-record.ts'
import type { KnownNode } from './directory.ts'
import type { Lease } from './lease.ts'

/** More nodes than any installation has: what goes beyond is somebody's mistake, and must not fill the memory. */
const NODES_MAX = 10_000

/** What was read and not acted on. */
export type IgnoredCounts = Record<IgnoredWhy | 'older_incarnation' | 'replayed' | 'too_many_nodes', number>

/** Leases and words as one reader has them. Knows no log and no view: who may be judged, and when, its caller decides. */
export class NodeTable {
  readonly nodes = new Map<string, KnownNode>()
  readonly ignored: IgnoredCounts = {
    unknown_key: 0,
    newer_version: 0,
    malformed: 0,
    older_incarnation: 0,
    replayed: 0,
    too_many_nodes: 0,
  }
  readonly #words = new Map<string, Word>()
  /** Leases that were read back and of which no beat has come since, with the time at which they were written. */
  readonly #remembered = new Map<string, { readonly lease: Lease; readonly writtenAtMs: number }>()
  /** Since when a node has been expired or gone. */
  readonly #deadSinceMs = new Map<string, number>()

  /** Nodes of which only an old lease is known so far. */
  get rememberedCount(): number {
    return this.#remembered.size
  }

  get hasKept(): boolean {
    for (const { state } of this.nodes.values()) if (state === 'kept') return true
    return false
  }

  wordOf(node: string): Word | undefined {
    return this.#words.get(node)
  }

  /** The newest incarnation that anybody has told of, 0 when none has. */
  incarnationOf(node: string): number {
    return this.#newest(node)?.incarnation ?? 0
  }

  /**
   * Whether a process runs under this name: `living`, one was heard; `unheard`, it may, by the lease that was there before
   * reading began and is not much older than its life; `none`.
   */
  holderOf(node: string, nowMs: number): 'living' | 'unheard' | 'none' {
    const state = this.nodes.get(node)?.state
    if (state !== undefined) return state === 'live' || state === 'kept' ? 'living' : 'none'
    const remembered = this.#remembered.get(node)
    // Clocks differ; too old by mistake is no harm: the other one hears who began, and ends.
    if (remembered === undefined || nowMs - remembered.writtenAtMs > 2 * remembered.lease.lifeMs) return 'none'
    return 'unheard'
  }

  /** A lease that was in the log before reading began: it says what was, and nobody is believed for it. */
  remember(lease: Lease, left: boolean, writtenAtMs: number, nowMs: number): void {
    if (!this.#isNews(lease)) return
    this.nodes.delete(lease.node)
    this.#remembered.set(lease.node, { lease, writtenAtMs })
    if (left) this.#bury(lease.node, 'left', nowMs)
  }

  /** A beat. @returns whether it was one that counts. */
  hear(lease: Lease, left: boolean, nowMs: number): boolean {
    if (!this.#isNews(lease)) return false
    const { node, lifeMs } = lease
    this.#remembered.delete(node)
    if (left) this.#deadSinceMs.set(node, nowMs)
    else this.#deadSinceMs.delete(node)
    const state = left ? 'left' : 'live'
    this.nodes.set(node, { lease, heardAtMs: nowMs, expiresAtMs: nowMs + (left ? 0 : lifeMs), state, ...this.#wordFor(node) })
    return true
  }

  /** Somebody has tidied up. A node that lives is not gone for that: its next beat brings it back to whoever starts later. */
  removed(node: string): void {
    const state = this.nodes.get(node)?.state
    if (state === 'live' || state === 'kept') return
    this.nodes.delete(node)
    this.#remembered.delete(node)
    this.#deadSinceMs.delete(node)
  }

  /** @returns whether it counts: not when a later one is known. */
  say(node: string, word: Word): boolean {
    const before = this.#words.get(node)
    if (before !== undefined && before.atMs > word.atMs) return false
    if (before === undefined && this.#words.size >= NODES_MAX) {
      this.ignored.too_many_nodes++
      return false
    }
    this.#words.set(node, word)
    this.#tellWord(node)
    return true
  }

  unsay(node: string): void {
    this.#words.delete(node)
    this.#tellWord(node)
  }

  #tellWord(node: string): void {
    const known = this.nodes.get(node)
    if (known === undefined) return
    const { told: _, ...rest } = known
    this.nodes.set(node, { ...rest, ...this.#wordFor(node) })
  }

  /** For so long nobody could be heard: that is no part of anybody's life. */
  prolong(ms: number): void {
    if (ms === 0) return
    for (const [node, known] of this.nodes) {
      if (known.state === 'live' || known.state === 'kept') this.nodes.set(node, { ...known, expiresAtMs: known.expiresAtMs + ms })
    }
  }

  /** What operators said holds no more. */
  forgetWords(): void {
    this.#words.clear()
    for (const node of this.nodes.keys()) this.#tellWord(node)
  }

  /** Time has passed: who is past its life has expired, or is kept while nobody may be judged. @returns those that changed. */
  judge(nowMs: number, mayExpire: boolean): KnownNode[] {
    const changed: KnownNode[] = []
    for (const [node, known] of this.nodes) {
      if (known.expiresAtMs > nowMs || known.state === 'expired' || known.state === 'left') continue
      const state = mayExpire ? 'expired' : 'kept'
      if (known.state === state) continue
      const next = { ...known, state } as const
      this.nodes.set(node, next)
      if (mayExpire) this.#deadSinceMs.set(node, nowMs)
      changed.push(next)
    }
    return changed
  }

  /** Whoever was only remembered has had its time to beat. */
  buryRemembered(nowMs: number): void {
    for (const node of [...this.#remembered.keys()]) this.#bury(node, 'expired', nowMs)
  }

  /** Nodes that have been dead for so long. */
  deadFor(ms: number, nowMs: number): string[] {
    return [...this.#deadSinceMs].filter(([, sinceMs]) => nowMs - sinceMs >= ms).map(([node]) => node)
  }

  #bury(node: string, state: 'expired' | 'left', nowMs: number): void {
    const { lease, writtenAtMs } = this.#remembered.get(node)!
    this.#remembered.delete(node)
    this.#deadSinceMs.set(node, nowMs)
    this.nodes.set(node, { lease, heardAtMs: Math.min(writtenAtMs, nowMs), expiresAtMs: nowMs, state, ...this.#wordFor(node) })
  }

  #isNews(lease: Lease): boolean {
    const newest = this.#newest(lease.node)
    if (newest === undefined) {
      if (this.nodes.size + this.#remembered.size < NODES_MAX) return true
      this.ignored.too_many_nodes++
      return false
    }
    if (lease.incarnation > newest.incarnation) return true
    if (lease.incarnation < newest.incarnation) this.ignored.older_incarnation++
    else if (lease.beat > newest.beat) return true
    else this.ignored.replayed++
    return false
  }

  #newest(node: string): Lease | undefined {
    return this.nodes.get(node)?.lease ?? this.#remembered.get(node)?.lease
  }

  #wordFor(node: string): Pick<KnownNode, 'word' | 'told'> {
    const said = this.#words.get(node)
    if (said === undefined) return { word: 'online' }
    const { word, ...told } = said
    return { word, told }
  }
}
