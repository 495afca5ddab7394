/** The checker's own proof: an honest client passes, and each kind of lie is caught. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SymbolState } from '@pulsewire/client'
import type { FeedConfig } from '@pulsewire/server'
import type { ClientRecording, ViewEvent } from './client-recorder.ts'
import { LogModel } from './log-model.ts'
import { judgeRun, type Evidence, type Finding } from './run-judge.ts'
import { liveWithinMs, noticedWithinMs } from './view-times.ts'

const LIVE: SymbolState = { state: 'live' }
const STALE: SymbolState = { state: 'stale', reason: 'no_pulse', hop: 'gw-1', sinceMs: 0 }
const BOUND_MS = 2500

/** Ten records of one symbol, one a second from 1,000 on, at offsets 10, 11, … of partition 1. */
function log(): LogModel {
  const config = { name: 'quote', topic: 'quotes', codec: 'json', merge: false, generation: 1, mode: 'every' } as unknown as FeedConfig
  const model = new LogModel([{ config, partitions: 2 }])
  for (let i = 0; i < 10; i++) {
    const append = { key: 'AAPL', value: JSON.stringify({ last: i }), timestampMs: 1000 + i * 1000 }
    model.appended('quotes', [append], [{ partition: 1, offset: 10 + i }], 1000 + i * 1000)
  }
  return model
}

/** Record `i`, shown at this time. */
function shows(i: number, atMs: number, with_: Partial<Extract<ViewEvent, { kind: 'update' }>> = {}): ViewEvent {
  const position = `1:1:${10 + i}`
  const values = { last: i }
  return { kind: 'update', atMs, symbol: 'AAPL', position, values, raw: null, deleted: false, again: false, gapTold: false, ...with_ }
}

function says(state: SymbolState, atMs: number): ViewEvent {
  return { kind: 'state', atMs, symbol: 'AAPL', state }
}

/** Live from the first record on, each shown 20 ms after it came into the log. */
function honest(): ViewEvent[] {
  return [shows(0, 1020), says(LIVE, 1020), ...Array.from({ length: 9 }, (_, i) => shows(i + 1, 2020 + i * 1000))]
}

function client(events: readonly ViewEvent[], every = true): ClientRecording {
  return { id: 'c1', sessions: [], errors: [], views: [{ feed: 'quote', every, fields: null, symbols: ['AAPL'], events }] }
}

function judge(events: readonly ViewEvent[], more: Partial<Evidence> & { readonly every?: boolean } = {}): Finding[] {
  const { every, ...evidence } = more
  return judgeRun({
    model: log(),
    clients: [client(events, every)],
    endMs: 13_000,
    truthAgeMaxMs: BOUND_MS,
    excuses: [],
    ...evidence,
  })
}

function rules(findings: readonly Finding[]): string[] {
  return findings.map(({ rule }) => rule)
}

function without(events: readonly ViewEvent[], ...indexes: number[]): ViewEvent[] {
  return events.filter((event) => event.kind !== 'update' || !indexes.includes(Number(event.values['last'])))
}

test('an honest client is believed', () => {
  assert.deepEqual(judge(honest()), [])
})

test('a record left out of `every` is missed, told or not; of `latest` it is conflation', () => {
  assert.deepEqual(rules(judge(without(honest(), 4, 5))), ['missed'])
  assert.match(judge(without(honest(), 4, 5))[0]!.message, /^2 records before 1:1:16 never came$/)
  const told = honest().map((event) => (event.kind === 'update' && event.values['last'] === 5 ? { ...event, gapTold: true } : event))
  assert.match(judge(without(told, 4))[0]!.message, /a gap was told/)
  assert.deepEqual(judge(without(honest(), 4), { every: false }), [])
})

test('the newest records that never come are missed, and a `latest` view that ends before them is wrong', () => {
  assert.ok(rules(judge(without(honest(), 9))).includes('missed'))
  assert.ok(rules(judge(without(honest(), 9), { every: false })).includes('end'))
})

test('a symbol that was asked for and never seen is found', () => {
  const findings = judge([])
  assert.deepEqual(rules(findings), ['missed', 'end'])
})

test('going back, and the same record twice, is wrong order; the held image shown again is not', () => {
  assert.deepEqual(rules(judge([...honest(), shows(3, 10_500), shows(9, 10_600, { again: true })])), ['order'])
  assert.deepEqual(rules(judge([...honest(), shows(9, 10_500)])), ['order'])
  assert.deepEqual(judge([...honest(), shows(9, 10_500, { again: true })]), [])
})

