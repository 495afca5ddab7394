import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { everything } from '../../../../test/support/sender.ts'
import { encodePulse, PULSE_KEY, type PulseRecord } from '../feeds/pulse-record.ts'
import { Hub, type Feed, type SymbolState } from '../hub/index.ts'
import type { LogRecord } from '../log/index.ts'
import { loadConfig, type FeedConfig } from '../runtime/config/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import { Intake, VALUE_BYTES_MAX } from './intake.ts'

type Draft = readonly [key: string | Uint8Array | null, value: string | Uint8Array | null]

function setUp(more: Readonly<Record<string, unknown>> = {}, isSeam?: (pulse: PulseRecord) => boolean) {
  const feeds = JSON.stringify([{ name: 'quote', topic: 'quotes', ...more }])
  const config: FeedConfig = loadConfig('push', { env: { PULSEWIRE_FEEDS: feeds, PULSEWIRE_LOG_BROKERS: 'kafka:9092' } }).feeds[0]!
  const clock = new ManualClock()
  const hub = new Hub({ nodeId: 'push-a1', clock, feeds: [config] })
  const updates: string[] = []
  const pulses: Feed[] = []
  const listener = {
    pulse: (feed: Feed) => void pulses.push(feed),
    freshness() {},
    withdrawn() {},
    matched: (_: unknown, __: unknown, symbol: SymbolState) => void updates.push(symbol.name),
    feeds() {},
  }
  hub.connect(everything, listener)
  const feed = hub.feed('quote')!
  const log = createMemoryLogger()
  const intake = new Intake(hub, feed, config, log, isSeam)
  let offset = 0
  const take = (drafts: readonly Draft[], partition = 0) => {
    const records = drafts.map(
      ([key, value]): LogRecord => ({ offset: offset++, timestampMs: clock.nowMs(), key: bytes(key), value: bytes(value) }),
    )
    return intake.take({ kind: 'records', partition, records, highWatermark: offset })
  }
  const image = (name: string) => {
    const symbol = feed.symbols.get(name)
    if (symbol === undefined || !symbol.hasImage) return undefined
    return Object.fromEntries(symbol.values.flatMap((value, i) => (value === undefined ? [] : [[feed.dictionary.fields[i]!.name, value]])))
  }
  return { clock, hub, feed, log, intake, take, image, pulses }
}

function bytes(data: string | Uint8Array | null): Uint8Array | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}

test('records become images, with their position and time', () => {
  const { feed, take, image, intake } = setUp()
  take([
    ['A', '{"last":1}'],
    ['B', '{"last":2}'],
    ['A', '{"last":3}'],
  ])
  assert.deepEqual([image('A'), image('B')], [{ last: 3 }, { last: 2 }])
  const { generation, partition, offset, ts, prev } = feed.symbols.get('A')!
  assert.deepEqual({ generation, partition, offset, ts, prev }, { generation: 1, partition: 0, offset: 2, ts: 1_764_000_000_000, prev: -1 })
  assert.equal(intake.counts.records, 3)
})

test('records that were taken already change nothing: reading a partition twice is harmless', () => {
  const { feed, intake, image } = setUp()
  const record = (offset: number, last: number): LogRecord => ({
    offset,
    timestampMs: 0,
    key: Buffer.from('A'),
    value: Buffer.from(`{"last":${last}}`),
  })
  for (const records of [[record(5, 1), record(6, 2)], [record(5, 1), record(6, 2)], [record(4, 0)]]) {
    intake.take({ kind: 'records', partition: 0, records, highWatermark: 7 })
  }
  assert.deepEqual([image('A'), feed.symbols.get('A')!.count], [{ last: 2 }, 2])
})

