import { type Log, type LogRecord, LogError, systemClock, type TopicDescription } from '@pulsewire/server'
import { within } from '../nodes/open.ts'

const SAMPLE_RECORDS_PER_PARTITION = 50
const SAMPLE_MS_MAX = 8000
/** The new topic may be behind the old one by so much: copies that come later would be taken for news. */
const BEHIND_MS_MAX = 5_000
/** Symbols that are named at most. */
const NAMED_MAX = 5
/** Lets Kafka remove records; `-1`: never. */
const RETENTION = ['retention.ms', 'retention.bytes'] as const

export interface Finding {
  /** `failed` stops a migration unless it is forced; `note` only wants to be read. */
  readonly verdict: 'ok' | 'failed' | 'note'
  readonly what: string
}

/** The last records of a topic. */
export interface Sample {
  readonly records: readonly LogRecord[]
  /** Record time since which no record is missing in it, of any partition. */
  readonly wholeSinceMs: number
}

export interface Place {
  readonly log: Log
  readonly topic: string
}

/** What can be seen from outside of whether a feed can move: topic, records, format, times. Never throws for what the topic is like. */
export async function preflight(from: Place, to: Place): Promise<Finding[]> {
  let shape: TopicDescription
  try {
    shape = await to.log.describe(to.topic)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return [{ verdict: 'failed', what: `${error.code}: ${error.message}` }]
  }
  const held = shape.partitions.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0)
  const exists: Finding = {
    verdict: 'ok',
    what: `topic ${to.topic} has ${shape.partitions.length} partitions and holds about ${held} records`,
  }
  const [older, newer, kept] = await Promise.all([
    sampleOf(from).catch(() => ({ records: [], wholeSinceMs: Infinity })),
    sampleOf(to, shape),
    retention(from, to),
  ])
  return [exists, ...kept, ...judgeSamples(older, newer, to.topic)]
}

/** Whoever starts or resumes reads back what the topic keeps: it must not be less than it was. */
async function retention(from: Place, to: Place): Promise<Finding[]> {
  try {
    const [before, after] = await Promise.all([from, to].map(({ log, topic }) => log.settings?.(topic, RETENTION)))
    if (before === undefined || after === undefined) return []
    return judgeRetention(before, after, to.topic)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    return [{ verdict: 'note', what: `how long the topics keep records could not be seen: ${error.message}` }]
  }
}

export function judgeRetention(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, topic: string): Finding[] {
  const limit = (settings: ReadonlyMap<string, string>, name: string) => {
    const value = Number(settings.get(name) ?? -1)
    return value < 0 ? Infinity : value
  }
  const shorter = RETENTION.filter((name) => limit(after, name) < limit(before, name))
  const named = shorter.map((name) => `${name} is ${after.get(name)} there, ${before.get(name) ?? 'without limit'} here`)
  if (shorter.length > 0)
    return [{ verdict: 'failed', what: `${topic} keeps records for less long than the current topic: ${named.join('; ')}` }]
  return [{ verdict: 'ok', what: `${topic} keeps records at least as long as the current topic` }]
}

/** What the last records of both topics tell. */
export function judgeSamples({ records: older }: Sample, sample: Sample, topic: string): Finding[] {
  const newer = sample.records
  if (newer.length === 0) return [{ verdict: 'failed', what: `${topic} has no records: is anybody writing to it?` }]
  return [flow(older, newer, topic), complete(older, sample, topic), format(older, newer, topic), times(older, newer)].filter(
    (finding) => finding !== null,
  )
}

function flow(older: readonly LogRecord[], newer: readonly LogRecord[], topic: string): Finding {
  const behindMs = newestMs(older) - newestMs(newer)
  if (behindMs <= BEHIND_MS_MAX) return { verdict: 'ok', what: `records are written to ${topic} as they are to the current topic` }
  return {
    verdict: 'failed',
    what: `the newest record of ${topic} is ${Math.round(behindMs / 1000)} s older than that of the current topic: is everything written to both?`,
  }
}

/**
 * While the current topic is still written to, every symbol's records must come into the new one as well: what is written to
 * the current one alone once the feed has moved, nobody sees.
 */
function complete(older: readonly LogRecord[], { records: newer, wholeSinceMs }: Sample, topic: string): Finding | null {
  const untilMs = newestMs(older) - BEHIND_MS_MAX
  const isLeft = newestMs(newer) - newestMs(older) > BEHIND_MS_MAX
  if (older.length === 0 || isLeft) return null
  const there = new Map<string, number>()
  for (const { key, timestampMs } of newer) there.set(text(key), Math.max(there.get(text(key)) ?? 0, timestampMs))
  const missing = new Set<string>()
  for (const { key, timestampMs } of older) {
    // The sample of the new topic may not reach back so far, and copies take their time.
    if (timestampMs < wholeSinceMs || timestampMs > untilMs) continue
    if ((there.get(text(key)) ?? 0) < timestampMs) missing.add(text(key))
  }
  if (missing.size === 0) return null
  const named = [...missing].slice(0, NAMED_MAX).join(', ')
  return {
    verdict: 'failed',
    what: `records of ${missing.size} symbols are written to the current topic alone, not to ${topic}: ${named}${missing.size > NAMED_MAX ? ', …' : ''}`,
  }
}

