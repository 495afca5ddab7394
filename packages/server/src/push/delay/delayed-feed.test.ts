/** A push node with a delayed feed, on a clock moved by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../../test/support/fake-directory.ts'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { Receiver } from '../../../../../test/support/receiver.ts'
import { type CatalogueFeed, type FeedGeneration, generationThen } from '../../directory/index.ts'
import { createEmbeddedLog } from '../../log/index.ts'
import { createPulseWriter } from '../../pulse/index.ts'
import { loadConfig } from '../../runtime/config/index.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import { createPushNode } from '../push-node.ts'

const DELAY_MS = 10_000
const OLD: FeedGeneration = { generation: 1, topic: 'quotes' }
const NEW: FeedGeneration = { generation: 2, topic: 'quotes-v8' }

async function setUp() {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  for (const { topic } of [OLD, NEW]) log.createTopicNow(topic, { partitions: 2 })
  const directory = new FakeDirectory()
  const logger = createMemoryLogger()
  const env = {
    PULSEWIRE_FEEDS: JSON.stringify([{ name: 'quote', topic: OLD.topic }]),
    PULSEWIRE_LOG_BROKERS: 'kafka:9092',
    PULSEWIRE_NODE_LINE: 'A',
  }
  const delayedFeeds = JSON.stringify([{ name: 'quote-delayed', of: 'quote', delayMs: DELAY_MS }])
  const writer = createPulseWriter(loadConfig('pulse', { env }), { log, logger, clock, directory })
  await writer.start()
  let round = 0
  const produce = () => {
    round++
    for (const { topic } of [OLD, NEW])
      log.appendNow(topic, [{ key: 'A', value: JSON.stringify({ round }), timestampMs: Math.floor(clock.nowMs()) }])
    return round
  }
  /** Seconds pass, each with a record. */
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 1000) {
      produce()
      await clock.pass(1000)
    }
  }
  const start = async (id: string) => {
    const config = loadConfig('push', { env: { ...env, PULSEWIRE_NODE_ID: id, PULSEWIRE_PUSH_DELAYED_FEEDS: delayedFeeds } })
    const node = createPushNode(config, {
      log,
      logger,
      clock,
      directory,
      listen: () => ({ port: 1, listen: async () => {}, stopAccepting: () => {}, close: async () => {} }),
    })
    await node.start()
    const feed = node.hub.feed('quote-delayed')!
    const shown = () => feed.symbols.get('A')?.values[0]
    const ages = () => [...feed.freshness.partitions].map(({ partition }) => feed.freshness.ageMs(partition, clock.nowMs()))
    const stale = () => [...feed.freshness.partitions].flatMap(({ stale }) => (stale === null ? [] : [stale]))
    return { node, feed, shown, ages, stale }
  }
  let revision = 0
  const say = (change: Partial<CatalogueFeed>) => {
    directory.feeds.set('quote', { feed: 'quote', current: OLD, next: null, retired: [], revision: revision++, ...change })
    directory.changed()
  }
  return { clock, logger, writer, pass, start, say, round: () => round }
}

test('it is warm when it has read up to where the log was then, live, and shows what was then', async () => {
  const { clock, logger, pass, start, round } = await setUp()
  await pass(30_000)
  const { node, feed, shown, ages, stale } = await start('push-a1')
  await clock.pass(1000)
  assert.equal(node.ready, true)
  assert.ok(logger.lines.some(({ code }) => code === 'ready'))
  await pass(20_000)
  assert.equal(node.hub.feed('quote')!.symbols.get('A')!.values[0], round())
  assert.equal(shown(), round() - DELAY_MS / 1000)
  assert.ok(Math.max(...ages()) < 1000, `pulses are ${ages().join(', ')} ms old`)
  assert.deepEqual(stale(), [])
  assert.deepEqual([feed.info().delayMs, feed.info().delayOf], [DELAY_MS, 'quote'])
  assert.equal(node.hub.feed('quote')!.info().delayMs, undefined)
  const leased = node.leaseContent().feeds.map(({ feed, delayOf, delayMs }) => [feed, delayOf, delayMs])
  assert.deepEqual(leased, [
    ['quote', undefined, undefined],
    ['quote-delayed', 'quote', DELAY_MS],
  ])
  const receiver = new Receiver(clock, (transport) => node.sessions.accept(transport), { pulseIntervalMs: 0 })
  receiver.hello()
  receiver.subscribe(['A'], { id: 1, feed: 'quote-delayed' })
  await clock.pass(200)
  const frames = receiver.take()
  const welcome = frames.find((frame) => frame.t === 'welcome')
  assert.deepEqual(welcome?.t === 'welcome' && welcome.feeds.map(({ feed, delayMs }) => [feed, delayMs]), [
    ['quote', undefined],
    ['quote-delayed', DELAY_MS],
  ])
  await node.close()
})

