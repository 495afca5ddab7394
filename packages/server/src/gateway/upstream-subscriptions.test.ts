/** What a gateway asks of its upstream nodes, and how it answers while it waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeUpstreamBin, type PulseRow, type RefusalCode, type SubscribedFrame, type UpstreamFrame } from '@pulsewire/protocol'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

async function setUp(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open(options)
  const receiver = world.connect()
  const subscribers = (name: string) => ['a1', 'b1'].map((id) => world.node(id).feed().symbols.get(name)?.entries.length ?? 0)
  return { world, receiver, subscribers }
}

function states(frames: readonly SubscribedFrame[]): (readonly string[])[] {
  return frames.flatMap(({ ok }) => (ok ?? []).map(([name, , state]) => [name, state]))
}

function pulseRows(frames: ReturnType<Receiver['take']>): PulseRow[] {
  return frames.flatMap((frame) => (frame.t === 'pulse' ? [...(frame.partitions ?? [])] : []))
}

test('a symbol is asked for on every line, and answered with what it is', async () => {
  const { world, receiver, subscribers } = await setUp()
  world.record('A', { last: 1 })
  receiver.subscribe(['A', 'X'])
  const frames = receiver.takeOf('subscribed')
  assert.deepEqual(Object.fromEntries(states(frames)), { A: 'snapshot', X: 'empty' })
  assert.equal(frames.at(-1)?.done, true)
  assert.deepEqual(
    [subscribers('A'), subscribers('X')],
    [
      [1, 1],
      [1, 1],
    ],
  )
  await world.gateway.close()
})

test('two receivers of one symbol are one subscription upstream; the second is answered at once', async () => {
  const { world, receiver, subscribers } = await setUp()
  world.record('A', { last: 1 })
  receiver.subscribe(['A'])
  receiver.take()
  for (const id of ['a1', 'b1']) world.hold(id)
  const second = world.connect()
  second.subscribe(['A'], { fields: ['last'] })
  assert.deepEqual(states(second.takeOf('subscribed')), [['A', 'snapshot']])
  assert.deepEqual(subscribers('A'), [1, 1])
  await world.gateway.close()
})

test('a thousand symbols are a few frames upstream, none larger than a node takes', async () => {
  const { world, receiver } = await setUp()
  const names = Array.from({ length: 1000 }, (_, i) => `SYMBOL-NUMBER-${i}`)
  receiver.subscribe(names)
  receiver.take()
  const sent = world.lines.sentUp.get('ws://push-a1:8081')!.filter((message) => message.length > 200)
  assert.ok(sent.length <= 15 && sent.every((message) => message.length < 16 * 1024), `${sent.length} frames`)
  assert.equal(receiver.digest.count, 1000)
  await world.gateway.close()
})

test('answered by one line, the receiver need not wait for the other', async () => {
  const { world, receiver } = await setUp()
  world.record('A', { last: 1 })
  world.pulse()
  world.hold('a1')
  receiver.subscribe(['A'])
  assert.deepEqual(states(receiver.takeOf('subscribed')), [['A', 'snapshot']])
  await world.gateway.close()
})

for (const what of ['a symbol', 'a symbol that nobody knows', 'a pattern'] as const) {
  test(`${what} of a feed that is wanted first: a line without young pulses does not answer for one that is well`, async () => {
    const { world, receiver } = await setUp()
    world.record('A', { last: 1 })
    world.pulse()
    world.lag('a1')
    world.clock.advance(5000)
    world.pulse()
    world.hold('b1')
    if (what === 'a pattern') receiver.subscribe([], { patterns: ['*'] })
    else receiver.subscribe([what === 'a symbol' ? 'A' : 'NOBODY'])
    world.clock.advance(280)
    const waiting = receiver.take()
    assert.ok(waiting.every(({ t }) => t !== 'subscribed'))
    world.release('b1')
    const answered = receiver.take()
    const before = answered.slice(
      0,
      answered.findIndex(({ t }) => t === 'subscribed'),
    )
    const told = [...waiting, ...before].findLast(({ t }) => t === 'stale' || t === 'live')
    assert.equal(told?.t, 'live', 'what was called stale meanwhile is so no more when it is answered')
    const ages = pulseRows(answered).map(([, , , ageMs]) => ageMs)
    assert.ok(ages.length > 0 && ages.every((ageMs) => ageMs < 500), `ages of the pulses that came: ${ages.join()}`)
    await world.gateway.close()
  })

  test(`${what}: where no line has young pulses, the answer waits for none`, async () => {
    const { world, receiver } = await setUp()
    world.record('A', { last: 1 })
    world.pulse()
    world.clock.advance(5000)
    if (what === 'a pattern') receiver.subscribe([], { patterns: ['*'] })
    else receiver.subscribe([what === 'a symbol' ? 'A' : 'NOBODY'])
    assert.ok(receiver.takeOf('subscribed').some(({ done }) => done === true))
    await world.gateway.close()
  })
}

test('a line that takes its newest pulse for old does not make it so for one that knows better, whichever answers first', async () => {
  for (const [knows, errs] of [
    ['a1', 'b1'],
    ['b1', 'a1'],
  ] as const) {
    const { world, receiver } = await setUp()
    world.record('A', { last: 1 })
    const nowMs = world.clock.nowMs()
    world.node(errs).pulse({ offset: 7, writtenAtMs: nowMs - 3000 })
    world.node(knows).pulse({ offset: 7, writtenAtMs: nowMs - 100 })
    world.hold(knows)
    receiver.subscribe(['A'])
    world.clock.advance(280)
    assert.deepEqual(receiver.takeOf('subscribed'), [])
    world.release(knows)
    world.clock.advance(50)
    const answered = receiver.take()
    const ages = answered.flatMap((frame) => (frame.t === 'pulse' ? (frame.partitions ?? []).map(([, , , ageMs]) => ageMs) : []))
    assert.ok(ages.length > 0 && ages.every((ageMs) => ageMs < 1000), `ages of the pulses that came from ${knows}: ${ages.join()}`)
    await world.gateway.close()
  }
})

test('a line without young pulses answers when the other has not in all the time that there is', async () => {
  const { world, receiver } = await setUp()
  world.record('A', { last: 1 })
  world.pulse()
  world.clock.advance(5000)
  world.hold('b1')
  receiver.subscribe(['A'])
  world.clock.advance(1000)
  assert.deepEqual(receiver.takeOf('subscribed'), [])
  world.clock.advance(3000)
  assert.deepEqual(states(receiver.takeOf('subscribed')), [['A', 'snapshot']])
  assert.ok(!world.log.lines.some(({ code }) => code === 'upstream_timeout'), 'somebody did answer')
  await world.gateway.close()
})

test('one line answers that is behind what was passed on: the answer waits until it is not', async () => {
  const { world, receiver } = await setUp()
  world.record('A', { last: 1 })
  receiver.subscribe(['OTHER'])
  world.pass(1000)
  receiver.take()
  world.lag('a1')
  world.record('A', { last: 2 })
  world.pulse()
  world.clock.advance(50)
  world.hold('b1')
  receiver.subscribe(['A'])
  assert.deepEqual(states(receiver.takeOf('subscribed')), [])
  world.catchUp('a1')
  assert.deepEqual(states(receiver.takeOf('subscribed')), [['A', 'snapshot']])
  assert.deepEqual(receiver.image('A'), { last: 2 })
  await world.gateway.close()
})

test('no line answers: by the deadline the receiver is, with what is known; nothing proves it until one does', async () => {
  const { world, receiver } = await setUp({ gateway: { subscribeDeadlineMs: 1000 } })
  receiver.subscribe(['OTHER'])
  world.pass(1000)
  receiver.take()
  for (const id of ['a1', 'b1']) world.holdUp(id)
  world.record('A', { last: 1 })
  receiver.subscribe(['A'])
  assert.deepEqual(states(receiver.takeOf('subscribed')), [])
  world.pass(1500)
  assert.deepEqual(states(receiver.takeOf('subscribed')), [], 'the last pulse is young: it would prove what the receiver holds')
  world.pass(2000)
  const frames = receiver.take()
  assert.ok(frames.some(({ t }) => t === 'stale'))
  const answer = frames.findIndex(({ t }) => t === 'subscribed')
  assert.deepEqual(states(frames.filter((frame) => frame.t === 'subscribed')), [['A', 'empty']])
  world.pass(3000)
  const proven = [...frames.slice(answer), ...receiver.take()].filter((frame) => frame.t === 'pulse' && (frame.partitions?.length ?? 0) > 0)
  assert.deepEqual(proven, [])
  for (const id of ['a1', 'b1']) world.release(id)
  world.pass(2000)
  assert.deepEqual(receiver.image('A'), { last: 1 })
  assert.ok(receiver.take().some((frame) => frame.t === 'pulse' && (frame.partitions?.length ?? 0) > 0))
  await world.gateway.close()
})

for (const what of ['a symbol', 'a pattern'] as const) {
  test(`${what} answered by the deadline: no pulse that was passed on before is given with it to who comes then`, async () => {
    const { world, receiver } = await setUp()
    const ask = (who: Receiver) => (what === 'a symbol' ? who.subscribe(['A']) : who.subscribe([], { patterns: ['A*'] }))
    world.record('A', { last: 1 })
    receiver.subscribe(['OTHER'])
    world.pass(1000)
    for (const id of ['a1', 'b1']) world.holdUp(id)
    const second = world.connect()
    ask(second)
    for (let i = 0; i < 10 && second.takeOf('subscribed').length === 0; i++) world.pass(500)
    const third = world.connect()
    ask(third)
    world.pass(1000)
    const frames = third.take()
    assert.ok(frames.some(({ t }) => t === 'subscribed'))
    assert.deepEqual(pulseRows(frames), [])
    for (const id of ['a1', 'b1']) world.release(id)
    world.pass(1000)
    assert.ok(pulseRows(third.take()).length > 0)
    assert.deepEqual(third.image('A'), { last: 1 })
    await world.gateway.close()
  })
}

test('without any upstream node, a new symbol is answered by the deadline, and comes when a node does', async () => {
  const { world, receiver } = await setUp({ gateway: { subscribeDeadlineMs: 1000 } })
  for (const id of ['a1', 'b1']) world.cut(id)
  world.record('A', { last: 1 })
  receiver.subscribe(['A'], { patterns: ['B*'] })
  world.pass(3500)
  const frames = receiver.takeOf('subscribed')
  assert.deepEqual([states(frames), frames.at(-1)?.done], [[['A', 'empty']], true])
  world.record('B1', { last: 2 })
  world.restore('a1')
  world.pass(3000)
  receiver.take()
  assert.deepEqual([receiver.image('A'), receiver.image('B1')], [{ last: 1 }, { last: 2 }])
  await world.gateway.close()
})

test('refused by every line is refused to the receiver, with the reason; refused by one is not', async () => {
  const world = await GatewayWorld.open({ feeds: [{ symbolsMax: 1 }] })
  world.record('A', { last: 1 })
  const receiver = world.connect()
  receiver.subscribe(['A', 'B'])
  const frames = receiver.takeOf('subscribed')
  const code: RefusalCode = 'upstream_refused'
  assert.deepEqual(states(frames), [['A', 'snapshot']])
  assert.deepEqual(
    frames.flatMap(({ refused }) => refused ?? []).map(([name, why]) => [name, why]),
    [['B', code]],
  )
  assert.equal(world.gateway.hub.feed('quote')!.symbols.has('B'), false)
  world.cut('b1')
  world.start('b1', [{ symbolsMax: 10 }])
  world.restore('b1')
  world.pass(2000)
  receiver.subscribe(['C'])
  assert.deepEqual(states(receiver.takeOf('subscribed')), [['C', 'empty']])
  await world.gateway.close()
})

test('what nobody wants any more is kept for a while, and then let go of on every line', async () => {
  const { world, receiver, subscribers } = await setUp()
  world.record('A', { last: 1 })
  receiver.subscribe(['A', 'B'])
  receiver.take()
  receiver.send({ t: 'unsubscribe', id: 1 })
  receiver.take()
  world.pass(9000)
  assert.deepEqual(subscribers('A'), [1, 1])
  receiver.subscribe(['B'])
  receiver.take()
  world.pass(5000)
  assert.deepEqual(
    [subscribers('A'), subscribers('B')],
    [
      [0, 0],
      [1, 1],
    ],
  )
  assert.deepEqual([...world.gateway.hub.feed('quote')!.symbols.keys()], ['B'])
  assert.equal(
    world.log.lines.some(({ code }) => code === 'digest_differs'),
    false,
  )
  receiver.subscribe(['A'])
  receiver.take()
  assert.deepEqual(receiver.image('A'), { last: 1 })
  await world.gateway.close()
})

test('many symbols let go of at once are a few frames, and cost no more than their number', { timeout: 20_000 }, async () => {
  const { world } = await setUp({ feeds: [{ symbolsMax: 100_000 }], session: { subscriptionsMax: 100_000, unknownSymbolsMax: 100_000 } })
  const stays = world.connect()
  const goes = world.connect()
  stays.subscribe(Array.from({ length: 20_000 }, (_, i) => `STAYS-${i}`))
  goes.subscribe(Array.from({ length: 5000 }, (_, i) => `GOES-${i}`))
  world.pass(1000)
  const before = world.lines.sentUp.get('ws://push-a1:8081')!.length
  goes.disconnect()
  world.pass(12_000)
  assert.deepEqual([stays.digest.count, goes.digest.count], [20_000, 5000])
  assert.equal(world.node('a1').feed().symbols.get('GOES-0')?.entries.length ?? 0, 0)
  const sent = world.lines.sentUp.get('ws://push-a1:8081')!.length - before
  assert.ok(sent < 100, `${sent} frames`)
  await world.gateway.close()
})

test('digests of gateway and node agree whatever comes and goes', async () => {
  const { world } = await setUp()
  let seed = 3
  const random = (below: number) => (seed = (seed * 16_807) % 2_147_483_647) % below
  const receivers = [world.connect(), world.connect(), world.connect()]
  for (let step = 0; step < 300; step++) {
    const receiver = receivers[random(3)]!
    const id = 1 + random(2)
    const name = `S${random(12)}`
    const pattern = `S${random(3)}*`
    const what = random(6)
    if (what === 0) receiver.send({ t: 'subscribe', id, feed: 'quote', symbols: [name] })
    else if (what === 1) receiver.send({ t: 'unsubscribe', id, symbols: [name] })
    else if (what === 2) receiver.send({ t: 'subscribe', id, feed: 'quote', patterns: [pattern] })
    else if (what === 3) receiver.send({ t: 'unsubscribe', id, patterns: [pattern] })
    else if (what === 4) world.record(name, random(8) === 0 ? null : { step })
    else if (random(4) === 0) receiver.send({ t: 'unsubscribe', id })
    if (random(10) === 0) world.hold(random(2) === 0 ? 'a1' : 'b1')
    if (random(6) === 0) for (const each of ['a1', 'b1']) world.release(each)
    world.pass([0, 20, 500, 4000][random(4)]!)
  }
  for (const each of ['a1', 'b1']) world.release(each)
  world.pass(15_000)
  const differing = [world.log, world.node('a1').log, world.node('b1').log].flatMap(({ lines }) =>
    lines.filter(({ code }) => code === 'digest_differs'),
  )
  assert.deepEqual(differing, [])
  await world.gateway.close()
})

for (const what of ['a symbol', 'a pattern'] as const) {
  test(`${what} whose new naming is lost in a repair: no pulse proves what the node has dropped, and it is asked for again`, async () => {
    const { world, receiver, subscribers } = await setUp()
    world.cut('b1')
    for (const name of ['A', 'B']) world.record(name, { last: 1 })
    if (what === 'a symbol') receiver.subscribe(['A', 'B'])
    else receiver.subscribe([], { patterns: ['?'] })
    receiver.take()
    const lost = losing(world, 'subscribe', 'ws://push-a1:8081')
    world.node('a1').sessions.lose('B')
    for (let i = 0; i < 6 && lost.length === 0; i++) world.pass(500)
    assert.equal(lost.length, 1, 'it was named again')
    assert.equal(subscribers('A')[0], 1, 'and once more, without waiting')
    world.record('A', { last: 2 })
    world.pass(500)
    const shown = new Map(receiver.take().flatMap((frame) => (frame.t === 'update' ? [[frame.symbol, frame.values]] : [])))
    assert.deepEqual(shown.get('A'), { last: 2 })
    world.pass(3000)
    assert.equal(subscribers('B')[0], 1)
    // The node did not know that it had lost B: that takes a repair of its own, unless a pattern brings it back.
    assert.equal(world.node('a1').sessions.repairs, what === 'a symbol' ? 2 : 1)
    await world.gateway.close()
  })
}

test('an unsubscribe that is lost: one repair puts it right', async () => {
  const { world, receiver, subscribers } = await setUp()
  for (const name of ['A', 'B']) world.record(name, { last: 1 })
  receiver.subscribe(['A', 'B'])
  receiver.take()
  const lost = losing(world, 'unsubscribe', 'ws://push-a1:8081')
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['B'] })
  for (let waitedMs = 0; lost.length === 0 && waitedMs < 60_000; waitedMs += 1000) world.pass(1000)
  assert.equal(lost.length, 1)
  world.pass(1000)
  // The set of the node is another than ours now, as it is told when it has lost something as well.
  world.node('a1').sessions.lose('A')
  world.pass(5000)
  assert.equal(world.node('a1').sessions.repairs, 1)
  assert.deepEqual(
    [subscribers('A'), subscribers('B')],
    [
      [1, 1],
      [0, 0],
    ],
  )
  await world.gateway.close()
})

/** Loses the next message to a node that holds such a frame. @returns what was lost. */
function losing(world: GatewayWorld, t: UpstreamFrame['t'], address: string): (Uint8Array | string)[] {
  const lost: (Uint8Array | string)[] = []
  world.lines.loses = (to, message) => {
    if (lost.length > 0 || to !== address || typeof message === 'string') return false
    if ((decodeUpstreamBin(message) as UpstreamFrame[]).every((frame) => frame.t !== t)) return false
    return lost.push(message) > 0
  }
  return lost
}

test('a gateway that was closed leaves no timer and no connection', async () => {
  const { world, receiver } = await setUp()
  receiver.subscribe(['A'])
  world.pass(1000)
  await world.gateway.close()
  receiver.disconnect()
  assert.deepEqual([world.node('a1').sessions.size, world.node('b1').sessions.size, world.gateway.sessions.size], [0, 0, 0])
  for (const id of ['a1', 'b1']) world.node(id).sessions.close()
  world.clock.advance(100)
  assert.equal(world.clock.timers, 0)
})
