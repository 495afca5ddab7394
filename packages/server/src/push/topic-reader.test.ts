import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { passThrough } from '../../../../test/support/pass-through-log.ts'
import { encodePulse, type PulseRecord } from '../feeds/index.ts'
import { Hub, Subscription, type StaleState, type SymbolState } from '../hub/index.ts'
import { createEmbeddedLog, type EmbeddedLog, type Log, type LogEvent, type LogReader } from '../log/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { Intake } from './intake.ts'
import { TopicReader } from './topic-reader.ts'
import type { ChoosePartitions } from './wanted-partitions.ts'

const TOPIC = 'quotes'

interface Options {
  readonly feed?: Readonly<Record<string, unknown>>
  readonly partitions?: 'all' | readonly number[] | ChoosePartitions
  /** What the reader sees of the log. */
  readonly through?: (log: EmbeddedLog) => Log
  readonly isSeam?: (pulse: PulseRecord) => boolean
}

function setUp(options: Options = {}) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const feeds = JSON.stringify([{ name: 'quote', topic: TOPIC, ...options.feed }])
  const config = loadConfig('push', { env: { PULSEWIRE_FEEDS: feeds, PULSEWIRE_LOG_BROKERS: 'kafka:9092' } }).feeds[0]!
  const hub = new Hub({ nodeId: 'push-a1', clock, feeds: [config] })
  const feed = hub.feed('quote')!
  const logger = createMemoryLogger()
  const intake = new Intake(hub, feed, config, logger, options.isSeam)
  const reader = new TopicReader({
    hub,
    feed,
    log: options.through?.(log) ?? log,
    config,
    intake,
    partitions: options.partitions ?? 'all',
    logger,
    answerable() {},
  })
  const stale = new Map<number, StaleState>()
  hub.connect(
    {
      want: () => true,
      unwant() {},
      wantPattern: () => true,
      unwantPattern() {},
      explain: (_feed, partition) => reader.explain(partition),
    },
    {
      pulse() {},
      feeds() {},
      freshness(_feed, change) {
        for (const { partition, state } of change.stale) stale.set(partition, state)
        for (const partition of change.live) stale.delete(partition)
      },
      withdrawn(_feed, partitions) {
        for (const partition of partitions) stale.delete(partition)
      },
    },
  )
  let sequence = 0
  const pulse = (partitions = 1, topic = TOPIC) => {
    const record = { writer: 'p', sequence: sequence++, generation: 1, atMs: clock.nowMs() }
    log.appendNow(
      topic,
      Array.from({ length: partitions }, (_, partition) => encodePulse(partition, record)),
    )
  }
  const append = (key: string, last: number, partition = 0) => log.appendNow(TOPIC, [{ partition, key, value: JSON.stringify({ last }) }])
  const last = (name: string) => feed.symbols.get(name)?.values[0]
  /** Lets time pass as a running node does: looks at freshness and for a stall ten times a second. */
  const pass = async (ms: number, each: () => void = () => {}) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      each()
      await clock.pass(Math.min(100, ms - passedMs))
      hub.checkFreshness()
      reader.checkStall()
    }
  }
  const codes = () => logger.lines.map(({ code }) => code)
  return { clock, log, hub, feed, reader, logger, stale, pulse, append, last, pass, codes, intake }
}

test('reads what is there, is warm then and not before, and follows', async () => {
  const { clock, log, reader, append, last, codes } = setUp()
  log.createTopicNow(TOPIC, { partitions: 2 })
  for (let i = 0; i < 5000; i++) append(`S${i % 10}`, i, i % 2)
  assert.equal(reader.warm, false)
  reader.start()
  assert.equal(reader.warm, false)
  await clock.settle()
  assert.deepEqual([reader.warm, last('S9')], [true, 4999])
  append('S9', 5000, 1)
  await clock.settle()
  assert.equal(last('S9'), 5000)
  assert.equal(codes().filter((code) => code === 'warm').length, 1)
  await reader.close()
})

test('an empty topic is warm at once', async () => {
  const { clock, log, reader } = setUp()
  log.createTopicNow(TOPIC, { partitions: 3 })
  reader.start()
  await clock.settle()
  assert.equal(reader.warm, true)
  await reader.close()
})

