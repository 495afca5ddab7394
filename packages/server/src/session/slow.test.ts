import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS } from '@pulsewire/protocol'
import { Sender } from '../../../../test/support/sender.ts'

const SYMBOLS = Array.from({ length: 50 }, (_, i) => `S${i}`)

for (const encoding of ENCODINGS) {
  test(`a thin line carries new values, not old ones, and ends up complete (${encoding})`, () => {
    const sender = new Sender()
    const receiver = sender.connect({ encoding, bytesPerSecond: 5_000, latencyMs: 20 })
    sender.clock.advance(1000)
    receiver.subscribe(SYMBOLS)
    let oldestMs = 0
    for (let i = 0; i < 6000; i++) {
      for (let k = 0; k < 3; k++) sender.record(SYMBOLS[(i * 3 + k) % 50]!, { at: sender.clock.nowMs(), text: 'x'.repeat(40) })
      sender.clock.advance(5)
      // Once the window has found what the line carries.
      for (const frame of receiver.peek())
        if (frame.t === 'update' && i > 3000) oldestMs = Math.max(oldestMs, sender.clock.nowMs() - Number(frame.values['at']))
    }
    assert.ok(oldestMs < 3500, `a value was ${oldestMs} ms old`)
    sender.clock.advance(10_000)
    for (const name of SYMBOLS) assert.deepEqual(receiver.image(name)?.['at'], sender.symbol(name).values[0], name)
    assert.equal(receiver.transport.closedWith, undefined)
  })
}

test('a line on which something always waits has its pulses all the same, each behind all that was due before it', () => {
  const sender = new Sender()
  const receiver = sender.connect({ bytesPerSecond: 5_000, latencyMs: 20 })
  receiver.subscribe(SYMBOLS)
  sender.clock.advance(1000)
  receiver.take()
  /** Of each symbol the offset of its newest record, now and by each pulse; and of what the receiver holds. */
  const newest = new Map<string, number>()
  const expected = new Map<number, Map<string, number>>()
  const held = new Map<string, number>()
  const agesMs: number[] = []
  const pulsed = new Map<number, number>()
  let offset = 0
  for (let i = 0; i < 6000; i++) {
    for (let k = 0; k < 3; k++) {
      const name = SYMBOLS[(i * 3 + k) % 50]!
      newest.set(name, offset)
      sender.record(name, { offset: offset++, text: 'x'.repeat(40) })
    }
    if (i % 100 === 0) {
      expected.set(offset, new Map(newest))
      pulsed.set(offset++, sender.clock.nowMs())
      sender.pulse()
    }
    sender.clock.advance(5)
    for (const frame of receiver.peek()) {
      if (frame.t === 'update') held.set(frame.symbol, Number(frame.values['offset']))
      if (frame.t !== 'pulse' || frame.partitions === undefined) continue
      const row = frame.partitions[0]![1]
      for (const [name, before] of expected.get(row)!) {
        assert.ok((held.get(name) ?? -1) >= before, `pulse ${row}: ${name} is at ${held.get(name)}, and should be at ${before}`)
      }
      agesMs.push(sender.clock.nowMs() - pulsed.get(row)!)
    }
  }
  // A round of the 50 is a second of this line, and another one is on its way already.
  assert.ok(agesMs.length >= 9, `${agesMs.length} pulses in 30 s`)
  assert.deepEqual(
    agesMs.slice(1).filter((ms) => ms > 3000),
    [],
  )
})

/** A receiver behind a window that nothing opens, with something due to it. */
function behind() {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(SYMBOLS)
  receiver.take()
  receiver.acks = false
  for (const name of SYMBOLS) sender.record(name, { text: 'x'.repeat(2000) })
  receiver.take()
  for (const name of SYMBOLS) sender.record(name, { text: 'y'.repeat(2000) })
  receiver.take()
  return { sender, receiver }
}

test('without acknowledgements sending stops at the window, whatever becomes due', () => {
  const { sender, receiver } = behind()
  const sent = receiver.messageSizes.reduce((sum, size) => sum + size, 0)
  for (let i = 0; i < 100; i++) {
    for (const name of SYMBOLS) sender.record(name, { i })
    sender.clock.advance(20)
  }
  assert.equal(
    receiver.messageSizes.reduce((sum, size) => sum + size, 0),
    sent,
  )
})

