import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS, encodeUpstreamFor } from '@pulsewire/protocol'
import { Sender } from '../../../../test/support/sender.ts'

for (const encoding of ENCODINGS) {
  test(`hello is answered by welcome, with what was granted (${encoding})`, () => {
    const sender = new Sender({ feeds: [{}, { name: 'trade', mode: 'every' }] })
    const at = sender.clock.nowMs()
    const receiver = sender.connect({ encoding, pulseIntervalMs: 10_000 })
    const [welcome, ...more] = receiver.take()
    assert.deepEqual(more, [])
    const session = `push-a1.${sender.hub.epoch.toString(36)}.1`
    assert.deepEqual(welcome, {
      t: 'welcome',
      session,
      node: 'push-a1',
      role: 'push',
      version: '0.0.0 (protocol 1)',
      at,
      epoch: sender.hub.epoch,
      pulseIntervalMs: 10_000,
      staleAfterMs: 11_500,
      feeds: [
        { feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 1 },
        { feed: 'trade', mode: 'every', codec: 'json', generation: 1, partitions: 1 },
      ],
      limits: { messageBytesMax: 16_384, subscriptionsMax: 100, patternsMax: 100 },
    })
  })
}

test('pulses are never granted more often than the node gives them', () => {
  const sender = new Sender({ session: { pulseIntervalMs: 1000, staleAfterMs: 2500 } })
  const [welcome] = sender.connect({ pulseIntervalMs: 0 }).takeOf('welcome')
  assert.deepEqual([welcome?.pulseIntervalMs, welcome?.staleAfterMs], [1000, 2500])
})

test('frames sent behind hello, before welcome came, are handled in order', () => {
  const sender = new Sender()
  const receiver = sender.connectSilently()
  receiver.send({ t: 'hello', client: 'test' })
  receiver.subscribe(['A'])
  receiver.send({ t: 'sync', at: 5 })
  assert.deepEqual(
    receiver.take().map(({ t }) => t),
    ['welcome', 'sync', 'subscribed', 'pulse'],
  )
})

test('a first frame that is not hello closes with 4000', () => {
  const receiver = new Sender().connectSilently()
  receiver.send({ t: 'sync', at: 1 })
  assert.deepEqual(receiver.transport.closedWith, { code: 4000, reason: 'protocol_error: the first frame is hello, not sync' })
})

test('a hello that is not valid closes with 4000 and says what is wrong', () => {
  const receiver = new Sender().connectSilently()
  receiver.sendRaw('{"t":"hello"}')
  const { code, reason } = receiver.closed
  assert.equal(code, 4000)
  assert.match(reason, /hello\.client/)
})

test('no hello within the deadline closes with 4103', () => {
  const sender = new Sender({ session: { helloTimeoutMs: 3000 } })
  const silent = sender.connectSilently()
  const greeted = sender.connect()
  sender.clock.advance(2900)
  assert.equal(silent.closed.code, 0)
  sender.clock.advance(1100)
  assert.deepEqual([silent.closed.code, greeted.closed.code], [4103, 0])
})

test('bye closes with 1000, and nothing that comes behind it is heeded', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.send({ t: 'bye' })
  receiver.subscribe(['B'])
  assert.deepEqual(receiver.transport.closedWith, { code: 1000, reason: 'bye' })
  assert.deepEqual([sender.symbol('A').entries.length, sender.symbol('B').entries.length], [0, 0])
})

test('an error that closes goes out before the close', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.take()
  for (let i = 0; i < 4; i++) receiver.sendRaw('{')
  assert.equal(receiver.takeOf('error').length, 4)
  assert.equal(receiver.transport.closedWith?.code, 4004)
})

test('a connection that broke, and one that was closed, leave nothing behind', () => {
  const sender = new Sender()
  for (const end of ['break', 'close'] as const) {
    const receiver = sender.connect()
    receiver.subscribe(['A'], { patterns: ['B*'], maxRate: 2, fields: ['last'] })
    receiver.take()
    sender.record('A', { last: 1 })
    sender.record('A', { last: 2 })
    if (end === 'close') receiver.send({ t: 'bye' })
    receiver.disconnect()
    receiver.take()
  }
  sender.clock.advance(5000)
  const feed = sender.feed()
  assert.deepEqual([sender.sessions.size, sender.symbol('A').entries.length, feed.patterns.size, feed.views.size], [0, 0, 0, 0])
  // Only the check of all sessions ticks on.
  assert.equal(sender.clock.timers, 1)
  sender.sessions.close()
  assert.equal(sender.clock.timers, 0)
})

test('sync is answered with both times', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.take()
  const at = sender.clock.nowMs()
  receiver.send({ t: 'sync', at: 1234.5 })
  assert.deepEqual(receiver.take(), [{ t: 'sync', echo: 1234.5, at }])
})

test('a binary message that cannot be split into frames closes with 4000', () => {
  const receiver = new Sender().connect({ encoding: 'pulsewire.bin.v1' })
  receiver.sendRaw(Uint8Array.of(0x01, 0x7f))
  assert.equal(receiver.transport.closedWith?.code, 4000)
})

test('text on a binary session, and bytes on a JSON one, close with 4000', () => {
  for (const encoding of ENCODINGS) {
    const other = ENCODINGS.find((each) => each !== encoding)!
    const receiver = new Sender().connect({ encoding })
    receiver.sendRaw(encodeUpstreamFor(other)({ t: 'sync', at: 1 }))
    assert.equal(receiver.transport.closedWith?.code, 4000, encoding)
  }
})
