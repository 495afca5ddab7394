import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { passThrough } from '../../../../test/support/pass-through-log.ts'
import { decodePulse, isPulseKey } from '../feeds/index.ts'
import { createEmbeddedLog, type EmbeddedLog, type Log, type LogAppend } from '../log/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { createPulseWriter } from './pulse-writer.ts'

function setUp(options: { feeds?: readonly object[]; through?: (log: EmbeddedLog) => Partial<Log> } = {}) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const logger = createMemoryLogger()
  const feeds = JSON.stringify(options.feeds ?? [{ name: 'quote', topic: 'quotes' }])
  const config = loadConfig('pulse', {
    env: { PULSEWIRE_FEEDS: feeds, PULSEWIRE_LOG_BROKERS: 'kafka:9092', PULSEWIRE_PULSE_WRITER_ID: 'pulse-1' },
  })
  const seen = { ...passThrough(log), ...options.through?.(log) }
  const writer = createPulseWriter(config, { log: seen, logger, clock })
  const pulsesOf = (topic: string, partition: number) => {
    const reader = log.read(topic, [{ partition, start: { at: 'earliest' } }])
    const pulses = []
    for (let event = reader.take(); event !== undefined; event = reader.take()) {
      if (event.kind !== 'records') continue
      for (const { key, value, timestampMs } of event.records) {
        assert.ok(isPulseKey(key!))
        pulses.push({ ...decodePulse(value)!, timestampMs })
      }
    }
    void reader.close()
    return pulses
  }
  return { clock, log, logger, writer, pulsesOf, codes: () => logger.lines.map(({ code }) => code) }
}

test('one pulse per partition at once, and then one per interval', async () => {
  const { clock, log, writer, pulsesOf } = setUp()
  log.createTopicNow('quotes', { partitions: 3 })
  const startMs = clock.nowMs()
  await writer.start()
  await clock.pass(5000)
  for (const partition of [0, 1, 2]) {
    const pulses = pulsesOf('quotes', partition)
    assert.deepEqual(
      pulses.map(({ atMs }) => atMs - startMs),
      [0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000],
    )
    assert.deepEqual(
      pulses.map(({ sequence }) => sequence),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
    assert.ok(
      pulses.every(
        ({ writer: id, life, generation, atMs, timestampMs }) =>
          id === 'pulse-1' && life === startMs && generation === 1 && timestampMs === Math.round(atMs),
      ),
    )
  }
  await writer.close()
})

test('each feed has its own interval and generation', async () => {
  const { clock, log, writer, pulsesOf } = setUp({
    feeds: [
      { name: 'quote', topic: 'quotes', pulseIntervalMs: 250, generation: 7 },
      { name: 'trade', topic: 'trades', pulseIntervalMs: 1000, staleAfterMs: 5000 },
    ],
  })
  for (const topic of ['quotes', 'trades']) log.createTopicNow(topic, { partitions: 1 })
  await writer.start()
  await clock.pass(2000)
  assert.deepEqual([pulsesOf('quotes', 0).length, pulsesOf('trades', 0).length], [9, 3])
  assert.equal(pulsesOf('quotes', 0)[0]?.generation, 7)
  await writer.close()
})

test('new partitions are found', async () => {
  const { clock, log, writer, pulsesOf } = setUp()
  log.createTopicNow('quotes', { partitions: 1 })
  await writer.start()
  await clock.pass(1000)
  log.addPartitions('quotes', 3)
  await clock.pass(3000)
  assert.ok(pulsesOf('quotes', 2).length >= 2)
  await writer.close()
})

test('a topic that is not there yet gets pulses once it is; that it was missing is said once', async () => {
  const { clock, log, writer, pulsesOf, codes } = setUp()
  await writer.start()
  await clock.pass(10_000)
  assert.deepEqual(
    codes().filter((code) => code === 'pulse_failed'),
    ['pulse_failed'],
  )
  log.createTopicNow('quotes', { partitions: 1 })
  await clock.pass(3000)
  assert.ok(pulsesOf('quotes', 0).length >= 3)
  await writer.close()
})

test('the log goes away and comes back: said once each, and pulses go on', async () => {
  const { clock, log, writer, pulsesOf, codes } = setUp()
  log.createTopicNow('quotes', { partitions: 1 })
  await writer.start()
  await clock.pass(1000)
  log.setReachable(false)
  await clock.pass(5000)
  log.setReachable(true)
  const before = pulsesOf('quotes', 0).length
  await clock.pass(2000)
  assert.equal(pulsesOf('quotes', 0).length - before, 4)
  assert.deepEqual(
    codes().filter((code) => code.startsWith('pulse_')),
    ['pulse_failed', 'pulse_resumed'],
  )
  await writer.close()
})

test('a log that does not answer is not asked again and again: appends do not pile up, nor do looks at the topic', async () => {
  let stuck = false
  let appending = 0
  let describing = 0
  const { clock, log, writer } = setUp({
    through: (inner) => ({
      append: async (topic, records) => {
        appending++
        if (stuck) await new Promise(() => {})
        appending--
        return inner.append(topic, records)
      },
      describe: async (topic) => {
        describing++
        if (stuck) await new Promise(() => {})
        describing--
        return inner.describe(topic)
      },
    }),
  })
  log.createTopicNow('quotes', { partitions: 4 })
  await writer.start()
  await clock.pass(1000)
  stuck = true
  await clock.pass(60_000)
  assert.ok(appending <= 5, `${appending} appends wait: one for all partitions, then one for each`)
  assert.equal(describing, 1)
  await writer.close()
})

test('one partition that takes nothing does not hold up the pulses of the others', async () => {
  let hasLeader = true
  const { clock, log, writer, pulsesOf } = setUp({
    through: (inner) => ({
      // As Kafka: what can be appended is, and the call ends when the rest is taken, or at its deadline.
      append: async (topic, records) => {
        const isLed = ({ partition }: LogAppend) => hasLeader || partition !== 1
        const results = await inner.append(topic, records.filter(isLed))
        if (records.every(isLed)) return results
        await new Promise<void>((resolve) => clock.after(8000, resolve))
        throw new Error('partition 1 has no leader')
      },
    }),
  })
  log.createTopicNow('quotes', { partitions: 3 })
  await writer.start()
  await clock.pass(1000)
  hasLeader = false
  const before = pulsesOf('quotes', 0).length
  await clock.pass(30_000)
  const atMs = pulsesOf('quotes', 0).map((pulse) => pulse.atMs)
  assert.ok(atMs.length - before >= 58, `${atMs.length - before} pulses in 30 s`)
  assert.equal(pulsesOf('quotes', 1).length, before)
  hasLeader = true
  await clock.pass(10_000)
  assert.ok(pulsesOf('quotes', 1).length > before)
  await writer.close()
})

test('closed, it writes no more and leaves no timer', async () => {
  const { clock, log, writer, pulsesOf } = setUp()
  log.createTopicNow('quotes', { partitions: 1 })
  await writer.start()
  await writer.close()
  await writer.close()
  await writer.closed
  await clock.settle()
  const before = pulsesOf('quotes', 0).length
  await clock.pass(5000)
  assert.deepEqual([pulsesOf('quotes', 0).length, clock.timers], [before, 0])
})
