/** A push node whose feed moves to another topic, on a clock moved by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Receiver, type SeenUpdate } from '../../../../test/support/receiver.ts'
import type { CatalogueFeed, FeedGeneration } from '../directory/index.ts'
import { Clusters, createEmbeddedLog, type EmbeddedLog } from '../log/index.ts'
import { createPulseWriter } from '../pulse/index.ts'
import { loadConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { createPushNode } from './push-node.ts'

const OLD: FeedGeneration = { generation: 1, topic: 'quotes' }
const NEW: FeedGeneration = { generation: 2, topic: 'quotes-v8' }

interface Options {
  readonly feed?: Readonly<Record<string, unknown>>
  /** Partitions of the old and of the new topic. */
  readonly partitions?: readonly [number, number]
  readonly catalogue?: Partial<CatalogueFeed>
  readonly pulsesOld?: boolean
}

async function setUp({ feed = {}, partitions = [2, 3], catalogue, pulsesOld = true }: Options = {}) {
  const clock = new ManualClock()
  const log = createEmbeddedLog({ clock })
  const other = createEmbeddedLog({ clock })
  const clusters = new Clusters(log, () => other)
  log.createTopicNow(OLD.topic, { partitions: partitions[0] })
  for (const each of [log, other]) each.createTopicNow(NEW.topic, { partitions: partitions[1] })
  const directory = new FakeDirectory()
  const ofWriter = new FakeDirectory()
  const logger = createMemoryLogger()
  const env = {
    PULSEWIRE_FEEDS: JSON.stringify([{ name: 'quote', topic: OLD.topic, ...feed }]),
    PULSEWIRE_LOG_BROKERS: 'kafka:9092',
    PULSEWIRE_NODE_ID: 'push-a1',
    PULSEWIRE_NODE_LINE: 'A',
  }
  let revision = 0
  const say = (change: Partial<CatalogueFeed>, to: readonly FakeDirectory[] = [ofWriter, directory]) => {
    const feed = { feed: 'quote', current: OLD, next: null, retired: [], revision: revision++, ...change }
    for (const each of to) {
      each.feeds.set('quote', feed)
      each.changed()
    }
  }
  if (catalogue !== undefined) say(catalogue)
  const writer = createPulseWriter(loadConfig('pulse', { env: { ...env, PULSEWIRE_PULSE_WRITER_ID: 'p1' } }), {
    log,
    logger,
    clock,
    directory: ofWriter,
    clusters,
  })
  const node = createPushNode(loadConfig('push', { env }), {
    log,
    logger,
    clock,
    directory,
    clusters,
    listen: () => ({ port: 1, listen: async () => {}, stopAccepting: () => {}, close: async () => {} }),
  })
  if (pulsesOld) await writer.start()
  await node.start()
  await clock.pass(600)
  let round = 0
  const produce = (
    symbols: readonly string[],
    topics: readonly [EmbeddedLog, string][] = [
      [log, OLD.topic],
      [log, NEW.topic],
    ],
  ) => {
    round++
    for (const [to, topic] of topics)
      to.appendNow(
        topic,
        symbols.map((key) => ({ key, value: JSON.stringify({ round }), timestampMs: Math.floor(clock.nowMs()) })),
      )
    return round
  }
  const connect = () => {
    const receiver = new Receiver(clock, (transport) => node.sessions.accept(transport), { pulseIntervalMs: 0 })
    receiver.hello()
    receiver.subscribe(['A', 'B', 'IDLE'], { id: 1, feed: 'quote' })
    return receiver
  }
  const switched = () => logger.lines.filter(({ code }) => code === 'generation_switched')
  const close = async () => {
    await node.close()
    await writer.close()
  }
  return { clock, log, other, directory, ofWriter, logger, node, say, produce, connect, switched, close }
}

function updates(receiver: Receiver): SeenUpdate[] {
  return receiver.take().filter((frame) => frame.t === 'update')
}

/** Rounds of one symbol, each named once however often its position was told anew. */
function roundsOf(seen: readonly SeenUpdate[], symbol: string): unknown[] {
  return seen.filter((update) => update.symbol === symbol).map(({ values }) => values['round'])
}

