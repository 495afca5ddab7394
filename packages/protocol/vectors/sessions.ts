import type { FieldValue } from '../src/frames.ts'
import { EPOCH, FEEDS } from '../src/test-support/session.ts'
import { rawRecord, record, Recording, type RecordedSession } from './recording.ts'

/** The recorded sessions; each shows one side of the protocol. */
export function recordSessions(): RecordedSession[] {
  return [prices(), values(), wide(), every(), raw(), conflation(), comingAndGoing(), later(), random(), questions(), traces(), delayed(), ofALog()]
}

function prices(): RecordedSession {
  const r = new Recording()
  r.subscribe(1, 'quote', [
    ['AAPL.US', 1, 'snapshot'],
    ['MSFT.US', 2, 'snapshot'],
  ])
  r.update(1, record(100, { last: 187.2, bid: 187.19, volume: 1000 }), 0, true)
  r.update(2, record(90, { last: 415, bid: 414.5, volume: 77 }, { partition: 0 }), 0, true)
  r.pulse({
    t: 'pulse',
    pulse: 812,
    at: EPOCH + 2000,
    feed: 'quote',
    generation: 1,
    paths: [
      ['push-a1', 'gw-1'],
      ['push-b1', 'gw-1'],
    ],
    partitions: [
      [0, 120, 0, 14, [9, 1]],
      [2, 119, 1, 12, [8, 0]],
      [3, 0, 1, -2, [-300, 100000]],
    ],
  })
  r.end()
  r.fromReceiver({ t: 'ack', pulse: 812, count: 2, digest: 2774907158 })
  r.update(1, record(101, { last: 187.21, bid: 187.19, volume: 1100 }))
  r.end()
  r.update(1, record(102, { last: 187.205, bid: 187.2, volume: 1300 }))
  r.update(2, record(91, { last: -0.5, bid: 0, volume: 2 ** 49 }, { partition: 0 }))
  r.update(1, record(103, { last: 187.2, bid: 187.2, volume: 1300 }))
  r.mark(17)
  r.end()
  r.fromReceiver({ t: 'ack', mark: 17 })
  r.update(1, record(104, { last: 1.123456789, bid: 187.2, volume: 0 }))
  r.update(1, record(105, { last: 1.123456788, bid: 187.2, volume: -1 }, { ts: EPOCH - 5 }))
  r.end()
  return r.finish(
    'prices',
    'Two symbols whose prices walk: steps, scales that grow in mid-stream, pulses, a mark, a record older than the epoch.',
  )
}

function values(): RecordedSession {
  const r = new Recording()
  const images: Record<string, FieldValue>[] = [
    {
      name: 'Apple',
      note: '',
      halted: false,
      up: true,
      none: null,
      pi: Math.PI,
      big: 2 ** 53,
      tiny: 5e-324,
      book: [{ p: 1.5, q: [1, 2] }],
      meta: {},
    },
    {
      name: '苹果 🍎',
      note: '\ufeffmark',
      halted: true,
      up: null,
      none: 0,
      pi: 0.1 + 0.2,
      big: 2 ** 60,
      tiny: 1e-9,
      book: [],
      meta: { a: { b: null } },
    },
    { name: 7, note: 'text', halted: 1, up: 'yes', none: [1], pi: 3, big: -(2 ** 53), tiny: 1e308, book: 'none', meta: true, new: 1 },
    { name: 8, note: 'text', __proto__x: 1, '': 'empty name' },
  ]
  r.subscribe(1, 'quote', [['AAPL.US', 300, 'snapshot']])
  images.forEach((fields, i) => {
    r.update(300, record(i + 1, fields), i === 0 ? 0 : 1, i === 0)
    r.end()
  })
  return r.finish('values', 'Every kind of value, each changing into others; fields that go and fields that are new; a ref above 127.')
}

function wide(): RecordedSession {
  const r = new Recording()
  const all = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, i]))
  r.subscribe(1, 'quote', [['W', 1, 'snapshot']])
  r.update(1, record(1, all), 0, true)
  r.end()
  r.update(1, record(2, { ...all, f0: 1, f6: 7, f7: 6, f13: 0, f14: 'x', f29: 0.25 }))
  r.update(1, record(3, { ...all, f0: 1, f6: 7, f7: 6, f13: 0, f14: 'x', f29: 0.5 }))
  r.update(1, record(4, { ...all, f0: 1, f6: 7, f7: 6, f13: 0, f14: 'x', f29: 0.5 }))
  r.end()
  return r.finish(
    'wide',
    'Thirty fields: bitmaps of several bytes, bytes in between that name nothing, and an update that names no field at all.',
  )
}

