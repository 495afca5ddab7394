import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { passThrough } from '../../../../test/support/pass-through-log.ts'
import { Hub } from '../hub/index.ts'
import { createEmbeddedLog, type LogEvent, type LogReader } from '../log/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { Intake } from './intake.ts'
import { Progress } from './progress.ts'
import { TopicReader } from './topic-reader.ts'

test('what is left to be read is what lies between the next offset and the end of the last batch, of all partitions', () => {
  const progress = new Progress()
  progress.expect({ partition: 0, earliest: 0, latest: 100 })
  progress.expect({ partition: 1, earliest: 0, latest: 10 })
  assert.equal(progress.lag, 0, 'nothing is said before reading began')
  progress.advance(0, 40)
  progress.advance(1, 10)
  assert.equal(progress.lag, 60)
  progress.ends(0, 130)
  progress.ends(1, 12)
  progress.advance(0, 120)
  assert.equal(progress.lag, 12)
  progress.advance(1, 20)
  assert.equal(progress.lag, 10, 'a partition that was read beyond that makes up for no other')
})

test('a reader says how far it is behind, and when the last record came', async () => {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  log.createTopicNow('quotes', { partitions: 1 })
  const config = loadConfig('push', {
    env: { PULSEWIRE_FEEDS: JSON.stringify([{ name: 'quote', topic: 'quotes' }]), PULSEWIRE_LOG_BROKERS: 'kafka:9092' },
  }).feeds[0]!
  const hub = new Hub({ nodeId: 'push-a1', clock, feeds: [config] })
  const logger = createMemoryLogger()
  const feed = hub.feeds[0]!
  /** A log whose partitions end 40 offsets behind each batch. */
  const longer = { ...passThrough(log), read: (...args: Parameters<typeof log.read>) => endingLater(log.read(...args)) }
  const reader = new TopicReader({
    hub,
    feed,
    log: longer,
    config,
    intake: new Intake(hub, feed, config, logger),
    partitions: 'all',
    logger,
    answerable() {},
  })
  reader.start()
  await clock.settle()
  assert.deepEqual([reader.counts.records, reader.counts.recordAtMs, reader.counts.lag], [0, null, 0])
  log.appendNow('quotes', [{ key: 'A', value: '{"last":1}' }])
  await clock.settle()
  const atMs = clock.nowMs()
  await clock.pass(700)
  assert.deepEqual([reader.counts.records, reader.counts.recordAtMs, reader.counts.lag], [1, atMs, 40])
  await reader.close()
})

function endingLater(reader: LogReader): LogReader {
  return {
    topic: reader.topic,
    add: (partitions) => reader.add(partitions),
    remove: (partitions) => reader.remove(partitions),
    close: () => reader.close(),
    [Symbol.asyncDispose]: () => reader.close(),
    async *[Symbol.asyncIterator](): AsyncIterator<LogEvent> {
      for await (const event of reader) yield event.kind === 'records' ? { ...event, highWatermark: event.highWatermark + 40 } : event
    },
  }
}
