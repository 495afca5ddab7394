import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowHash, type PulseAckFrame } from '@pulsewire/protocol'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'
import { DigestWatch } from './digest-watch.ts'

function ack(pulse: number, count: number, digest = 0): PulseAckFrame {
  return { t: 'ack', pulse, count, digest }
}

function setUp() {
  const sender = new Sender({ session: { pulseIntervalMs: 0 } })
  const receiver = sender.connect({ pulseIntervalMs: 0 })
  for (const name of ['A', 'B', 'C.HK']) sender.record(name, { last: 1 })
  receiver.subscribe(['A', 'B'], { patterns: ['*.HK'] })
  receiver.take()
  return { sender, receiver }
}

/** Lets pulses come and be acknowledged until the sender asks for all subscriptions, or gives up waiting for that. */
function untilAsked(sender: Sender, receiver: Receiver, pulses = 10) {
  for (let i = 0; i < pulses; i++) {
    sender.pulse()
    const [asked] = receiver.takeOf('resubscribe')
    if (asked !== undefined) return { asked, after: i + 1 }
  }
  return undefined
}

test('one difference may be chance; two in a row are one', () => {
  const watch = new DigestWatch()
  for (let pulse = 1; pulse <= 5; pulse++) watch.sent(pulse, 2, 7, true)
  assert.deepEqual(
    [ack(1, 2, 7), ack(2, 1), ack(3, 2, 7), ack(4, 2, 8), ack(5, 1, 7)].map((each) => watch.compare(each)),
    ['same', 'doubtful', 'same', 'doubtful', 'different'],
  )
})

test('pulses sent while an answer was owed are not compared', () => {
  const watch = new DigestWatch()
  for (let pulse = 1; pulse <= 4; pulse++) watch.sent(pulse, 2, 7, false)
  assert.deepEqual(
    [1, 2, 3, 4].map((pulse) => watch.compare(ack(pulse, 1))),
    ['same', 'same', 'same', 'same'],
  )
})

test('on a long line each acknowledgement is compared to what was sent with its pulse, however much was since', () => {
  const watch = new DigestWatch()
  for (let pulse = 1; pulse <= 10; pulse++) watch.sent(pulse, pulse, pulse, true)
  assert.equal(watch.compare(ack(3, 3, 3)), 'same')
  assert.equal(watch.compare(ack(4, 3, 3)), 'doubtful')
  assert.equal(watch.compare(ack(6, 5, 5)), 'different')
  assert.equal(watch.compare(ack(1, 0)), 'same', 'an old or unknown number says nothing')
})

test('what was sent before the set was put right says nothing of it', () => {
  const watch = new DigestWatch()
  for (let pulse = 1; pulse <= 3; pulse++) watch.sent(pulse, 2, 7, true)
  assert.equal(watch.compare(ack(1, 1)), 'doubtful')
  watch.restart()
  watch.sent(4, 1, 3, true)
  assert.deepEqual(
    [ack(2, 1), ack(3, 1), ack(4, 2), ack(4, 1)].map((each) => watch.compare(each)),
    ['same', 'same', 'doubtful', 'same'],
  )
})

test('a receiver that acknowledges nothing for ever costs no memory, and is compared again when it does', () => {
  const watch = new DigestWatch()
  for (let pulse = 1; pulse <= 1000; pulse++) watch.sent(pulse, 1, 1, true)
  assert.equal(watch.compare(ack(900, 0)), 'same')
  for (let pulse = 1001; pulse <= 1002; pulse++) watch.sent(pulse, 1, 1, true)
  assert.deepEqual([watch.compare(ack(1001, 0)), watch.compare(ack(1002, 0))], ['doubtful', 'different'])
})

test('while both ends agree nothing is asked, whatever is subscribed and ended', () => {
  const { sender, receiver } = setUp()
  for (let i = 0; i < 20; i++) {
    receiver.subscribe([`S${i}`], { id: 1 + (i % 3) })
    if (i % 2 === 1) receiver.send({ t: 'unsubscribe', id: 1 + ((i - 1) % 3), symbols: [`S${i - 1}`] })
    sender.record(`N${i}.HK`, { last: 1 })
    sender.pulse()
    assert.deepEqual(receiver.takeOf('resubscribe'), [])
  }
  assert.equal(untilAsked(sender, receiver), undefined)
})

test('a receiver that lost a row is asked for all of its subscriptions with the next pulse, with the digest here', () => {
  const { sender, receiver } = setUp()
  const { count, value } = receiver.digest
  receiver.digest.remove(1, 'A')
  const result = untilAsked(sender, receiver)
  assert.deepEqual(result, { asked: { t: 'resubscribe', count, digest: value }, after: 1 })
  assert.equal(sender.log.lines.filter(({ code }) => code === 'digest_differs').length, 1)
})

