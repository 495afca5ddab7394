import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PulseFrame } from '@pulsewire/protocol'
import type { SeenUpdate } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'

test('a symbol that changes all the time is sent once per period, with its newest value and the count of all', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  sender.record('A', { last: 0 })
  receiver.subscribe(['A'], { maxRate: 4 })
  assert.equal(receiver.takeOf('update').length, 1, 'the snapshot does not wait')
  const atMs: number[] = []
  let records = 0
  let counted = 0
  for (let i = 1; i <= 1000; i++) {
    sender.record('A', { last: i })
    records++
    sender.clock.advance(2)
    for (const update of seen()) {
      atMs.push(sender.clock.nowMs())
      counted += update.n
      assert.ok(Number(update.values['last']) >= i - 1)
    }
  }
  assert.equal(atMs.length, 8, '4 per second for 2 seconds')
  assert.ok(records - counted < 250 / 2, 'nothing but the last period is uncounted')
  for (let i = 1; i < atMs.length; i++) assert.ok(atMs[i]! - atMs[i - 1]! >= 250 - 20)

  function seen(): SeenUpdate[] {
    return receiver.peek().filter((frame) => frame.t === 'update')
  }
})

test('at any moment and whatever the rate, no symbol is sent more often than it says', () => {
  for (const maxRate of [0.5, 1, 3, 7]) {
    const sender = new Sender()
    const receiver = sender.connect()
    receiver.subscribe(['A', 'B'], { maxRate })
    receiver.take()
    const updates: string[] = []
    sender.record('A', { last: -1 })
    sender.record('B', { last: -1 })
    receiver.take()
    for (let i = 0; i < 1000; i++) {
      sender.record(i % 2 === 0 ? 'A' : 'B', { last: i })
      sender.clock.advance(10)
      for (const frame of receiver.peek()) if (frame.t === 'update') updates.push(frame.symbol)
    }
    for (const name of ['A', 'B']) {
      const count = updates.filter((symbol) => symbol === name).length
      assert.ok(count <= 10 * maxRate + 1 && count >= 10 * maxRate - 1, `${name}: ${count} in 10 s at ${maxRate}`)
    }
  }
})

test('the last state comes at the next tick, even when nothing changes any more', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  sender.record('A', { last: 1 })
  receiver.subscribe(['A'], { maxRate: 1 })
  receiver.take()
  for (const last of [2, 3]) sender.record('A', { last })
  sender.clock.advance(900)
  assert.deepEqual(receiver.image('A'), { last: 1 })
  sender.clock.advance(200)
  assert.deepEqual(receiver.image('A'), { last: 3 })
  receiver.take()
  sender.clock.advance(5000)
  assert.deepEqual(receiver.takeOf('update'), [])
})

test('the guarantee with a rate: what precedes a pulse is held once a pulse frame one period later has come', () => {
  const sender = new Sender({ session: { pulseIntervalMs: 0 } })
  const receiver = sender.connect({ pulseIntervalMs: 0 })
  const periodMs = 250
  receiver.subscribe(['A'], { maxRate: 4 })
  receiver.take()
  const pulses: { at: number; record: number }[] = []
  let held = -1
  for (let i = 0; i < 2000; i++) {
    sender.record('A', { record: i })
    if (i % 7 === 0) {
      sender.pulse()
      pulses.push({ at: sender.clock.nowMs(), record: i })
    }
    sender.clock.advance(3)
    for (const frame of receiver.peek()) {
      if (frame.t === 'update') held = Number(frame.values['record'])
      if (frame.t === 'pulse' && frame.feed !== undefined) assertHeld(frame)
    }
  }

  function assertHeld({ at }: PulseFrame): void {
    const proven = pulses.findLast((pulse) => pulse.at <= at - periodMs)
    assert.ok(proven === undefined || held >= proven.record, `holds ${held}, should hold ${proven?.record}`)
  }
})

test('synchronised anew while its tick is awaited, a symbol comes at once, and once', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  sender.record('A', { last: 1 })
  receiver.subscribe(['A'], { maxRate: 1 })
  receiver.take()
  sender.record('A', { last: 2 })
  receiver.subscribe(['A'], { maxRate: 1 })
  assert.deepEqual(
    receiver.takeOf('update').map(({ snapshot, values }) => [snapshot, values]),
    [[true, { last: 2 }]],
  )
  sender.clock.advance(2000)
  assert.deepEqual(receiver.takeOf('update'), [], 'the tick has nothing to add')
  sender.record('A', { last: 3 })
  sender.clock.advance(3000)
  assert.deepEqual(
    receiver.takeOf('update').map(({ n, values }) => [n, values]),
    [[1, { last: 3 }]],
  )
})

test('one timer serves all sessions with the same rate, and none stays when they are gone', () => {
  const sender = new Sender()
  const receivers = [sender.connect(), sender.connect()]
  for (const receiver of receivers) {
    receiver.subscribe(['A', 'B'], { maxRate: 4 })
    receiver.take()
  }
  sender.clock.advance(300)
  const { timers } = sender.clock
  sender.record('A', { last: 1 })
  sender.record('B', { last: 1 })
  assert.equal(sender.clock.timers, timers + 1)
  for (const receiver of receivers) receiver.disconnect()
  sender.clock.advance(300)
  sender.record('A', { last: 2 })
  assert.ok(sender.clock.timers <= timers, `${sender.clock.timers} timers are left, ${timers} at first`)
})

test('receivers with and without a rate share a symbol: each gets what it asked for', () => {
  const sender = new Sender()
  const [direct, slow, slower] = [sender.connect(), sender.connect(), sender.connect()]
  direct!.subscribe(['A'])
  slow!.subscribe(['A'], { maxRate: 4 })
  slower!.subscribe(['A'], { maxRate: 1 })
  for (const receiver of [direct, slow, slower]) receiver!.take()
  const counts = [0, 0, 0]
  const startMs = sender.clock.nowMs()
  for (let i = 0; i < 100; i++) {
    sender.record('A', { last: i })
    sender.clock.advance(20)
    ;[direct, slow, slower].forEach((receiver, index) => (counts[index]! += receiver!.takeOf('update').length))
  }
  const seconds = (sender.clock.nowMs() - startMs) / 1000
  assert.equal(counts[0], 100)
  assert.ok(Math.abs(counts[1]! - seconds * 4) <= 1, `${counts[1]} in ${seconds} s at 4 per second`)
  assert.ok(Math.abs(counts[2]! - seconds) <= 1, `${counts[2]} in ${seconds} s at 1 per second`)
  direct!.disconnect()
  slower!.disconnect()
  sender.record('A', { last: -1 })
  sender.clock.advance(260)
  assert.deepEqual(slow!.image('A'), { last: -1 })
})
