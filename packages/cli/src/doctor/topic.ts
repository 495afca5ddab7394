/** What a feed's topic tells by itself: whether it is there, written to, and pulsed. */
import { decodePulse, isPulseKey, type Log, LogError, type LogRecord, systemClock, span } from '@pulsewire/server'
import { within } from '../nodes/open.ts'
import { type Check, note, ok, problem, some } from './check.ts'

/** Pulses come twice a second by default: among so many records there is one on all but very busy partitions. */
const TAIL_RECORDS = 2000
const READ_MS_MAX = 8000
/** Ten pulses that did not come. */
const PULSE_AGE_MS_MAX = 5000
/** A clock that is ahead by more makes ages wrong that are told to users. */
const CLOCK_AHEAD_MS_MAX = 1000

export interface TopicFacts {
  readonly feed: string
  readonly topic: string
  /** The generation that the catalogue says counts; `null`: there is none. */
  readonly generation: number | null
  readonly partitions: readonly PartitionFacts[]
  readonly warmupMs: number
}

export interface PartitionFacts {
  readonly partition: number
  readonly held: number
  /** Time of the oldest record held; `null` when there is none. */
  readonly oldestMs: number | null
  /** Time of the newest record that is no pulse, among the last; `null`: none was found. */
  readonly newestMs: number | null
  /** The newest pulse of each writer among the last records. */
  readonly pulses: readonly { readonly writer: string; readonly generation: number; readonly atMs: number }[]
}

/** @throws LogError when the log cannot be asked. */
export async function readTopic(log: Log, topic: string): Promise<readonly PartitionFacts[]> {
  const { partitions } = await log.describe(topic)
  const filled = partitions.filter(({ earliest, latest }) => latest > earliest)
  const [tails, heads] = await Promise.all([
    readRecords(log, topic, filled, ({ earliest, latest }) => Math.max(earliest, latest - TAIL_RECORDS), Infinity),
    readRecords(log, topic, filled, ({ earliest }) => earliest, 1),
  ])
  return partitions.map(({ partition, earliest, latest }) => {
    const tail = tails.get(partition) ?? []
    const pulses = new Map<string, { writer: string; generation: number; atMs: number }>()
    let newestMs: number | null = null
    for (const { key, value, timestampMs } of tail) {
      const pulse = key !== null && isPulseKey(key) ? decodePulse(value) : undefined
      if (pulse !== undefined) pulses.set(pulse.writer, { writer: pulse.writer, generation: pulse.generation, atMs: pulse.atMs })
      else newestMs = Math.max(newestMs ?? 0, timestampMs)
    }
    return {
      partition,
      held: latest - earliest,
      oldestMs: heads.get(partition)?.[0]?.timestampMs ?? null,
      newestMs,
      pulses: [...pulses.values()],
    }
  })
}

type Range = { readonly partition: number; readonly earliest: number; readonly latest: number }

/** Records of each partition from an offset on, so many at most, up to where it ended just now; what came in time has to do. */
async function readRecords(
  log: Log,
  topic: string,
  ranges: readonly Range[],
  from: (range: Range) => number,
  most: number,
): Promise<ReadonlyMap<number, LogRecord[]>> {
  const read = new Map<number, LogRecord[]>(ranges.map(({ partition }) => [partition, []]))
  if (ranges.length === 0) return read
  const open = new Map(ranges.map(({ partition, latest }) => [partition, latest]))
  await using reader = log.read(
    topic,
    ranges.map((range) => ({ partition: range.partition, start: { at: 'offset', offset: from(range) } })),
  )
  const drain = async (): Promise<void> => {
    for await (const event of reader) {
      if (event.kind !== 'records') continue
      const records = read.get(event.partition)!
      // Values are views that do not last; a pulse's is small, and only those are looked at later.
      for (const record of event.records) if (records.length < most) records.push(copyOf(record))
      if (records.length >= most || event.span.next >= (open.get(event.partition) ?? 0)) open.delete(event.partition)
      if (open.size === 0) return
    }
  }
  await within(READ_MS_MAX, drain(), () => new Error('late'), systemClock).catch((error: Error) => {
    if (error instanceof LogError) throw error
  })
  return read
}

function copyOf({ offset, timestampMs, key, value }: LogRecord): LogRecord {
  const isPulse = key !== null && isPulseKey(key)
  return { offset, timestampMs, key: key && new Uint8Array(key), value: isPulse ? value && new Uint8Array(value) : null }
}