test('a feed of every record moves: each record once and in order, by the times of records, and nothing is stale', async () => {
  const { clock, node, say, produce, connect, switched, close } = await setUp({ feed: { mode: 'every' } })
  produce(['A', 'B', 'IDLE'])
  await clock.pass(100)
  const receiver = connect()
  await clock.pass(100)
  const all = receiver.take()
  say({ next: NEW })
  const first = 2
  for (let i = 0; i < 30; i++) {
    produce(i % 2 === 0 ? ['A', 'B'] : ['A'])
    await clock.pass(100)
  }
  assert.deepEqual(
    node.leaseContent().feeds.map(({ generation, topic, pulseAgeMs }) => [generation, topic, pulseAgeMs !== null && pulseAgeMs < 1000]),
    [
      [1, 'quotes', true],
      [2, 'quotes-v8', true],
    ],
  )
  assert.equal(switched().length, 0)
  const fromMs = Math.floor(clock.nowMs()) + 3000
  say({ next: { ...NEW, fromMs } })
  for (let i = 0; i < 60; i++) {
    produce(i % 2 === 0 ? ['A', 'B'] : ['A'])
    await clock.pass(100)
  }
  assert.equal(switched().length, 1)
  all.push(...receiver.take())
  const seen = all.filter((frame) => frame.t === 'update')
  const last = first + 89
  const moved = seen.filter(({ symbol, position }) => symbol === 'IDLE' && position.startsWith('2:'))
  assert.deepEqual(
    moved.map(({ n, values, snapshot }) => [n, values, snapshot]),
    [[1, { round: 1 }, false]],
  )
  // The record before the moment is told once more, at its place in the new topic.
  const rounds = roundsOf(seen, 'A').filter((round, index, each) => round !== each[index - 1])
  assert.deepEqual(
    rounds,
    Array.from({ length: last }, (_, i) => i + 1),
  )
  assert.equal(roundsOf(seen, 'A').length, last + 1)
  const generations = seen.filter(({ symbol }) => symbol === 'B').map(({ position }) => Number(position.split(':')[0]))
  assert.deepEqual(generations, generations.toSorted())
  assert.ok(!all.some(({ t }) => t === 'stale' || t === 'gap'))
  assert.deepEqual(
    node.leaseContent().feeds.map(({ generation, topic }) => [generation, topic]),
    [[2, 'quotes-v8']],
  )
  assert.deepEqual([node.hub.feeds[0]!.generation, node.hub.feeds[0]!.partitions], [2, 3])
  await close()
})

test('two nodes switch at the same record, however far apart they read', async () => {
  const worlds = [await setUp({ feed: { mode: 'every' } }), await setUp({ feed: { mode: 'every' } })]
  const positions: string[][] = []
  for (const [index, { clock, say, produce, connect, close }] of worlds.entries()) {
    const receiver = connect()
    say({ next: NEW })
    await clock.pass(1000)
    const fromMs = Math.floor(clock.nowMs()) + 1005
    say({ next: { ...NEW, fromMs } })
    for (let i = 0; i < 25; i++) {
      produce(['A'])
      await clock.pass(100)
      // The second hears of everything in bursts.
      if (index === 1 && i % 5 === 0) await clock.pass(0)
    }
    positions.push(updates(receiver).map(({ position }) => position))
    await close()
  }
  assert.ok(positions[0]!.some((position) => position.startsWith('1:')) && positions[0]!.some((position) => position.startsWith('2:')))
  const inOrder = positions[0]!.map((position) => position.split(':')[0])
  assert.deepEqual(inOrder, inOrder.toSorted())
  assert.deepEqual(positions[0], positions[1])
})

test('symbols that the new topic does not have keep their image, at a place before all that may come', async () => {
  const { clock, log, say, produce, connect, close } = await setUp()
  produce(['A'], [[log, OLD.topic]])
  await clock.pass(100)
  say({ next: NEW })
  await clock.pass(1000)
  say({ next: { ...NEW, fromMs: Math.floor(clock.nowMs()) + 500 } })
  await clock.pass(2000)
  const receiver = connect()
  await clock.pass(100)
  assert.deepEqual(
    updates(receiver).map(({ values, position }) => [values, /^2:[012]:0$/.test(position)]),
    [[{ round: 1 }, true]],
  )
  produce(['A'], [[log, NEW.topic]])
  await clock.pass(100)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [2])
  await close()
})

