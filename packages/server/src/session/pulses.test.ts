import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PulseFrame } from '@pulsewire/protocol'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'

function pulsesIn(receiver: Receiver): PulseFrame[] {
  return receiver.peek().filter((frame): frame is PulseFrame => frame.t === 'pulse')
}

test('pulses come at the interval granted, each the newest of its partitions', () => {
  for (const pulseIntervalMs of [1000, 3000, 10_000]) {
    const sender = new Sender()
    const receiver = sender.connect({ pulseIntervalMs })
    receiver.subscribe(['A'])
    receiver.take()
    const atMs: number[] = []
    for (let i = 0; i < 600; i++) {
      if (i % 5 === 0) sender.pulse()
      sender.clock.advance(100)
      for (const { feed, partitions } of pulsesIn(receiver)) {
        atMs.push(sender.clock.nowMs())
        assert.equal(feed, 'quote')
        assert.equal(partitions?.[0]?.[1], sender.feed().freshness.get(0)?.point?.offset)
      }
    }
    const expected = 60_000 / pulseIntervalMs
    assert.ok(Math.abs(atMs.length - expected) <= 1, `${atMs.length} pulses, ${expected} expected`)
    for (let i = 1; i < atMs.length; i++) assert.ok(atMs[i]! - atMs[i - 1]! <= pulseIntervalMs + 100)
  }
})

test('where messages go out anyway, pulses ride on them, no oftener than granted and hardly later', () => {
  const sender = new Sender()
  const receiver = sender.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A'], { maxRate: 4 })
  receiver.take()
  const atMs: number[] = []
  let alone = 0
  for (let i = 0; i < 6000; i++) {
    if (i % 50 === 0) sender.pulse()
    sender.record('A', { last: i })
    sender.clock.advance(10)
    const frames = receiver.peek()
    const updates = frames.filter(({ t }) => t === 'update').length
    for (const { t } of frames) {
      if (t !== 'pulse') continue
      atMs.push(sender.clock.nowMs())
      if (updates === 0) alone++
    }
  }
  assert.ok(atMs.length >= 47 && atMs.length <= 61, `${atMs.length} pulses in 60 s`)
  for (let i = 1; i < atMs.length; i++) assert.ok(atMs[i]! - atMs[i - 1]! <= 1300, `${atMs[i]! - atMs[i - 1]!} ms`)
  assert.ok(alone <= 2, `${alone} pulses came by themselves`)
})

test('a receiver that asks for less than 200 ms gets each pulse as it comes', () => {
  const sender = new Sender({ session: { pulseIntervalMs: 0 } })
  const [eager, patient] = [sender.connect({ pulseIntervalMs: 0 }), sender.connect({ pulseIntervalMs: 200 })]
  for (const receiver of [eager, patient]) {
    receiver.subscribe(['A'])
    receiver.take()
  }
  let progress = 0
  for (let i = 0; i < 50; i++) {
    sender.pulse()
    sender.clock.advance(30)
    progress += pulsesIn(eager).filter(({ feed }) => feed !== undefined).length
  }
  assert.equal(progress, 50)
  assert.ok(pulsesIn(patient).length <= 9)
})

test('where no pulse is new, a heartbeat comes instead, to an eager receiver once a second', () => {
  const sender = new Sender({ session: { pulseIntervalMs: 0 } })
  const receiver = sender.connect({ pulseIntervalMs: 0 })
  sender.pulse()
  receiver.subscribe(['A'])
  receiver.take()
  sender.clock.advance(10_000)
  const pulses = pulsesIn(receiver)
  assert.ok(pulses.length >= 9 && pulses.length <= 11, `${pulses.length}`)
  assert.ok(pulses.every(({ feed }) => feed === undefined))
})

test('a session that subscribes to nothing gets bare heartbeats', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.take()
  sender.pulse()
  sender.clock.advance(2000)
  const [pulse] = pulsesIn(receiver)
  assert.deepEqual(Object.keys(pulse!).sort(), ['at', 'pulse', 't'])
})

test('who subscribes to a feed for the first time is proven fresh at once', () => {
  const sender = new Sender()
  sender.record('A', { last: 1 })
  sender.pulse()
  const receiver = sender.connect()
  receiver.take()
  receiver.subscribe(['A'])
  const frames = receiver.take()
  assert.deepEqual(
    frames.map((frame) => (frame.t === 'pulse' ? frame.feed : frame.t)),
    ['subscribed', 'update', 'quote'],
  )
})

