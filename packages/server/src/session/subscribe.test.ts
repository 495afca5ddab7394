import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OkRow, SubscribeFrame } from '@pulsewire/protocol'
import type { Receiver, Seen } from '../../../../test/support/receiver.ts'
import { everything, Sender, type SenderOptions } from '../../../../test/support/sender.ts'
import { PROBE_PATTERN } from '../access/index.ts'

function setUp(options: SenderOptions = {}) {
  const sender = new Sender({ feeds: [{}, { name: 'trade', mode: 'every' }], ...options })
  const receiver = sender.connect()
  receiver.take()
  return { sender, receiver }
}

/** Subscribes, and returns the frames but for pulses. */
function subscribe(receiver: Receiver, symbols: readonly string[], options: Partial<SubscribeFrame> = {}): Seen[] {
  receiver.subscribe(symbols, options)
  return receiver.take().filter(({ t }) => t !== 'pulse')
}

function rows(frames: readonly Seen[]): OkRow[] {
  return frames.flatMap((frame) => (frame.t === 'subscribed' ? [...(frame.ok ?? [])] : []))
}

function states(frames: readonly Seen[]): Record<string, string> {
  return Object.fromEntries(rows(frames).map(([symbol, , state]) => [symbol, state]))
}

function refusals(frames: readonly Seen[]): (readonly string[])[] {
  return frames.flatMap((frame) => (frame.t === 'subscribed' ? (frame.refused ?? []).map(([name, code]) => [name, code]) : []))
}

test('a symbol with an image is answered `snapshot`, and the image follows its row', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  const frames = subscribe(receiver, ['A'])
  assert.deepEqual(
    frames.map(({ t }) => t),
    ['subscribed', 'update'],
  )
  assert.deepEqual(frames[0], { t: 'subscribed', id: 1, ok: [['A', 1, 'snapshot']], done: true })
  assert.deepEqual(receiver.image('A'), { last: 1 })
})

test('a symbol that nobody has heard of is answered `empty`; its first update is a snapshot', () => {
  const { sender, receiver } = setUp()
  assert.deepEqual(states(subscribe(receiver, ['A'])), { A: 'empty' })
  sender.record('A', { last: 1 })
  const [update] = receiver.takeOf('update')
  assert.deepEqual([update?.snapshot, update?.values], [true, { last: 1 }])
})

test('of a deleted symbol the deletion is what there is to know', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  sender.record('A', null)
  const frames = subscribe(receiver, ['A'])
  assert.deepEqual(states(frames), { A: 'snapshot' })
  assert.deepEqual(
    frames.flatMap((frame) => (frame.t === 'update' ? [[frame.deleted, frame.position, frame.values]] : [])),
    [[true, '1:0:1', {}]],
  )
})

test('who resumes is told of a deletion meanwhile, also without an image', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  sender.record('A', null)
  for (const from of ['1:0:0', '9:0:0']) {
    const frames = subscribe(receiver, ['A'], { from: { A: from }, image: false })
    assert.ok(
      frames.some((frame) => frame.t === 'update' && frame.deleted),
      from,
    )
    receiver.send({ t: 'unsubscribe', id: 1 })
    receiver.take()
  }
})

test('`image: false` is answered `changes`; the first change brings the whole image', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1, bid: 2 })
  const frames = subscribe(receiver, ['A', 'NEW'], { image: false })
  assert.deepEqual([states(frames), frames.length], [{ A: 'changes', NEW: 'empty' }, 1])
  sender.record('A', { last: 3, bid: 2 })
  const [update] = receiver.takeOf('update')
  assert.deepEqual([update?.snapshot, update?.n, update?.values], [true, 1, { last: 3, bid: 2 }])
})