test('of a feed of latest values whose copies bear other times, the newest value holds after the switch', async () => {
  const { clock, log, say, connect, close } = await setUp()
  const append = (topic: string, round: number, timestampMs: number) =>
    log.appendNow(topic, [{ key: 'A', value: JSON.stringify({ round }), timestampMs: Math.floor(timestampMs) }])
  const receiver = connect()
  say({ next: NEW })
  await clock.pass(1000)
  const fromMs = Math.floor(clock.nowMs()) + 500
  say({ next: { ...NEW, fromMs } })
  await clock.pass(500)
  // By its time the one belongs to the newer topic, the other to the older one.
  append(OLD.topic, 7, fromMs + 2)
  append(NEW.topic, 7, fromMs - 3)
  await clock.pass(1500)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [7])
  await close()
})

test('an older topic that is gone does not hold up the switch for ever, and what it lacks comes from the newer one', async () => {
  const { clock, log, logger, say, produce, connect, switched, close } = await setUp({ feed: { mode: 'every' } })
  const receiver = connect()
  produce(['A'])
  say({ next: NEW })
  await clock.pass(1000)
  log.deleteTopicNow(OLD.topic)
  produce(['A'], [[log, NEW.topic]])
  say({ next: { ...NEW, fromMs: Math.floor(clock.nowMs()) + 500 } })
  await clock.pass(1000)
  produce(['A'], [[log, NEW.topic]])
  await clock.pass(5000)
  assert.deepEqual(
    switched().map(({ level }) => level),
    ['warn'],
  )
  const rounds = roundsOf(updates(receiver), 'A')
  assert.deepEqual(
    rounds.filter((round, index) => round !== rounds[index - 1]),
    [1, 2, 3],
  )
  assert.ok(logger.lines.length > 0)
  await close()
})

test('a migration that is given up leaves the current generation as it was', async () => {
  const { clock, node, say, produce, connect, switched, close } = await setUp()
  const receiver = connect()
  say({ next: NEW })
  await clock.pass(1000)
  say({ retired: [NEW] })
  produce(['A'])
  await clock.pass(5000)
  assert.equal(switched().length, 0)
  assert.deepEqual(
    node.leaseContent().feeds.map(({ generation }) => generation),
    [1],
  )
  assert.deepEqual(
    updates(receiver).map(({ position }) => position.split(':')[0]),
    ['1'],
  )
  await close()
})

test('a node that starts late reads what the catalogue says, not what its file says', async () => {
  const { clock, node, produce, log, connect, close } = await setUp({ catalogue: { current: { ...NEW, fromMs: 1 }, retired: [OLD] } })
  produce(['A'], [[log, NEW.topic]])
  await clock.pass(1000)
  const receiver = connect()
  await clock.pass(100)
  assert.deepEqual(
    updates(receiver).map(({ position }) => position.split(':')[0]),
    ['2'],
  )
  assert.deepEqual(
    node.leaseContent().feeds.map(({ topic }) => topic),
    ['quotes-v8'],
  )
  await close()
})

test('a node that hears of the move only when it is over stands where it must, and catches up by itself', async () => {
  const { clock, ofWriter, directory, say, produce, connect, switched, node, close } = await setUp({ feed: { mode: 'every' } })
  const receiver = connect()
  say({ next: NEW }, [ofWriter])
  await clock.pass(1000)
  const fromMs = Math.floor(clock.nowMs()) + 500
  say({ next: { ...NEW, fromMs } }, [ofWriter])
  produce(['A'])
  await clock.pass(1000)
  produce(['A'])
  say({ current: { ...NEW, fromMs }, retired: [OLD] }, [ofWriter])
  await clock.pass(1000)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [1], 'what follows the seam waits')
  say({ current: { ...NEW, fromMs }, retired: [OLD] }, [directory])
  await clock.pass(3000)
  assert.equal(switched().length, 1)
  assert.equal(node.hub.feeds[0]!.generation, 2)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [1, 2], 'the first at its place in the new topic, the second as the next')
  await close()
})

