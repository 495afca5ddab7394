import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender } from '../../../../test/support/sender.ts'
import { BOUNDS_SECONDS, type Histogram } from '../runtime/histogram.ts'
import { endOf } from './counts.ts'

/** What was observed, as the bounds that it lies under. */
function seen(histogram: Histogram): number[] {
  return [...histogram.counts].flatMap((count, index) => Array<number>(count).fill(BOUNDS_SECONDS[index] ?? Infinity))
}

const ENCODINGS = ['pulsewire.json.v1', 'pulsewire.bin.v1'] as const

for (const encoding of ENCODINGS) {
  test(`${encoding}: latency is that of the first update of a message that is news`, () => {
    const sender = new Sender()
    const { latency } = sender.sessions.counts
    sender.record('A', { last: 1 }, { ts: sender.clock.nowMs() - 3_600_000 })
    const receiver = sender.connect({ encoding })
    receiver.subscribe(['A', 'B'])
    receiver.take()
    assert.deepEqual([...latency], [], 'an image that begins a subscription may be of any age')
    sender.record('A', { last: 2 }, { ts: sender.clock.nowMs() - 80 })
    sender.record('A', { last: 3 }, { ts: sender.clock.nowMs() - 20 })
    receiver.take()
    const [name, histogram] = [...latency][0]!
    assert.equal(name, 'quote')
    assert.deepEqual(seen(histogram), [0.025], 'of what is sent, which is the newest')
    sender.record('B', { last: 1 })
    receiver.take()
    sender.record('B', { last: 2 }, { ts: sender.clock.nowMs() + 5000 })
    receiver.take()
    assert.deepEqual(seen(histogram).sort(), [0.005, 0.025], 'a record from the future took no time, and the first image of B is none')
  })
}

test('records of an `every` feed are counted as well; what a rate holds back is not', () => {
  const sender = new Sender({ feeds: [{ name: 'trade', mode: 'every' }, {}] })
  const { latency } = sender.sessions.counts
  const receiver = sender.connect()
  receiver.subscribe(['A'], { feed: 'trade', id: 1 })
  receiver.subscribe(['Q'], { feed: 'quote', id: 2, maxRate: 1 })
  sender.record('A', { last: 1 }, { feed: 'trade' })
  sender.record('Q', { last: 1 })
  receiver.take()
  sender.record('A', { last: 2 }, { feed: 'trade', ts: sender.clock.nowMs() - 400 })
  sender.record('Q', { last: 2 }, { ts: sender.clock.nowMs() - 400 })
  sender.clock.advance(3000)
  receiver.take()
  assert.deepEqual(
    [...latency].map(([feed, histogram]) => [feed, seen(histogram)]),
    [['trade', [0.5]]],
  )
})

test('a pulse has its age when it is sent, of the oldest partition, and takes a round trip to be acknowledged', () => {
  const sender = new Sender()
  sender.hub.setShape(sender.feed(), 1, 2)
  const { pulseAge, delivery } = sender.sessions.counts
  const receiver = sender.connect({ latencyMs: 30, pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  receiver.take()
  sender.pulse({ partition: 0 })
  sender.pulse({ partition: 1, writtenAtMs: sender.clock.nowMs() - 1200 })
  sender.clock.advance(1100)
  const [, ages] = [...pulseAge][0]!
  assert.equal(seen(ages).length, 1)
  const age = ages.sumSeconds
  assert.ok(age >= 1.2 && age <= 2.3, `${age} s`)
  assert.ok(seen(delivery).length >= 1)
  assert.deepEqual([...new Set(seen(delivery))], [0.1], '30 ms there and 30 ms back')
})

test('what a receiver holds has its age with each acknowledgement, of heartbeats as well, and of no feed that it does not follow', () => {
  const sender = new Sender({ feeds: [{ name: 'quote' }, { name: 'trade' }] })
  const { acknowledgedAge } = sender.sessions.counts
  const receiver = sender.connect({ latencyMs: 40, pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  receiver.take()
  sender.pulse({ feed: 'trade' })
  sender.pulse({ feed: 'quote' })
  sender.clock.advance(3000)
  const of = () => new Map([...acknowledgedAge].map(([feed, histogram]) => [feed, seen(histogram)]))
  const [first, ...later] = of().get('quote')!
  assert.ok(first! <= 1.5, `${first}`)
  assert.ok(later.length >= 2, 'a heartbeat a second')
  assert.deepEqual([...of().keys()], ['quote'])
  sender.clock.advance(3000)
  assert.equal(of().get('quote')!.at(-1), 10, 'nothing has come for 6 s, and that is told')
  receiver.acks = false
  const { length } = of().get('quote')!
  sender.pulse({ feed: 'quote' })
  sender.clock.advance(3000)
  assert.equal(of().get('quote')!.length, length, 'who acknowledges nothing is not known of')
})

test('an acknowledgement that comes late tells of the pulse that it acknowledges, not of those sent meanwhile', () => {
  const sender = new Sender()
  const { acknowledgedAge } = sender.sessions.counts
  const receiver = sender.connect({ latencyMs: 1500, pulseIntervalMs: 1000 })
  receiver.subscribe(['A'])
  sender.clock.advance(4000)
  for (let second = 0; second < 8; second++) {
    sender.pulse()
    sender.clock.advance(1000)
  }
  const ages = seen([...acknowledgedAge][0]![1])
  assert.ok(ages.length >= 4)
  assert.ok(Math.min(...ages) >= 5, `3 s there and back, and up to a second before it was sent: ${ages}`)
})

test('how sessions end is counted by reason', () => {
  const sender = new Sender()
  const { ended } = sender.sessions.counts
  const some = () => Object.fromEntries(Object.entries(ended).filter(([, count]) => count > 0))
  const [lost, cut, polite] = [sender.connect(), sender.connect(), sender.connect()]
  lost.disconnect()
  ;[...sender.sessions][0]!.close('slow_consumer', 'takes nothing')
  cut.handler.closed(4101, '')
  polite.send({ t: 'bye' })
  polite.handler.closed(1000, '')
  assert.deepEqual(some(), { lost: 1, slow_consumer: 1, left: 1 })
  assert.equal(sender.sessions.counts.opened, 3)
  assert.deepEqual([1000, 1001, 1005, 1006, 1002, 4999].map(endOf), ['left', 'left', 'left', 'lost', 'lost', 'lost'])
})
