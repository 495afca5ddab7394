/**
 * The migration of a feed to another topic as a pure state machine: from what the catalogue says, what is wanted and what
 * leases say follows one step. Whoever runs it may stop after any step and run it again, elsewhere as well.
 *
 *     settled ──open──▶ opening ──announce──▶ switching ──close──▶ settled, one generation on
 *        ▲                 │
 *        └────abandon──────┘
 */
import type { CatalogueFeed, FeedGeneration } from './directory.ts'
import { type FeedReader, isFresh, linesOf, nameOf } from './feed-readers.ts'
import { isSamePlace, newestGeneration } from './generations.ts'

/** The moment of the switch lies so far ahead that pulse writers hear of it before, and both topics get their seams at once. */
const ANNOUNCE_AHEAD_MS = 2000
/** Retired generations that are remembered, newest first. */
const RETIRED_MAX = 16

export type MigrationStanding = 'settled' | 'opening' | 'switching'

export function standingOf({ next }: CatalogueFeed): MigrationStanding {
  return next === null ? 'settled' : next.fromMs === undefined ? 'opening' : 'switching'
}

/** Where the feed is to be. */
export type MigrationGoal = Pick<FeedGeneration, 'topic' | 'brokers'>

/** What is known of those who read the feed. */
export interface Seen {
  readonly readers: readonly FeedReader[]
  /** Of the topic of the next generation. */
  readonly partitions: number
  /** Of the topic of the current one; 0 where that cannot be read any more. */
  readonly currentPartitions: number
  readonly pulseAgeMaxMs: number
  /** The part of its records that nodes may be unable to decode, 0 to 1. */
  readonly unreadableMax: number
  /** Lines that have to be fresh; those with a push node that lives count as well. */
  readonly linesRequired: readonly ('A' | 'B')[]
  readonly nowMs: number
}

export type MigrationStep =
  | { readonly do: 'write'; readonly feed: CatalogueFeed; readonly say: string }
  | { readonly do: 'wait'; readonly say: string }
  | { readonly do: 'done'; readonly say: string }
  | { readonly do: 'refuse'; readonly say: string }

/**
 * Where a rollback leads: while a migration is under way, back to where the feed was when it began; else to where it was
 * before its last one. Asked again at any point it means the same, so that a rollback that was interrupted goes on.
 * `undefined`: the feed was never anywhere else.
 */
export function rollbackGoal(feed: CatalogueFeed): MigrationGoal | undefined {
  const { current, next, retired } = feed
  const former = formerOf(feed)
  if (next !== null) return former !== undefined && isSamePlace(next, former) ? next : current
  return former ?? (retired.length > 0 ? current : undefined)
}

/** `undefined` where the feed is back already, or its last migration was given up before the switch. */
function formerOf({ current, retired }: CatalogueFeed): FeedGeneration | undefined {
  const [last, ...earlier] = retired
  if (last === undefined || last.generation > current.generation) return undefined
  return earlier.some((each) => each.generation < last.generation && isSamePlace(each, current)) ? undefined : last
}

export function nextStep(feed: CatalogueFeed, goal: MigrationGoal, seen: Seen): MigrationStep {
  const { next } = feed
  if (next?.fromMs !== undefined) return closeWhenSwitched(feed, next, seen)
  const isHere = isSamePlace(feed.current, goal)
  if (next !== null) {
    if (isHere) return abandon(feed, next)
    if (isSamePlace(next, goal)) return announceWhenFresh(feed, next, seen)
    return refuse(
      `feed ${feed.feed} is being moved to ${placeOf(next)} already: finish that (\`feed migrate ${feed.feed} --topic ${next.topic}\`) or undo it (\`feed rollback ${feed.feed}\`) first`,
    )
  }
  return isHere ? { do: 'done', say: `feed ${feed.feed} is on ${placeOf(feed.current)}` } : open(feed, goal)
}

function open(feed: CatalogueFeed, { topic, brokers }: Pick<FeedGeneration, 'topic' | 'brokers'>): MigrationStep {
  const next = { generation: newestGeneration(feed) + 1, topic, ...(brokers === undefined ? {} : { brokers }) }
  return write({ ...feed, next }, `${placeOf(next)} is read and pulsed beside ${placeOf(feed.current)} from now on`)
}

function abandon(feed: CatalogueFeed, next: FeedGeneration): MigrationStep {
  // Its number is spent: nodes may have read it.
  return write({ ...feed, next: null, retired: retire(next, feed) }, `${placeOf(next)} is given up; nothing had been taken from it`)
}