test('warming up reads back no longer than the span, and no more than the count', async () => {
  const bySpan = setUp({ feed: { warmup: { spanMs: 60_000 } } })
  bySpan.log.createTopicNow(TOPIC, { partitions: 1 })
  bySpan.append('OLD', 1)
  bySpan.clock.advance(61_000)
  bySpan.append('NEW', 2)
  bySpan.reader.start()
  await bySpan.clock.settle()
  assert.deepEqual([bySpan.last('OLD'), bySpan.last('NEW'), bySpan.reader.warm], [undefined, 2, true])

  const byCount = setUp({ feed: { warmup: { recordsMax: 10 } } })
  byCount.log.createTopicNow(TOPIC, { partitions: 1 })
  for (let i = 0; i < 25; i++) byCount.append(`S${i}`, i)
  byCount.reader.start()
  await byCount.clock.settle()
  assert.deepEqual([byCount.feed.symbols.size, byCount.last('S14'), byCount.last('S15')], [10, undefined, 15])

  const not = setUp({ feed: { warmup: { spanMs: 0 } } })
  not.log.createTopicNow(TOPIC, { partitions: 1 })
  not.append('A', 1)
  not.reader.start()
  await not.clock.settle()
  assert.deepEqual([not.reader.warm, not.last('A')], [true, undefined])
  not.append('A', 2)
  await not.clock.settle()
  assert.equal(not.last('A'), 2)
  for (const { reader } of [bySpan, byCount, not]) await reader.close()
})

test('only the partitions of this node are read, judged and said to be carried', async () => {
  const { log, hub, feed, reader, append, last, pass, stale } = setUp({ partitions: [1, 2] })
  log.createTopicNow(TOPIC, { partitions: 4 })
  for (const partition of [0, 1, 2, 3]) append(`S${partition}`, 1, partition)
  reader.start()
  await pass(3000)
  assert.deepEqual(
    [0, 1, 2, 3].map((partition) => last(`S${partition}`)),
    [undefined, 1, 1, undefined],
  )
  assert.deepEqual([hub.info()[0]?.partitions, hub.info()[0]?.carried, feed.partitions], [4, [1, 2], 4])
  assert.deepEqual([...stale.keys()], [1, 2])
  await reader.close()
})

test('a topic that is not there: missing, and read when it appears', async () => {
  const { log, reader, append, last, pass, logger } = setUp()
  reader.start()
  await pass(2000)
  assert.equal(reader.warm, false)
  assert.deepEqual([reader.explain(0).hop, reader.explain(0).reason], ['log', 'topic_missing'])
  assert.match(reader.explain(0).message, /topic quotes does not exist; create it or correct its name/)
  assert.equal(logger.lines.filter(({ code }) => code === 'topic_missing').length, 1, 'said once')
  log.createTopicNow(TOPIC, { partitions: 1 })
  append('A', 1)
  await pass(1500)
  assert.deepEqual([reader.warm, last('A')], [true, 1])
  await reader.close()
})

test('the log goes away and comes back: unreachable, and nothing is missed', async () => {
  const { log, reader, stale, append, last, pass, pulse, codes } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  pulse()
  reader.start()
  await pass(500, pulse)
  assert.equal(stale.size, 0)
  log.setReachable(false)
  await pass(3000)
  assert.deepEqual([stale.get(0)?.hop, stale.get(0)?.reason], ['log', 'log_unreachable'])
  assert.ok(stale.get(0)!.message.length > 0)
  log.setReachable(true)
  append('A', 7)
  await pass(1500, pulse)
  assert.deepEqual([stale.size, last('A')], [0, 7])
  assert.deepEqual(
    codes().filter((code) => code.startsWith('log_')),
    ['log_unreachable', 'log_reachable'],
  )
  await reader.close()
})

test('a log that is unreachable from the start is tried until it is there', async () => {
  const { log, reader, pass } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  log.setReachable(false)
  reader.start()
  await pass(5000)
  assert.equal(reader.explain(0).reason, 'log_unreachable')
  log.setReachable(true)
  await pass(1500)
  assert.equal(reader.warm, true)
  await reader.close()
})