test('latest: a position that is not newer than ours is `recovered`, with the newest image', () => {
  const { sender, receiver } = setUp()
  for (const last of [1, 2]) sender.record('A', { last })
  for (const position of ['1:0:0', '1:0:1', '0:3:99']) {
    const frames = subscribe(receiver, ['A'], { from: { A: position } })
    assert.deepEqual(states(frames), { A: 'recovered' }, position)
    assert.deepEqual(
      frames.filter(({ t }) => t === 'update').map((frame) => frame.t === 'update' && [frame.snapshot, frame.values]),
      [[true, { last: 2 }]],
    )
  }
})

test('latest: who holds a position that we are still to reach misses nothing', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  assert.deepEqual(states(subscribe(receiver, ['A'], { from: { A: '1:0:2' } })), { A: 'recovered' })
  for (const last of [2, 3, 4]) {
    sender.record('A', { last })
    const [update] = receiver.takeOf('update')
    // Whole until it is newer than what the receiver holds: what that is, is not known here.
    assert.deepEqual([update?.snapshot, update?.values], [last < 4, { last }])
  }
})

test('latest: a position of a generation that is not ours, or that is none, is a `snapshot`', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  for (const position of ['2:0:0', 'nonsense', ''])
    assert.deepEqual(states(subscribe(receiver, ['A'], { from: { A: position } })), { A: 'snapshot' }, position)
})

test('what is wrong with one name is refused for that name alone', () => {
  const { receiver } = setUp({ groups: { tech: ['A', 'B'] } })
  const frames = subscribe(receiver, ['A', '', 'x'.repeat(65), 'a\nb'], { patterns: ['', 'ok*'], groups: ['nobody'] })
  assert.deepEqual(states(frames), { A: 'empty' })
  assert.deepEqual(refusals(frames), [
    ['nobody', 'group_unknown'],
    ['', 'symbol_invalid'],
    [`${'x'.repeat(64)}…`, 'symbol_invalid'],
    ['a\nb', 'symbol_invalid'],
    ['', 'pattern_invalid'],
  ])
})

const REFUSED: readonly (readonly [what: string, options: Partial<SubscribeFrame>, code: string])[] = [
  ['an unknown feed', { feed: 'nowhere' }, 'feed_unknown'],
  ['every record of a latest feed', { delivery: 'every' }, 'options_invalid'],
  ['a rate with every record', { feed: 'trade', delivery: 'every', maxRate: 1 }, 'options_invalid'],
  ['history without every record', { history: 5 }, 'options_invalid'],
]

for (const [what, options, code] of REFUSED) {
  test(`${what} is refused as a whole: ${code}`, () => {
    const { sender, receiver } = setUp()
    const frames = subscribe(receiver, ['A'], { id: 7, ...options })
    assert.deepEqual(
      frames.map((frame) => frame.t === 'error' && [frame.code, frame.id]),
      [[code, 7]],
    )
    assert.deepEqual([receiver.digest.count, sender.symbol('A').entries.length, sender.feed().views.size], [0, 0, 0])
  })
}

test('a rate on a feed of every record makes it latest', () => {
  const { sender, receiver } = setUp()
  subscribe(receiver, ['A'], { feed: 'trade', maxRate: 1 })
  assert.equal(sender.symbol('A', 'trade').entries[0]?.subscription.delivery, 'latest')
})

test('a session holds so many symbols and patterns; those before are kept, and room that is freed can be used', () => {
  const { receiver } = setUp({ session: { subscriptionsMax: 3 } })
  assert.deepEqual(refusals(subscribe(receiver, ['A', 'B'], { patterns: ['X*', 'Y*'] })), [['Y*', 'subscriptions_limit']])
  assert.deepEqual(refusals(subscribe(receiver, ['A', 'C'])), [['C', 'subscriptions_limit']])
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['A'], patterns: ['X*'] })
  assert.deepEqual(states(subscribe(receiver, ['C', 'D'])), { C: 'empty', D: 'empty' })
})

