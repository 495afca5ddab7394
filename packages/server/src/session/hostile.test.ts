/** Receivers that ask for what nobody should, or that take nothing: each has its limit, and costs nobody else anything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS } from '@pulsewire/protocol'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender, type SenderOptions } from '../../../../test/support/sender.ts'

const ODD_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

for (const encoding of ENCODINGS) {
  test(`names that mean something to JavaScript are names like any other (${encoding})`, () => {
    const sender = new Sender({ groups: { tech: ['A'] } })
    for (const name of ODD_NAMES) sender.record(name, JSON.parse('{"__proto__":1,"constructor":2,"last":3}') as Record<string, number>)
    const receiver = sender.connect({ encoding })
    const from = JSON.parse('{"__proto__":"1:0:0","constructor":"1:0:1"}') as Record<string, string>
    receiver.subscribe(ODD_NAMES, { from, fields: ['__proto__', 'constructor', 'last'] })
    const seen = receiver.take()
    const answered = seen.flatMap((frame) => (frame.t === 'subscribed' ? (frame.ok ?? []) : []))
    assert.deepEqual(answered.map(([name]) => name).sort(), [...ODD_NAMES].sort())
    assert.equal(seen.filter(({ t }) => t === 'update').length, ODD_NAMES.length)
    for (const feed of ODD_NAMES) receiver.send({ t: 'subscribe', id: 7, feed, symbols: ['A'] })
    assert.deepEqual(
      receiver.takeOf('error').map(({ code }) => code),
      ODD_NAMES.map(() => 'feed_unknown'),
    )
    receiver.send({ t: 'subscribe', id: 8, feed: 'quote', groups: ODD_NAMES })
    assert.deepEqual(
      receiver.takeOf('subscribed').flatMap(({ refused = [] }) => refused.map(([, code]) => code)),
      ODD_NAMES.map(() => 'group_unknown'),
    )
    assert.equal(Object.keys(Object.prototype).length, 0)
    assert.equal(({} as Record<string, unknown>)['last'], undefined)
  })
}

test('names that are too long, or hold what nobody can print, are refused one by one and shown shortened', () => {
  const receiver = new Sender().connect()
  receiver.take()
  receiver.subscribe(['x'.repeat(4096), 'a\u0000b', 'a\nb', 'a\u202fb', '', 'GOOD'], { patterns: ['y'.repeat(4096)] })
  const [answer] = receiver.takeOf('subscribed')
  assert.deepEqual(
    answer?.refused?.map(([name, code]) => [name.length <= 65, code]),
    [...Array.from({ length: 4 }, () => [true, 'symbol_invalid']), [true, 'pattern_invalid']],
  )
  assert.deepEqual(answer?.ok?.map(([name]) => name).includes('GOOD'), true)
})

test('5,000 symbols over the limit are refused one by one, and those before are kept', () => {
  const sender = new Sender({ session: { subscriptionsMax: 100 }, feeds: [{ symbolsMax: 10_000 }] })
  const receiver = sender.connect()
  const names = Array.from({ length: 5100 }, (_, n) => `S${n}`)
  receiver.subscribe(names.slice(0, 100))
  receiver.take()
  for (let at = 100; at < names.length; at += 500) receiver.subscribe(names.slice(at, at + 500))
  const refused = receiver.takeOf('subscribed').flatMap(({ refused: rows = [] }) => rows.map(([, code]) => code))
  assert.equal(refused.length, 5000)
  assert.deepEqual([...new Set(refused)], ['subscriptions_limit'])
  for (const name of ['S0', 'S99', 'S100']) sender.record(name, { last: 1 })
  assert.deepEqual(
    receiver.takeOf('update').map(({ symbol }) => symbol),
    ['S0', 'S99'],
  )
  assert.equal(sender.feed().symbols.size, 101)
})

/** Rows of all answers that have come, of either kind. */
function answered(receiver: Receiver): { readonly ok: number; readonly refused: number } {
  const frames = receiver.takeOf('subscribed')
  const count = (kind: 'ok' | 'refused') => frames.reduce((sum, frame) => sum + (frame[kind]?.length ?? 0), 0)
  return { ok: count('ok'), refused: count('refused') }
}

