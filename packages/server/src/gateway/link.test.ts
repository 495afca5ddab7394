import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter, decodeUpstreamBin, KIND, rowHash, writePulse, type ControlFrame, type UpstreamFrame } from '@pulsewire/protocol'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import type { PulsePoint } from '../hub/index.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { SendQueue } from '../runtime/send-queue.ts'
import type { LinkEvents } from './link-transport.ts'
import { Link } from './link.ts'

interface Attempt {
  readonly atMs: number
  readonly events: LinkEvents
  readonly sent: UpstreamFrame[]
  dropped: boolean
}

const FEEDS = [{ feed: 'quote', mode: 'latest', codec: 'json', generation: 1, partitions: 2 }] as const

function setUp(random = 0.5) {
  const clock = new ManualClock()
  const startMs = clock.nowMs()
  const attempts: Attempt[] = []
  const heard: string[] = []
  const pulses: PulsePoint[] = []
  const logger = createMemoryLogger()
  const tell = (what: string) => () => void heard.push(what)
  const link = new Link({
    index: 0,
    address: 'ws://push-a1:8081',
    line: 'A',
    clock,
    random: () => random,
    logger,
    client: 'gw-1/0',
    pulseIntervalMs: 0,
    handler: {
      opened: tell('opened'),
      feeds: tell('feeds'),
      lost: tell('lost'),
      answered: tell('answered'),
      unsubscribed: tell('unsubscribed'),
      ended: tell('ended'),
      gap: tell('gap'),
      update: () => heard.push('update') > 0,
      heartbeat: tell('heartbeat'),
      resubscribe: tell('resubscribe'),
      pulse: (_link, feed, points) => {
        heard.push(`pulse ${feed}`)
        pulses.push(...points)
      },
    },
    connect: (_address, events) => {
      const attempt: Attempt = { atMs: clock.nowMs() - startMs, events, sent: [], dropped: false }
      attempts.push(attempt)
      return {
        send: (message) => {
          const frames = decodeUpstreamBin(message as Uint8Array) as UpstreamFrame[]
          attempt.sent.push(...frames)
          for (const frame of frames) if (frame.t === 'sync' && peer.answers) clock.after(1, () => answer(attempt, frame.at))
        },
        drop: () => (attempt.dropped = true),
        get bufferedBytes() {
          return peer.bufferedBytes
        },
        sendQueue: () => peer.sendQueue,
      }
    },
  })
  /** The upstream node, as its connection shows it. */
  const peer: { answers: boolean; bufferedBytes: number; sendQueue: SendQueue | undefined } = {
    answers: true,
    bufferedBytes: 0,
    sendQueue: undefined,
  }
  const answer = (attempt: Attempt, echo: number) => {
    if (attempt === last() && !attempt.dropped && peer.answers) message({ t: 'sync', echo, at: clock.nowMs() })
  }
  const last = () => attempts.at(-1)!
  const message = (...frames: (ControlFrame | Uint8Array)[]) => {
    const writer = new ByteWriter()
    for (const frame of frames) {
      if (frame instanceof Uint8Array) writer.raw(frame)
      else {
        writer.u8(KIND.json)
        writer.text(JSON.stringify(frame))
      }
    }
    last().events.message(writer.take())
  }
  /** By the upstream node's clock, which is `aheadMs` ahead of ours. */
  const welcome = (aheadMs = 0) => {
    last().events.opened()
    const at = clock.nowMs() + aheadMs
    const limits = { messageBytesMax: 1, subscriptionsMax: 1 }
    message({
      t: 'welcome',
      session: 's',
      node: 'push-a1',
      role: 'push',
      version: '0',
      at,
      epoch: startMs,
      pulseIntervalMs: 0,
      staleAfterMs: 1500,
      feeds: FEEDS,
      limits,
    })
  }
  const pulse = (number: number, at: number, ageMs: number, feedIndex = 0): Uint8Array => {
    const writer = new ByteWriter()
    const rows =
      feedIndex < 0
        ? {}
        : { feed: 'quote', generation: 1, paths: [['push-a1']], partitions: [[0, 40 + number, 0, ageMs, [ageMs - 5]]] as const }
    writePulse(writer, { t: 'pulse', pulse: number, at, ...rows }, feedIndex, startMs)
    return writer.take()
  }
  return { peer, clock, link, attempts, heard, pulses, logger, last, message, welcome, pulse }
}

