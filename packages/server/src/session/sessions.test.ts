import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'

test('drained, every receiver is told to move and where; who has not left at the deadline is cut', async () => {
  const sender = new Sender({ elsewhere: () => ['ws://gw-2:8080'] })
  const [quick, slow] = [sender.connect(), sender.connect()]
  const drained = sender.sessions.drain(3000)
  let isOver = false
  void drained.then(() => (isOver = true))
  for (const receiver of [quick, slow]) {
    const [goodbye] = receiver.takeOf('goodbye')
    assert.deepEqual([goodbye?.code, goodbye?.addresses], ['draining', ['ws://gw-2:8080']])
  }
  quick.disconnect()
  await sender.clock.pass(2900)
  assert.deepEqual([isOver, slow.closed.code], [false, 0])
  await sender.clock.pass(200)
  assert.deepEqual([isOver, slow.closed.code], [true, 4200])
  assert.ok(sender.log.lines.some(({ code }) => code === 'drain_cut'))
})

test('receivers are told at a pace, each once, and meanwhile served', async () => {
  const sender = new Sender({ session: { sessionsMax: 1000, drainPerSecond: 100 } })
  const receivers = Array.from({ length: 200 }, () => sender.connect())
  for (const receiver of receivers) receiver.peek()
  const told = new Map<(typeof receivers)[number], number>()
  const listen = () => {
    for (const receiver of receivers) {
      for (const { t } of receiver.peek()) if (t === 'goodbye') told.set(receiver, (told.get(receiver) ?? 0) + 1)
    }
    return told.size
  }
  void sender.sessions.drain(10_000)
  await sender.clock.pass(500)
  const half = listen()
  assert.ok(half >= 50 && half <= 56, `${half} of 50 expected`)
  await sender.clock.pass(500)
  const full = listen()
  assert.ok(full >= 100 && full <= 106, `${full} of 100 expected`)
  const last = receivers.at(-1)!
  last.subscribe(['A'])
  await sender.clock.pass(100)
  assert.ok(last.peek().some(({ t }) => t === 'subscribed'))
  await sender.clock.pass(1500)
  assert.equal(listen(), 200)
  assert.deepEqual(new Set(told.values()), new Set([1]))
  assert.deepEqual(
    sender.log.lines.filter(({ code }) => code === 'drain_hurried'),
    [],
  )
})

test('a deadline too short for the pace hurries the drain: everybody is told in half of the time', async () => {
  const sender = new Sender({ session: { sessionsMax: 1000, drainPerSecond: 10 } })
  const receivers = Array.from({ length: 200 }, () => sender.connect())
  void sender.sessions.drain(2000)
  await sender.clock.pass(1050)
  assert.equal(receivers.filter((receiver) => receiver.peek().some(({ t }) => t === 'goodbye')).length, 200)
  assert.ok(sender.log.lines.some(({ code }) => code === 'drain_hurried'))
})

test('draining, whoever has not said hello, or comes late, is sent elsewhere at once', () => {
  const sender = new Sender()
  const silent = sender.connectSilently()
  sender.connect()
  void sender.sessions.drain(3000)
  assert.equal(silent.closed.code, 4200)
  assert.equal(sender.connectSilently().closed.code, 4200)
})

test('a drain takes over from a shedding: those who were asked to move before are told that they must', async () => {
  const sender = new Sender()
  const receivers = [sender.connect(), sender.connect()]
  sender.sessions.shed(1)
  await sender.clock.pass(100)
  const goodbyes = (index: number) => receivers[index]!.peek().flatMap((frame) => (frame.t === 'goodbye' ? [frame.code] : []))
  assert.deepEqual([goodbyes(0), goodbyes(1)], [['rebalance'], []])
  void sender.sessions.drain(3000)
  sender.sessions.shed(2)
  await sender.clock.pass(100)
  assert.deepEqual([goodbyes(0), goodbyes(1)], [['draining'], ['draining']])
})

test('when all have left, draining is over at once', async () => {
  const sender = new Sender()
  const receiver = sender.connect()
  let isOver = false
  void sender.sessions.drain(30_000).then(() => (isOver = true))
  await sender.clock.pass(100)
  receiver.disconnect()
  await sender.clock.pass(100)
  assert.equal(isOver, true)
})

test('closing closes every session with 4200, what was said before included, and leaves no timer', () => {
  const sender = new Sender()
  const receivers = [sender.connect(), sender.connectSilently()]
  for (const receiver of receivers) receiver.take()
  receivers[0]!.subscribe(['A'])
  sender.sessions.close()
  assert.deepEqual(
    receivers.map(({ closed }) => closed.code),
    [4200, 4200],
  )
  assert.deepEqual(
    receivers[0]!
      .peek()
      .map(({ t }) => t)
      .slice(0, 1),
    ['subscribed'],
  )
  for (const receiver of receivers) receiver.disconnect()
  assert.deepEqual([sender.sessions.size, sender.clock.timers], [0, 0])
})

test('a closed session is sent nothing more', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.take()
  receiver.send({ t: 'bye' })
  const sent = receiver.messageSizes.length
  sender.record('A', { last: 1 })
  sender.pulse()
  sender.hub.setShape(sender.feed(), 2, 3)
  sender.clock.advance(20_000)
  assert.equal(receiver.messageSizes.length, sent)
})

test('the node counts its sessions and says when it is full', () => {
  const sender = new Sender({ session: { sessionsMax: 2 } })
  const receivers = [sender.connect(), sender.connectSilently()]
  assert.deepEqual([sender.sessions.size, sender.sessions.full, [...sender.sessions].length], [2, true, 2])
  receivers[0]!.disconnect()
  assert.equal(sender.sessions.full, false)
})