/** @param nowMs since the Unix epoch, by this machine. */
export function judgeTopic({ feed, topic, generation, partitions, warmupMs }: TopicFacts, nowMs: number): Check[] {
  const all = partitions.flatMap(({ pulses }) => pulses)
  const held = partitions.reduce((sum, each) => sum + each.held, 0)
  const checks = [ok('kafka', `feed ${feed}: topic ${topic} has ${partitions.length} partitions and holds about ${held} records`)]
  checks.push(flow(feed, topic, partitions, nowMs))
  checks.push(...pulsed(feed, partitions, nowMs))
  checks.push(...writers(feed, all))
  const strange = all.filter((pulse) => generation !== null && pulse.generation !== generation && nowMs - pulse.atMs < PULSE_AGE_MS_MAX)
  if (strange.length > 0) {
    const who = [...new Set(strange.map(({ writer, generation: of }) => `${writer} (generation ${of})`))]
    checks.push(
      problem(
        'kafka',
        `feed ${feed}: ${some(who)} pulses ${topic} for a generation that is not ${generation}`,
        'receivers refuse such pulses; whoever hears only them takes the feed for stale',
        'stop these writers, or restart them with the current configuration; see `pulsewire feed show`',
      ),
    )
  }
  const aheadMs = Math.max(0, ...all.map(({ atMs }) => atMs - nowMs))
  if (aheadMs > CLOCK_AHEAD_MS_MAX) {
    checks.push(
      note(
        'kafka',
        `feed ${feed}: pulses are from ${span(aheadMs)} in the future, by the clock of this machine`,
        'the clock of this machine or of a pulse writer is wrong; ages of records that compare both are off by as much',
        'set both by NTP',
      ),
    )
  }
  checks.push(...reach(feed, topic, partitions, warmupMs, nowMs))
  return checks
}

function flow(feed: string, topic: string, partitions: readonly PartitionFacts[], nowMs: number): Check {
  const newest = partitions.flatMap(({ newestMs }) => newestMs ?? [])
  if (newest.length > 0) return ok('kafka', `feed ${feed}: the newest record is ${span(nowMs - Math.max(...newest))} old`)
  return note(
    'kafka',
    `feed ${feed}: among the last records of ${topic} there is none but pulses`,
    'nobody has written a quote for a while; clients are fresh, and see nothing new',
    'ask whoever writes the topic, unless the market is closed',
  )
}

function pulsed(feed: string, partitions: readonly PartitionFacts[], nowMs: number): Check[] {
  const ageMs = ({ pulses }: PartitionFacts): number => nowMs - Math.max(-Infinity, ...pulses.map(({ atMs }) => atMs))
  const silent = partitions.filter((each) => ageMs(each) > PULSE_AGE_MS_MAX)
  if (silent.length === 0) {
    return [ok('kafka', `feed ${feed}: every partition is pulsed, the oldest ${span(Math.max(...partitions.map(ageMs)))} ago`)]
  }
  const which =
    silent.length === partitions.length ? 'no partition' : `partitions ${some(silent.map(({ partition }) => String(partition)))} not`
  return [
    problem(
      'kafka',
      silent.length === partitions.length
        ? `feed ${feed}: no partition is pulsed`
        : `feed ${feed}: ${which} pulsed for ${span(Math.min(...silent.map(ageMs)))}`,
      'without pulses nothing proves that the feed is fresh: clients are told that it is stale',
      'start two pulse writers (`pulsewire pulse`) with this feed in their configuration, and see their logs',
    ),
  ]
}

function writers(feed: string, pulses: TopicFacts['partitions'][number]['pulses']): Check[] {
  const names = [...new Set(pulses.map(({ writer }) => writer))]
  if (names.length !== 1) return []
  return [
    note(
      'kafka',
      `feed ${feed}: ${names[0]} is the only pulse writer`,
      'when it ends, the feed goes stale for everybody, though quotes flow',
      'start a second one, anywhere; a balancer can host it',
    ),
  ]
}

function reach(feed: string, topic: string, partitions: readonly PartitionFacts[], warmupMs: number, nowMs: number): Check[] {
  const oldest = partitions.flatMap(({ oldestMs }) => oldestMs ?? [])
  if (oldest.length === 0 || warmupMs === 0) return []
  const spanMs = nowMs - Math.max(...oldest)
  if (spanMs >= warmupMs) return []
  return [
    note(
      'kafka',
      `feed ${feed}: ${topic} reaches back ${span(spanMs)}, a starting push node wants ${span(warmupMs)}`,
      'symbols whose last record is older have no value after a restart of all push nodes of a line',
      'raise the retention of the topic, unless the topic is just new',
    ),
  ]
}