test('what the sender loses is found by the next pulses, and served again once it is named', () => {
  const { sender, receiver } = setUp()
  assert.deepEqual([sender.sessions.lose('C.HK'), sender.sessions.lose('NONE')], [1, 0])
  sender.record('C.HK', { last: 2 })
  assert.deepEqual(receiver.takeOf('update'), [], 'it is gone without a word')
  receiver.acks = false
  untilAskedByHand(sender, receiver)
  receiver.subscribe(['A', 'B'], { patterns: ['*.HK'] })
  receiver.acks = true
  receiver.ackAll()
  receiver.take()
  sender.record('C.HK', { last: 3 })
  assert.equal(receiver.takeOf('update').length, 1)
})

test('a receiver that wants a pulse in ten seconds is compared again at once, not ten seconds later', () => {
  const sender = new Sender()
  const receiver = sender.connect({ pulseIntervalMs: 10_000 })
  receiver.subscribe(['A', 'B'])
  sender.pulse()
  sender.clock.advance(12_000)
  receiver.peek()
  receiver.digest.remove(1, 'A')
  let waitedMs = 0
  for (; receiver.peek().every(({ t }) => t !== 'resubscribe'); waitedMs += 100) {
    assert.ok(waitedMs < 12_000)
    sender.pulse()
    sender.clock.advance(100)
  }
  assert.ok(waitedMs <= 10_100, `${waitedMs} ms`)
  assert.equal(sender.sessions.repairs, 1)
})

test('what the receiver names again is synchronised anew, and it agrees from then on', () => {
  const { sender, receiver } = setUp()
  receiver.digest.remove(1, 'A')
  receiver.acks = false
  untilAskedByHand(sender, receiver)
  receiver.subscribe(['A', 'B'], { patterns: ['*.HK'] })
  receiver.digest.add(1, 'A')
  receiver.acks = true
  receiver.ackAll()
  const rows = receiver.takeOf('subscribed').flatMap(({ ok }) => ok ?? [])
  assert.deepEqual(
    rows.map(([name, , state]) => [name, state]),
    [
      ['A', 'snapshot'],
      ['B', 'snapshot'],
      ['C.HK', 'snapshot'],
    ],
  )
  assert.equal(untilAsked(sender, receiver), undefined)
})

test('what was dropped unheard is given under refs that never meant anything else', () => {
  const { sender, receiver } = setUp()
  const refs = new Set(['A', 'B', 'C.HK'].map((name) => receiver.ref(name)))
  receiver.digest.remove(1, 'A')
  receiver.acks = false
  untilAskedByHand(sender, receiver)
  receiver.acks = true
  receiver.ackAll()
  receiver.take()
  receiver.subscribe(['B', 'A'], { patterns: ['*.HK'] })
  const rows = receiver.takeOf('subscribed').flatMap(({ ok }) => ok ?? [])
  assert.deepEqual(rows.map(([name]) => name).sort(), ['A', 'B', 'C.HK'])
  assert.deepEqual(
    rows.filter(([, ref]) => refs.has(ref)),
    [],
  )
})

test('what it does not name again is dropped when the mark is acknowledged: names, patterns and what they brought', () => {
  const { sender, receiver } = setUp()
  receiver.digest.add(1, 'X')
  receiver.acks = false
  untilAskedByHand(sender, receiver)
  receiver.subscribe(['B'])
  receiver.take()
  receiver.acks = true
  receiver.ackAll()
  receiver.digest.remove(1, 'X')
  sender.pulse()
  const [ended, pulse] = receiver.take()
  const dropped = ['*.HK', 'A', 'C.HK'].map((name) => [name, 'not_named', ''])
  assert.deepEqual(ended, { t: 'ended', id: 1, symbols: dropped }, 'the receiver is told, and before any pulse: it may have named them')
  assert.equal(pulse?.t, 'pulse')
  assert.deepEqual(
    ['A', 'B', 'C.HK'].map((name) => sender.symbol(name).entries.length),
    [0, 1, 0],
  )
  assert.equal(sender.feed().patterns.size, 0)
  assert.equal(untilAsked(sender, receiver), undefined)
  assert.equal(receiver.digest.value, rowHash(1, 'B'))
})

/** The same with acknowledgements given one by one, so that the mark behind the question stays open. */
function untilAskedByHand(sender: Sender, receiver: Receiver): void {
  for (let i = 0; i < 10; i++) {
    sender.pulse()
    if (receiver.takeOf('resubscribe').length > 0) return
    receiver.ackAll()
  }
  assert.fail('nothing was asked')
}