test('a pattern that matches more than there is room for is refused by one row, and brings nothing', () => {
  const { sender, receiver } = setUp({ session: { subscriptionsMax: 3 } })
  for (const name of ['A.HK', 'B.HK', 'C.HK', 'A.US']) sender.record(name, { last: 1 })
  const frames = subscribe(receiver, ['A.US'], { patterns: ['*.HK'] })
  assert.deepEqual([states(frames), refusals(frames)], [{ 'A.US': 'snapshot' }, [['*.HK', 'subscriptions_limit']]])
  assert.deepEqual([sender.feed().patterns.size, receiver.digest.count], [0, 1])
  assert.deepEqual(states(subscribe(receiver, [], { patterns: ['A*'] })), { 'A.HK': 'snapshot' })
})

test('an open pattern that cannot take what appears is over with one row; what it brought stays, as if it had been named', () => {
  const { sender, receiver } = setUp({ session: { subscriptionsMax: 3 } })
  for (const name of ['A.HK', 'B.HK']) sender.record(name, { last: 1 })
  subscribe(receiver, [], { patterns: ['*.HK'] })
  for (const name of ['C.HK', 'D.HK']) sender.record(name, { last: 1 })
  assert.deepEqual(refusals(receiver.take()), [['*.HK', 'subscriptions_limit']])
  assert.deepEqual([sender.feed().patterns.size, receiver.digest.count], [0, 2])
  sender.record('A.HK', { last: 2 })
  receiver.take()
  assert.deepEqual(receiver.image('A.HK'), { last: 2 })
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['A.HK', 'B.HK'] })
  assert.equal(receiver.takeOf('unsubscribed')[0]?.closed, true)
})

test('a session holds so many patterns of a feed, and all sessions so many different ones; those before are kept', () => {
  const { sender, receiver } = setUp({ session: { patternsMax: 3, feedPatternsMax: 4 }, groups: { many: ['P*', 'Q*', 'R*', 'S*'] } })
  assert.equal(subscribe(receiver, [], { patterns: ['A*'] }).find(({ t }) => t === 'subscribed') !== undefined, true)
  assert.deepEqual(refusals(subscribe(receiver, [], { id: 2, groups: ['many'] })), [
    ['R*', 'subscriptions_limit'],
    ['S*', 'subscriptions_limit'],
  ])
  assert.deepEqual(refusals(subscribe(receiver, [], { patterns: ['A*'] })), [], 'one that is open may be named again')
  const other = sender.connect()
  other.take()
  assert.deepEqual(refusals(subscribe(other, [], { patterns: ['A*', 'X*', 'Y*'] })), [['Y*', 'subscriptions_limit']])
  assert.deepEqual(refusals(subscribe(other, [], { patterns: [PROBE_PATTERN] })), [], 'a balancer can always look')
  other.send({ t: 'unsubscribe', id: 1, patterns: [PROBE_PATTERN] })
  receiver.send({ t: 'unsubscribe', id: 2, patterns: ['P*'] })
  assert.deepEqual(refusals(subscribe(other, [], { patterns: ['Y*'] })), [])
  assert.deepEqual([...sender.feed().patterns.keys()], ['A*', 'Q*', 'X*', 'Y*'])
})

test('a pattern of a large feed is answered some turns later, once, with what came meanwhile, however often it is named', () => {
  const { sender, receiver } = setUp({ feeds: [{ symbolsMax: 100_000 }], session: { subscriptionsMax: 100_000 } })
  for (let n = 0; n < 50_000; n++) sender.record(`S${n}.${n % 1000 === 0 ? 'HK' : 'US'}`, { last: n })
  for (let n = 0; n < 10; n++) receiver.subscribe([], { patterns: ['*.HK'] })
  assert.equal(sender.hub.scans.size, 1)
  sender.record('NEW.HK', { last: 1 })
  receiver.subscribe(['A.US'])
  const frames = receiver.take()
  assert.equal(new Set(rows(frames).map(([symbol]) => symbol)).size, 52)
  const answers = frames.filter((frame) => frame.t === 'subscribed')
  assert.deepEqual(
    answers.map(({ done }) => done === true),
    answers.map((_, at) => at === answers.length - 1),
    'done is said when all of it is there',
  )
  assert.deepEqual([receiver.image('S1000.HK'), receiver.image('NEW.HK')], [{ last: 1000 }, { last: 1 }])
})

