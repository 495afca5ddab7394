import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'

test('drained, every receiver is told to move, and the node waits for them, but not for ever', async () => {
  const sender = new Sender()
  const [quick, slow] = [sender.connect(), sender.connect()]
  const drained = sender.sessions.drain(3000)
  let isOver = false
  void drained.then(() => (isOver = true))
  for (const receiver of [quick, slow]) {
    const [goodbye] = receiver.takeOf('goodbye')
    assert.deepEqual([goodbye?.code, goodbye?.addresses], ['draining', []])
  }
  quick.disconnect()
  await sender.clock.pass(2900)
  assert.deepEqual([isOver, sender.sessions.size], [false, 1])
  await sender.clock.pass(200)
  assert.equal(isOver, true)
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
