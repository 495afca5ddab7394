/** A feed of which each record counts, through a gateway: gaps are refilled from the other line, from history, or told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayWorld, type GatewayWorldOptions } from '../../../../test/support/gateway-world.ts'
import type { Receiver } from '../../../../test/support/receiver.ts'

const TRADE = { name: 'trade', mode: 'every' as const }

async function setUp(options: GatewayWorldOptions = {}) {
  const world = await GatewayWorld.open({ feeds: [TRADE], ...options })
  const receiver = world.connect()
  let price = 0
  const trade = (count = 1, more: { partition?: number } = {}) => {
    for (let i = 0; i < count; i++) world.record('A', { price: ++price }, { feed: 'trade', ...more })
  }
  const seen: unknown[] = []
  const gaps: string[] = []
  const look = (from: Receiver = receiver) => {
    for (const frame of from.take()) {
      if (frame.t === 'update') seen.push(frame.values['price'])
      if (frame.t === 'gap') gaps.push(frame.after)
    }
    return seen
  }
  const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)
  return { world, receiver, trade, look, upTo, gaps }
}

test('each record comes once and in order from two lines', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp()
  receiver.subscribe(['A'], { feed: 'trade' })
  look()
  for (let i = 0; i < 20; i++) {
    trade(i % 4)
    if (i % 3 === 0) world.lag('a1')
    if (i % 5 === 0) world.lag('b1')
    if (i % 2 === 0) for (const id of ['a1', 'b1']) world.catchUp(id)
    look()
  }
  for (const id of ['a1', 'b1']) world.catchUp(id)
  assert.deepEqual([look(), gaps], [upTo(30), []])
  await world.gateway.close()
})

test('while one line is gone the other gives all; back again it is given no gap, and carries on alone', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp()
  trade(3)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  world.cut('a1')
  trade(5)
  look()
  world.restore('a1')
  world.pass(3000)
  world.cut('b1')
  trade(5)
  assert.deepEqual([look(), gaps], [upTo(13), []])
  await world.gateway.close()
})

test('both lines were gone: what they still hold is given without a gap', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp()
  trade(2)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  for (const id of ['a1', 'b1']) world.cut(id)
  trade(50)
  world.pass(1000)
  for (const id of ['a1', 'b1']) world.restore(id)
  world.pass(3000)
  assert.deepEqual([look(), gaps], [upTo(52), []])
  await world.gateway.close()
})

test('nobody holds what lies between: the gap is told, and what follows is complete', async () => {
  const { world, receiver, trade, look, gaps } = await setUp({
    feeds: [{ ...TRADE, history: { recordsPerSymbolMax: 5, bytesMax: 1_000_000 } }],
  })
  trade(2)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  assert.deepEqual(look(), [1, 2])
  for (const id of ['a1', 'b1']) world.cut(id)
  trade(50)
  for (const id of ['a1', 'b1']) world.restore(id)
  world.pass(3000)
  assert.deepEqual(look(), [1, 2, 48, 49, 50, 51, 52])
  assert.deepEqual(gaps, ['1:0:1'])
  assert.equal(world.gateway.input.counts.gaps, 1)
  trade(3)
  assert.deepEqual(look().slice(-3), [53, 54, 55])
  assert.equal(gaps.length, 1)
  await world.gateway.close()
})

test('one line has lost what lies between, the other has not: it is waited for', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp()
  trade(2)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  // B holds everything and is slow; A comes back with a short history.
  world.lag('b1')
  world.cut('a1')
  trade(50)
  world.start('a1', [{ ...TRADE, history: { recordsPerSymbolMax: 3, bytesMax: 1_000_000 } }])
  world.restore('a1')
  world.pass(2000)
  assert.deepEqual(look(), [1, 2], 'A alone would leave a gap')
  world.catchUp('b1')
  world.pass(1000)
  assert.deepEqual([look(), gaps], [upTo(52), []])
  trade(2)
  assert.deepEqual(look(), upTo(54))
  await world.gateway.close()
})

test('and when the line that was waited for is lost, the gap is told after all', async () => {
  const { world, receiver, trade, look, gaps } = await setUp()
  trade(2)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  world.lag('b1')
  world.cut('a1')
  trade(50)
  world.start('a1', [{ ...TRADE, history: { recordsPerSymbolMax: 3, bytesMax: 1_000_000 } }])
  world.restore('a1')
  world.pass(2000)
  world.cut('b1')
  world.pass(2000)
  assert.deepEqual([look().at(-1), gaps.length], [52, 1])
  trade(1)
  assert.equal(look().at(-1), 53)
  await world.gateway.close()
})

test('who was told that there is nothing is told what was lost before the first record that comes', async () => {
  const { world, receiver, trade, look, gaps } = await setUp({
    feeds: [{ ...TRADE, history: { recordsPerSymbolMax: 3, bytesMax: 1_000_000 } }],
  })
  receiver.subscribe(['A'], { feed: 'trade' })
  look()
  trade(10)
  world.pass(2000)
  assert.deepEqual([look(), gaps], [[8, 9, 10], ['0:0:0']])
  trade(2)
  assert.deepEqual([look(), gaps.length], [[8, 9, 10, 11, 12], 1])
  await world.gateway.close()
})

test('and is given them by the line that has them', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp()
  receiver.subscribe(['A'], { feed: 'trade' })
  look()
  world.lag('b1')
  world.cut('a1')
  trade(10)
  world.start('a1', [{ ...TRADE, history: { recordsPerSymbolMax: 3, bytesMax: 1_000_000 } }])
  world.restore('a1')
  world.pass(2000)
  assert.deepEqual(look(), [], 'A alone would leave a gap')
  world.catchUp('b1')
  world.pass(1000)
  assert.deepEqual([look(), gaps], [upTo(10), []])
  await world.gateway.close()
})

test('a link that is slower than the node’s history is long says so, and asks for the rest', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp({
    feeds: [{ ...TRADE, history: { recordsPerSymbolMax: 10, bytesMax: 1_000_000 } }],
  })
  trade(1)
  receiver.subscribe(['A'], { feed: 'trade' })
  look()
  // Thirty records within one flush of A: its history is over; B gives them in time.
  world.lag('b1')
  trade(30)
  world.clock.advance(50)
  world.catchUp('b1')
  world.clock.advance(50)
  world.pass(2000)
  const seen = look()
  assert.deepEqual(seen.slice(-10), upTo(31).slice(-10))
  assert.equal(gaps.length, 1, 'what no node holds any more is told')
  trade(5)
  assert.deepEqual(look().slice(-5), [32, 33, 34, 35, 36])
  await world.gateway.close()
})

test('a symbol that moves to another partition, because the topic has grown, goes on', async () => {
  const { world, receiver, trade, look, upTo, gaps } = await setUp({ partitions: 2 })
  trade(3)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  world.clock.advance(5)
  trade(3, { partition: 1 })
  world.pass(1000)
  trade(3, { partition: 1 })
  world.pass(1000)
  assert.deepEqual([look(), gaps], [upTo(9), []])
  assert.ok(world.gateway.input.counts.refills < 10, `${world.gateway.input.counts.refills} refills`)
  await world.gateway.close()
})

test('a symbol that is deleted and comes back goes on', async () => {
  const { world, receiver, trade, look, gaps } = await setUp()
  trade(2)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  world.record('A', null, { feed: 'trade' })
  trade(2)
  assert.deepEqual(look(), [1, 2, undefined, 3, 4])
  assert.deepEqual(gaps, [])
  await world.gateway.close()
})

test('a receiver resumes at a gateway where nobody else subscribes', async () => {
  const { world, receiver, trade, look, gaps } = await setUp()
  trade(20)
  receiver.subscribe(['A'], { feed: 'trade', from: { A: '1:0:9' } })
  const [answer] = receiver.peek().length > 0 ? [] : receiver.takeOf('subscribed')
  assert.equal(answer?.ok?.[0]?.[2], 'recovered')
  world.pass(1000)
  look()
  const late = world.connect()
  late.subscribe(['A'], { feed: 'trade', from: { A: '1:0:14' } })
  const prices = late.take().flatMap((frame) => (frame.t === 'update' ? [frame.values['price']] : []))
  assert.deepEqual([prices, gaps], [[16, 17, 18, 19, 20], []])
  await world.gateway.close()
})

for (const by of ['name', 'pattern'] as const) {
  test(`a receiver resumes, by ${by}, far back at a gateway where nobody else subscribes, and so do those a little behind it`, async () => {
    const { world, trade } = await setUp({ feeds: [{ ...TRADE, history: { recordsPerSymbolMax: 1000, bytesMax: 10_000_000 } }] })
    trade(1000)
    const resume = (offset: number) => {
      const receiver = world.connect()
      const wish = { feed: 'trade', from: { A: `1:0:${offset}` } }
      receiver.subscribe(by === 'name' ? ['A'] : [], by === 'name' ? wish : { ...wish, patterns: ['A*'] })
      world.pass(1000)
      return receiver.take()
    }
    const frames = [resume(299), resume(150)]
    const states = frames.map((seen) => seen.flatMap((frame) => (frame.t === 'subscribed' ? (frame.ok ?? []) : [])).map((row) => row[2]))
    const prices = frames.map((seen) => seen.flatMap((frame) => (frame.t === 'update' ? [frame.values['price']] : [])))
    assert.deepEqual(states, [['recovered'], ['recovered']])
    const after = (offset: number) => Array.from({ length: 999 - offset }, (_, index) => offset + 2 + index)
    assert.deepEqual(prices, [after(299), after(150)])
    await world.gateway.close()
  })
}

test('a receiver that comes from a gateway a moment ahead is told that nothing is missing, and nothing is', async () => {
  const { world, trade } = await setUp()
  trade(5)
  for (const id of ['a1', 'b1']) world.lag(id)
  trade(5)
  const ahead = world.connect()
  ahead.subscribe(['A'], { feed: 'trade', from: { A: '1:0:7' } })
  const states: string[] = []
  const prices: unknown[] = []
  const look = () => {
    for (const frame of ahead.take()) {
      if (frame.t === 'subscribed') for (const [, , state] of frame.ok ?? []) states.push(state)
      if (frame.t === 'update') prices.push(frame.values['price'])
      assert.notEqual(frame.t, 'gap')
    }
  }
  world.pass(1000)
  look()
  for (const id of ['a1', 'b1']) world.catchUp(id)
  world.pass(1000)
  look()
  assert.deepEqual(states, ['recovered'])
  assert.deepEqual(prices, [5, 6, 7, 8, 9, 10])
  await world.gateway.close()
})

test('pulses wait until a gap is refilled', async () => {
  const { world, receiver, trade, look } = await setUp()
  trade(1)
  receiver.subscribe(['A'], { feed: 'trade', history: 10 })
  look()
  world.pass(1000)
  for (const id of ['a1', 'b1']) world.cut(id)
  trade(10)
  for (const id of ['a1', 'b1']) {
    world.restore(id)
    world.hold(id)
  }
  world.pulse({ feed: 'trade' })
  world.clock.advance(2000)
  for (const id of ['a1', 'b1']) world.release(id)
  const seen: unknown[] = []
  let proven = -1
  for (let i = 0; i < 100; i++) {
    for (const frame of receiver.take()) {
      if (frame.t === 'update') seen.push(frame.values['price'])
      if (frame.t === 'pulse') for (const [, offset] of frame.partitions ?? []) proven = Math.max(proven, offset)
      // Offset 13 is the pulse behind the ten.
      if (proven >= 12) assert.equal(seen.at(-1), 11)
    }
    if (i % 25 === 0) world.pulse({ feed: 'trade' })
  }
  assert.ok(proven >= 12, `${proven}`)
  await world.gateway.close()
})
