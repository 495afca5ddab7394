import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { everything, feedOptions } from '../../../../test/support/sender.ts'
import type { EntryBlock } from './entry-block.ts'
import type { Entry, Subscriber } from './entry.ts'
import type { FreshnessChange } from './freshness.ts'
import { Hub, type HubListener, type HubSource } from './hub.ts'
import { Subscription } from './subscription.ts'

class Recorder implements Subscriber, HubListener {
  readonly heard: string[] = []
  due(block: EntryBlock): void {
    this.heard.push(`due ${block.entries.map(({ ref }) => ref).join(' ')}`)
  }
  ready(entry: Entry): void {
    entry.answered = true
    this.heard.push(`ready ${entry.ref}`)
  }
  refused(entry: Entry, code: string): void {
    this.heard.push(`refused ${entry.ref} ${code}`)
  }
  pulse(): void {
    this.heard.push('pulse')
  }
  freshness(_feed: unknown, { stale, live }: FreshnessChange): void {
    this.heard.push(`freshness ${stale.length} stale, ${live.length} live`)
  }
  withdrawn(_feed: unknown, partitions: readonly number[]): void {
    this.heard.push(`withdrawn ${partitions.join(' ')}`)
  }
  matched(_subscription: Subscription, pattern: { pattern: string }, symbol: { name: string }): void {
    this.heard.push(`matched ${pattern.pattern} ${symbol.name}`)
  }
  patternReady(_subscription: unknown, pattern: { pattern: string }): void {
    this.heard.push(`patternReady ${pattern.pattern}`)
  }
  patternRefused(_subscription: unknown, pattern: { pattern: string }, code: string): void {
    this.heard.push(`patternRefused ${pattern.pattern} ${code}`)
  }
  feeds(): void {
    this.heard.push('feeds')
  }
  take(): string[] {
    return this.heard.splice(0)
  }
}

function setUp(source: Partial<HubSource> = {}) {
  const clock = new ManualClock()
  const recorder = new Recorder()
  const hub = new Hub({ nodeId: 'push-a1', clock, feeds: [feedOptions] })
  hub.connect({ ...everything, ...source }, recorder)
  const feed = hub.feed('quote')!
  const subscription = (id: number, periodMs = 0) => {
    return new Subscription(recorder, id, feed, { view: feed.views.all, delivery: 'latest', periodMs, image: true, history: 0 })
  }
  const record = (name: string) => {
    const symbol = feed.obtain(name)!
    const appeared = !symbol.hasImage
    symbol.applyRecord({ generation: 1, partition: 0, offset: symbol.offset + 1, ts: 0, n: 1, prev: -1 }, { last: 1 }, false)
    hub.updated(symbol, appeared)
  }
  return { clock, hub, feed, recorder, subscription, record }
}

test('an update marks the block of each of its entries, once until somebody has looked', () => {
  const { hub, feed, recorder, subscription, record } = setUp()
  const [one, two] = [subscription(1), subscription(2)]
  const entries = [hub.attach(one, feed.obtain('A')!, 1), hub.attach(one, feed.obtain('B')!, 2), hub.attach(two, feed.obtain('B')!, 3)]
  record('A')
  record('A')
  assert.deepEqual(recorder.take(), ['due 1 2'])
  record('B')
  assert.deepEqual(recorder.take(), ['due 3'])
  entries[0]!.block!.due = false
  record('B')
  assert.deepEqual(recorder.take(), ['due 1 2'])
})

test('leaving swaps the last entry into the gap, so that each can leave in turn', () => {
  const { hub, feed, subscription } = setUp()
  const symbol = feed.obtain('A')!
  const entries = [1, 2, 3, 4].map((ref) => hub.attach(subscription(ref), symbol, ref))
  hub.detach(entries[1]!)
  assert.deepEqual(
    symbol.entries.map(({ ref, index }) => [ref, index]),
    [
      [1, 0],
      [4, 1],
      [3, 2],
    ],
  )
  hub.detach(entries[1]!)
  hub.detach(entries[3]!)
  hub.detach(entries[2]!)
  assert.deepEqual(
    symbol.entries.map(({ ref, index }) => [ref, index]),
    [[1, 0]],
  )
  hub.detach(entries[0]!)
  assert.deepEqual([symbol.entries.length, symbol.changedAt], [0, null])
})

