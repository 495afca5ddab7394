import { isDeepStrictEqual } from 'node:util'
import {
  type CatalogueFeed,
  DirectoryError,
  encodeFeed,
  type FeedReader,
  firstRevision,
  freshGenerations,
  linesOf,
  nameOf,
  systemClock,
} from '@pulsewire/server'
import { heard } from '../nodes/heard.ts'
import type { OpenDirectory } from '../nodes/open.ts'

/** Older pulses than this prove nothing: what gateways and clients would call stale. */
export const PULSE_AGE_MAX_MS = 2000

/**
 * Writes a state of the feed that follows from the one that was seen. Of two who do that at once the first in the log has
 * its way, and the other is told.
 * @throws DirectoryError `feed_changed`, `control_topic_silent`
 */
export async function writeFeed(open: OpenDirectory, feed: CatalogueFeed, by: string): Promise<void> {
  const { log, directory } = open
  const said = { by, atMs: Math.floor(systemClock.nowMs()) }
  await log.append(directory.topic, [encodeFeed({ ...feed, said })])
  await heard(open, () => (directory.feeds.get(feed.feed)?.revision ?? -1) >= feed.revision, {
    what: 'the catalogue',
    again: 'run this again',
  })
  const held = directory.feeds.get(feed.feed)
  if (isDeepStrictEqual({ ...held, said }, { ...feed, said })) return
  await restore(open, feed.feed)
  throw new DirectoryError(
    'feed_changed',
    `somebody else changed feed ${feed.feed} at the same moment: look at \`pulsewire feed show ${feed.feed}\`, then decide anew`,
  )
}

/** What every reader ignored must not be the last that the compacted topic has. */
async function restore({ log, directory }: Pick<OpenDirectory, 'log' | 'directory'>, name: string): Promise<void> {
  let written: CatalogueFeed | undefined
  for (let held = directory.feeds.get(name); held !== undefined && held !== written; held = directory.feeds.get(name)) {
    await log.append(directory.topic, [encodeFeed(held)])
    written = held
  }
}

/** @throws DirectoryError `feed_unread` when neither the catalogue nor a push node knows the feed. */
export function mustBeKnown({ directory }: Pick<OpenDirectory, 'directory'>, name: string, readers: readonly FeedReader[]): void {
  if (directory.feeds.has(name) || readers.some(isReading)) return
  throw new DirectoryError(
    'feed_unread',
    `no push node that has a lease in ${directory.topic} reads a feed called ${name}: see \`pulsewire feed list\`. Push nodes have leases with directory.enabled: true`,
  )
}

/**
 * What the catalogue says, or, while it says nothing, what nodes are configured with. Nodes that differ in the generation are
 * told apart by pulses: what is written into the catalogue, all follow.
 * @throws DirectoryError `feed_unread`, `migration_refused`
 */
export function standing(open: Pick<OpenDirectory, 'directory'>, name: string, readers: readonly FeedReader[]): CatalogueFeed {
  const catalogued = open.directory.feeds.get(name)
  if (catalogued !== undefined) return catalogued
  mustBeKnown(open, name, readers)
  const reading = readers.filter(isReading)
  const all = [...new Set(reading.map(({ leased }) => leased.generation))]
  const fresh = freshGenerations(reading, PULSE_AGE_MAX_MS)
  const [generation, ...others] = fresh.length > 0 ? fresh : all
  if (others.length > 0) {
    const which = fresh.length > 0 ? 'all of them with pulses' : 'none of them with pulses'
    throw new DirectoryError(
      'migration_refused',
      `nodes do not agree on the generation of feed ${name}, ${which}: ${reading.map(says).join('; ')}. Correct or stop those that are wrong`,
    )
  }
  const agreed = reading.filter(({ leased }) => leased.generation === generation)
  const topics = new Set(agreed.map(({ leased }) => leased.topic!))
  if (topics.size > 1) {
    throw new DirectoryError(
      'migration_refused',
      `nodes do not agree on the topic of generation ${generation} of feed ${name}: ${agreed.map(says).join('; ')}`,
    )
  }
  return {
    feed: name,
    current: { generation: generation!, topic: [...topics][0]! },
    next: null,
    retired: [],
    revision: firstRevision(systemClock.nowMs()),
  }
}

function isReading({ role, leased }: FeedReader): boolean {
  return role === 'push' && leased.topic !== undefined
}

function says(reader: FeedReader): string {
  return `${nameOf(reader)} reads generation ${reader.leased.generation} (topic ${reader.leased.topic})`
}

/** @throws DirectoryError `preflight_failed` when one line has no push node for the feed. */
export function bothLines(name: string, readers: readonly FeedReader[]): void {
  const lines = linesOf(readers)
  if (lines.length > 1) return
  throw new DirectoryError(
    'preflight_failed',
    `only line ${lines.join() || 'none'} has a push node that reads feed ${name}: while it moves, nothing covers for that line. Start the other one, or add --force`,
  )
}