test('in a feed of every record each names the one before it, but not across partitions', () => {
  const { feed, take } = setUp({ mode: 'every' })
  take([
    ['A', '{"p":1}'],
    ['B', '{"p":1}'],
    ['A', '{"p":2}'],
  ])
  assert.equal(feed.symbols.get('A')!.prev, 0)
  take([['A', '{"p":3}']], 1)
  assert.deepEqual([feed.symbols.get('A')!.prev, feed.symbols.get('A')!.partition], [-1, 1])
})

const POISON: readonly (readonly [kind: string, key: Draft[0], value: Draft[1]])[] = [
  ['no_key', null, '{"last":1}'],
  ['no_key', '', '{"last":1}'],
  ['bad_key', 'x'.repeat(65), '{"last":1}'],
  ['bad_key', 'x'.repeat(300), '{"last":1}'],
  ['bad_key', 'line\nfeed', '{"last":1}'],
  ['bad_key', Uint8Array.of(0xff, 0xfe), '{"last":1}'],
  ['undecodable', 'C', '{'],
  ['undecodable', 'C', '[1]'],
  ['undecodable', 'C', Uint8Array.of(0x7b, 0xff, 0x7d)],
  ['undecodable', 'C', ''],
  ['oversize', 'C', `{"text":"${'x'.repeat(VALUE_BYTES_MAX)}"}`],
  ['bad_pulse', PULSE_KEY, '{"last":1}'],
  ['bad_pulse', PULSE_KEY, null],
  ['bad_pulse', '\u0000something else', '{}'],
]

for (const [kind, key, value] of POISON) {
  test(`poison (${kind}: ${JSON.stringify(String(key).slice(0, 20))}, ${String(value).slice(0, 12)}) is counted, sampled and skipped; its neighbours are not hurt`, () => {
    const { feed, log, take, image, intake } = setUp()
    take([
      ['A', '{"last":1}'],
      [key, value],
      ['B', '{"last":2}'],
    ])
    assert.deepEqual([image('A'), image('B')], [{ last: 1 }, { last: 2 }])
    assert.deepEqual([feed.symbols.size, intake.poison[kind as keyof typeof intake.poison]], [2, 1])
    const [line, ...more] = log.lines
    assert.deepEqual([line?.code, line?.level, more.length], ['poison_record', 'warn', 0])
    assert.ok(line!.message.startsWith(`${kind}: `))
    const { topic, partition, offset, sample } = line!.fields
    assert.deepEqual([topic, partition, offset], ['quotes', 0, 1])
    assert.ok(sample === null || String(sample).length < 500)
  })
}

test('a flood of poison is one line in five seconds, and all of it is counted', () => {
  const { clock, log, take, intake } = setUp()
  for (let i = 0; i < 100; i++) {
    take(Array.from({ length: 10 }, (): Draft => ['A', '{']))
    clock.advance(100)
  }
  assert.deepEqual([intake.poison.undecodable, log.lines.length], [1000, 2])
  assert.deepEqual((log.lines.at(-1)!.fields['counts'] as { undecodable: number }).undecodable, 501)
})

test('a record of a symbol beyond the limit is left out, with what to do about it', () => {
  const { log, take, image, intake } = setUp({ symbolsMax: 1 })
  take([
    ['A', '{"last":1}'],
    ['B', '{"last":1}'],
    ['A', '{"last":2}'],
  ])
  assert.deepEqual([image('A'), image('B'), intake.poison.too_many_symbols], [{ last: 2 }, undefined, 1])
  assert.match(log.lines[0]!.message, /symbolsMax/)
})

test('a record with fields beyond the limit keeps the others', () => {
  const { take, image, intake } = setUp()
  take([['A', JSON.stringify(Object.fromEntries(Array.from({ length: 1030 }, (_, i) => [`f${i}`, i])))]])
  assert.deepEqual([Object.keys(image('A')!).length, intake.poison.too_many_fields], [1024, 1])
})

const NANOSECONDS = 1_764_000_000_000_000_000
const YEAR_30000 = 884_541_340_800_000