test('a node goes on where pulses tell of a move that the catalogue does not know of', async () => {
  const { clock, ofWriter, logger, say, produce, connect, switched, node, close } = await setUp()
  const receiver = connect()
  say({ next: { ...NEW, fromMs: Math.floor(clock.nowMs()) } }, [ofWriter])
  await clock.pass(1000)
  produce(['A'])
  await clock.pass(5000)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [])
  await clock.pass(8000)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [1])
  assert.ok(logger.lines.some(({ code }) => code === 'seam_unknown'))
  assert.deepEqual([switched().length, node.hub.feeds[0]!.generation], [0, 1])
  // The catalogue is made anew, and the feed moves: the same number, a later moment.
  say({ next: NEW })
  await clock.pass(1000)
  produce(['A'])
  await clock.pass(100)
  assert.deepEqual(roundsOf(updates(receiver), 'A'), [2], 'what pulses said before is no seam')
  const fromMs = Math.floor(clock.nowMs()) + 500
  say({ next: { ...NEW, fromMs } })
  await clock.pass(2000)
  assert.deepEqual([switched().map(({ level }) => level), node.hub.feeds[0]!.generation], [['info'], 2])
  await close()
})

test('a pinned node stays where its file says', async () => {
  const { clock, node, close } = await setUp({ feed: { pinned: true }, catalogue: { current: { ...NEW, fromMs: 1 }, retired: [OLD] } })
  await clock.pass(3000)
  assert.deepEqual(
    node.leaseContent().feeds.map(({ topic }) => topic),
    ['quotes'],
  )
  await close()
})

test('a feed moves to another cluster', async () => {
  const { clock, other, log, say, produce, connect, switched, close } = await setUp()
  const receiver = connect()
  const next = { ...NEW, brokers: ['other:9092'] }
  say({ next })
  await clock.pass(1000)
  say({ next: { ...next, fromMs: Math.floor(clock.nowMs()) + 300 } })
  produce(
    ['A'],
    [
      [log, OLD.topic],
      [other, NEW.topic],
    ],
  )
  await clock.pass(2000)
  assert.equal(switched().length, 1)
  produce(['A'], [[other, NEW.topic]])
  await clock.pass(300)
  assert.deepEqual(roundsOf(updates(receiver), 'A').at(-1), 2)
  await close()
})

test('a feed moves there, back and there again', async () => {
  const { clock, log, node, say, produce, connect, switched, close } = await setUp({ feed: { mode: 'every' } })
  log.createTopicNow('quotes-v9', { partitions: 4 })
  produce(
    ['A', 'IDLE'],
    [
      [log, OLD.topic],
      [log, NEW.topic],
      [log, 'quotes-v9'],
    ],
  )
  const receiver = connect()
  let current: FeedGeneration = OLD
  for (let generation = 2; generation <= 6; generation++) {
    const next = { generation, topic: ['quotes', 'quotes-v8', 'quotes-v9'][generation % 3]! }
    say({ current, next })
    await clock.pass(1000)
    const moving = { ...next, fromMs: Math.floor(clock.nowMs()) + 1000 }
    say({ current, next: moving })
    for (let i = 0; i < 20; i++) {
      produce(
        ['A'],
        [
          [log, OLD.topic],
          [log, NEW.topic],
          [log, 'quotes-v9'],
        ],
      )
      await clock.pass(100)
    }
    assert.equal(switched().length, generation - 1)
    current = moving
    say({ current })
    await clock.pass(300)
    assert.deepEqual(
      node.leaseContent().feeds.map((each) => each.generation),
      [generation],
    )
  }
  const rounds = roundsOf(updates(receiver), 'A')
  assert.deepEqual(
    rounds.filter((round, index) => round !== rounds[index - 1]),
    Array.from({ length: 101 }, (_, i) => i + 1),
  )
  await close()
})