test('a topic that is deleted is missing; one made anew under its name is refused, with what to do', async () => {
  const { log, reader, stale, append, last, pass, pulse } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  append('A', 1)
  await pass(500, pulse)
  log.deleteTopicNow(TOPIC)
  await pass(3000)
  assert.equal(stale.get(0)?.reason, 'topic_missing')
  log.createTopicNow(TOPIC, { partitions: 1 })
  append('A', 99)
  await pass(3000, pulse)
  assert.equal(stale.get(0)?.reason, 'topic_recreated')
  assert.match(stale.get(0)!.message, /raise the generation of feed quote \(now 1\)/)
  assert.equal(last('A'), 1, 'two histories are not mixed')
  await reader.close()
})

test('a topic made anew while no reader was open is recognised all the same', async () => {
  // The log is gone for so long that reading ends, and the topic is another when it is back.
  let fail = false
  const through = (log: EmbeddedLog): Log => ({
    ...passThrough(log),
    read: (topic, partitions) => {
      const reader = log.read(topic, partitions)
      return Object.assign(Object.create(reader) as typeof reader, {
        async *[Symbol.asyncIterator]() {
          for await (const event of reader) {
            if (fail) throw new Error('the connection is lost')
            yield event
          }
        },
      })
    },
  })
  const { log, reader, append, last, pass, pulse } = setUp({ through })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  append('A', 1)
  await pass(200, pulse)
  fail = true
  append('A', 2)
  await pass(100)
  log.deleteTopicNow(TOPIC)
  log.createTopicNow(TOPIC, { partitions: 1 })
  for (let i = 0; i < 10; i++) append('A', 50 + i)
  fail = false
  await pass(3000)
  assert.equal(reader.explain(0).reason, 'topic_recreated')
  assert.equal(last('A'), 1)
  await reader.close()
})

test('a topic that grows is read in its new partitions from their beginning', async () => {
  const { log, hub, reader, append, last, pass, stale } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await pass(100)
  log.addPartitions(TOPIC, 3)
  append('B', 5, 2)
  await pass(100)
  assert.deepEqual([last('B'), hub.info()[0]?.partitions, reader.warm], [5, 3, true])
  await pass(2500)
  assert.deepEqual([...stale.keys()], [0, 1, 2], 'pulses are expected there too')
  await reader.close()
})

test('records that were gone before they were read are said to be lost', async () => {
  const { clock, log, reader, append, last, logger } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await clock.settle()
  log.pauseDelivery(TOPIC, 0)
  for (let i = 0; i < 10; i++) append('A', i)
  log.deleteRecordsBefore(TOPIC, 0, 8)
  log.resumeDelivery(TOPIC, 0)
  await clock.settle()
  assert.equal(last('A'), 9)
  const [line] = logger.lines.filter(({ code }) => code === 'records_lost')
  assert.deepEqual([line?.fields['from'], line?.fields['to']], [0, 8])
  await reader.close()
})

test('no pulses: without records nothing comes; with records the freshness is unproven, and who to look for is said', async () => {
  const { log, reader, stale, append, pass, pulse } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await pass(500, pulse)
  await pass(3000)
  assert.deepEqual([stale.get(0)?.hop, stale.get(0)?.reason], ['log', 'no_pulse'])
  await pass(1000, () => append('A', 1))
  assert.deepEqual([stale.get(0)?.hop, stale.get(0)?.reason], ['log', 'unproven'])
  assert.match(stale.get(0)!.message, /quotes\/0 .*pulse writer/)
  await pass(300, pulse)
  assert.equal(stale.size, 0)
  await reader.close()
})

test('pulses of another generation prove nothing', async () => {
  const { clock, log, reader, stale, pass } = setUp({ feed: { generation: 2 } })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  let sequence = 0
  await pass(3000, () => log.appendNow(TOPIC, [encodePulse(0, { writer: 'p', sequence: sequence++, generation: 1, atMs: clock.nowMs() })]))
  assert.equal(stale.get(0)?.reason, 'no_pulse')
  await reader.close()
})

test('a partition whose fetch stalls is stale alone, and live when it goes on', async () => {
  const { log, reader, stale, pass, pulse } = setUp()
  log.createTopicNow(TOPIC, { partitions: 2 })
  reader.start()
  const pulseBoth = () => pulse(2)
  await pass(500, pulseBoth)
  log.pauseDelivery(TOPIC, 1)
  await pass(3000, pulseBoth)
  assert.deepEqual([...stale.keys()], [1])
  log.resumeDelivery(TOPIC, 1)
  await pass(500, pulseBoth)
  assert.equal(stale.size, 0)
  await reader.close()
})