function announceWhenFresh(feed: CatalogueFeed, next: FeedGeneration, seen: Seen): MigrationStep {
  const { readers, nowMs } = seen
  const puzzled = readers.find(({ leased }) => leased.generation === next.generation && (leased.unreadable ?? 0) > seen.unreadableMax)
  if (puzzled !== undefined) {
    const percent = Math.ceil((puzzled.leased.unreadable ?? 0) * 100)
    return refuse(
      `${nameOf(puzzled)} cannot decode ${percent} % of the records of ${placeOf(next)}: poison_record in its log output has a sample. \`feed rollback ${feed.feed}\` gives it up, --force moves the feed all the same`,
    )
  }
  const missing = linesNeeded(seen).filter((line) => !isFresh(readers, line, next.generation, seen))
  if (missing.length > 0) {
    const reading = readers.filter(({ role, leased }) => role === 'push' && leased.generation === next.generation)
    const pulsing = readers.some(({ role, leased }) => role === 'pulse' && leased.generation === next.generation)
    const hint = pulsing ? `${reading.length} push nodes read it` : 'no pulse writer with a lease pulses it'
    return { do: 'wait', say: `until line ${missing.join(' and ')} has fresh pulses in every partition of ${placeOf(next)} (${hint})` }
  }
  const partial = readers.filter((reader) => isReading(readers, reader.node, next.generation) && !hasWhole(reader, feed, seen))
  if (partial.length > 0)
    return { do: 'wait', say: `until all of ${placeOf(feed.current)} is read by ${[...new Set(partial.map(nameOf))].join(', ')}` }
  const fromMs = Math.ceil(nowMs) + ANNOUNCE_AHEAD_MS
  return write(
    { ...feed, next: { ...next, fromMs } },
    `every node switches to ${placeOf(next)} with the records of ${new Date(fromMs).toISOString()}`,
  )
}

function isReading(readers: readonly FeedReader[], node: string, generation: number): boolean {
  return readers.some(({ node: of, role, leased }) => of === node && role === 'push' && leased.generation === generation)
}

/** Symbols may come to lie with other nodes of a line, which have to know up to where they were given. */
function hasWhole({ role, leased: { generation, partitions } }: FeedReader, { current }: CatalogueFeed, seen: Seen): boolean {
  if (role !== 'push' || generation !== current.generation || partitions === undefined) return true
  return partitions.length >= seen.currentPartitions
}

function closeWhenSwitched(feed: CatalogueFeed, next: FeedGeneration, seen: Seen): MigrationStep {
  const { readers, nowMs } = seen
  if (nowMs < next.fromMs!) return { do: 'wait', say: `until the moment of the switch, ${new Date(next.fromMs!).toISOString()}` }
  const behind = readers.filter(
    ({ node, role, leased }) =>
      role === 'push' &&
      leased.generation !== next.generation &&
      readers.some((other) => other.node === node && other.leased.generation === next.generation),
  )
  const switched = readers.filter(({ node }) => !behind.some((other) => other.node === node))
  const missing = linesNeeded(seen).filter((line) => !isFresh(switched, line, next.generation, seen))
  if (missing.length > 0) {
    const who = behind.length === 0 ? '' : `; still on both: ${behind.map(nameOf).join(', ')}`
    return { do: 'wait', say: `until push nodes of line ${missing.join(' and ')} have switched to ${placeOf(next)}${who}` }
  }
  return write(
    { ...feed, current: next, next: null, retired: retire(feed.current, feed) },
    `${placeOf(next)} is current; ${placeOf(feed.current)} is retired and gets no more pulses`,
  )
}

function linesNeeded({ readers, linesRequired }: Seen): ('A' | 'B')[] {
  return [...new Set([...linesRequired, ...linesOf(readers)])].sort()
}

function retire(generation: FeedGeneration, { retired }: CatalogueFeed): FeedGeneration[] {
  return [generation, ...retired].slice(0, RETIRED_MAX)
}

function write(feed: CatalogueFeed, say: string): MigrationStep {
  return { do: 'write', feed: { ...feed, revision: feed.revision + 1 }, say }
}

function refuse(say: string): MigrationStep {
  return { do: 'refuse', say }
}

/** `generation 2 (topic quotes-v8)`, with the cluster where it is another. */
export function placeOf({ generation, topic, brokers }: FeedGeneration): string {
  return `generation ${generation} (topic ${topic}${brokers === undefined ? '' : ` at ${brokers.join(',')}`})`
}