for (const timestampMs of [NANOSECONDS, YEAR_30000, -5, -1, Number.NaN]) {
  test(`a timestamp of ${timestampMs} is no time: the record is taken with that of its neighbour, counted and logged`, () => {
    const { clock, feed, intake, image, log } = setUp()
    const record = (offset: number, key: string, last: number, timestampMs: number): LogRecord => ({
      offset,
      timestampMs,
      key: Buffer.from(key),
      value: Buffer.from(`{"last":${last}}`),
    })
    const t0 = clock.nowMs()
    const take = (partition: number, records: LogRecord[]) => intake.take({ kind: 'records', partition, records, highWatermark: 9 })
    take(0, [record(0, 'B', 1, t0 - 100), record(1, 'A', 1, timestampMs), record(2, 'C', 1, t0 + 1000)])
    assert.deepEqual(
      ['A', 'B', 'C'].map((name) => [image(name), feed.symbols.get(name)!.ts]),
      [
        [{ last: 1 }, t0 - 100],
        [{ last: 1 }, t0 - 100],
        [{ last: 1 }, t0 + 1000],
      ],
    )
    take(1, [record(0, 'A', 2, t0)])
    assert.deepEqual(image('A'), { last: 2 }, 'a later record in another partition is not kept out')
    assert.equal(intake.poison.bad_timestamp, 1)
    const [line, ...more] = log.lines
    assert.equal(more.length, 0)
    assert.ok(
      line!.message.startsWith(`bad_timestamp: timestamp ${timestampMs} `) && line!.message.includes('is taken with'),
      line!.message,
    )
    assert.equal(line!.fields['offset'], 1)
  })
}

test('without a neighbour whose time can be one, a record without a time is older than all others', () => {
  const { intake, feed, image } = setUp()
  const records = [{ offset: 0, timestampMs: -1, key: Buffer.from('A'), value: Buffer.from('{"last":1}') }]
  intake.take({ kind: 'records', partition: 0, records, highWatermark: 1 })
  assert.deepEqual([image('A'), feed.symbols.get('A')!.ts], [{ last: 1 }, 0])
})

test('an hour ahead is a wrong clock, not an absurd one', () => {
  const { clock, intake, feed } = setUp()
  const timestampMs = clock.nowMs() + 3_600_000
  const records = [{ offset: 0, timestampMs, key: Buffer.from('A'), value: Buffer.from('{"last":1}') }]
  intake.take({ kind: 'records', partition: 0, records, highWatermark: 1 })
  assert.deepEqual([feed.symbols.get('A')!.ts, intake.poison.bad_timestamp], [timestampMs, 0])
})

test('a tombstone deletes; of a symbol that nobody knows it makes none', () => {
  const { feed, take, image } = setUp()
  take([
    ['A', '{"last":1}'],
    ['A', null],
    ['X', null],
  ])
  assert.deepEqual([image('A'), feed.symbols.has('X')], [undefined, false])
})

test('deleted symbols that nobody subscribes to make room; those of a feed of every record stay', () => {
  for (const mode of ['latest', 'every'] as const) {
    const { feed, take, image, intake } = setUp({ mode, symbolsMax: 3 })
    for (let i = 0; i < 10; i++)
      take([
        [`S${i}`, '{"last":1}'],
        [`S${i}`, null],
      ])
    assert.equal(feed.symbols.size, 3)
    assert.equal(intake.poison.too_many_symbols, mode === 'latest' ? 0 : 7)
    take([['S1', '{"last":2}']])
    assert.deepEqual(image('S1'), { last: 2 })
    // Until there is need of the room, whoever resumes hears of the deletion.
    if (mode === 'latest') assert.equal(feed.symbols.get('S9')?.deleted, true)
  }
})