function quotes(count: number, options: SenderOptions = {}): Sender {
  const sender = new Sender({ feeds: [{ symbolsMax: 10_000 }], ...options })
  for (let n = 0; n < count; n++) sender.record(`S${n}`, { last: n })
  return sender
}

for (const encoding of ENCODINGS) {
  test(`symbols, patterns and groups that one message names again and again are answered once (${encoding})`, () => {
    const many = quotes(2000, { session: { subscriptionsMax: 5000 }, groups: { all: ['S0', 'S*'] } })
    const receiver = many.connect({ encoding })
    receiver.take()
    const again = <T>(value: T): T[] => Array.from({ length: 1000 }, () => value)
    receiver.subscribe(again('S1'), { patterns: again('*'), groups: again('all') })
    assert.deepEqual(answered(receiver), { ok: 2000, refused: 0 })
    receiver.subscribe(again(''), { id: 2, patterns: again(''), groups: again('nobody') })
    assert.deepEqual(answered(receiver), { ok: 0, refused: 3 })
    const few = quotes(2000, { session: { subscriptionsMax: 100 } })
    const other = few.connect({ encoding })
    other.take()
    other.subscribe([], { patterns: again('*') })
    assert.deepEqual(answered(other), { ok: 0, refused: 1 })
  })
}

test('what is named again before its answer could be sent is answered once, however often', () => {
  const sender = quotes(1000, { session: { subscriptionsMax: 2000 } })
  const receiver = sender.connect()
  receiver.take()
  const symbols = Array.from({ length: 1000 }, (_, n) => `S${n}`)
  // In one turn: nothing goes out in between.
  for (let n = 0; n < 100; n++) receiver.subscribe(symbols, { patterns: ['S*', `T${n % 2}`], groups: ['nobody'] })
  assert.deepEqual(answered(receiver), { ok: 1000, refused: 1 })
})

test('who asks and asks and takes no answers is cut before these take memory', () => {
  const kinds: readonly ((receiver: Receiver, n: number) => void)[] = [
    (receiver, n) => receiver.subscribe(Array.from({ length: 500 }, (_, at) => `${'x'.repeat(70)}${n * 500 + at}`.slice(-65))),
    (receiver, n) => receiver.send({ t: 'subscribe', id: n + 1, feed: 'quote' }),
    (receiver, n) => receiver.send({ t: 'unsubscribe', id: 1, symbols: Array.from({ length: 500 }, (_, at) => `U${n * 500 + at}`) }),
  ]
  for (const ask of kinds) {
    const sender = quotes(10)
    const receiver = sender.connect()
    receiver.take()
    receiver.acks = false
    let asked = 0
    // All of it before anything can be sent.
    while (asked < 20_000 && receiver.closed.code === 0) ask(receiver, asked++)
    assert.equal(receiver.closed.code, 4101, receiver.closed.reason)
    assert.match(receiver.closed.reason, /answers wait/)
  }
})

test('names that do not exist take no room from those that do', () => {
  const sender = new Sender({ feeds: [{ symbolsMax: 100 }], session: { subscriptionsMax: 500, unknownSymbolsMax: 200 } })
  const made = Array.from({ length: 5 }, (_, at) => Array.from({ length: 400 }, (_, n) => `FAKE-${at}-${n}`))
  for (const names of made) {
    const hostile = sender.connect()
    hostile.take()
    hostile.subscribe(names)
    assert.deepEqual(answered(hostile), { ok: 200, refused: 200 })
  }
  const receiver = sender.connect()
  receiver.take()
  receiver.subscribe(['NEW'])
  assert.deepEqual(answered(receiver), { ok: 1, refused: 0 })
  for (let n = 0; n < 99; n++) sender.record(`S${n}`, { last: n })
  sender.record('NEW', { last: 7 })
  receiver.take()
  assert.deepEqual([sender.feed().known, receiver.image('NEW')], [100, { last: 7 }])
})

