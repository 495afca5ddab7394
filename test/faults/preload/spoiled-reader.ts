/**
 * Loaded into a real push node before its own code: spoils what its Kafka reader delivers. SIGUSR2 begins and ends it.
 * Records are left out, batches come twice and out of order; pulses always come, as if nothing were missing.
 */
import type { LogEvent, LogRecord } from '../../../packages/server/src/log/index.ts'
import { KafkaReader } from '../../../packages/server/src/log/kafka/reader.ts'

type Batch = Extract<LogEvent, { kind: 'records' }>

const PULSE_KEY = '\u0000pulsewire.pulse'
let spoiling = false
process.on('SIGUSR2', () => {
  spoiling = !spoiling
  process.stderr.write(`${JSON.stringify({ level: 'info', code: spoiling ? 'spoiling' : 'spoiled', msg: JSON.stringify(done) })}\n`)
})
const done = { omitted: 0, repeated: 0, swapped: 0 }

const iterate = KafkaReader.prototype[Symbol.asyncIterator]
KafkaReader.prototype[Symbol.asyncIterator] = function (this: KafkaReader): AsyncIterator<LogEvent, undefined> {
  return spoiled(iterate.call(this))
}

async function* spoiled(events: AsyncIterator<LogEvent, undefined>): AsyncGenerator<LogEvent, undefined> {
  const held = new Map<number, Batch>()
  try {
    for (;;) {
      const { done: isOver, value: event } = await events.next()
      if (isOver === true) return undefined
      if (event.kind !== 'records' || !spoiling) {
        yield event
        continue
      }
      const batch = omitSome(event)
      const before = held.get(event.partition)
      held.delete(event.partition)
      const dice = Math.random()
      if (before === undefined && dice < 0.3) {
        held.set(event.partition, copied(batch))
        continue
      }
      yield batch
      if (before !== undefined) {
        done.swapped++
        yield before
      } else if (dice < 0.5) {
        done.repeated++
        yield batch
      }
    }
  } finally {
    await events.return?.()
  }
}

function omitSome(batch: Batch): Batch {
  const records = batch.records.filter((record) => {
    const omit = Buffer.from(record.key ?? '').toString() !== PULSE_KEY && Math.random() < 0.1
    if (omit) done.omitted++
    return !omit
  })
  return { ...batch, records }
}

/** Buffers may be views into a fetch that is given back. */
function copied(batch: Batch): Batch {
  const copy = (bytes: Uint8Array | null) => (bytes === null ? null : new Uint8Array(bytes))
  const records: LogRecord[] = batch.records.map((record) => ({ ...record, key: copy(record.key), value: copy(record.value) }))
  return { ...batch, records }
}