function every(): RecordedSession {
  const r = new Recording()
  r.subscribe(
    1,
    'trade',
    [
      ['TSLA.US', 1, 'recovered'],
      ['NVDA.US', 2, 'empty'],
    ],
    { from: { 'TSLA.US': '1:2:40' } },
  )
  r.update(1, record(44, { price: 250.5, size: 10 }, { prev: 40 }), 1, true)
  r.update(1, record(45, { price: 250.5, size: 10 }, { prev: 44 }))
  r.update(1, record(300, { price: 250.25, size: 200 }, { prev: 45 }))
  r.pulse({ t: 'pulse', pulse: 1, at: EPOCH + 3000, feed: 'trade', generation: 1, paths: [['push-a1']], partitions: [[2, 301, 0, 5, [2]]] })
  r.end()
  r.control({ t: 'gap', ref: 1, after: '1:2:300' })
  r.update(1, record(900, { price: 251, size: 1 }, { prev: 870 }), 1, true)
  r.update(2, record(7, { price: 120, size: 5 }), 1, true)
  r.end()
  r.update(1, record(3, { price: 252, size: 1 }, { generation: 2, partition: 130 }))
  r.update(1, record(4, { price: 252, size: 2 }, { generation: 2, partition: 130, prev: 3 }))
  r.end()
  return r.finish('every', 'An every-subscription that is resumed: chained records, a gap, a symbol that was empty, a new generation.')
}

function raw(): RecordedSession {
  const r = new Recording()
  r.subscribe(
    1,
    'book',
    [
      ['0700.HK', 5, 'snapshot'],
      ['9988.HK', 6, 'changes'],
    ],
    { image: true },
  )
  r.update(5, rawRecord(1, [0, 255, 128, 1]), 0, true)
  r.update(5, rawRecord(2, []))
  r.update(6, rawRecord(9, [42]), 1, true)
  r.end()
  r.update(5, record(3, {}, { deleted: true }))
  r.end()
  r.update(
    5,
    rawRecord(
      4,
      Array.from({ length: 130 }, (_, i) => i),
    ),
  )
  r.end()
  return r.finish(
    'raw',
    'A feed of codec raw: values replace each other, an empty one, a deletion, one longer than 127 bytes. Images are base64.',
  )
}

function conflation(): RecordedSession {
  const r = new Recording()
  r.subscribe(
    1,
    'quote',
    [
      ['AAPL.US', 1, 'snapshot'],
      ['OLD.US', 2, 'snapshot'],
    ],
    { maxRate: 4 },
  )
  r.update(1, record(10, { last: 10, note: 'a' }), 0, true)
  r.update(2, record(8, {}, { deleted: true }), 0)
  r.end()
  r.update(1, record(150, { last: 10.5, note: 'a' }), 140)
  r.update(1, record(151, {}, { deleted: true }))
  r.end()
  r.update(1, record(153, { last: 11 }), 2)
  r.update(1, record(154, { last: 11.5 }))
  r.end()
  r.control({ t: 'notice', code: 'slow', message: 'you take less than you are sent' })
  r.update(1, record(500, { last: 12.25, note: 'anew' }), 300, true)
  r.end()
  return r.finish(
    'conflation',
    'Updates that stand for many records, a deletion and what comes after it, a symbol that was deleted before it was subscribed to, and a snapshot in mid-stream.',
  )
}

function comingAndGoing(): RecordedSession {
  const r = new Recording()
  r.subscribe(1, 'quote', [
    ['A', 1, 'snapshot'],
    ['B', 2, 'snapshot'],
  ])
  r.subscribe(2, 'trade', [['A', 3, 'snapshot']])
  for (const ref of [1, 2, 3]) r.update(ref, record(ref, { [`only${ref}`]: ref, last: ref / 4 }), 0, true)
  r.end()
  r.fromReceiver({ t: 'unsubscribe', id: 1, symbols: ['A'] })
  r.update(1, record(5, { last: 9 }))
  r.control({ t: 'unsubscribed', id: 1, ok: ['A'], unknown: [], closed: false })
  r.update(1, record(6, { last: 9.5, text: 'late', list: [1] }, { prev: 5 }))
  r.update(2, record(7, { only2: 2, last: 0.75 }))
  r.end()
  r.control({ t: 'ended', id: 2, symbols: [['A', 'feed_closed', 'over']] })
  r.subscribe(1, 'quote', [
    ['A', 1, 'snapshot'],
    ['B', 2, 'snapshot'],
  ])
  r.update(1, record(8, { last: 10 }), 0, true)
  r.update(2, record(9, { last: 1 }), 0, true)
  r.end()
  r.control({ t: 'goodbye', code: 'draining', message: '', reconnectAfterMs: 250, addresses: ['ws://gw-2:8080'] })
  r.end()
  return r.finish(
    'coming and going',
    'Updates of refs that are closed, which a receiver reads over, a ref that is used again, symbols that are synchronised anew, two feeds with fields of their own.',
  )
}

