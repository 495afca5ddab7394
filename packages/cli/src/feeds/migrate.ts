import {
  type CatalogueFeed,
  DirectoryError,
  type FeedGeneration,
  feedReaders,
  type MigrationGoal,
  nextStep,
  placeOf,
  rollbackGoal,
  standingOf,
  systemClock,
} from '@pulsewire/server'
import { type OpenDirectory, within } from '../nodes/open.ts'
import { bothLines, standing, writeFeed } from './catalogue.ts'
import { preflight } from './preflight.ts'

/** Older pulses than this prove nothing: what gateways and clients would call stale. */
const PULSE_AGE_MAX_MS = 2000
const LOOK_INTERVAL_MS = 500

export interface MigrateOptions {
  readonly feed: string
  /** `rollback`: to where the feed was before. */
  readonly to: MigrationGoal | 'rollback'
  readonly force: boolean
  readonly timeoutMs: number
  readonly print: (line: string) => void
}

/**
 * Takes a migration from wherever it stands to its end. Everything that it has done is in the catalogue, so it may be
 * ended at any moment and run again.
 * @throws DirectoryError `feed_unread`, `feed_changed`, `preflight_failed`, `migration_refused`, `migration_unfinished`; LogError
 */
export async function migrate(open: OpenDirectory, { feed, to, force, timeoutMs, print }: MigrateOptions): Promise<void> {
  const { directory } = open
  const seen = () => feedReaders(directory, feed)
  const goal = to === 'rollback' ? backFrom(standing(open, feed, seen())) : to
  const deadlineMs = systemClock.nowMs() + timeoutMs
  let said = ''
  for (;;) {
    const readers = seen()
    const now = standing(open, feed, readers)
    const step = nextStep(now, goal, {
      readers,
      partitions: now.next === null ? 0 : await partitionsOf(open, now.next),
      currentPartitions: now.next === null ? 0 : await partitionsOf(open, now.current).catch(() => 0),
      pulseAgeMaxMs: PULSE_AGE_MAX_MS,
      linesRequired: force ? [] : ['A', 'B'],
      nowMs: systemClock.nowMs(),
    })
    if (step.do === 'refuse') throw new DirectoryError('migration_refused', step.say)
    if (step.do === 'done') return print(`done: ${step.say}`)
    if (step.do === 'write') {
      if (now.next === null) await mayOpen(open, now, step.feed.next!, { force, print })
      await writeFeed(open, step.feed)
      print(`${standingOf(step.feed)}: ${step.say}`)
      continue
    }
    if (step.say !== said) print(`waiting ${step.say}`)
    said = step.say
    if (systemClock.nowMs() > deadlineMs) {
      throw new DirectoryError(
        'migration_unfinished',
        `gave up waiting ${step.say}. Nothing is lost: run this again to go on, \`pulsewire feed show ${feed}\` says where it stands, \`pulsewire feed rollback ${feed}\` undoes it`,
      )
    }
    await nextLook(open)
  }
}

function backFrom(feed: CatalogueFeed): MigrationGoal {
  const goal = rollbackGoal(feed)
  if (goal !== undefined) return goal
  throw new DirectoryError(
    'migration_refused',
    `feed ${feed.feed} was never anywhere but on ${placeOf(feed.current)}: there is nothing to go back to`,
  )
}

async function mayOpen(
  { clusters, directory }: OpenDirectory,
  { feed, current }: CatalogueFeed,
  next: FeedGeneration,
  { force, print }: Pick<MigrateOptions, 'force' | 'print'>,
): Promise<void> {
  if (!force) bothLines(feed, feedReaders(directory, feed))
  const findings = await preflight({ log: clusters.of(current), topic: current.topic }, { log: clusters.of(next), topic: next.topic })
  for (const { verdict, what } of findings) print(`preflight ${verdict}: ${what}`)
  const failed = findings.filter(({ verdict }) => verdict === 'failed')
  if (failed.length === 0 || force) return
  throw new DirectoryError(
    'preflight_failed',
    `${failed.map(({ what }) => what).join('; ')}. Nothing was changed; --force moves the feed all the same`,
  )
}

async function partitionsOf({ clusters }: OpenDirectory, generation: FeedGeneration): Promise<number> {
  const { partitions } = await clusters.of(generation).describe(generation.topic)
  return partitions.length
}

/** Until a lease says something new, and not for ever: pulses grow old by themselves. */
async function nextLook({ directory }: OpenDirectory): Promise<void> {
  const changed = Promise.withResolvers<void>()
  const stop = directory.onChange(changed.resolve)
  await within(LOOK_INTERVAL_MS, changed.promise, () => new Error('nothing new')).catch(() => {})
  stop()
}