test('a reader from which nothing comes is made anew, and goes on where it was', async () => {
  const { log, reader, append, last, pass, codes } = setUp()
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  append('A', 1)
  await pass(1000)
  log.pauseDelivery(TOPIC, 0)
  append('A', 2)
  await pass(8500)
  assert.deepEqual(
    codes().filter((code) => code === 'reader_rebuilt'),
    [],
  )
  await pass(1000)
  assert.deepEqual(codes().filter((code) => code === 'reader_rebuilt').length, 1)
  assert.equal(log.readerCount, 0, 'the old one is closed')
  log.resumeDelivery(TOPIC, 0)
  await pass(1500)
  assert.deepEqual([last('A'), log.readerCount], [2, 1])
  await reader.close()
  assert.equal(log.readerCount, 0)
})

test('a reader that stalls while the log is away is made anew when the log is back, and none is before', async () => {
  let hangs = false
  const through = (log: EmbeddedLog): Log => ({
    ...passThrough(log),
    read: (topic, partitions) => {
      const reader = log.read(topic, partitions)
      const { promise: closed, resolve: end } = Promise.withResolvers<void>()
      const close = () => {
        end()
        return reader.close()
      }
      return {
        topic,
        add: (more) => reader.add(more),
        remove: (fewer) => reader.remove(fewer),
        close,
        [Symbol.asyncDispose]: close,
        async *[Symbol.asyncIterator](): AsyncGenerator<LogEvent, undefined> {
          for await (const event of reader) {
            if (!hangs) yield event
            else return void (await closed)
          }
        },
      }
    },
  })
  const { log, reader, stale, append, last, pass, pulse, codes } = setUp({ through })
  const rebuilt = () => codes().filter((code) => code === 'reader_rebuilt').length
  log.createTopicNow(TOPIC, { partitions: 1 })
  pulse()
  reader.start()
  await pass(500, pulse)
  log.setReachable(false)
  await pass(500)
  hangs = true
  await pass(30_000)
  assert.deepEqual([stale.get(0)?.reason, rebuilt()], ['log_unreachable', 0])
  log.setReachable(true)
  await pass(500, pulse)
  hangs = false
  append('A', 7)
  await pass(12_000, pulse)
  assert.deepEqual([rebuilt(), stale.size, last('A')], [1, 0, 7])
  await reader.close()
})

test('a reader that comes back with the log is not made anew', async () => {
  const through = (log: EmbeddedLog): Log => ({
    ...passThrough(log),
    describe: async (topic) => {
      await new Promise<void>((resolve) => clock.after(300, resolve))
      return log.describe(topic)
    },
  })
  const { clock, log, reader, stale, pass, pulse, codes } = setUp({ through })
  log.createTopicNow(TOPIC, { partitions: 1 })
  pulse()
  reader.start()
  await pass(500, pulse)
  // So long that it is asked just before, while, and just after the log comes back.
  for (const awayMs of [9_900, 10_000, 10_100, 20_000]) {
    log.setReachable(false)
    await pass(awayMs)
    log.setReachable(true)
    await pass(2000, pulse)
    assert.equal(stale.size, 0)
  }
  assert.equal(codes().includes('reader_rebuilt'), false)
  await reader.close()
})

test('a fault of the log client is a stall, not the end', async () => {
  let fail = true
  const through = (log: EmbeddedLog): Log => ({
    ...passThrough(log),
    read: (topic, partitions) => {
      if (fail) throw new TypeError('undefined is not a function')
      return log.read(topic, partitions)
    },
  })
  const { log, reader, append, last, pass } = setUp({ through })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  append('A', 1)
  await pass(3000)
  assert.equal(reader.explain(0).reason, 'reader_stalled')
  fail = false
  await pass(1500)
  assert.equal(last('A'), 1)
  await reader.close()
})

test('closing ends reading wherever it stands, and leaves neither reader nor timer', async () => {
  const whileDescribing = setUp({
    through: (log) => ({
      ...passThrough(log),
      describe: async (topic) => {
        await new Promise<void>((resolve) => whileDescribing.clock.after(5000, resolve))
        return log.describe(topic)
      },
    }),
  })
  whileDescribing.log.createTopicNow(TOPIC, { partitions: 1 })
  whileDescribing.reader.start()
  await whileDescribing.clock.settle()
  const closed = whileDescribing.reader.close()
  await whileDescribing.clock.pass(10_000)
  await closed

  const whileRetrying = setUp()
  whileRetrying.reader.start()
  await whileRetrying.clock.pass(30_500)
  await whileRetrying.reader.close()
  for (const { log, clock } of [whileDescribing, whileRetrying]) assert.deepEqual([log.readerCount, clock.timers], [0, 0])
})

