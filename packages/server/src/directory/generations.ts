import type { CatalogueFeed, Directory, FeedGeneration } from './directory.ts'

/** A catalogue that cannot be read by then is taken to say nothing. */
const CATALOGUE_WAIT_MS = 5000

/** What a node is to read, or to pulse, of one feed. */
export interface Generations {
  readonly current: FeedGeneration
  /** Beside the current one; with `fromMs` its records take the place of the current ones from then on. */
  readonly next: FeedGeneration | null
}

/** Whether a node that has waited so long for the catalogue can go by it; without a directory there is none. */
export function isCatalogueKnown(directory: Directory | undefined, waitedMs: number): boolean {
  return directory === undefined || directory.isReadBack || waitedMs >= CATALOGUE_WAIT_MS
}

/** What a node with this configuration of a feed is to read, or to pulse. One that is pinned stays where it is configured. */
export function followedGenerations(
  directory: Directory | undefined,
  { name, generation, topic, pinned }: FeedGeneration & { readonly name: string; readonly pinned: boolean },
): Generations {
  return generationsOf(pinned ? undefined : directory?.feeds.get(name), { generation, topic })
}

/**
 * What a node begins with that shows the feed as it was at that time: the generation that counted then, though the feed
 * has moved since. To where it moved it follows when it comes to that.
 */
export function generationThen(feed: CatalogueFeed | undefined, current: FeedGeneration, timeMs: number): FeedGeneration {
  if (feed === undefined || current !== feed.current || (current.fromMs ?? 0) <= timeMs) return current
  const before = feed.retired.find(({ generation }) => generation < current.generation)
  return before === undefined ? current : generationThen({ ...feed, current: before }, before, timeMs)
}

/**
 * What holds for a node that was configured with a generation of the feed. The catalogue overrules the configuration,
 * unless that is newer than everything in the catalogue: then somebody has raised it by hand, on purpose.
 */
export function generationsOf(catalogued: CatalogueFeed | undefined, configured: FeedGeneration): Generations {
  if (catalogued === undefined || configured.generation > newestGeneration(catalogued)) return { current: configured, next: null }
  return { current: catalogued.current, next: catalogued.next }
}

/**
 * Whether the catalogue says that this generation counts: it is current, or nodes switch to it by themselves now. One that is
 * only being opened does not: a node that serves it already is pinned to it.
 */
export function isConfirmed(catalogued: CatalogueFeed | undefined, generation: number): boolean {
  if (catalogued === undefined) return false
  const { current, next } = catalogued
  return generation === current.generation || (generation === next?.generation && next.fromMs !== undefined)
}

/** The greatest number that the feed has used, also for a generation that was never switched to. */
export function newestGeneration({ current, next, retired }: CatalogueFeed): number {
  return Math.max(current.generation, next?.generation ?? 0, ...retired.map(({ generation }) => generation))
}

/** Whether both name the same topic of the same cluster. */
export function isSamePlace(a: Pick<FeedGeneration, 'topic' | 'brokers'>, b: Pick<FeedGeneration, 'topic' | 'brokers'>): boolean {
  return a.topic === b.topic && [...(a.brokers ?? [])].sort().join() === [...(b.brokers ?? [])].sort().join()
}
