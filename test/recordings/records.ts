import { encodePulse } from '../../packages/server/src/feeds/index.ts'
import { decodeControl, encodeGreyOff, encodeRemoval } from '../../packages/server/src/directory/control-record.ts'
import { SESSION_EVENTS } from '../../packages/server/src/history/event.ts'
import { SessionHistory, TopicWriter } from '../../packages/server/src/history/index.ts'
import vectors from '../../packages/server/src/directory/control-records.vectors.json' with { type: 'json' }
import { createEmbeddedLog, type LogAppend } from '../../packages/server/src/log/index.ts'
import { silentLogger } from '../../packages/server/src/runtime/logger.ts'
import { encodeAgain } from '../support/control-records.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RecordedRecords, TopicRecord } from './format.ts'
import { readRecord } from './read.ts'

/** What this version writes into topics: leases, words, catalogue, revocations, grey release; pulses; what happens to sessions. */
export async function recordRecords(): Promise<RecordedRecords> {
  const records = [...controlRecords(), ...pulseRecords(), ...(await sessionRecords())]
  return { records: await Promise.all(records.map(async (record) => ({ ...record, means: await readRecord(record) }))) }
}

/** What the vectors hold, as this version writes it. */
function controlRecords(): TopicRecord[] {
  const again = vectors.records.map(({ key, value }) =>
    encodeAgain(decodeControl(Buffer.from(key), value === null ? null : Buffer.from(value))),
  )
  return [...again, encodeGreyOff(1_764_000_000_001), encodeRemoval('lease', 'gw-9')].map((append) => record('control', append))
}

function pulseRecords(): TopicRecord[] {
  const pulse = { writer: 'pulse-1', sequence: 7, generation: 2, atMs: 1_764_000_000_000.25 }
  return [pulse, { ...pulse, to: 3 }, { ...pulse, life: 1_763_999_999_999 }].map((each) => record('quotes', encodePulse(1, each)))
}

/** One of each event that there is, by the writer itself. */
async function sessionRecords(): Promise<TopicRecord[]> {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  await log.createTopic('sessions', { partitions: 1 })
  const writer = new TopicWriter({ log, topic: 'sessions', clock, logger: silentLogger })
  const history = new SessionHistory({ node: 'gw-1', clock, entriesMax: 100, bytesMax: 1e6, also: (event) => writer.add(event) })
  for (const what of SESSION_EVENTS)
    history.note(what.startsWith('feed_') ? null : { id: 'gw-1.k3f9.17', user: 'jo' }, what, `${what}: detail`)
  await clock.pass(1000)
  await writer.close()
  const reader = log.read('sessions', [{ partition: 0, start: { at: 'earliest' } }])
  const records: TopicRecord[] = []
  for (let event = reader.take(); event !== undefined; event = reader.take()) {
    if (event.kind !== 'records') continue
    for (const { key, value } of event.records)
      records.push({ topic: 'sessions', key: Buffer.from(key!).toString('utf8'), value: Buffer.from(value!).toString('utf8') })
  }
  await reader.close()
  return records
}

function record(topic: TopicRecord['topic'], { key, value }: LogAppend): TopicRecord {
  return { topic, key: String(key), value: value === null ? null : String(value) }
}
