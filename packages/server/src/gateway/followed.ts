import { type CatalogueFeed, isConfirmed } from '../directory/index.ts'
import type { Feed } from '../hub/index.ts'
import type { Clock } from '../runtime/clock.ts'
import type { LinkBook } from './link-book.ts'
import type { Link, LinkState } from './link.ts'

/** At the start nodes that differ get so long to prove what they serve: pulses come twice a second. */
const SETTLE_MS = 1500
/** What the catalogue confirms has to be without a single pulse for so long before anything else can count: an election takes less. */
const SILENT_MS = 10_000

/** What the gateway can know of the catalogue. */
export interface Catalogue {
  /** It is read now: what it does not say was not said. */
  readonly isHeard: boolean
  readonly of: (feed: string) => CatalogueFeed | undefined
}

/** What speaks for a generation of a feed that links serve. */
interface Evidence {
  readonly generation: number
  /** On how many lines fresh pulses of every partition come. */
  readonly lines: number
  /** The part of its partitions, 0 to 1, of which some link brings fresh pulses. */
  readonly share: number
}

/**
 * Which generation of each feed counts at this gateway, of those that its links serve. It only ever grows, because positions
 * do: what was followed once can never be taken back. So nothing is followed because one node says it (decision 32).
 *
 * - What the catalogue confirms counts: the current generation, and the next one when nodes switch to it.
 * - A newer one has to be proven by fresh pulses of every partition, on as many lines as the one that counts. Where the catalogue
 *   is heard and does not confirm it, the one that counts must have been without any pulse for 10 s.
 * - At the start: what all agree on, if they are two at least, or what is proven best.
 */
export class Followed {
  /** By feed, the generation that counts. None: it is not decided, and nothing is taken. */
  readonly generations = new Map<Feed, number>()
  readonly #clock: Clock
  readonly #books: ReadonlyMap<Link, LinkBook>
  readonly #links: () => readonly { readonly state: LinkState }[]
  readonly #catalogue: Catalogue
  readonly #undecidedSinceMs = new Map<Feed, number>()
  readonly #silentSinceMs = new Map<Feed, number>()

  constructor(options: {
    readonly clock: Clock
    readonly books: ReadonlyMap<Link, LinkBook>
    /** All that there are, also those that are not open. */
    readonly links: () => readonly { readonly state: LinkState }[]
    readonly catalogue: Catalogue
  }) {
    this.#clock = options.clock
    this.#books = options.books
    this.#links = options.links
    this.#catalogue = options.catalogue
  }

  /** The generations of the feed that links serve, each once. */
  served(feed: Feed): number[] {
    return [...new Set(this.#infos(feed).map(([, { generation }]) => generation))]
  }

  /** Of how many partitions the nodes speak that serve the generation; 0: none of them knows. */
  partitions(feed: Feed, generation: number): number {
    return Math.max(0, ...this.#serving(feed, generation).map(([, { partitions }]) => partitions))
  }

  /** The generation that is to count from now on; `undefined`: nobody can say yet. */
  next(feed: Feed): number | undefined {
    const now = this.generations.get(feed)
    const newer = this.served(feed).filter((generation) => generation > (now ?? 0))
    if (newer.length === 0) {
      this.#silentSinceMs.delete(feed)
      return now
    }
    const catalogued = this.#catalogue.of(feed.options.delay?.of ?? feed.name)
    const confirmed = newer.filter((generation) => isConfirmed(catalogued, generation))
    if (confirmed.length > 0) return Math.max(...confirmed)
    const evidence = newer.map((generation) => this.#evidence(feed, generation))
    if (now === undefined) return this.#first(feed, evidence)
    const found = best(evidence.filter(({ lines }) => lines > 0))
    const held = this.#evidence(feed, now)
    const silentMs = this.#silentMs(feed, held)
    if (found === undefined) return now
    const isOpen = catalogued === undefined || !this.#catalogue.isHeard
    return (isOpen ? found.lines >= held.lines : silentMs >= SILENT_MS) ? found.generation : now
  }

  #first(feed: Feed, served: readonly Evidence[]): number | undefined {
    const infos = this.#infos(feed)
    const lines = new Set(infos.map(([link]) => link.line)).size
    const agreed = served.length === 1 ? served[0] : undefined
    if (agreed !== undefined && infos.length > 1) return agreed.generation
    const found = best(served.filter(({ share }) => share > 0))
    if (found?.lines === lines) return found.generation
    const nowMs = this.#clock.nowMs()
    const sinceMs = this.#undecidedSinceMs.get(feed) ?? nowMs
    this.#undecidedSinceMs.set(feed, sinceMs)
    if (nowMs - sinceMs < SETTLE_MS) return undefined
    // Without pulses it is all stale, but there is nobody who could say otherwise.
    return (found ?? (this.#links().every(({ state }) => state === 'open') ? agreed : undefined))?.generation
  }

  /** For how long the generation that counts has been without any pulse, while a newer one was served. */
  #silentMs(feed: Feed, { share }: Evidence): number {
    const nowMs = this.#clock.nowMs()
    const sinceMs = share > 0 ? nowMs : (this.#silentSinceMs.get(feed) ?? nowMs)
    this.#silentSinceMs.set(feed, sinceMs)
    return nowMs - sinceMs
  }

  #evidence(feed: Feed, generation: number): Evidence {
    const serving = this.#serving(feed, generation).map(([link]) => link)
    const partitions = this.partitions(feed, generation)
    if (partitions === 0) return { generation, lines: 0, share: 0 }
    const youngestMs = this.#clock.nowMs() - feed.freshness.staleAfterMs
    const freshOf = (links: readonly Link[]): number => {
      let fresh = 0
      for (let partition = 0; partition < partitions; partition++)
        if (links.some(({ pulses }) => pulses.writtenAtMs(feed.name, generation, partition) >= youngestMs)) fresh++
      return fresh
    }
    const ofLines = [...Map.groupBy(serving, ({ line }) => line).values()]
    const fresh = freshOf(serving)
    const whole = ofLines.filter((links) => freshOf(links) === partitions).length
    // Lines of which each lacks something may be whole together.
    return { generation, lines: fresh === partitions ? Math.max(1, whole) : whole, share: fresh / partitions }
  }

  #serving(feed: Feed, generation: number) {
    return this.#infos(feed).filter(([, info]) => info.generation === generation)
  }

  #infos(feed: Feed) {
    return [...this.#books].flatMap(([link, { served }]) => {
      const info = served.get(feed)
      return info === undefined ? [] : [[link, info] as const]
    })
  }
}

/** What is proven on most lines, then in most partitions; of as many, the newest: an old topic may still have pulses, and gets no quotes any more. */
function best(evidence: readonly Evidence[]): Evidence | undefined {
  return evidence.toSorted((a, b) => b.lines - a.lines || b.share - a.share || b.generation - a.generation)[0]
}
