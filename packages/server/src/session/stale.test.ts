import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveFrame, PulseFrame, StaleFrame } from '@pulsewire/protocol'
import type { Receiver } from '../../../../test/support/receiver.ts'
import { Sender, everything } from '../../../../test/support/sender.ts'
import { WHOLE_FEED } from '../hub/index.ts'

function setUp(partitions = 1) {
  let reason: 'no_pulse' | 'topic_missing' = 'no_pulse'
  const explain = () => ({ hop: 'log', reason, message: 'why' })
  const sender = new Sender({ source: { ...everything, explain } })
  for (let partition = 0; partition < partitions; partition++) sender.pulse({ partition })
  const startMs = sender.clock.nowMs()
  const pass = (ms: number) => {
    sender.clock.advance(ms)
    sender.hub.checkFreshness()
  }
  return { sender, startMs, pass, explainBy: (other: typeof reason) => (reason = other) }
}

function notices(receiver: Receiver): (StaleFrame | LiveFrame)[] {
  return receiver.take().filter((frame): frame is StaleFrame | LiveFrame => frame.t === 'stale' || frame.t === 'live')
}

test('a partition without pulses is told to be stale: who, why, since when; and live when they come again', () => {
  const { sender, startMs, pass } = setUp()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.take()
  pass(1600)
  assert.deepEqual(notices(receiver), [
    { t: 'stale', feed: 'quote', partitions: [0], hop: 'log', reason: 'no_pulse', since: startMs, message: 'why' },
  ])
  pass(1000)
  assert.deepEqual(notices(receiver), [])
  sender.pulse()
  pass(0)
  assert.deepEqual(notices(receiver), [{ t: 'live', feed: 'quote', partitions: [0] }])
})

test('the pulse that shows it comes with the word that it is live, whatever interval was granted', () => {
  const { sender, pass } = setUp()
  const receiver = sender.connect({ pulseIntervalMs: 10_000 })
  receiver.subscribe(['A'])
  pass(1600)
  receiver.take()
  sender.pulse({ offset: 7 })
  pass(50)
  const frames = receiver.take()
  assert.deepEqual(
    frames.map(({ t }) => t),
    ['live', 'pulse'],
  )
  const pulse = frames.find((frame): frame is PulseFrame => frame.t === 'pulse')
  assert.equal(pulse?.partitions?.[0]?.[1], 7)
})

test('the node says so itself, once per change, whether anybody subscribes or not', () => {
  const { sender, pass } = setUp(2)
  const said = () => sender.log.lines.filter(({ code }) => code.startsWith('feed_')).map(({ code, fields }) => [code, fields['partitions']])
  pass(1600)
  pass(1000)
  assert.deepEqual(said(), [['feed_stale', [0, 1]]])
  assert.equal(sender.log.lines.find(({ code }) => code === 'feed_stale')?.fields['hop'], 'log')
  sender.pulse({ partition: 1 })
  pass(0)
  assert.deepEqual(said().slice(1), [['feed_live', [1]]])
})

test('partitions that are stale for the same cause since about the same time share a notice', () => {
  const { sender, pass } = setUp(3)
  sender.clock.advance(500)
  sender.pulse({ partition: 1 })
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  pass(5000)
  assert.deepEqual(
    notices(receiver).map(({ partitions }) => partitions),
    [[0, 2], [1]],
  )
})

test('another cause replaces the notice', () => {
  const { sender, pass, explainBy } = setUp()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  pass(2000)
  notices(receiver)
  explainBy('topic_missing')
  pass(100)
  assert.deepEqual(
    notices(receiver).map((notice) => notice.t === 'stale' && notice.reason),
    ['topic_missing'],
  )
})

test('who subscribes while a partition is stale is told', () => {
  const { sender, pass } = setUp(2)
  pass(2000)
  const receiver = sender.connect()
  assert.deepEqual(notices(receiver), [], 'not before it subscribes')
  receiver.subscribe(['A'])
  assert.deepEqual(
    notices(receiver).flatMap(({ partitions }) => partitions),
    [0, 1],
  )
  receiver.subscribe(['B'])
  assert.deepEqual(notices(receiver), [], 'not again')
})

test('a feed that is not subscribed to is no concern of the receiver', () => {
  const { sender, pass } = setUp()
  const receiver = sender.connect()
  receiver.take()
  pass(5000)
  assert.deepEqual(notices(receiver), [])
})

test('who was told that a partition is stale is told when it is live, subscribed or not in between', () => {
  const { sender, pass } = setUp()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  pass(2000)
  assert.equal(notices(receiver)[0]?.t, 'stale')
  receiver.send({ t: 'unsubscribe', id: 1 })
  receiver.take()
  sender.pulse()
  pass(0)
  receiver.subscribe(['A'])
  assert.deepEqual(
    notices(receiver).map(({ t }) => t),
    ['live'],
  )
})

test('what was said of a partition that is judged here no more is taken back, and it is said anew when it is judged again', () => {
  const { sender, pass } = setUp(3)
  const [receiver, other] = [sender.connect(), sender.connect()]
  receiver.subscribe(['A'])
  pass(2000)
  assert.deepEqual(
    notices(receiver).map(({ partitions }) => partitions),
    [[0, 1, 2]],
  )
  sender.hub.forgetPartitions(sender.feed(), (partition) => partition > 0)
  assert.deepEqual(notices(receiver), [{ t: 'live', feed: 'quote', partitions: [1, 2] }])
  sender.feed().freshness.expect(1, sender.clock.nowMs())
  pass(100)
  assert.deepEqual(notices(receiver), [])
  pass(2000)
  assert.deepEqual(
    notices(receiver).map(({ t, partitions }) => [t, partitions]),
    [['stale', [1]]],
  )
  assert.deepEqual(notices(other), [], 'who was told nothing is told nothing')
})

test('a feed that comes to have fewer partitions takes back what was said of the others', () => {
  const { sender, pass } = setUp(2)
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  pass(2000)
  receiver.take()
  sender.hub.setShape(sender.feed(), 2, 1)
  assert.deepEqual(
    receiver
      .take()
      .filter(({ t }) => t === 'live' || t === 'feeds')
      .map((frame) => (frame.t === 'live' ? frame.partitions : frame.t)),
    [[1], 'feeds'],
  )
})

test('a change of the list of feeds is told to all', () => {
  const { sender } = setUp()
  const receiver = sender.connect()
  receiver.take()
  sender.hub.setShape(sender.feed(), 2, 4)
  assert.deepEqual(
    receiver.takeOf('feeds').map(({ feeds }) => feeds[0]),
    [{ feed: 'quote', mode: 'latest', codec: 'json', generation: 2, partitions: 4 }],
  )
})

test('a feed of which no partition is known is told as a whole, and taken back before its partitions are told', () => {
  const sender = new Sender({ source: { ...everything, explain: () => ({ hop: 'log', reason: 'topic_missing', message: 'why' }) } })
  const { freshness } = sender.feed()
  freshness.expect(WHOLE_FEED, sender.clock.nowMs())
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  const pass = (ms: number) => {
    sender.clock.advance(ms)
    sender.hub.checkFreshness()
    return notices(receiver).map(({ t, partitions }) => [t, partitions])
  }
  assert.deepEqual(pass(1600), [['stale', undefined]])
  freshness.expect(0, sender.clock.nowMs())
  assert.deepEqual(pass(100), [
    ['live', undefined],
    ['stale', [0]],
  ])
})