test('a pattern that ends while it is looked for, with its session or alone, is looked for no longer', () => {
  const { sender, receiver } = setUp({ feeds: [{ symbolsMax: 100_000 }] })
  for (let n = 0; n < 50_000; n++) sender.record(`S${n}`, { last: n })
  receiver.subscribe([], { patterns: ['*7', '*8'] })
  receiver.send({ t: 'unsubscribe', id: 1, patterns: ['*7'] })
  assert.equal(sender.hub.scans.size, 1)
  receiver.handler.closed(1006, '')
  assert.equal(sender.hub.scans.size, 0)
  assert.equal(sender.feed().patterns.size, 0)
})

test('of symbols without a record a session holds so many; those before are kept, and there is room again when one appears', () => {
  const { sender, receiver } = setUp({ session: { unknownSymbolsMax: 2 }, feeds: [{ symbolsMax: 3 }] })
  sender.record('A', { last: 1 })
  const frames = subscribe(receiver, ['X', 'A', 'Y', 'Z'])
  assert.deepEqual([states(frames), refusals(frames)], [{ X: 'empty', A: 'snapshot', Y: 'empty' }, [['Z', 'symbol_unknown']]])
  assert.deepEqual([sender.feed().symbols.has('Z'), receiver.digest.count], [false, 3])
  assert.deepEqual(states(subscribe(receiver, ['X'])), { X: 'empty' }, 'what is held may be named again')
  sender.record('X', { last: 2 })
  assert.deepEqual(states(subscribe(receiver, ['Z'])), { Z: 'empty' })
  assert.deepEqual(refusals(subscribe(receiver, ['W'])), [['W', 'symbol_unknown']])
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['Z'] })
  assert.deepEqual(states(subscribe(receiver, ['W'])), { W: 'empty' })
  sender.clock.advance(3000)
  assert.deepEqual(receiver.takeOf('resubscribe'), [])
})

test('a feed that is full refuses symbols that it does not know', () => {
  const { sender, receiver } = setUp({ feeds: [{ symbolsMax: 1 }] })
  sender.record('A', { last: 1 })
  const frames = subscribe(receiver, ['A', 'B'])
  assert.deepEqual([states(frames), refusals(frames)], [{ A: 'snapshot' }, [['B', 'symbol_unknown']]])
})

test('an open id takes more symbols, and refuses other options', () => {
  const { receiver } = setUp()
  subscribe(receiver, ['A'], { fields: ['last', 'bid'] })
  assert.deepEqual(states(subscribe(receiver, ['B'], { fields: ['bid', 'last'] })), { B: 'empty' })
  for (const options of [
    {},
    { fields: ['last'] },
    { fields: ['last', 'bid'], maxRate: 1 },
    { fields: ['last', 'bid'], image: false },
    { feed: 'trade', fields: ['last', 'bid'] },
  ]) {
    const [error] = subscribe(receiver, ['C'], options)
    assert.deepEqual(error?.t === 'error' && [error.code, error.id], ['options_differ', 1], JSON.stringify(options))
  }
})

test('a symbol may be subscribed under several ids, each with its own ref and options', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1, bid: 2 })
  subscribe(receiver, ['A'], { fields: ['last'] })
  subscribe(receiver, ['A'], { id: 2, fields: ['bid'] })
  assert.deepEqual([receiver.image('A', 1), receiver.image('A', 2)], [{ last: 1 }, { bid: 2 }])
  assert.notEqual(receiver.ref('A', 1), receiver.ref('A', 2))
})

test('a chosen field that does not exist yet comes with the first record that has it', () => {
  for (const encoding of ['pulsewire.json.v1', 'pulsewire.bin.v1'] as const) {
    const { sender } = setUp()
    const receiver = sender.connect({ encoding })
    sender.record('A', { last: 1 })
    subscribe(receiver, ['A'], { fields: ['late'] })
    assert.deepEqual(receiver.image('A'), {})
    sender.record('A', { last: 1, late: 2 })
    receiver.take()
    assert.deepEqual(receiver.image('A'), { late: 2 })
  }
})

