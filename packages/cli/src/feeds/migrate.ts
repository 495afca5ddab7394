import {
  type CatalogueFeed,
  DirectoryError,
  type FeedGeneration,
  feedReaders,
  LogError,
  type MigrationGoal,
  type MigrationStep,
  nextStep,
  placeOf,
  rollbackGoal,
  standingOf,
  systemClock,
} from '@pulsewire/server'
import { type OpenDirectory, within } from '../nodes/open.ts'
import { bothLines, PULSE_AGE_MAX_MS, standing, writeFeed } from './catalogue.ts'
import { preflight } from './preflight.ts'

/** More of a topic's records than this, and it is of another format. */
const UNREADABLE_MAX = 0.01
const LOOK_INTERVAL_MS = 500

export interface MigrateOptions {
  readonly feed: string
  /** `rollback`: to where the feed was before. */
  readonly to: MigrationGoal | 'rollback'
  readonly force: boolean
  readonly timeoutMs: number
  readonly print: (line: string) => void
  /** Who moves it. */
  readonly by: string
}

/**
 * Takes a migration from wherever it stands to its end. Everything that it has done is in the catalogue, so it may be
 * ended at any moment and run again.
 * @throws DirectoryError `feed_unread`, `feed_changed`, `preflight_failed`, `migration_refused`, `migration_unfinished`; LogError
 */
export async function migrate(open: OpenDirectory, { feed, to, force, timeoutMs, print, by }: MigrateOptions): Promise<void> {
  const delayOf = feedReaders(open.directory, feed).find(({ leased }) => leased.delayOf !== undefined)?.leased.delayOf
  if (delayOf !== undefined)
    throw new DirectoryError('migration_refused', `feed ${feed} shows ${delayOf} with a delay, and follows it: move feed ${delayOf}`)
  const goal = to === 'rollback' ? backFrom(standing(open, feed, feedReaders(open.directory, feed))) : to
  const deadlineMs = systemClock.nowMs() + timeoutMs
  let said = ''
  const wait = async (say: string): Promise<void> => {
    if (say !== said) print(`waiting ${say}`)
    said = say
    if (systemClock.nowMs() > deadlineMs) throw unfinished(feed, say)
    await nextLook(open)
  }
  for (;;) {
    const step = await take(open, { feed, goal, force, print, by }).catch((error: unknown) => {
      // What was written, if anything, the next look shows.
      if (error instanceof LogError && error.retryable) return { do: 'wait', say: `until Kafka answers (${error.message})` } as const
      throw error
    })
    if (step.do === 'refuse') throw new DirectoryError('migration_refused', step.say)
    if (step.do === 'done') return print(`done: ${step.say}`)
    if (step.do === 'wait') await wait(step.say)
  }
}

/** Looks at where the migration stands and does what is next. */
async function take(
  open: OpenDirectory,
  { feed, goal, force, print, by }: Pick<MigrateOptions, 'feed' | 'force' | 'print' | 'by'> & { readonly goal: MigrationGoal },
): Promise<MigrationStep> {
  const readers = feedReaders(open.directory, feed)
  const now = standing(open, feed, readers)
  const step = nextStep(now, goal, {
    readers,
    partitions: now.next === null ? 0 : await partitionsOf(open, now.next),
    currentPartitions: standingOf(now) === 'opening' ? await currentPartitionsOf(open, now.current, force) : 0,
    pulseAgeMaxMs: PULSE_AGE_MAX_MS,
    unreadableMax: force ? 1 : UNREADABLE_MAX,
    linesRequired: force ? [] : ['A', 'B'],
    nowMs: systemClock.nowMs(),
  })
  if (step.do !== 'write') return step
  if (now.next === null) await mayOpen(open, now, step.feed.next!, { force, print })
  await writeFeed(open, step.feed, by)
  print(`${standingOf(step.feed)}: ${step.say}`)
  return step
}

function unfinished(feed: string, say: string): DirectoryError {
  return new DirectoryError(
    'migration_unfinished',
    `gave up waiting ${say}. Nothing is lost: run this again to go on, \`pulsewire feed show ${feed}\` says where it stands, \`pulsewire feed rollback ${feed}\` undoes it`,
  )
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

/** By force, a topic that is gone, or whose cluster is, is left all the same. */
async function currentPartitionsOf(open: OpenDirectory, current: FeedGeneration, force: boolean): Promise<number> {
  return await partitionsOf(open, current).catch((error: unknown) => {
    if (force && error instanceof LogError) return 0
    throw error
  })
}

/** Until a lease says something new, and not for ever: pulses grow old by themselves. */
async function nextLook({ directory }: OpenDirectory): Promise<void> {
  const changed = Promise.withResolvers<void>()
  const stop = directory.onChange(changed.resolve)
  await within(LOOK_INTERVAL_MS, changed.promise, () => new Error('nothing new')).catch(() => {})
  stop()
}