test('a topic younger than the delay keeps nobody waiting, and it is said why nothing is shown', async () => {
  const { clock, pass, start } = await setUp()
  const { node, shown, stale } = await start('push-a1')
  await pass(DELAY_MS - 2000)
  assert.deepEqual([node.ready, shown()], [true, undefined])
  assert.deepEqual(
    stale().map(({ reason, message }) => [reason, message]),
    [0, 1].map((partition) => ['warming', `feed quote-delayed is delayed by 10 s, and no pulse of quotes/${partition} is as old yet`]),
  )
  await pass(3000)
  await clock.pass(500)
  assert.deepEqual([shown(), stale()], [2, []])
  await node.close()
})

test('pulses that end make it stale when it comes to where they ended, and not before; nothing is shown without them', async () => {
  const { writer, pass, start, round } = await setUp()
  await pass(15_000)
  const { node, shown, stale } = await start('push-a1')
  await pass(2000)
  const proven = round()
  writer.told('offline')
  await pass(DELAY_MS - 1000)
  assert.deepEqual(stale(), [])
  await pass(2 * DELAY_MS)
  assert.deepEqual([stale().length, shown()], [2, proven])
  await node.close()
})

test('it follows its feed to another topic later by the delay, also on a node that starts in between', async () => {
  const { clock, logger, pass, start, say, round } = await setUp()
  say({})
  await pass(30_000)
  const first = await start('push-a1')
  await pass(2000)
  say({ next: NEW })
  await pass(5000)
  const next = { ...NEW, fromMs: Math.ceil(clock.nowMs()) + 1500 }
  say({ next })
  await pass(3000)
  say({ current: next, retired: [OLD] })
  await pass(2000)
  assert.equal(first.node.hub.feed('quote')!.generation, 2)
  assert.equal(first.feed.generation, 1)
  const second = await start('push-a2')
  await pass(2000)
  assert.deepEqual([second.node.hub.feed('quote')!.generation, second.feed.generation], [2, 1])
  for (let waitedMs = 0; waitedMs < 2 * DELAY_MS; waitedMs += 1000) {
    await pass(1000)
    for (const { shown, stale } of [first, second]) {
      assert.deepEqual(stale(), [])
      assert.equal(shown(), round() - DELAY_MS / 1000)
    }
  }
  assert.deepEqual([first.feed.generation, second.feed.generation], [2, 2])
  assert.deepEqual(
    logger.lines.filter(({ code, level }) => code === 'generation_switched' && level !== 'info'),
    [],
  )
  await Promise.all([first.node.close(), second.node.close()])
})

test('what counted then: the newest generation whose records had begun', () => {
  const [one, two, three] = [OLD, { ...NEW, fromMs: 1000 }, { generation: 3, topic: 'quotes-v9', fromMs: 2000 }]
  const feed: CatalogueFeed = { feed: 'quote', current: three, next: null, retired: [two, one], revision: 1 }
  const then = (timeMs: number) => generationThen(feed, three, timeMs).generation
  assert.deepEqual([then(2000), then(1999), then(1000), then(999)], [3, 2, 2, 1])
  assert.equal(generationThen({ ...feed, retired: [] }, three, 0).generation, 3)
  assert.equal(generationThen(undefined, one, 0), one)
})