test('a value, a deletion or a position that the log does not have is a wrong value', () => {
  const bad = (with_: Partial<Extract<ViewEvent, { kind: 'update' }>>) =>
    rules(judge(honest().map((event) => (event.kind === 'update' && event.values['last'] === 4 ? { ...event, ...with_ } : event))))
  assert.deepEqual(bad({ values: { last: 3 } }), ['value'])
  assert.deepEqual(bad({ values: { last: 4, more: 1 } }), ['value'])
  assert.deepEqual(bad({ values: {} }), ['value'])
  assert.deepEqual(bad({ deleted: true }), ['value'])
  assert.ok(bad({ position: '1:1:99' }).includes('value'))
  assert.ok(bad({ position: '1:0:14' }).includes('value'))
})

test('live with a truth older than allowed is a lie, from the moment on that it is too old', () => {
  // Record 4 came at 5,000 and is shown at 7,600 only: for 100 ms too long the view said live.
  const sorted = [...honest().slice(0, 5), shows(4, 7_600), ...[5, 6].map((i) => shows(i, 7_600)), ...honest().slice(-3)]
  const [finding, ...rest] = judge(sorted, { every: false })
  assert.deepEqual(rest, [])
  assert.equal(finding?.rule, 'stale shown as live')
  assert.equal(finding?.atMs, 7_500)
  assert.match(finding?.message ?? '', /offset 14.*2600 ms/)
  // A tenth of a second earlier it is in time.
  assert.deepEqual(judge([...sorted.slice(0, 5), shows(4, 7_490), ...sorted.slice(6)], { every: false }), [])
  // It said that it is stale: no lie, but a flag that something must excuse.
  const flagged = [...sorted.slice(0, 5), says(STALE, 7_400), ...sorted.slice(5, 8), says(LIVE, 7_700), ...sorted.slice(8)]
  assert.deepEqual(rules(judge(flagged, { every: false })), ['live shown as stale'])
  // While the recording process itself stood still, it could not show anything.
  assert.deepEqual(judge(sorted, { every: false, stalls: [{ fromMs: 6_000, untilMs: 6_200 }] }), [])
})

test('a flag needs an excuse that covers it, for this client', () => {
  const flagged = [...honest().slice(0, 6), says(STALE, 5_500), says({ state: 'pending' }, 5_700), says(LIVE, 6_010), ...honest().slice(6)]
  const excuse = { fromMs: 5_000, untilMs: 6_100, why: 'gw-1 killed' }
  const message = judge(flagged)[0]?.message ?? ''
  assert.match(message, /^stale: no_pulse at gw-1 → pending for 510 ms, which no fault excuses$/)
  assert.deepEqual(judge(flagged, { excuses: [excuse] }), [])
  assert.deepEqual(judge(flagged, { excuses: [{ ...excuse, clients: new Set(['c1']) }] }), [])
  assert.deepEqual(rules(judge(flagged, { excuses: [{ ...excuse, clients: new Set(['c2']) }] })), ['live shown as stale'])
  assert.match(judge(flagged, { excuses: [{ ...excuse, untilMs: 5_900 }] })[0]!.message, /longer than "gw-1 killed" excuses/)
  assert.match(judge(flagged, { excuses: [{ ...excuse, fromMs: 5_600 }] })[0]!.message, /which no fault excuses/)
})

test('not live at the end is found, whatever excuses it', () => {
  const excuses = [{ fromMs: 0, untilMs: Infinity, why: 'everything' }]
  assert.deepEqual(rules(judge([...honest(), says(STALE, 12_000)], { excuses })), ['end'])
})

test('a record of which nobody knows when it came is no measure of age, but must arrive', () => {
  const model = log()
  model.appended('quotes', [{ key: 'AAPL', value: '{"last":10}', timestampMs: 1 }], [{ partition: 1, offset: 20 }], Infinity)
  assert.deepEqual(rules(judge(honest(), { model })), ['missed'])
  const position = '1:1:20'
  assert.deepEqual(judge([...honest(), shows(10, 12_999, { position })], { model }), [])
})

test('times: until the last client noticed, and until the last was live', () => {
  const flagged = client([...honest(), says(STALE, 11_300), says(LIVE, 12_100)])
  const moved = { ...client(honest()), sessions: [1_000, 11_500].map((atMs) => ({ atMs, node: 'gw-2', url: '' })) }
  assert.equal(noticedWithinMs([flagged, moved], 11_000, 13_000), 500)
  assert.equal(noticedWithinMs([flagged, moved], 12_500, 13_000), undefined)
  assert.equal(liveWithinMs([flagged, moved], 11_000, 13_000), 1_100)
  assert.equal(liveWithinMs([moved], 11_000, 13_000), 0)
  assert.equal(liveWithinMs([client([...honest(), says(STALE, 12_000)])], 11_000, 13_000), Infinity)
})