test('it says hello, and is open once it is welcome', () => {
  const { link, heard, last, welcome } = setUp()
  link.open()
  assert.equal(link.state, 'connecting')
  welcome()
  assert.deepEqual([link.state, link.node, heard], ['open', 'push-a1', ['opened']])
  assert.deepEqual(
    last().sent.map(({ t }) => t),
    ['hello', 'sync'],
  )
  link.close()
})

test('an address that does not answer is tried again, ever more seldom, by a drawn delay, and that is not shouted', () => {
  const { clock, link, attempts, logger } = setUp(1)
  link.open()
  for (let i = 0; i < 8; i++) {
    attempts.at(-1)!.events.closed('connection refused')
    clock.advance(2000)
  }
  assert.deepEqual(
    attempts.slice(1, 7).map(({ atMs }, i) => atMs - 2000 * i),
    [100, 200, 400, 800, 1600, 2000],
  )
  assert.equal(logger.lines.filter(({ level }) => level === 'warn').length, 0)
  link.close()
})

test('a connection that is silent, opening or open, is dropped and opened anew', () => {
  const { clock, link, attempts, heard, message, pulse, welcome } = setUp()
  link.open()
  clock.advance(2900)
  assert.deepEqual([attempts[0]!.dropped, attempts.length], [true, 2])
  welcome()
  for (let i = 0; i < 10; i++) {
    clock.advance(1000)
    message(pulse(i + 1, clock.nowMs(), 0, -1))
  }
  assert.equal(attempts.length, 2)
  clock.advance(3600)
  assert.deepEqual([attempts[1]!.dropped, attempts.length, heard.at(-1)], [true, 3, 'lost'])
  link.close()
})

test('answers alone are no sign of life: a node owes heartbeats', () => {
  const { clock, link, attempts, welcome } = setUp()
  link.open()
  welcome()
  clock.advance(3000)
  assert.equal(attempts[0]!.dropped, true)
  link.close()
})

test('what a dropped connection still says is not heard', () => {
  const { clock, link, attempts, heard, welcome } = setUp()
  link.open()
  welcome()
  link.drop('enough')
  const before = heard.length
  attempts[0]!.events.message(Uint8Array.of(0x01, 0x02, 0x7b, 0x7d))
  attempts[0]!.events.closed('late')
  attempts[0]!.events.opened()
  assert.equal(heard.length, before)
  clock.advance(100)
  assert.equal(attempts.length, 2)
  link.close()
})

test('bytes that break the protocol end the connection, and the reason is kept', () => {
  const { link, last, welcome } = setUp()
  link.open()
  welcome()
  last().events.message(Uint8Array.of(0x01, 0x7f))
  assert.deepEqual([last().dropped, link.state], [true, 'waiting'])
  assert.match(link.why, /ends inside a frame/)
  link.close()
})

test('each message with pulses is acknowledged once, by the highest, with the digest; marks at once', () => {
  const { clock, link, last, message, pulse, welcome } = setUp()
  link.open()
  welcome()
  link.digest.add(1, 'A')
  message(pulse(7, clock.nowMs(), 10), pulse(8, clock.nowMs(), 10, -1))
  message({ t: 'mark', mark: 3 })
  assert.deepEqual(last().sent.slice(2), [
    { t: 'ack', pulse: 8, count: 1, digest: rowHash(1, 'A') },
    { t: 'ack', mark: 3 },
  ])
  link.close()
})