test('the source hears of the first subscriber and of the last one leaving, not of those between', () => {
  const wishes: string[] = []
  const { hub, feed, subscription } = setUp({
    want: ({ name }) => wishes.push(`want ${name}`) > 0,
    unwant: ({ name }) => void wishes.push(`unwant ${name}`),
  })
  const symbol = feed.obtain('A')!
  const entries = [1, 2].map((ref) => hub.attach(subscription(ref), symbol, ref))
  for (const entry of entries) hub.detach(entry)
  hub.attach(subscription(3), symbol, 3)
  assert.deepEqual(wishes, ['want A', 'unwant A', 'want A'])
})

test('a symbol that waits for its source is answered when it is ready, once', () => {
  const { hub, feed, recorder, subscription } = setUp({ want: () => false })
  const symbol = feed.obtain('A')!
  for (const ref of [1, 2]) hub.attach(subscription(ref), symbol, ref)
  assert.equal(symbol.readiness, 'waiting')
  hub.symbolReady(symbol)
  hub.symbolReady(symbol)
  assert.deepEqual(recorder.take(), ['ready 1', 'ready 2'])
})

test('a refused symbol leaves every subscription and is told to each', () => {
  const { hub, feed, recorder, subscription } = setUp({ want: () => false })
  const symbol = feed.obtain('A')!
  const subscriptions = [subscription(1), subscription(2)]
  for (const each of subscriptions) hub.attach(each, symbol, each.id)
  hub.symbolRefused(symbol, 'upstream_refused', 'no')
  assert.deepEqual(recorder.take(), ['refused 1 upstream_refused', 'refused 2 upstream_refused'])
  assert.deepEqual([symbol.entries.length, ...subscriptions.map(({ entries }) => entries.size)], [0, 0, 0])
})

test('patterns match symbols with an image: those that are there, those that appear, and those that come back', () => {
  const { hub, feed, recorder, subscription, record } = setUp()
  record('A.HK')
  record('A.US')
  feed.obtain('B.HK')
  const pattern = hub.addPattern(subscription(1), '*.HK')
  const found: string[] = []
  hub.scans.start(recorder, feed, pattern, { take: ({ name }) => found.push(name) > 0, done: () => found.push('done') })
  assert.deepEqual(found, ['A.HK', 'done'])
  recorder.take()
  record('B.HK')
  record('B.US')
  record('B.HK')
  assert.deepEqual(recorder.take(), ['matched *.HK B.HK'])
})

test('a pattern lives as long as one subscription has it', () => {
  const wishes: string[] = []
  const { hub, feed, recorder, subscription } = setUp({
    wantPattern: () => wishes.push('want') < 0,
    unwantPattern: () => void wishes.push('unwant'),
  })
  const [one, two] = [subscription(1), subscription(2)]
  const pattern = hub.addPattern(one, '*')
  hub.addPattern(two, '*')
  assert.equal(pattern.readiness, 'waiting')
  hub.patternReady(pattern)
  hub.patternReady(pattern)
  // Each of the two subscriptions is told, once.
  assert.deepEqual(recorder.take(), ['patternReady *', 'patternReady *'])
  hub.removePattern(one, '*')
  hub.removePattern(one, '*')
  assert.deepEqual([wishes, feed.patterns.size], [['want'], 1])
  hub.removePattern(two, '*')
  assert.deepEqual([wishes, feed.patterns.size], [['want', 'unwant'], 0])
})

test('pulses and what follows from their absence are told once each', () => {
  const { clock, hub, feed, recorder } = setUp()
  feed.freshness.expect(0, clock.nowMs())
  const point = { generation: 1, partition: 0, offset: 1, writtenAtMs: clock.nowMs(), path: ['push-a1'], arrivedAtMs: [clock.nowMs()] }
  assert.equal(hub.pulse(feed, point), true)
  assert.equal(hub.pulse(feed, point), false)
  for (const ms of [1000, 1000, 1000]) {
    clock.advance(ms)
    hub.checkFreshness()
  }
  hub.pulse(feed, { ...point, offset: 2, writtenAtMs: clock.nowMs() })
  hub.checkFreshness()
  assert.deepEqual(recorder.take(), ['pulse', 'freshness 1 stale, 0 live', 'pulse', 'freshness 0 stale, 1 live'])
})