function later(): RecordedSession {
  const r = new Recording()
  r.subscribe(1, 'quote', [['A', 1, 'empty']])
  r.later(Uint8Array.of(0x07, 3, 0x80, 0xff, 0x00), { t: 'later' })
  r.later(Uint8Array.of(0x7f, 0), { t: 'much later', mark: 1 })
  r.later(Uint8Array.of(0x01, 11, ...Buffer.from('{"t":"new"}')), { t: 'new' })
  r.end()
  r.later(Uint8Array.of(0x04, 4, 18, 1, 2, 3), { t: 'mark', mark: 18, later: true }, { t: 'mark', mark: 18 })
  r.end()
  r.update(1, record(1, { last: 1 }), 1, true)
  r.pulse({ t: 'pulse', pulse: 900, at: EPOCH + 100 })
  r.end()
  return r.finish('later', 'Frames that version 1 does not know, a payload that is longer than version 1 knows, a bare heartbeat.')
}

/** A seeded walk over everything at once. */
function random(): RecordedSession {
  let state = 20_260_101
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const r = new Recording()
  r.subscribe(1, 'quote', [
    ['A', 1, 'snapshot'],
    ['B', 2, 'snapshot'],
  ])
  const fields: Record<string, FieldValue>[] = [{}, {}]
  for (let step = 0; step < 60; step++) {
    const ref = step < 2 ? step + 1 : next(2) + 1
    const image = { ...fields[ref - 1] }
    for (let change = next(4); change >= 0; change--) {
      const name = `f${next(16)}`
      const kind = next(10)
      const old = image[name]
      if (kind < 6) image[name] = ((typeof old === 'number' ? Math.round(old * 100) : 10_000) + next(41) - 20) / 100
      else if (kind === 6) image[name] = ['', 'Ω', '🍎', 'halted'][next(4)]!
      else if (kind === 7) image[name] = [null, true, false, { a: next(5) }][next(4)]!
      else if (kind === 8) image[name] = next(1_000_000) / 10 ** next(10)
      else delete image[name]
    }
    fields[ref - 1] = image
    r.update(ref, record(step + next(5) + step * 5, image), step < 2 ? 0 : 1 + next(3), step < 2 || next(20) === 0)
    if (next(3) === 0) r.end()
  }
  r.end()
  return r.finish('random', 'A random walk of two symbols: any change, any number of updates in a message.')
}

function questions(): RecordedSession {
  const r = new Recording()
  r.fromReceiver({
    t: 'ask',
    id: 1,
    path: ['push-a1'],
    question: 'stages',
    args: {},
    who: 'ops@desk-7',
    proof: 'c5a4d0f1b7e2938455667788990011223344556677889900aabbccddeeff0011',
  })
  r.control({ t: 'told', id: 1, node: 'push-a1' })
  r.end()
  r.control({ t: 'told', id: 1, node: 'push-a1', seq: 1, chunk: '{"stages":' })
  r.control({ t: 'told', id: 1, node: 'push-a1', seq: 2, chunk: '[]}', last: true })
  r.end()
  r.fromReceiver({ t: 'ask', id: 1, ack: 2 })
  r.control({
    t: 'ask',
    id: 7,
    path: [],
    question: 'links',
    who: 'ops@desk-7',
    proof: '00112233445566778899aabbccddeeffc5a4d0f1b7e293845566778899001122',
  })
  r.end()
  r.fromReceiver({ t: 'told', id: 7, node: 'gw-1', code: 'ask_too_many', message: 'later', last: true })
  return r.finish('questions', 'A question that is passed on and answered in chunks, and one that the sender asks the receiver.')
}

function traces(): RecordedSession {
  const r = new Recording()
  r.subscribe(1, 'quote', [['AAPL.US', 1, 'snapshot']])
  r.update(1, record(100, { last: 187.2 }), 0, true)
  r.end()
  r.update(1, record(102, { last: 187.21 }), 2)
  r.control({ t: 'trace', ref: 1, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
  r.control({ t: 'trace', ref: 1, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'rojo=00f067aa' })
  r.end()
  return r.finish('traces', 'An update that stands for two sampled records.')
}

function delayed(): RecordedSession {
  const r = new Recording()
  const late = FEEDS.map((info) => (info.feed === 'book' ? { ...info, delayMs: 900_000, delayOf: 'quote' } : info))
  r.control({ t: 'feeds', feeds: late })
  r.end()
  r.control({ t: 'feeds', feeds: late.map((info) => (info.feed === 'book' ? { ...info, delayMs: 1_200_000 } : info)) })
  r.end()
  r.control({ t: 'feeds', feeds: FEEDS })
  r.end()
  return r.finish('delayed', 'A feed that shows another with a delay, then with another one, then with none.')
}

function ofALog(): RecordedSession {
  const r = new Recording()
  r.control({ t: 'feeds', feeds: FEEDS.map((info) => ({ ...info, log: 'kZ3v0Qm4T8mYp1x2n5s7uw' })) })
  r.end()
  return r.finish('log', 'Feeds whose sender names the log that positions are of.')
}
