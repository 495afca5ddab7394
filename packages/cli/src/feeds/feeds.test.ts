import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CatalogueFeed, createEmbeddedLog, type FeedReader, type LogRecord } from '@pulsewire/server'
import { FakeDirectory } from '../../../../test/support/fake-directory.ts'
import type { OpenDirectory } from '../nodes/open.ts'
import { standing } from './catalogue.ts'
import { judgeRetention, judgeSamples, preflight } from './preflight.ts'
import { feedDetails, feedsTable } from './show.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

function records(
  count: number,
  options: { readonly fromMs?: number; readonly value?: string; readonly key?: string | null } = {},
): LogRecord[] {
  const { fromMs = 1_000_000, key } = options
  return Array.from({ length: count }, (_, offset) => ({
    offset,
    timestampMs: fromMs + offset,
    key: key === null ? null : bytes(key ?? `S${offset}`),
    value: bytes(options.value ?? `{"last":${offset}}`),
  }))
}

function verdicts(older: readonly LogRecord[], newer: readonly LogRecord[]): string[] {
  const wholeSinceMs = Math.min(...newer.map(({ timestampMs }) => timestampMs))
  return judgeSamples({ records: older, wholeSinceMs: -Infinity }, { records: newer, wholeSinceMs }, 'quotes-v8').map(
    ({ verdict, what }) => `${verdict} ${what}`,
  )
}

test('preflight: two topics with the same records pass, and their times are looked at', () => {
  const found = verdicts(records(20), records(20))
  assert.deepEqual(
    found.map((each) => each.split(' ')[0]),
    ['ok', 'ok', 'ok'],
  )
  assert.match(found[2]!, /20 records found in both topics bear the same time/)
})

test('preflight: an empty topic, one that nobody writes to, other formats and records without keys fail', () => {
  assert.match(verdicts(records(5), [])[0]!, /^failed quotes-v8 has no records/)
  assert.match(verdicts(records(5, { fromMs: 1_100_000 }), records(5))[0]!, /^failed .* 100 s older/)
  assert.match(verdicts(records(5), records(5, { value: '\u0001\u0002' }))[1]!, /^failed .*no JSON object/)
  assert.match(verdicts(records(5), records(5, { key: null }))[1]!, /^failed .*no key/)
})

test('preflight: a symbol that is written to the current topic alone fails, one whose copy is on its way does not', () => {
  const spread = (keys: readonly string[]) =>
    keys.flatMap((key) => records(20, { key, value: `{"of":"${key}"}` }).map((each, i) => ({ ...each, timestampMs: 1_000_000 + i * 1000 })))
  assert.match(verdicts(spread(['A', 'B']), spread(['A']))[1]!, /^failed records of 1 symbols .* alone, .*: B$/)
  const late = spread(['A', 'B']).filter(({ key, timestampMs }) => key![0] === 65 || timestampMs < 1_016_000)
  assert.ok(!verdicts(spread(['A', 'B']), late).some((each) => each.startsWith('failed')))
  const left = spread(['A']).map((each) => ({ ...each, timestampMs: each.timestampMs + 60_000 }))
  assert.ok(!verdicts(spread(['A', 'B']), left).some((each) => each.includes('alone')), 'a producer that has left the current topic')
})

test('preflight: partitions of different pace reach back differently far, and what lies before a sample is not missed in it', async () => {
  const log = createEmbeddedLog()
  const fromMs = Date.now() - 100_000
  log.createTopicNow('quotes', { partitions: 2 })
  log.createTopicNow('quotes-v8', { partitions: 2 })
  const append = (topic: string, key: string, at: number, partition = 0) =>
    log.appendNow(topic, [{ partition, key, value: `{"last":${at}}`, timestampMs: fromMs + at * 1000 }])
  // In the new topic SELDOM lies beside BUSY, in a partition of which a sample does not reach back to it.
  for (const topic of ['quotes', 'quotes-v8']) {
    append(topic, 'SELDOM', 55, 1)
    for (let i = 0; i < 60; i++) append(topic, 'BUSY', 60 + i * 0.5, topic === 'quotes' ? 0 : 1)
    append(topic, 'SLOW', 50, topic === 'quotes' ? 1 : 0)
  }
  for (let i = 0; i < 40; i++) append('quotes-v8', 'SLOW', 51 + i)
  const place = (topic: string) => ({ log, topic })
  const found = await preflight(place('quotes'), place('quotes-v8'))
  assert.ok(!found.some(({ what }) => what.includes('alone')), JSON.stringify(found))
  append('quotes', 'ONLY', 80)
  append('quotes', 'BUSY', 90)
  append('quotes-v8', 'BUSY', 90, 1)
  const again = await preflight(place('quotes'), place('quotes-v8'))
  assert.ok(
    again.some(({ verdict, what }) => verdict === 'failed' && /1 symbols .* alone, .*: ONLY$/.test(what)),
    JSON.stringify(again),
  )
})