test('what a feed has moved to is proven at once, partition by partition, and at the interval from then on', () => {
  const sender = new Sender()
  const receiver = sender.connect({ pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  sender.pulse()
  sender.clock.advance(3000)
  receiver.take()
  sender.hub.setShape(sender.feed(), 2, 2)
  for (const partition of [0, 1]) {
    sender.pulse({ partition })
    sender.clock.advance(50)
    assert.deepEqual(
      pulsesIn(receiver).map(({ generation, partitions }) => [generation, partitions?.at(-1)?.[0]]),
      [[2, partition]],
    )
  }
  for (let i = 0; i < 6; i++) {
    sender.pulse()
    sender.clock.advance(50)
  }
  assert.ok(pulsesIn(receiver).length <= 1)
})

test('only feeds that are subscribed to are pulsed, and one frame serves each', () => {
  const sender = new Sender({ feeds: [{}, { name: 'trade', mode: 'every' }, { name: 'news' }] })
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.subscribe(['A'], { id: 2, feed: 'trade' })
  receiver.take()
  for (const feed of ['quote', 'trade', 'news']) sender.pulse({ feed })
  sender.clock.advance(1000)
  assert.deepEqual(
    pulsesIn(receiver).map(({ feed }) => feed),
    ['quote', 'trade'],
  )
})

test('a pulse stands behind every update that precedes it, also when they take several messages', () => {
  const sender = new Sender({ session: { pulseIntervalMs: 0 } })
  const receiver = sender.connect({ pulseIntervalMs: 0, bytesPerSecond: 100_000, latencyMs: 10 })
  const names = Array.from({ length: 90 }, (_, i) => `S${i}`)
  receiver.subscribe(names)
  sender.clock.advance(200)
  receiver.peek()
  const newest = new Map<number, Map<string, number>>()
  const held = new Map<string, number>()
  let proven = 0
  for (let i = 0; i < 300; i++) {
    for (let k = 0; k < 20; k++) sender.record(names[(i * 20 + k) % 90]!, { i, text: 'x'.repeat(200) })
    sender.pulse()
    newest.set(sender.feed().freshness.get(0)!.point!.offset, new Map(names.map((name) => [name, sender.symbol(name).values[0] as number])))
    sender.clock.advance(10)
    for (const frame of receiver.peek()) {
      if (frame.t === 'update') held.set(frame.symbol, Number(frame.values['i']))
      if (frame.t !== 'pulse' || frame.feed === undefined) continue
      proven++
      for (const [name, value] of newest.get(frame.partitions![0]![1])!) if (value !== undefined) assert.ok(held.get(name)! >= value, name)
    }
  }
  assert.ok(proven > 2, `${proven} pulses`)
})

test('pulse numbers only grow, over feeds, encodings and heartbeats', () => {
  const sender = new Sender({ feeds: [{}, { name: 'trade', mode: 'every' }] })
  const receivers = [sender.connect(), sender.connect({ encoding: 'pulsewire.bin.v1' })]
  const last = [0, 0]
  for (const [i, receiver] of receivers.entries()) receiver.subscribe(['A'], { feed: i === 0 ? 'quote' : 'trade' })
  for (let k = 0; k < 20; k++) {
    if (k % 3 !== 0) for (const feed of ['quote', 'trade']) sender.pulse({ feed })
    sender.clock.advance(700)
    for (const [i, receiver] of receivers.entries()) {
      for (const { pulse } of pulsesIn(receiver)) {
        assert.ok(pulse > last[i]!)
        last[i] = pulse
      }
    }
  }
})

test('the pulse that makes a partition live again goes along with the word that it is', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  sender.pulse()
  receiver.take()
  sender.clock.advance(2000)
  sender.hub.checkFreshness()
  assert.ok(receiver.peek().every(({ t }) => t !== 'live'))
  sender.pulse()
  sender.hub.checkFreshness()
  sender.clock.turn()
  const frames = receiver.peek().filter(({ t }) => t === 'live' || t === 'pulse')
  assert.deepEqual(
    frames.map((frame) => (frame.t === 'pulse' ? frame.partitions?.[0]?.[1] : frame.t)),
    ['live', 1],
  )
})