/** A reader whose share is what the test says. */
async function setUpShared(options: Options = {}) {
  const share: { wanted: readonly number[] | undefined } = { wanted: [0, 1] }
  const world = setUp({ ...options, partitions: () => share.wanted })
  world.log.createTopicNow(TOPIC, { partitions: 4 })
  const to = async (...wanted: number[]) => {
    share.wanted = wanted
    world.reader.reshare()
    await world.clock.settle()
  }
  const names = () => [...world.feed.symbols.keys()].sort()
  return { ...world, share, to, names }
}

test('it reads its share and says that it has what it has read in; until it knows its share it is not warm', async () => {
  const { clock, reader, feed, share, append, to, last } = await setUpShared()
  for (let i = 0; i < 4; i++) append(`S${i}`, i, i)
  share.wanted = undefined
  reader.start()
  await clock.settle()
  assert.deepEqual([reader.warm, feed.carried, feed.partitions], [false, [], 4])
  await to(0, 1)
  assert.deepEqual([reader.warm, feed.carried, last('S1'), last('S2')], [true, [0, 1], 1, undefined])
  await to(0, 1, 3)
  assert.deepEqual([feed.carried, last('S3')], [[0, 1, 3], 3])
  append('S3', 30, 3)
  await clock.settle()
  assert.equal(last('S3'), 30)
  await reader.close()
})

test('a partition that is added counts as had only when it has been read in', async () => {
  const { clock, log, reader, feed, append, to } = await setUpShared()
  reader.start()
  await clock.settle()
  append('S3', 3, 3)
  log.pauseDelivery(TOPIC, 3)
  await to(0, 1, 3)
  assert.deepEqual(feed.carried, [0, 1])
  log.resumeDelivery(TOPIC, 3)
  await clock.settle()
  assert.deepEqual(feed.carried, [0, 1, 3])
  await reader.close()
})

test('a partition that is given up takes its images and its freshness along', async () => {
  const { clock, reader, hub, feed, append, to, names, pulse, pass, stale } = await setUpShared({ feed: { mode: 'every' } })
  reader.start()
  for (let i = 0; i < 4; i++) append(`S${i}`, i, i)
  pulse(4)
  await clock.settle()
  assert.deepEqual(names(), ['S0', 'S1'])
  await to(1)
  assert.deepEqual([names(), feed.carried, reader.reads(0), feed.history!.records], [['S1'], [1], false, 1])
  await pass(3000, () => pulse(4))
  assert.deepEqual([...stale.keys()], [])
  assert.deepEqual(
    hub.info().map(({ carried }) => carried),
    [[1]],
  )
  await reader.close()
})

