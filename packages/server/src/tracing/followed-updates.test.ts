/** What spans tell of sampled updates: through a push node, over the hop, through a gateway; conflated, doubled, never sent. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { GatewayWorld } from '../../../../test/support/gateway-world.ts'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { Sender } from '../../../../test/support/sender.ts'
import type { Clock } from '../runtime/clock.ts'
import { createMemoryLogger } from '../runtime/logger.ts'
import type { SessionOptions } from '../session/index.ts'
import { FollowedUpdates, type FollowedUpdatesOptions } from './followed-updates.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const sampled = { traceparent: `00-${TRACE}-${PARENT}-01` }

function collect(clock: Clock, options: Partial<FollowedUpdatesOptions> = {}) {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const logger = createMemoryLogger()
  const followed = new FollowedUpdates({
    tracer: provider.getTracer('test'),
    propagator: new W3CTraceContextPropagator(),
    clock,
    random: () => 0.5,
    logger,
    ratio: 0,
    perSecondMax: 100,
    receiversMax: 8,
    ...options,
  })
  return { followed, logger, spans: () => exporter.getFinishedSpans() }
}

function start(options: Partial<FollowedUpdatesOptions> = {}, session: Partial<SessionOptions> = {}) {
  const clock = new ManualClock()
  const { followed, logger, spans } = collect(clock, options)
  const sender = new Sender({ clock, followed, session })
  const connect = (traces?: boolean) => {
    const receiver = sender.connect(traces === undefined ? {} : { traces })
    receiver.subscribe(['A'])
    receiver.take()
    return receiver
  }
  sender.record('A', { last: 0, bid: 0 })
  return { clock, sender, followed, logger, spans, connect }
}

const named = (spans: readonly ReadableSpan[], name: string) => spans.filter((span) => span.name === name)
const outcomes = (spans: readonly ReadableSpan[]) => named(spans, 'send quote').map(({ attributes }) => attributes['pulsewire.outcome'])
const ms = ([seconds, nanoseconds]: ReadableSpan['startTime']) => seconds * 1000 + nanoseconds / 1e6

describe('a push node', () => {
  test('makes a span of a sampled record, under its producer, and one of each receiver; who asked is told which', () => {
    const { clock, sender, spans, connect } = start()
    const told = connect(true)
    const untold = connect()
    clock.advance(100)
    sender.record('A', { last: 1, bid: 0 }, { headers: { ...sampled, tracestate: 'rojo=1' } })
    clock.advance(100)
    const [process] = named(spans(), 'process quotes')
    assert.deepEqual(
      [process!.spanContext().traceId, process!.parentSpanContext?.spanId, process!.kind, process!.attributes['pulsewire.receivers.sent']],
      [TRACE, PARENT, SpanKind.CONSUMER, 2],
    )
    assert.deepEqual(process!.attributes['pulsewire.position'], '1:0:1')
    const sent = named(spans(), 'send quote')
    assert.deepEqual(
      sent.map(({ parentSpanContext }) => parentSpanContext?.spanId),
      [process!.spanContext().spanId, process!.spanContext().spanId],
    )
    const [frame, ...more] = told.takeOf('trace')
    assert.deepEqual(more, [])
    assert.deepEqual(frame, {
      t: 'trace',
      ref: 1,
      traceparent: `00-${TRACE}-${sent[0]!.spanContext().spanId}-01`,
      tracestate: 'rojo=1',
    })
    assert.deepEqual(untold.takeOf('trace'), [])
  })

  test('makes none of records that are not sampled, whose header is none, or that are old', () => {
    const { clock, sender, spans, connect } = start()
    connect()
    for (const headers of [{ traceparent: `00-${TRACE}-${PARENT}-00` }, { traceparent: 'none' }, { traceparent: '' }, {}])
      sender.record('A', { last: 1, bid: 0 }, { headers })
    sender.record('A', { last: 2, bid: 0 }, { headers: sampled, ts: clock.nowMs() - 31_000 })
    clock.advance(20_000)
    assert.deepEqual(spans(), [])
  })

  test('begins traces of its own for a part of the others', () => {
    const draws = [0.3, 0.5, 0.39]
    const { clock, sender, spans, connect } = start({ ratio: 0.4, random: () => draws.shift() ?? 0.9 })
    connect()
    clock.advance(1000)
    for (let i = 1; i <= 4; i++) sender.record('A', { last: i, bid: 0 })
    // What its producer has not sampled is not sampled here either.
    sender.record('A', { last: 9, bid: 0 }, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } })
    clock.advance(50)
    const process = named(spans(), 'process quotes')
    assert.deepEqual(
      process.map(({ parentSpanContext, attributes }) => [parentSpanContext, attributes['pulsewire.position']]),
      [
        [undefined, '1:0:0'],
        [undefined, '1:0:2'],
      ],
    )
  })

  test('says that an update was conflated away, by which, and lets the trace go on with that', () => {
    const { clock, sender, spans, connect } = start()
    const receiver = connect(true)
    clock.advance(100)
    sender.record('A', { last: 1, bid: 0 })
    clock.advance(1)
    receiver.peek()
    // The session has just been flushed: these two wait for the next flush.
    sender.record('A', { last: 2, bid: 0 }, { headers: sampled })
    clock.advance(1)
    sender.record('A', { last: 3, bid: 0 })
    clock.advance(50)
    const [sent, ...rest] = named(spans(), 'send quote')
    assert.deepEqual(rest, [])
    assert.equal(sent!.attributes['pulsewire.outcome'], 'conflated')
    assert.equal(sent!.attributes['pulsewire.position'], '1:0:2')
    assert.deepEqual(
      sent!.events.map(({ name, attributes }) => [name, attributes]),
      [['conflated', { 'pulsewire.sent_instead': '1:0:3' }]],
    )
    assert.ok(ms(sent!.endTime) - ms(sent!.startTime) >= 1, 'it shows how long the update waited')
    const frames = receiver.take().map(({ t }) => t)
    assert.deepEqual(frames, ['update', 'trace'])
  })

  test('says of whom nothing asked for has changed, who has left, and who was not sent it in time', () => {
    const { clock, sender, spans, connect } = start({}, { ackTimeoutMs: 60_000, stuckTimeoutMs: 60_000 })
    const narrow = sender.connect()
    narrow.subscribe(['A'], { fields: ['bid'] })
    const leaving = connect()
    const stuck = sender.connect({ bytesPerSecond: 1 })
    stuck.acks = false
    stuck.subscribe(['A'])
    for (let i = 0; i < 600; i++) {
      sender.record('A', { last: i, bid: 0, filler: 'x'.repeat(1000) + i })
      clock.advance(1)
    }
    leaving.acks = false
    sender.record('A', { last: -1, bid: 0, filler: '' }, { headers: sampled })
    leaving.handler.closed(1006, 'gone')
    clock.advance(14_000)
    assert.deepEqual(outcomes(spans()).sort(), ['left', 'unchanged'])
    clock.advance(2_000)
    assert.deepEqual(outcomes(spans()).sort(), ['left', 'not_sent', 'unchanged'])
    const late = named(spans(), 'send quote').find(({ attributes }) => attributes['pulsewire.outcome'] === 'not_sent')
    assert.equal(late!.status.code, SpanStatusCode.ERROR)
    assert.equal(named(spans(), 'process quotes').length, 1)
  })

  test('follows no more than it may: in a second, receivers of each, of one symbol', () => {
    const { clock, sender, spans, connect, logger } = start({ perSecondMax: 2, receiversMax: 3 })
    for (let i = 0; i < 5; i++) connect()
    clock.advance(1000)
    for (let i = 1; i <= 4; i++) {
      sender.record('A', { last: i, bid: 0 }, { headers: sampled })
      clock.advance(50)
    }
    const process = named(spans(), 'process quotes')
    assert.deepEqual([process.length, named(spans(), 'send quote').length, process[0]!.attributes['pulsewire.receivers']], [2, 6, 5])
    assert.deepEqual(
      logger.lines.map(({ code }) => code),
      ['traces_left_out'],
    )
    clock.advance(1000)
    sender.record('A', { last: 9, bid: 0 }, { headers: sampled })
    clock.advance(50)
    assert.equal(named(spans(), 'process quotes').length, 3, 'and goes on in the next')
  })

  test('on feeds of every record each is a span of its own', () => {
    const clock = new ManualClock()
    const { followed, spans } = collect(clock)
    const sender = new Sender({ clock, followed, feeds: [{ mode: 'every' }] })
    const receiver = sender.connect({ traces: true })
    receiver.subscribe(['A'])
    clock.advance(100)
    receiver.take()
    for (let i = 0; i < 3; i++) sender.record('A', { last: i }, { headers: sampled })
    clock.advance(100)
    assert.deepEqual(outcomes(spans()), ['sent', 'sent', 'sent'])
    assert.deepEqual(
      receiver.take().flatMap(({ t }) => (t === 'update' || t === 'trace' ? [t] : [])),
      ['update', 'trace', 'update', 'trace', 'update', 'trace'],
    )
  })

  test('leaves no timer and nothing under way behind', () => {
    const { clock, sender, followed, spans, connect } = start()
    const receiver = connect()
    clock.advance(1000)
    const timers = clock.timers
    sender.record('A', { last: 1, bid: 0 }, { headers: sampled })
    clock.advance(2000)
    assert.deepEqual([clock.timers, followed.isFollowed(sender.symbol('A'))], [timers, false])
    receiver.acks = false
    sender.record('A', { last: 2, bid: 0 }, { headers: sampled })
    followed.close()
    assert.equal(named(spans(), 'process quotes').length, 2)
    assert.equal(followed.isFollowed(sender.symbol('A')), false)
  })
})

describe('a gateway behind two lines', () => {
  test('has a span of each arrival under the push node that sent it; only what is news goes on', async () => {
    const spans = new Map<string, () => readonly ReadableSpan[]>()
    let clock: Clock | undefined
    const followedOf = (node: string) => {
      const later: Clock = {
        nowMs: () => clock?.nowMs() ?? 0,
        after: (delayMs, callback) => clock!.after(delayMs, callback),
        every: (intervalMs, callback) => clock!.every(intervalMs, callback),
        soon: (callback) => clock!.soon(callback),
      }
      const collected = collect(later)
      spans.set(node, collected.spans)
      return collected.followed
    }
    const world = await GatewayWorld.open({ followed: followedOf })
    clock = world.clock
    world.record('A', { last: 0 })
    const receiver = world.connect({ pulseIntervalMs: 1000, traces: true })
    receiver.subscribe(['A'])
    world.pass(1000)
    receiver.take()
    world.record('A', { last: 1 }, { headers: sampled })
    world.pass(500)
    const sentBy = ['push-a1', 'push-b1'].map((node) => named(spans.get(node)!(), 'send quote')[0]!)
    const byNode = (a: ReadableSpan, b: ReadableSpan) =>
      String(a.attributes['pulsewire.upstream']).localeCompare(String(b.attributes['pulsewire.upstream']))
    const arrived = named(spans.get('gw-1')!(), 'receive quote').sort(byNode)
    assert.deepEqual(
      arrived.map(({ parentSpanContext, attributes }) => [
        parentSpanContext?.spanId,
        attributes['pulsewire.upstream'],
        attributes['pulsewire.taken'],
      ]),
      [
        [sentBy[0]!.spanContext().spanId, 'push-a1', true],
        [sentBy[1]!.spanContext().spanId, 'push-b1', false],
      ],
    )
    const [toClient, ...others] = named(spans.get('gw-1')!(), 'send quote')
    assert.deepEqual([others.length, toClient!.parentSpanContext?.spanId], [0, arrived[0]!.spanContext().spanId])
    assert.equal(toClient!.attributes['pulsewire.node'], 'gw-1')
    assert.deepEqual(
      receiver.takeOf('trace').map(({ traceparent }) => traceparent),
      [`00-${TRACE}-${toClient!.spanContext().spanId}-01`],
    )
    await world.gateway.close()
  })
})