test('who names and names is told so and closed, long before as many messages have come', () => {
  const sender = quotes(10, { session: { messagesPerSecondMax: 500, subscriptionsMax: 5000 } })
  const receiver = sender.connect()
  receiver.take()
  let asked = 0
  while (asked < 5000 && receiver.closed.code === 0) {
    const symbols = Array.from({ length: 1000 }, (_, n) => `F${asked}-${n}`)
    receiver.subscribe(symbols)
    receiver.send({ t: 'unsubscribe', id: 1, symbols })
    sender.clock.turn()
    asked++
  }
  assert.equal(receiver.closed.code, 4005, receiver.closed.reason)
  assert.ok(asked > 100 && asked < 500, `closed after ${asked}`)
  assert.equal(sender.feed().symbols.size <= 10 + 2000, true)
})

test('patterns that match nothing, hundreds to a message, are refused beyond a few, and looked for in turns', () => {
  const sender = quotes(5000, { session: { patternsMax: 16 } })
  const receiver = sender.connect()
  receiver.take()
  for (let n = 0; n < 40; n++) receiver.subscribe([], { patterns: Array.from({ length: 220 }, (_, at) => `*X${n}-${at}`) })
  assert.equal(sender.feed().patterns.size, 16)
  assert.ok(sender.hub.scans.size > 0, 'not all of them in this turn')
  assert.deepEqual(answered(receiver), { ok: 0, refused: 40 * 220 - 16 })
  assert.equal(sender.hub.scans.size, 0)
})

test('who has patterns looked for again and again is told so and closed, long before as many messages have come', () => {
  const kinds: readonly ((receiver: Receiver, n: number) => void)[] = [
    (receiver) => receiver.subscribe([], { patterns: ['*', '*9'] }),
    (receiver, n) => {
      receiver.subscribe([], { id: n + 2, patterns: ['*7'] })
      receiver.send({ t: 'unsubscribe', id: n + 2 })
    },
  ]
  for (const ask of kinds) {
    const sender = quotes(9000, { session: { messagesPerSecondMax: 500, subscriptionsMax: 10_000, outboundBytesMax: 64 * 1024 * 1024 } })
    const receiver = sender.connect()
    receiver.take()
    let asked = 0
    while (asked < 1000 && receiver.closed.code === 0) {
      ask(receiver, asked++)
      sender.clock.turn()
    }
    assert.equal(receiver.closed.code, 4005, receiver.closed.reason)
    assert.ok(asked > 4, `closed after ${asked}`)
  }
})

test('a thousand receivers that take nothing are each bounded and cut with the reason; the one that reads misses nothing', () => {
  const window = 64 * 1024
  const sender = new Sender({ session: { outboundBytesMax: window, ackTimeoutMs: 15_000 } })
  const reader = sender.connect()
  reader.subscribe(['A'])
  reader.take()
  const stuck = Array.from({ length: 1000 }, () => {
    const receiver = sender.connect()
    receiver.acks = false
    receiver.subscribe(['A'])
    return receiver
  })
  let seen = 0
  for (let second = 0; second < 20; second++) {
    for (let n = 0; n < 5; n++) {
      sender.record('A', { last: second * 5 + n, text: 'x'.repeat(1000) })
      sender.clock.advance(200)
    }
    sender.pulse()
    seen += reader.takeOf('update').length
  }
  for (const receiver of stuck) {
    assert.deepEqual([receiver.closed.code, receiver.closed.reason.startsWith('slow_consumer: ')], [4101, true])
    assert.ok(receiver.messageSizes.reduce((sum, size) => sum + size, 0) <= 2 * window)
  }
  assert.equal(seen, 100)
  assert.equal(reader.closed.code, 0)
})