test('raw values are kept as they are, in memory of their own: fetch buffers are reused', () => {
  const { feed, take } = setUp({ codec: 'raw' })
  // A Buffer's own slice() would be a view.
  const value = Buffer.from([0, 1, 255])
  take([
    ['A', value],
    ['B', ''],
  ])
  value.fill(9)
  assert.deepEqual([feed.symbols.get('A')!.raw, feed.symbols.get('B')!.raw], [Uint8Array.of(0, 1, 255), new Uint8Array()])
})

test('merge: partial records add up', () => {
  const { take, image } = setUp({ merge: true })
  take([
    ['A', '{"last":1,"bid":2}'],
    ['A', '{"bid":3}'],
    ['A', '{"last":null}'],
  ])
  assert.deepEqual(image('A'), { last: null, bid: 3 })
})

test('a pulse goes through behind the records before it, in this generation only', () => {
  const { clock, feed, take, intake, pulses } = setUp({ generation: 2 })
  const pulse = (generation: number, sequence: number): Draft => [
    PULSE_KEY,
    String(encodePulse(0, { writer: 'p', sequence, generation, atMs: clock.nowMs() - 30 }).value),
  ]
  take([['A', '{"last":1}'], pulse(2, 0), pulse(1, 1), pulse(3, 2)])
  assert.deepEqual([intake.counts.pulses, intake.counts.stalePulses, pulses.length], [3, 2, 1])
  assert.deepEqual(feed.freshness.get(0)?.point, {
    generation: 2,
    partition: 0,
    offset: 1,
    writtenAtMs: clock.nowMs() - 30,
    path: ['push-a1'],
    arrivedAtMs: [clock.nowMs()],
  })
  assert.equal(intake.counts.records, 1)
})

test('pulses alone do not count as records flowing', () => {
  const { clock, take, intake } = setUp()
  take([[PULSE_KEY, String(encodePulse(0, { writer: 'p', sequence: 0, generation: 1, atMs: clock.nowMs() }).value)]])
  assert.equal(intake.recordAtMs.has(0), false)
  take([['A', '{']])
  assert.equal(intake.recordAtMs.get(0), clock.nowMs(), 'poison is something that flows')
})

test('since when records flow without a pulse is known, and each pulse begins it anew', () => {
  const { clock, take, intake } = setUp()
  const pulse = () => String(encodePulse(0, { writer: 'p', sequence: 0, generation: 1, atMs: clock.nowMs() }).value)
  take([['A', '{}']])
  const sinceMs = clock.nowMs()
  clock.advance(300)
  take([['A', '{}']])
  assert.equal(intake.unprovenSinceMs.get(0), sinceMs)
  take([[PULSE_KEY, pulse()]])
  assert.equal(intake.unprovenSinceMs.has(0), false)
})

test('when a pulse came whose age cannot be told yet is known, until one can be told', () => {
  const { clock, take, intake } = setUp()
  let sequence = 0
  const pulse = () =>
    take([[PULSE_KEY, String(encodePulse(0, { writer: 'p', sequence: sequence++, generation: 1, atMs: clock.nowMs() - 9000 }).value)]])
  pulse()
  assert.equal(intake.unknownPulseAtMs.get(0), clock.nowMs())
  clock.advance(500)
  pulse()
  assert.equal(intake.unknownPulseAtMs.has(0), false)
})

test('a seam is the last that is taken, and proves what precedes it', () => {
  const { clock, intake, take, image, pulses } = setUp({}, ({ to }) => to === 2)
  const pulse = (to?: number): Draft => [
    PULSE_KEY,
    encodePulse(0, { writer: 'w', sequence: 1, generation: 1, atMs: clock.nowMs(), ...(to === undefined ? {} : { to }) }).value,
  ]
  assert.equal(take([['A', '{"last":1}'], pulse()]), null)
  assert.equal(take([['A', '{"last":2}'], pulse(2), ['A', '{"last":3}'], pulse(2)]), 4)
  assert.deepEqual([image('A'), pulses.length], [{ last: 2 }, 2])
  intake.end()
  take([['B', '{"last":1}']])
  assert.equal(image('B'), undefined)
})