test('given up in the middle of a large batch, a partition leaves nothing behind', async () => {
  const records = Array.from({ length: 5000 }, (_, offset) => ({
    offset,
    timestampMs: 0,
    key: Buffer.from(`S0-${offset}`),
    value: Buffer.from('{"last":1}'),
  }))
  /** Gives one batch, larger than the embedded log would ever give. */
  const oneBatch = (topic: string): LogReader => {
    const events: LogEvent[] = [
      { kind: 'started', partition: 0, offset: 0, highWatermark: 5000 },
      { kind: 'records', partition: 0, records, span: { from: 0, next: 5000, absent: [] }, highWatermark: 5000 },
    ]
    const closed = Promise.withResolvers<void>()
    const close = async () => closed.resolve()
    async function* iterate() {
      yield* events
      await closed.promise
    }
    return { topic, add() {}, remove() {}, close, [Symbol.asyncIterator]: iterate, [Symbol.asyncDispose]: close }
  }
  const { clock, reader, feed, share, names } = await setUpShared({ through: (log) => ({ ...passThrough(log), read: oneBatch }) })
  reader.start()
  while (feed.symbols.size === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(feed.symbols.size, 2000)
  share.wanted = [1]
  reader.reshare()
  await clock.settle()
  assert.deepEqual([names(), feed.freshness.get(0)], [[], undefined])
  await reader.close()
})

test('a node without a share reads nothing, is warm, and its silence is no stall', async () => {
  const { clock, reader, feed, to, pass, codes } = await setUpShared()
  reader.start()
  await clock.settle()
  await to()
  await pass(30_000)
  assert.deepEqual([reader.warm, feed.carried, codes().includes('reader_rebuilt')], [true, [], false])
  await reader.close()
})

test('what was missed while others had the partition is no link of the chain', async () => {
  const { clock, reader, hub, feed, append, to } = await setUpShared({ feed: { mode: 'every', warmup: { spanMs: 60_000 } } })
  reader.start()
  append('S0', 1, 0)
  await clock.settle()
  // Somebody subscribes, so the symbol stays.
  const symbol = feed.symbols.get('S0')!
  hub.attach(new Subscription({ due() {} } as never, 1, feed, {} as never), symbol, 1)
  await to(1)
  append('S0', 2, 0)
  clock.advance(120_000)
  append('S0', 3, 0)
  append('S0', 4, 0)
  await to(0, 1)
  assert.deepEqual([symbol.offset, symbol.prev], [3, 2])
  const [first, second, third] = [0, 2, 3].map((offset) => symbol.history!.at(1, 0, offset)!)
  // The record at 1 was not read: whoever is at 0 must not take the one at 2 for the next.
  assert.deepEqual([first!.prev, second!.prev, third!.prev], [-1, 1, 2])
  await reader.close()
})

test('after a standstill it is warm again when it has read up to where the log is then', async () => {
  const { clock, log, reader, feed, append } = await setUpShared()
  reader.start()
  await clock.settle()
  log.pauseDelivery(TOPIC, 0)
  append('S0', 1, 0)
  assert.deepEqual([reader.warm, feed.carried], [true, [0, 1]])
  reader.rewarm()
  assert.deepEqual([reader.warm, feed.carried], [false, []])
  await clock.settle()
  assert.deepEqual([reader.warm, feed.carried], [false, [1]])
  log.resumeDelivery(TOPIC, 0)
  await clock.settle()
  assert.deepEqual([reader.warm, feed.carried], [true, [0, 1]])
  await reader.close()
})

/** A log client that spoils each batch as it likes: what it makes of one comes instead. */
function spoiling(spoil: (batch: Batch) => Iterable<Batch>) {
  return (log: EmbeddedLog): Log => ({
    ...passThrough(log),
    read(topic, partitions) {
      const reader = log.read(topic, partitions)
      async function* iterate() {
        for await (const event of reader) {
          if (event.kind === 'records') yield* spoil(event)
          else yield event
        }
      }
      const add = reader.add.bind(reader)
      const remove = reader.remove.bind(reader)
      const close = () => reader.close()
      return { topic, add, remove, close, [Symbol.asyncIterator]: iterate, [Symbol.asyncDispose]: close }
    },
  })
}

type Batch = Extract<LogEvent, { kind: 'records' }>
const EVERY = { mode: 'every', history: { recordsPerSymbolMax: 100, bytesMax: 1_000_000 } }

test('records that the log client leaves out, repeats and reorders are taken all the same, once and in order', async () => {
  let left = 12
  let held: Batch | undefined
  const { clock, log, feed, reader, append, pulse, pass, codes } = setUp({
    feed: EVERY,
    through: spoiling(function* (batch) {
      if (left-- <= 0) return void (yield batch)
      const { records } = batch
      if (left % 3 === 0) yield { ...batch, records: records.filter((_, index) => index !== records.length >> 1) }
      else if (left % 3 === 1 && held === undefined) held = batch
      else {
        yield batch
        yield batch
        if (held !== undefined) yield held
        held = undefined
      }
    }),
  })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await clock.pass(10)
  for (let i = 0; i < 40; i++) {
    append(`S${i % 3}`, i)
    if (i % 4 === 3) pulse()
    await pass(100)
  }
  await pass(3000, pulse)
  const offsets = [...feed.symbols.values()].flatMap(({ history }) => offsetsOf(history!))
  assert.equal(offsets.length, 40)
  for (const { history } of feed.symbols.values())
    assert.deepEqual(
      offsetsOf(history!),
      offsetsOf(history!).toSorted((a, b) => a - b),
    )
  assert.ok(codes().includes('records_left_out'))
  await reader.close()
})

test('no pulse goes by a hole: the partition turns stale, and says which records are missing', async () => {
  let isSpoilt = false
  const { clock, log, feed, reader, append, pulse, pass, stale, codes } = setUp({
    feed: EVERY,
    through: spoiling(function* (batch) {
      yield isSpoilt ? { ...batch, records: batch.records.filter(({ key }) => String(key) !== 'LOST') } : batch
    }),
  })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await clock.pass(10)
  append('S0', 1)
  await pass(500, pulse)
  isSpoilt = true
  append('LOST', 1)
  await pass(3000, pulse)
  assert.equal(feed.symbols.has('LOST'), false)
  assert.equal(stale.get(0)?.reason, 'reader_stalled')
  assert.match(stale.get(0)!.message!, /lacks records from offset/)
  isSpoilt = false
  await pass(3000, pulse)
  assert.equal(feed.symbols.has('LOST'), true)
  assert.equal(stale.size, 0)
  assert.ok(!codes().includes('records_unreadable'))
  await reader.close()
})

test('a hole that stays is left after ten seconds, said so, and receivers are told of a gap', async () => {
  const { clock, log, feed, reader, append, pulse, pass, stale, codes } = setUp({
    feed: EVERY,
    through: spoiling(function* (batch) {
      yield { ...batch, records: batch.records.filter(({ value }) => !String(value).includes('666')) }
    }),
  })
  log.createTopicNow(TOPIC, { partitions: 1 })
  reader.start()
  await clock.pass(10)
  append('S0', 1)
  append('S0', 666)
  append('S0', 3)
  await pass(9000, pulse)
  assert.equal(feed.symbols.get('S0')!.offset, 0)
  await pass(6000, pulse)
  assert.ok(codes().includes('records_unreadable'))
  assert.deepEqual([feed.symbols.get('S0')!.offset, feed.symbols.get('S0')!.prev], [2, 1])
  assert.equal(stale.size, 0)
  await reader.close()
})

test('at a seam it stops, and reads on behind it also when its reader was lost and not yet made anew', async () => {
  let fail = false
  const through = spoiling(function* (batch) {
    if (fail) throw new Error('the connection is lost')
    yield batch
  })
  const { log, reader, append, last, pulse, pass, codes } = setUp({ through, isSeam: ({ sequence }) => sequence === 0, partitions: [0, 1] })
  log.createTopicNow(TOPIC, { partitions: 2 })
  reader.start()
  append('A', 1, 0)
  await pass(100)
  pulse()
  append('A', 2, 0)
  await pass(1000, () => append('B', 1, 1))
  assert.deepEqual([last('A'), reader.isHeld], [1, true])
  fail = true
  append('B', 2, 1)
  await pass(100)
  fail = false
  assert.equal(log.readerCount, 0)
  reader.passSeam()
  await pass(1500)
  assert.deepEqual([last('A'), last('B'), reader.isHeld], [2, 2, false])
  assert.ok(!codes().includes('reader_rebuilt'))
  await reader.close()
})

test('a hole behind a seam is not read again before the seam is passed', async () => {
  let added = 0
  const through = (log: EmbeddedLog): Log => {
    const spoilt = spoiling(function* (batch) {
      yield { ...batch, records: batch.records.filter(({ key }) => String(key) !== 'LOST') }
    })(log)
    return {
      ...spoilt,
      read(topic, partitions) {
        const reader = spoilt.read(topic, partitions)
        return {
          ...reader,
          add(starts) {
            added++
            reader.add(starts)
          },
        }
      },
    }
  }
  const { log, reader, append, last, pulse, pass, codes } = setUp({ through, isSeam: ({ sequence }) => sequence === 0 })
  log.createTopicNow(TOPIC, { partitions: 1 })
  append('A', 1)
  pulse()
  append('LOST', 1)
  append('A', 2)
  reader.start()
  await pass(3000)
  assert.deepEqual([last('A'), reader.isAtSeam, added], [1, true, 0])
  assert.ok(!codes().includes('records_left_out'))
  reader.passSeam()
  await pass(500)
  assert.ok(codes().includes('records_left_out'))
  await reader.close()
})

function offsetsOf(history: NonNullable<SymbolState['history']>): number[] {
  const offsets: number[] = []
  for (let item = history.oldest; item !== undefined; item = history.firstAfter(item.count)) offsets.push(item.offset)
  return offsets
}