test('times of the upstream clock become ours, once the offset is known; nothing arrives before it was sent', () => {
  const { peer, clock, link, pulses, message, pulse, welcome } = setUp()
  peer.answers = false
  link.open()
  welcome(5000)
  const askedAtMs = clock.nowMs()
  clock.advance(20)
  message({ t: 'sync', echo: askedAtMs, at: askedAtMs + 5010 })
  clock.advance(200)
  message(pulse(1, clock.nowMs() + 5000 - 100, 50))
  const nowMs = clock.nowMs()
  assert.deepEqual([pulses[0]!.writtenAtMs, pulses[0]!.arrivedAtMs, pulses[0]!.path], [nowMs - 150, [nowMs - 145, nowMs], ['push-a1']])
  message(pulse(2, clock.nowMs() + 5000 + 40, 0))
  assert.equal(pulses[1]!.writtenAtMs, nowMs)
  link.close()
})

test('before the offset is known, a pulse that was composed before the welcome is older by that', () => {
  const { peer, clock, link, pulses, message, pulse, welcome } = setUp()
  peer.answers = false
  link.open()
  welcome(5000)
  clock.advance(30)
  message(pulse(1, clock.nowMs() + 5000 - 4000, 50))
  assert.equal(pulses[0]!.writtenAtMs, clock.nowMs() - 4050)
  link.close()
})

test('the clock of a new connection is estimated anew', () => {
  const { peer, clock, link, pulses, message, pulse, welcome } = setUp()
  peer.answers = false
  link.open()
  welcome(60_000)
  message({ t: 'sync', echo: clock.nowMs(), at: clock.nowMs() + 60_000 })
  link.drop('moved to another machine')
  clock.advance(100)
  welcome(0)
  message({ t: 'sync', echo: clock.nowMs(), at: clock.nowMs() })
  clock.advance(100)
  message(pulse(1, clock.nowMs(), 30))
  assert.equal(pulses[0]!.writtenAtMs, clock.nowMs() - 30)
  link.close()
})

test('the offset is asked for until it is known, and now and then after that', () => {
  const { peer, clock, link, last, message, pulse, welcome } = setUp()
  peer.answers = false
  link.open()
  welcome()
  const live = (ms: number) => {
    for (let i = 0; i < ms; i += 500) {
      clock.advance(500)
      message(pulse(1 + i, clock.nowMs(), 0, -1))
    }
  }
  const syncs = () => last().sent.filter(({ t }) => t === 'sync').length
  live(3500)
  assert.ok(syncs() >= 3)
  peer.answers = true
  live(2000)
  const known = syncs()
  live(20_000)
  assert.ok(syncs() - known >= 3 && syncs() - known <= 5, `${syncs() - known}`)
  assert.equal(link.state, 'open')
  link.close()
})

for (const { name, kind, bufferedBytes, sendQueue } of [
  { name: 'took all of it: frozen', kind: 'frozen_peer', bufferedBytes: 0, sendQueue: { bytes: 0, zeroWindow: false, retransmits: 0 } },
  {
    name: 'acknowledges nothing: half-open',
    kind: 'half_open',
    bufferedBytes: 0,
    sendQueue: { bytes: 40, zeroWindow: false, retransmits: 3 },
  },
  { name: 'has a zero window', kind: 'zero_window', bufferedBytes: 0, sendQueue: { bytes: 40, zeroWindow: true, retransmits: 0 } },
  { name: 'takes nothing more, says the socket alone', kind: 'zero_window', bufferedBytes: 99, sendQueue: undefined },
] as const) {
  test(`a silent node is sent something, and named by what became of it: its host ${name}`, () => {
    const { peer, clock, link, attempts, last, message, pulse, welcome } = setUp()
    link.open()
    welcome()
    for (let i = 0; i < 23; i++) {
      clock.advance(500)
      message(pulse(i + 1, clock.nowMs(), 0, -1))
    }
    Object.assign(peer, { answers: false, bufferedBytes, sendQueue })
    const sent = last().sent.length
    const silentAtMs = clock.nowMs()
    while (!attempts[0]!.dropped) clock.advance(50)
    assert.ok(clock.nowMs() - silentAtMs <= 3000, `noticed after ${clock.nowMs() - silentAtMs} ms`)
    assert.ok(attempts[0]!.sent.slice(sent).some(({ t }) => t === 'sync'))
    assert.match(link.why, new RegExp(kind.replace('_', '.')))
    assert.deepEqual({ ...link.stalls }, { zero_window: 0, frozen_peer: 0, half_open: 0, [kind]: 1 })
    link.close()
  })
}