test('a new shape of a feed is told when it differs, and partitions that are gone are expected no more', () => {
  const { clock, hub, feed, recorder } = setUp()
  hub.setShape(feed, 1, 3)
  hub.setShape(feed, 1, 3)
  hub.setShape(feed, 1, 3, [0, 1])
  hub.setShape(feed, 1, 3, [0, 1])
  assert.deepEqual(recorder.take(), ['feeds', 'feeds'])
  assert.deepEqual(hub.info(), [{ feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 3, carried: [0, 1] }])
  for (const partition of [0, 1, 2]) feed.freshness.expect(partition, clock.nowMs())
  hub.setShape(feed, 2, 1)
  assert.deepEqual(
    [...feed.freshness.partitions].map(({ partition }) => partition),
    [0],
  )
})

test('the log that positions are of is told with each feed once it is known, and when it is another', () => {
  const { hub, recorder } = setUp()
  const logs = () => hub.info().map(({ log }) => log)
  assert.equal('log' in hub.info()[0]!, false)
  hub.setLog('log-1')
  hub.setLog('log-1')
  assert.deepEqual([logs(), recorder.take()], [['log-1'], ['feeds']])
  hub.setLog('log-2')
  assert.deepEqual([logs(), recorder.take()], [['log-2'], ['feeds']])
})

test('a feed holds records of so many symbols and no more; names without a record take no room', () => {
  const { hub } = setUp()
  const feed = hub.addFeed({ ...feedOptions, name: 'small', symbolsMax: 2 })
  for (const name of ['X', 'Y', 'Z']) assert.equal(feed.obtain(name)?.name, name)
  for (const name of ['A', 'B'])
    feed.admit(name)!.applyRecord({ generation: 1, partition: 0, offset: 0, ts: 0, n: 1, prev: -1 }, { last: 1 }, false)
  assert.deepEqual(
    ['A', 'C', 'X'].map((name) => feed.admit(name)?.name),
    ['A', undefined, undefined],
  )
  assert.deepEqual([feed.obtain('C'), feed.obtain('X')?.name], [undefined, 'X'], 'a new name could never come to anything')
  feed.drop(feed.symbols.get('A')!)
  assert.deepEqual([feed.known, feed.admit('X')?.name], [1, 'X'])
})

test('whoever brings updates hears by how much those behind the hub collect them for longer: the most of all', () => {
  const { hub, feed, recorder, subscription } = setUp()
  hub.attach(subscription(1), feed.obtain('A')!, 1)
  assert.equal(hub.stretchOf(feed), 1, 'nobody says that it does')
  const say = (stretch: number) => ({ ...recorder, pulse() {}, freshness() {}, withdrawn() {}, feeds() {}, stretch })
  hub.listen(say(2.5))
  hub.listen(say(1.5))
  assert.equal(hub.stretchOf(feed), 2.5)
})

test('where all have asked for a rate, whoever brings updates hears a part of the shortest period, and no more than pulses bear', () => {
  const { hub, feed, subscription } = setUp()
  const other = hub.addFeed({ ...feedOptions, name: 'other' })
  assert.equal(hub.stretchOf(feed), 5, 'there is nobody')
  const attach = (id: number, periodMs: number) => hub.attach(subscription(id, periodMs), feed.obtain('A')!, id)
  attach(1, 1000)
  assert.equal(hub.stretchOf(feed), 5)
  const four = attach(2, 250)
  assert.equal(hub.stretchOf(feed), 2.5)
  const fast = attach(3, 20)
  assert.equal(hub.stretchOf(feed), 1)
  hub.detach(fast)
  assert.equal(hub.stretchOf(feed), 2.5)
  const each = attach(4, 0)
  assert.equal(hub.stretchOf(feed), 1, 'one wants each update')
  assert.equal(hub.stretchOf(other), 2.5, 'of another feed')
  hub.detach(each)
  hub.detach(four)
  assert.equal(hub.stretchOf(feed), 5)
})

test('a deleted symbol that makes room for another takes its history along', () => {
  const { hub } = setUp()
  const feed = hub.addFeed({ ...feedOptions, name: 'small', mode: 'every', symbolsMax: 1 })
  const place = { generation: 1, partition: 0, ts: 0, prev: -1, n: 1 }
  const gone = feed.obtain('A')!
  gone.applyRecord({ ...place, offset: 0 }, { last: 1 }, false)
  gone.applyDelete({ ...place, offset: 1 })
  feed.retire(gone)
  assert.equal(feed.history!.records, 2)
  assert.equal(feed.obtain('B')?.name, 'B')
  assert.deepEqual([feed.history!.records, feed.history!.bytes], [0, 0])
})