test('preflight: a topic that keeps records for less long fails', () => {
  const settings = (ms: number, size = -1) =>
    new Map([
      ['retention.ms', String(ms)],
      ['retention.bytes', String(size)],
    ])
  const verdict = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
    judgeRetention(before, after, 'quotes-v8')[0]!
  assert.equal(verdict(settings(1000), settings(1000)).verdict, 'ok')
  assert.equal(verdict(settings(1000), settings(-1)).verdict, 'ok')
  assert.match(verdict(settings(-1), settings(1000)).what, /less long .*: retention.ms is 1000 there, -1 here/)
  assert.equal(verdict(settings(1000, 500), settings(1000, 400)).verdict, 'failed')
})

test('preflight: of copies with other times it says what that means', () => {
  assert.match(verdicts(records(5), records(5, { fromMs: 1_000_007 }))[2]!, /^note .*up to 7 ms.*every/)
  assert.match(verdicts(records(5), records(5, { value: '{"other":1}' }))[2]!, /^note .*not seen/)
})

const CATALOGUED: CatalogueFeed = {
  feed: 'quote',
  current: { generation: 2, topic: 'quotes-v8', fromMs: 1_764_000_000_000 },
  next: null,
  retired: [{ generation: 1, topic: 'quotes' }],
  revision: 3,
}

function reader(node: string, generation: number, role: 'push' | 'pulse' = 'push'): FeedReader {
  const topic = generation === 1 ? 'quotes' : 'quotes-v8'
  const addresses = role === 'push' ? [`ws://${node}:8081`] : []
  return {
    node,
    role,
    line: role === 'push' ? 'A' : null,
    version: '0.0.9',
    addresses,
    leased: { feed: 'quote', generation, topic, pulseAgeMs: 300 },
  }
}

test('whoever was left behind is named with version and address, and counted', () => {
  const view = {
    feed: 'quote',
    catalogued: CATALOGUED,
    readers: [reader('push-a1', 2), reader('push-old', 1), reader('pulse-old', 1, 'pulse')],
  }
  const lines = feedDetails(view).split('\n')
  assert.ok(lines.some((line) => /^push-old .* LEFT BEHIND +ws:\/\/push-old:8081$/.test(line)))
  assert.deepEqual(
    lines.filter((line) => line.startsWith('left behind')).map((line) => line.split(',')[0]),
    ['left behind: push-old (version 0.0.9', 'left behind: pulse-old (version 0.0.9) pulses generation 1 (topic quotes)'],
  )
  assert.match(feedsTable([view]), /^quote +2 +quotes-v8 +settled +3 +2$/m)
})

test('without a catalogue what counts is what nodes read with pulses; where these differ, nothing is begun', () => {
  const directory = new FakeDirectory()
  const open = { directory } as unknown as OpenDirectory
  const of = (...readers: FeedReader[]) => standing(open, 'quote', readers).current
  const silent = (node: string, generation: number): FeedReader => {
    const known = reader(node, generation)
    return { ...known, leased: { ...known.leased, pulseAgeMs: null } }
  }
  assert.deepEqual(of(reader('push-a1', 1), silent('push-x', 99)), { generation: 1, topic: 'quotes' })
  assert.deepEqual(of(silent('push-old', 1), reader('push-a1', 2)), { generation: 2, topic: 'quotes-v8' })
  assert.deepEqual(of(silent('push-a1', 1)), { generation: 1, topic: 'quotes' })
  for (const readers of [
    [reader('push-a1', 1), reader('push-x', 99)],
    [silent('push-a1', 1), silent('push-x', 99)],
  ])
    assert.throws(() => of(...readers), /do not agree on the generation .* push-x \(version 0\.0\.9, .*\) reads generation 99/)
  assert.throws(() => of(), /no push node that has a lease/)
  const view = { feed: 'quote', catalogued: null, readers: [reader('push-a1', 1), silent('push-x', 99)] }
  assert.match(feedDetails(view), /not believed: push-x .* reads generation 99 .*, which nothing confirms/)
})

test('while it moves, what is under way and how to go on is said', () => {
  const next = { generation: 3, topic: 'quotes-v9', brokers: ['k2:9092'] }
  const opening = feedDetails({ feed: 'quote', catalogued: { ...CATALOGUED, next }, readers: [reader('push-a1', 2)] })
  assert.match(opening, /opening: generation 3 \(topic quotes-v9 at k2:9092\)/)
  assert.match(opening, /pulsewire feed migrate quote --topic quotes-v9 --to-brokers k2:9092` goes on/)
  const switching = feedDetails({ feed: 'quote', catalogued: { ...CATALOGUED, next: { ...next, fromMs: 1_764_000_000_000 } }, readers: [] })
  assert.match(switching, /switching: .* from 2025-11-24T16:00:00.000Z on/)
  assert.match(feedDetails({ feed: 'quote', catalogued: null, readers: [reader('push-a1', 1)] }), /the catalogue says nothing of it/)
})
