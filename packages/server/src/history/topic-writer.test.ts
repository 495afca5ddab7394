import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { createEmbeddedLog, type Log } from '../log/index.ts'
import { LogError } from '../runtime/errors.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { SessionEvent } from './event.ts'
import { readSessionEvents } from './read-topic.ts'
import { TopicWriter } from './topic-writer.ts'

const TOPIC = 'pulsewire.sessions'

function event(at: number, user: string, detail = ''): SessionEvent {
  return { at, node: 'gw-1', session: `s-${user}`, user, what: 'connected', detail, times: 1 }
}

describe('the topic of sessions', () => {
  test('is made when it is missing, written to, and read back for one user from a moment on', async () => {
    const clock = new ManualClock()
    const log = createEmbeddedLog({ clock })
    const writer = new TopicWriter({ log, topic: TOPIC, clock, logger: createMemoryLogger() })
    const nowMs = clock.nowMs()
    for (const [i, user] of ['jo', 'kim', 'jo', 'jo'].entries()) writer.add(event(nowMs + i * 1000, user, `${i}`))
    await clock.pass(600)
    await log.append(TOPIC, [
      { key: 'jo', value: 'no event', timestampMs: nowMs + 5000 },
      { key: 'jo', value: null, timestampMs: nowMs + 5000 },
    ])
    const reading = readSessionEvents(log, TOPIC, nowMs + 500, ({ user }) => user === 'jo')
    await clock.pass(100)
    assert.deepEqual(
      (await reading).map(({ detail }) => detail),
      ['2', '3'],
    )
    await writer.close()
  })

  test('nothing waits for a log that does not answer: what has no room is dropped, counted and told once', async () => {
    const clock = new ManualClock()
    const logger = createMemoryLogger()
    const never = { describe: () => new Promise(() => {}) } as unknown as Log
    const writer = new TopicWriter({ log: never, topic: TOPIC, clock, logger })
    for (let i = 0; i < 1000; i++) writer.add(event(i, 'jo'))
    await clock.pass(600)
    for (let i = 0; i < 25_000; i++) writer.add(event(i, 'jo'))
    assert.equal(writer.dropped, 15_000)
    assert.equal(logger.lines.filter(({ code }) => code === 'session_events_dropped').length, 1)
  })

  test('a log that refuses costs the events of the batch, and is tried again', async () => {
    const clock = new ManualClock()
    const log = createEmbeddedLog({ clock })
    log.createTopicNow(TOPIC, { partitions: 1 })
    let isDown = true
    const flaky = {
      describe: (topic: string) => log.describe(topic),
      append: async (...args: Parameters<Log['append']>) => {
        if (isDown) throw new LogError('log_unreachable', 'no broker')
        return log.append(...args)
      },
    } as unknown as Log
    const writer = new TopicWriter({ log: flaky, topic: TOPIC, clock, logger: createMemoryLogger() })
    writer.add(event(clock.nowMs(), 'jo', 'lost'))
    await clock.pass(600)
    isDown = false
    writer.add(event(clock.nowMs(), 'jo', 'kept'))
    await clock.pass(600)
    const reading = readSessionEvents(log, TOPIC, 0, () => true)
    await clock.pass(100)
    assert.deepEqual([(await reading).map(({ detail }) => detail), writer.dropped], [['kept'], 1])
  })

  test('what waits at the end is written, however many batches that takes; what is not is counted', async () => {
    const clock = new ManualClock()
    const log = createEmbeddedLog({ clock })
    const writer = new TopicWriter({ log, topic: TOPIC, clock, logger: createMemoryLogger() })
    for (let i = 0; i < 2500; i++) writer.add(event(clock.nowMs(), 'jo', `${i}`))
    const closing = writer.close()
    await clock.pass(100)
    await closing
    assert.deepEqual([(await log.describe(TOPIC)).partitions[0]!.latest, writer.dropped], [2500, 0])
    const gone = new TopicWriter({ log, topic: TOPIC, clock, logger: createMemoryLogger() })
    log.setReachable(false)
    for (let i = 0; i < 2500; i++) gone.add(event(clock.nowMs(), 'jo'))
    const ending = gone.close()
    await clock.pass(60_000)
    await ending
    assert.equal(gone.dropped, 2500)
  })
})
