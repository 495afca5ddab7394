import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Sender } from '../../../../test/support/sender.ts'
import { SessionHistory } from '../history/index.ts'

function start() {
  const clock = new ManualClock()
  const notes = new SessionHistory({ node: 'gw-1', clock, entriesMax: 1000, bytesMax: 1e6 })
  const sender = new Sender({ clock, notes, session: { subscriptionsMax: 3 } })
  const told = () => notes.of({ user: 'jo' }).map(({ what, detail }) => `${what}: ${detail}`)
  const connect = () => {
    const receiver = sender.connectSilently()
    receiver.send({ t: 'hello', client: 'app/1', user: 'jo', via: 'http://lb-1:8070' })
    return receiver
  }
  return { clock, sender, told, connect, size: () => notes.size }
}

test('a session writes down what happens to it: from where it came to why it ended', async () => {
  const { clock, told, connect } = start()
  const receiver = connect()
  receiver.subscribe(['A', 'B', 'C'])
  await clock.pass(100)
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['B'] })
  receiver.send({ t: 'subscribe', id: 2, feed: 'nothing', symbols: ['A'] })
  await clock.pass(100)
  receiver.send({ t: 'bye' })
  receiver.disconnect()
  assert.deepEqual(told(), [
    'connected: app/1 from memory, sent here by http://lb-1:8070',
    'subscribed: A, B, C of quote (id 1); 3 symbols in all',
    'unsubscribed: id 1: 1 symbols; 2 symbols left',
    'refused: a subscription to nothing: feed_unknown: no feed nothing here; there is quote',
    'closed: bye; pulse 1 was acknowledged 200 ms before',
  ])
})

test('who only looks whether it is let in, and names no user, is not written down in the place of users', async () => {
  const { clock, sender, size } = start()
  for (const hello of [{ client: 'pulsewire-entry/1 lb-1' }, { client: 'pulsewire-entry/1 lb-1', user: 'jo' }]) {
    const receiver = sender.connectSilently()
    receiver.send({ t: 'hello', ...hello })
    receiver.send({ t: 'subscribe', id: 1, feed: 'quote', patterns: ['.pulsewire.probe'] })
    await clock.pass(100)
    receiver.send({ t: 'bye' })
    receiver.disconnect()
    assert.equal(size(), hello.user === undefined ? 0 : 3)
  }
})

test('of a pattern, whose symbols come later, no number is told that would be wrong', async () => {
  const { clock, told, connect } = start()
  const receiver = connect()
  receiver.send({ t: 'subscribe', id: 1, feed: 'quote', patterns: ['*.US'] })
  await clock.pass(100)
  assert.deepEqual(told().slice(1), ['subscribed: *.US of quote (id 1)'])
})

test('a stale feed is written down once, not with each session', async () => {
  const { clock, sender, told, connect } = start()
  sender.pulse()
  const receivers = [connect(), connect(), connect()]
  for (const receiver of receivers) receiver.subscribe(['A'])
  await clock.pass(3000)
  sender.hub.checkFreshness()
  assert.equal(told().filter((line) => line.startsWith('feed_stale: quote is stale')).length, 1)
})

test('who is cut for taking nothing is written down with what was last acknowledged', async () => {
  const { clock, told, connect } = start()
  const receiver = connect()
  receiver.subscribe(['A'])
  await clock.pass(100)
  receiver.acks = false
  await clock.pass(20_000)
  const lines = told()
  assert.ok(
    lines.some((line) => line.startsWith('stalled: for ')),
    lines.join('\n'),
  )
})
