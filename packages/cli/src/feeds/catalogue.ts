import { isDeepStrictEqual } from 'node:util'
import {
  type CatalogueFeed,
  DirectoryError,
  encodeFeed,
  type FeedReader,
  firstRevision,
  linesOf,
  nameOf,
  systemClock,
} from '@pulsewire/server'
import { heard } from '../nodes/heard.ts'
import type { OpenDirectory } from '../nodes/open.ts'

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

/** What the catalogue says, or, while it says nothing, what nodes are configured with. @throws DirectoryError `feed_unread`, `migration_refused` */
export function standing({ directory }: Pick<OpenDirectory, 'directory'>, name: string, readers: readonly FeedReader[]): CatalogueFeed {
  const catalogued = directory.feeds.get(name)
  if (catalogued !== undefined) return catalogued
  const reading = readers.filter(({ role, leased }) => role === 'push' && leased.topic !== undefined)
  if (reading.length === 0) {
    throw new DirectoryError(
      'feed_unread',
      `no push node that has a lease in ${directory.topic} reads a feed called ${name}: see \`pulsewire feed list\`. Push nodes have leases with directory.enabled: true`,
    )
  }
  const generation = Math.max(...reading.map(({ leased }) => leased.generation))
  const newest = reading.filter(({ leased }) => leased.generation === generation)
  const topics = new Set(newest.map(({ leased }) => leased.topic!))
  if (topics.size > 1) {
    const who = newest.map((reader) => `${nameOf(reader)} reads ${reader.leased.topic}`).join('; ')
    throw new DirectoryError('migration_refused', `nodes do not agree on the topic of generation ${generation} of feed ${name}: ${who}`)
  }
  return {
    feed: name,
    current: { generation, topic: [...topics][0]! },
    next: null,
    retired: [],
    revision: firstRevision(systemClock.nowMs()),
  }
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