test('what waits for the window goes out with the acknowledgement: updates, answers and pulses', () => {
  const { sender, receiver } = behind()
  receiver.send({ t: 'unsubscribe', id: 1, symbols: SYMBOLS })
  receiver.send({ t: 'sync', at: 1 })
  assert.deepEqual(receiver.take(), [])
  receiver.acks = true
  receiver.ackAll()
  sender.clock.advance(30)
  assert.deepEqual(
    receiver
      .take()
      .map(({ t }) => t)
      .filter((t) => t !== 'pulse' && t !== 'mark'),
    ['unsubscribed', 'sync'],
  )
})

test('an answer that waits for the window, with nothing else due, goes out with the acknowledgement', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.take()
  receiver.acks = false
  sender.record('A', { text: 'x'.repeat(100_000) })
  receiver.take()
  receiver.send({ t: 'sync', at: 1 })
  assert.deepEqual(receiver.take(), [])
  receiver.acks = true
  receiver.ackAll()
  assert.equal(receiver.takeOf('sync').length, 1)
})

test('a receiver that stays behind is told so once, and once when it has been in step for a while', () => {
  const { sender, receiver } = behind()
  sender.clock.advance(3000)
  assert.deepEqual(receiver.takeOf('notice'), [])
  receiver.acks = true
  receiver.ackAll()
  const notices = []
  for (let i = 0; i < 200; i++) notices.push(...receiver.takeOf('notice'))
  assert.deepEqual(
    notices.map(({ code }) => code),
    ['slow', 'caught_up'],
  )
  assert.deepEqual(sender.log.lines.filter(({ code }) => code === 'slow').length, 1)
})

test('a receiver in step, and an idle one, are told nothing', () => {
  const sender = new Sender()
  const receiver = sender.connect({ latencyMs: 600 })
  sender.clock.advance(2000)
  receiver.subscribe(['A'])
  for (let i = 0; i < 500; i++) {
    sender.record('A', { i })
    sender.clock.advance(20)
  }
  sender.clock.advance(10_000)
  assert.deepEqual(receiver.takeOf('notice'), [])
})

test('a receiver that acknowledges nothing is cut with 4101, after the deadline and not before', () => {
  const { sender, receiver } = behind()
  sender.clock.advance(14_000)
  assert.equal(receiver.transport.closedWith, undefined)
  sender.clock.advance(2000)
  assert.equal(receiver.closed.code, 4101)
  assert.match(receiver.closed.reason, /acknowledges nothing/)
  assert.equal(sender.symbol('S0').entries.length, 0)
})

test('long before that it is named, with what is stuck, once; and when it takes something again', () => {
  const { sender, receiver } = behind()
  const said = () => sender.log.lines.filter(({ code }) => code.startsWith('session_')).map(({ code, fields }) => [code, fields['kind']])
  sender.clock.advance(1000)
  assert.deepEqual(said(), [])
  sender.clock.advance(1000)
  assert.deepEqual(said(), [['session_stalled', 'frozen_peer']])
  sender.clock.advance(5000)
  receiver.acks = true
  receiver.ackAll()
  sender.clock.advance(1000)
  assert.deepEqual(said().slice(1), [['session_resumed', undefined]])
  receiver.acks = false
  receiver.transport.bufferedBytes = 5000
  sender.clock.advance(4000)
  assert.deepEqual(said().slice(2), [['session_stalled', 'zero_window']])
})

test('a receiver on a long line is not taken for stalled', () => {
  const sender = new Sender()
  const receiver = sender.connect({ latencyMs: 900 })
  receiver.subscribe(['A'])
  for (let i = 0; i < 500; i++) {
    sender.record('A', { i })
    sender.clock.advance(20)
  }
  sender.clock.advance(10_000)
  assert.deepEqual(sender.log.lines.filter(({ code }) => code === 'session_stalled').length, 0)
})

test('a socket that takes nothing is cut too, and the reason says what is stuck', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.acks = false
  receiver.transport.bufferedBytes = 5000
  sender.clock.advance(17_000)
  assert.equal(receiver.closed.code, 4101)
  assert.match(receiver.closed.reason, /5000 bytes/)
})

test('a receiver that asked for a pulse a minute is not cut for acknowledging nothing in between', () => {
  const sender = new Sender()
  const receiver = sender.connect({ pulseIntervalMs: 60_000 })
  receiver.subscribe(['A'])
  for (let i = 0; i < 120; i++) {
    sender.clock.advance(1000)
    sender.record('A', { i })
  }
  assert.equal(receiver.transport.closedWith, undefined)
})

test('a receiver that asks and takes no answers is cut before its answers fill memory', () => {
  const { receiver } = behind()
  for (let i = 0; i < 20_000; i++) receiver.send({ t: 'sync', at: i })
  assert.equal(receiver.transport.closedWith?.code, 4101)
})
