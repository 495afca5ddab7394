import type { FieldValue, UpstreamFrame } from '../frames.ts'
import { type ModelRecord, ReferenceSender, type SentMessage } from './reference-sender.ts'
import { EPOCH, FEEDS, subscribed, WELCOME } from './session.ts'

function record(offset: number, fields: Record<string, FieldValue>, more: Partial<ModelRecord> = {}): ModelRecord {
  return { generation: 1, partition: 2, offset, ts: EPOCH + offset * 10, fields: new Map(Object.entries(fields)), ...more }
}

/** A short session with every kind of frame and value; subscription id 1 is to the first feed, 2 to the second, 3 to the third. */
export function recordedSession(): SentMessage[] {
  const sender = new ReferenceSender(EPOCH, FEEDS)
  const messages: SentMessage[] = []
  const end = () => messages.push(sender.flush())
  sender.control(WELCOME)
  end()
  const refs = [
    [1, 'AAPL.US', 1],
    [2, 'TSLA.US', 200],
    [3, 'BOOK.HK', 3],
  ] as const
  for (const [id, symbol, ref] of refs) {
    sender.control(subscribed(id, [symbol, ref, 'snapshot']))
    sender.open(ref, id - 1, symbol)
  }
  const wide = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`field${i}`, i / 4]))
  sender.update(
    1,
    record(5, { last: 187.23, name: '苹果 🍎', halted: false, note: null, book: [{ p: 1.5, q: [1, 2] }], odd: 0.1 + 0.2, ...wide }),
    0,
    true,
  )
  sender.update(200, record(9, { price: 12.5, size: 100 }), 0, true)
  sender.update(3, record(4, {}, { raw: Uint8Array.of(1, 2, 3, 255) }), 0, true)
  end()
  sender.mark(17)
  sender.update(1, record(8, { last: 187.235, name: '苹果', halted: true, ...wide, field19: -1 }), 3)
  sender.update(200, record(11, { price: 12.25, size: 5 }, { prev: 9 }))
  sender.pulse({
    t: 'pulse',
    pulse: 812,
    at: EPOCH + 500,
    feed: 'quote',
    generation: 1,
    paths: [['push-a1', 'gw-1'], []],
    partitions: [
      [2, 9, 0, 14, [9, 1]],
      [3, 70, 1, 12, []],
    ],
  })
  end()
  sender.control({
    t: 'stale',
    feed: 'quote',
    partitions: [0, 1],
    hop: 'log',
    reason: 'log_unreachable',
    since: EPOCH + 600,
    message: 'no broker answers',
  })
  sender.control({ t: 'gap', ref: 200, after: '1:2:11' })
  sender.control({ t: 'ended', id: 3, symbols: [['BOOK.HK', 'feed_closed', '']] })
  sender.update(3, record(5, {}, { raw: Uint8Array.of(9) }))
  sender.update(1, record(20, {}, { deleted: true }))
  sender.pulse({ t: 'pulse', pulse: 813, at: EPOCH + 1500 })
  sender.control({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 250, addresses: ['ws://gw-2:8080'] })
  end()
  return messages
}

/** One of each frame that a receiver sends. */
export function recordedUpstream(): UpstreamFrame[] {
  return [
    { t: 'hello', client: 'my-app/1.4', token: 'abc', pulseIntervalMs: 1000, user: 'jo' },
    {
      t: 'subscribe',
      id: 1,
      feed: 'quote',
      symbols: ['AAPL.US', '腾讯.HK'],
      patterns: ['*.HK'],
      groups: ['tech'],
      fields: ['last'],
      maxRate: 4,
      delivery: 'latest',
      image: true,
      from: { 'AAPL.US': '1:3:4711' },
    },
    { t: 'subscribe', id: 2, feed: 'trade', symbols: ['TSLA.US'], delivery: 'every', history: 100 },
    { t: 'unsubscribe', id: 1, symbols: ['AAPL.US'], patterns: ['*.HK'] },
    { t: 'unsubscribe', id: 2 },
    { t: 'ack', pulse: 812, count: 2, digest: 2774907158 },
    { t: 'ack', mark: 17 },
    { t: 'sync', at: 1764000000000.25 },
    { t: 'token', token: 'def' },
    { t: 'bye' },
    {
      t: 'ask',
      id: 1,
      path: ['push-a1'],
      question: 'cpu',
      args: { seconds: '10' },
      who: 'ops@desk-7',
      proof: 'c5a4d0f1b7e2938455667788990011223344556677889900aabbccddeeff0011',
    },
    { t: 'ask', id: 1, ack: 4 },
    { t: 'ask', id: 1, cancel: true },
    { t: 'told', id: 3, node: 'gw-1', seq: 1, chunk: '{"role":"gateway"}', last: true },
    { t: 'told', id: 4, node: 'gw-1', code: 'ask_unknown', message: 'no such question', last: true },
    { t: 'hello', client: 'my-app/1.4', user: 'jo', via: 'https://lb-1.example' },
    { t: 'hello', client: 'gw-1/0.1.0', pulseIntervalMs: 0, traces: true },
    { t: 'subscribe', id: 3, feed: 'trade', symbols: ['TSLA.US'], delivery: 'every', history: 200, since: { 'TSLA.US': '1:0:815' } },
  ]
}