test('a node that sends and reads nothing is found by what it does not answer; a single lost answer is asked for again', () => {
  const { peer, clock, link, attempts, message, pulse, welcome } = setUp()
  link.open()
  welcome()
  const live = (ms: number) => {
    for (let i = 0; i < ms; i += 500) {
      clock.advance(500)
      message(pulse(1 + i, clock.nowMs(), 0, -1))
    }
  }
  live(6000)
  peer.answers = false
  live(3000)
  peer.answers = true
  live(20_000)
  assert.equal(attempts.length, 1)
  peer.answers = false
  live(11_000)
  assert.equal(attempts[0]!.dropped, true)
  assert.match(link.why, /sends but answers nothing/)
  link.close()
})

test('stale notices are kept until they are withdrawn, one by one or all of the feed at once', () => {
  const { link, message, welcome } = setUp()
  link.open()
  welcome()
  const stale = { t: 'stale', feed: 'quote', hop: 'log', reason: 'no_pulse', since: 0 } as const
  message({ ...stale, partitions: [0, 1, 2] })
  message({ t: 'live', feed: 'quote', partitions: [1] })
  assert.deepEqual([...link.notices.keys()], ['quote/0', 'quote/2'])
  message({ ...stale }, { ...stale, feed: 'trade', partitions: [0] })
  message({ t: 'live', feed: 'quote' })
  assert.deepEqual([...link.notices.keys()], ['trade/0'])
  message({ ...stale })
  link.drop('')
  assert.equal(link.notices.size, 0)
  link.close()
})

test('frames of the conversation are handed on', () => {
  const { link, heard, message, welcome } = setUp()
  link.open()
  welcome()
  message(
    { t: 'subscribed', id: 1, done: true },
    { t: 'unsubscribed', id: 1, ok: [], unknown: [], closed: true },
    { t: 'ended', id: 1, symbols: [] },
    { t: 'gap', ref: 1, after: '1:0:0' },
    { t: 'resubscribe', count: 0, digest: 0 },
    { t: 'feeds', feeds: FEEDS },
  )
  assert.deepEqual(heard.slice(1), ['answered', 'unsubscribed', 'ended', 'gap', 'resubscribe', 'feeds'])
  link.close()
})

test('closed, it is quiet for ever', () => {
  const { clock, link, attempts } = setUp()
  link.open()
  attempts[0]!.events.closed('refused')
  link.close()
  clock.advance(60_000)
  assert.deepEqual([attempts.length, clock.timers, link.state], [1, 0, 'closed'])
  link.send({ t: 'bye' })
})

test('a node that names more partitions than a feed can have is given up, with the reason: each would be judged by itself', () => {
  for (const partitions of [10_001, 2 ** 52]) {
    const { link, last, message, welcome, heard } = setUp()
    link.open()
    welcome()
    assert.equal(link.state, 'open')
    message({ t: 'feeds', feeds: [{ ...FEEDS[0], partitions }] })
    assert.deepEqual([link.state, last().dropped, heard.filter((what) => what === 'feeds')], ['waiting', true, []])
    assert.match(link.why, new RegExp(`names ${partitions} partitions of feed quote`))
  }
})