function format(older: readonly LogRecord[], newer: readonly LogRecord[], topic: string): Finding {
  const nameless = newer.find(({ key }) => key === null || key.length === 0)
  if (nameless !== undefined)
    return { verdict: 'failed', what: `a record of ${topic} (offset ${nameless.offset}) has no key, and so no symbol` }
  const isJson = older.length > 0 && older.filter(({ value }) => isJsonObject(value)).length > older.length * 0.9
  if (!isJson)
    return { verdict: 'note', what: `values are no JSON: whether nodes can decode those of ${topic} shows in their logs (poison_record)` }
  const bad = newer.find(({ value }) => !isJsonObject(value))
  if (bad === undefined)
    return { verdict: 'ok', what: `${newer.length} sampled records of ${topic} are JSON objects, as those of the current topic` }
  return { verdict: 'failed', what: `a record of ${topic} (offset ${bad.offset}) is no JSON object, as those of the current topic are` }
}

/** Nodes tell by its time whether a record of the new topic was given from the current one. */
function times(older: readonly LogRecord[], newer: readonly LogRecord[]): Finding | null {
  const known = new Map(older.map((record) => [identityOf(record), record.timestampMs]))
  const differences = newer.flatMap((record) => {
    const other = known.get(identityOf(record))
    return other === undefined ? [] : [Math.abs(record.timestampMs - other)]
  })
  if (differences.length === 0)
    return { verdict: 'note', what: 'no record was found in both samples, so it was not seen whether copies bear the same time' }
  const mostMs = Math.max(...differences)
  if (mostMs === 0) return { verdict: 'ok', what: `${differences.length} records found in both topics bear the same time in both` }
  return {
    verdict: 'note',
    what: `copies of a record bear times that differ by up to ${mostMs} ms: on a feed of mode \`every\`, records of that span around the switch may be given twice or be missing. Let the producer set the time itself`,
  }
}

function newestMs(records: readonly LogRecord[]): number {
  return Math.max(...records.map(({ timestampMs }) => timestampMs))
}

function identityOf({ key, value }: LogRecord): string {
  return `${text(key)} ${text(value)}`
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString('latin1')
}

function isJsonObject(value: Uint8Array | null): boolean {
  if (value === null) return true
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value).toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch {
    return false
  }
}

/** The last records of each partition, without pulses. */
async function sampleOf({ log, topic }: Place, known?: TopicDescription): Promise<Sample> {
  const { partitions } = known ?? (await log.describe(topic))
  const filled = partitions.filter(({ earliest, latest }) => latest > earliest)
  const ends = new Map(filled.map(({ partition, latest }) => [partition, latest]))
  const records: LogRecord[] = []
  if (ends.size === 0) return { records, wholeSinceMs: -Infinity }
  // What lies before the first of its sampled records is not known of a partition, unless that is all that it has.
  const sinceMs = new Map(
    filled.map(({ partition, earliest, latest }) => [partition, latest - earliest > SAMPLE_RECORDS_PER_PARTITION ? Infinity : -Infinity]),
  )
  await using reader = log.read(
    topic,
    filled.map(({ partition, earliest, latest }) => ({
      partition,
      start: { at: 'offset', offset: Math.max(earliest, latest - SAMPLE_RECORDS_PER_PARTITION) },
    })),
  )
  const read = async (): Promise<void> => {
    for await (const event of reader) {
      if (event.kind !== 'records') continue
      const first = event.records[0]
      if (first !== undefined && sinceMs.get(event.partition) === Infinity) sinceMs.set(event.partition, first.timestampMs)
      for (const record of event.records) if (record.key?.[0] !== 0) records.push(copyOf(record))
      const last = event.records.at(-1)
      if (last !== undefined && last.offset + 1 >= ends.get(event.partition)!) ends.delete(event.partition)
      if (ends.size === 0) return
    }
  }
  // What came by then has to do: the last offsets of a compacted or transactional topic may hold nothing.
  await within(SAMPLE_MS_MAX, read(), () => new Error('late'), systemClock).catch(() => {})
  return { records, wholeSinceMs: Math.max(...sinceMs.values()) }
}

function copyOf({ offset, timestampMs, key, value }: LogRecord): LogRecord {
  return { offset, timestampMs, key: key && new Uint8Array(key), value: value && new Uint8Array(value) }
}