test('naming a symbol again synchronises it anew, once, under the same ref', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 1 })
  subscribe(receiver, ['A', 'B'])
  sender.record('A', { last: 2 })
  const frames = subscribe(receiver, ['A', 'A'])
  assert.deepEqual(
    rows(frames).map(([symbol, ref, state]) => `${symbol} ${ref} ${state}`),
    ['A 1 snapshot'],
  )
  assert.deepEqual(
    frames.filter(({ t }) => t === 'update').map((frame) => frame.t === 'update' && [frame.snapshot, frame.values]),
    [[true, { last: 2 }]],
  )
  assert.equal(receiver.digest.count, 2)
})

test('a group stands for its symbols and patterns', () => {
  const { sender, receiver } = setUp({ groups: { tech: ['A', '*.HK'] } })
  sender.record('B.HK', { last: 1 })
  assert.deepEqual(states(subscribe(receiver, [], { groups: ['tech'] })), { A: 'empty', 'B.HK': 'snapshot' })
  sender.record('C.HK', { last: 1 })
  assert.deepEqual(states(receiver.take()), { 'C.HK': 'snapshot' })
})

test('a pattern brings what is there, and later what appears, its row before its update, without a `done`', () => {
  const { sender, receiver } = setUp()
  sender.record('A.HK', { last: 1 })
  sender.record('A.US', { last: 1 })
  assert.deepEqual(states(subscribe(receiver, [], { patterns: ['*.HK'] })), { 'A.HK': 'snapshot' })
  sender.record('B.HK', { last: 2 })
  const frames = receiver.take()
  assert.deepEqual(
    frames.map((frame) => (frame.t === 'subscribed' ? [frame.ok?.[0]?.[0], frame.done] : frame.t)),
    [['B.HK', undefined], 'update'],
  )
  sender.record('B.HK', { last: 3 })
  assert.deepEqual(
    receiver.take().map(({ t }) => t),
    ['update'],
  )
})

test('a symbol that a name and two patterns bring is one row', () => {
  const { sender, receiver } = setUp()
  sender.record('A.HK', { last: 1 })
  const frames = subscribe(receiver, ['A.HK'], { patterns: ['*.HK', 'A*'] })
  assert.equal(rows(frames).length, 1)
  assert.equal(receiver.digest.count, 1)
})

test('naming a pattern again synchronises all of its symbols anew', () => {
  const { sender, receiver } = setUp()
  sender.record('A.HK', { last: 1 })
  sender.record('B.HK', { last: 1 })
  subscribe(receiver, [], { patterns: ['*.HK'] })
  const frames = subscribe(receiver, [], { patterns: ['*.HK'] })
  assert.deepEqual(states(frames), { 'A.HK': 'snapshot', 'B.HK': 'snapshot' })
})

test('a subscribe that names nothing is answered and leaves nothing open', () => {
  const { receiver } = setUp()
  assert.deepEqual(subscribe(receiver, []), [{ t: 'subscribed', id: 1, done: true }])
  assert.deepEqual(states(subscribe(receiver, ['A'], { fields: ['other'] })), { A: 'empty' })
})

test('a symbol named again before it could be answered is answered once, to the last naming', () => {
  const sender = new Sender({ source: { ...everything, want: () => false } })
  sender.record('A', { last: 1 })
  const receiver = sender.connect()
  receiver.subscribe(['A'], { from: { A: '1:0:0' } })
  receiver.subscribe(['A'])
  assert.deepEqual(receiver.takeOf('subscribed'), [])
  sender.hub.symbolReady(sender.symbol('A'))
  assert.deepEqual(receiver.takeOf('subscribed'), [{ t: 'subscribed', id: 1, ok: [['A', 1, 'snapshot']], done: true }])
})
