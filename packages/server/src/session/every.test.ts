import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS, type SubscribeFrame } from '@pulsewire/protocol'
import type { Receiver, SeenUpdate } from '../../../../test/support/receiver.ts'
import { Sender } from '../../../../test/support/sender.ts'

for (const encoding of ENCODINGS) {
  const setUp = (history = { recordsPerSymbolMax: 100, bytesMax: 1024 * 1024 }) => {
    const sender = new Sender({ feeds: [{ name: 'trade', mode: 'every', history }] })
    const receiver = sender.connect({ encoding })
    receiver.take()
    const trade = (price: number, name = 'A') => sender.record(name, { price }, { feed: 'trade' })
    const subscribe = (options: Partial<SubscribeFrame> = {}, from: Receiver = receiver) => {
      from.subscribe(['A'], { feed: 'trade', ...options })
      return from.take().filter(({ t }) => t !== 'pulse')
    }
    return { sender, receiver, trade, subscribe }
  }
  const prices = (frames: readonly { t: string }[]) =>
    frames.flatMap((frame) => (frame.t === 'update' ? [(frame as SeenUpdate).values['price']] : []))
  const state = (frames: readonly { t: string }[]) =>
    frames.flatMap((frame) => (frame.t === 'subscribed' ? (frame as { ok?: [string, number, string][] }).ok!.map((row) => row[2]) : []))

  test(`each record is given, in order, each naming the one before it (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp()
    trade(1)
    subscribe()
    for (const price of [2, 3, 4]) trade(price)
    const updates = receiver.takeOf('update')
    assert.deepEqual(
      updates.map(({ n, prev, position, values }) => [n, prev, position, values['price']]),
      [
        [1, 0, '1:0:1', 2],
        [1, 1, '1:0:2', 3],
        [1, 2, '1:0:3', 4],
      ],
    )
  })

  test(`a symbol without records: the first two, in one message, are both given (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp()
    assert.deepEqual(state(subscribe()), ['empty'])
    trade(1)
    trade(2)
    assert.deepEqual(
      receiver.takeOf('update').map(({ n, snapshot, values }) => [n, snapshot, values['price']]),
      [
        [1, true, 1],
        [1, false, 2],
      ],
    )
  })

  test(`history: the newest records first, as many as asked for and held (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp()
    for (let price = 1; price <= 5; price++) trade(price)
    assert.deepEqual(prices(subscribe({ history: 2 })), [4, 5])
    assert.deepEqual(prices(subscribe({ id: 2, history: 100 })), [1, 2, 3, 4, 5])
    trade(6)
    assert.deepEqual(
      receiver.takeOf('update').map(({ ref, values }) => [ref, values['price']]),
      [
        [1, 6],
        [2, 6],
      ],
    )
  })

  test(`resuming gives every record after the position held (${encoding})`, () => {
    const { trade, subscribe } = setUp()
    for (let price = 1; price <= 5; price++) trade(price)
    const frames = subscribe({ from: { A: '1:0:2' }, history: 1 })
    assert.deepEqual([state(frames), prices(frames)], [['recovered'], [4, 5]])
    const [first] = frames.filter((frame): frame is SeenUpdate => frame.t === 'update')
    assert.deepEqual([first?.snapshot, first?.n], [true, 1])
  })

  test(`resuming at the newest record gives its image as a snapshot with n 0 (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp()
    for (const price of [1, 2]) trade(price)
    const frames = subscribe({ from: { A: '1:0:1' } })
    const updates = frames.filter((frame): frame is SeenUpdate => frame.t === 'update')
    assert.deepEqual(
      [state(frames), updates.map(({ n, snapshot, values }) => [n, snapshot, values['price']])],
      [['recovered'], [[0, true, 2]]],
    )
    trade(3)
    assert.deepEqual(
      receiver.takeOf('update').map(({ n, snapshot, values }) => [n, snapshot, values['price']]),
      [[1, false, 3]],
    )
  })

  test(`resuming before what is held, but at the record before it, loses nothing (${encoding})`, () => {
    const { trade, subscribe } = setUp({ recordsPerSymbolMax: 2, bytesMax: 1024 * 1024 })
    for (let price = 1; price <= 4; price++) trade(price)
    assert.deepEqual(prices(subscribe({ from: { A: '1:0:1' } })), [3, 4])
    assert.deepEqual(state(subscribe({ id: 2, from: { A: '1:0:0' } })), ['snapshot'])
    for (const from of ['1:1:3', '2:0:3', '1:1:9', '2:0:9'])
      assert.deepEqual(state(subscribe({ id: 3, from: { A: from } })), ['snapshot'], from)
  })

  test(`who resumes behind what this node has reached misses nothing: each record goes through, from ours on (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp()
    for (const price of [1, 2]) trade(price)
    const frames = subscribe({ from: { A: '1:0:3' } })
    const seen = (updates: readonly SeenUpdate[]) => updates.map(({ n, snapshot, prev, values }) => [n, snapshot, prev, values['price']])
    const updates = frames.filter((frame): frame is SeenUpdate => frame.t === 'update')
    assert.deepEqual([state(frames), seen(updates)], [['recovered'], [[0, true, 0, 2]]])
    for (const price of [3, 4, 5]) trade(price)
    assert.deepEqual(seen(receiver.takeOf('update')), [
      [1, false, 1, 3],
      [1, false, 2, 4],
      [1, false, 3, 5],
    ])
  })

  test(`who resumes there is told of a gap when not all of it is held by the time that it is sent (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp({ recordsPerSymbolMax: 2, bytesMax: 1024 * 1024 })
    for (const price of [1, 2]) trade(price)
    assert.deepEqual(state(subscribe({ from: { A: '1:0:3' } })), ['recovered'])
    for (const price of [3, 4, 5, 6, 7]) trade(price)
    const frames = receiver.take().filter(({ t }) => t !== 'pulse')
    assert.deepEqual([frames[0]?.t, prices(frames)], ['gap', [6, 7]])
  })

  test(`of a symbol that is deleted here nothing is promised to who is ahead (${encoding})`, () => {
    const { sender, trade, subscribe } = setUp()
    trade(1)
    sender.record('A', null, { feed: 'trade' })
    assert.deepEqual(state(subscribe({ from: { A: '1:0:5' } })), ['snapshot'])
  })

  test(`a receiver slower than history is long is told of the gap, and goes on with a snapshot (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp({ recordsPerSymbolMax: 3, bytesMax: 1024 * 1024 })
    trade(0)
    subscribe()
    for (let price = 1; price <= 10; price++) trade(price)
    const frames = receiver.take().filter(({ t }) => t !== 'pulse')
    assert.deepEqual(frames[0], { t: 'gap', ref: receiver.ref('A'), after: '1:0:0' })
    const updates = frames.filter((frame): frame is SeenUpdate => frame.t === 'update')
    assert.deepEqual(
      updates.map(({ n, snapshot, values }) => [n, snapshot, values['price']]),
      [
        [8, true, 8],
        [1, false, 9],
        [1, false, 10],
      ],
    )
  })

  test(`other symbols push even the newest record out of history: the gap is told, and the image sent (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp({ recordsPerSymbolMax: 100, bytesMax: 1000 })
    trade(0)
    subscribe()
    for (const price of [1, 2]) trade(price)
    for (let i = 0; i < 20; i++) trade(i, 'B')
    const frames = receiver.take().filter(({ t }) => t !== 'pulse')
    assert.deepEqual(frames[0], { t: 'gap', ref: receiver.ref('A'), after: '1:0:0' })
    const updates = frames.filter((frame): frame is SeenUpdate => frame.t === 'update')
    assert.deepEqual(
      updates.map(({ n, snapshot, values }) => [n, snapshot, values['price']]),
      [[2, true, 2]],
    )
  })

  test(`a gap before anything was given comes after the position before all (${encoding})`, () => {
    const { receiver, trade, subscribe } = setUp({ recordsPerSymbolMax: 1, bytesMax: 1024 * 1024 })
    subscribe()
    for (const price of [1, 2, 3]) trade(price)
    const frames = receiver.take().filter(({ t }) => t !== 'pulse')
    assert.deepEqual(frames[0], { t: 'gap', ref: receiver.ref('A'), after: '0:0:0' })
    assert.deepEqual(prices(frames), [3])
  })

  test(`deletions are records too (${encoding})`, () => {
    const { sender, receiver, trade, subscribe } = setUp()
    trade(1)
    subscribe()
    sender.record('A', null, { feed: 'trade' })
    trade(2)
    const updates = receiver.takeOf('update')
    assert.deepEqual(
      updates.map(({ deleted, snapshot, prev, values }) => [deleted, snapshot, prev, values]),
      [
        [true, false, 0, {}],
        [false, true, 1, { price: 2 }],
      ],
    )
  })

  test(`a long replay is cut into messages no larger than the window, and every record arrives (${encoding})`, () => {
    const { sender, receiver, trade, subscribe } = setUp({ recordsPerSymbolMax: 10_000, bytesMax: 64 * 1024 * 1024 })
    for (let price = 1; price <= 5000; price++) trade(price)
    const sizes = receiver.messageSizes.length
    const seen = prices(subscribe({ history: 5000 }))
    for (let i = 0; i < 200; i++) seen.push(...prices(receiver.take()))
    assert.deepEqual(
      seen,
      Array.from({ length: 5000 }, (_, i) => i + 1),
    )
    assert.ok(Math.max(...receiver.messageSizes.slice(sizes)) < 1024 * 1024 + 1000)
    assert.ok(receiver.messageSizes.length - sizes > 2)
    assert.equal(sender.sessions.size, 1)
  })
}

test('latest delivery of a feed of every record conflates', () => {
  const sender = new Sender({ feeds: [{ name: 'trade', mode: 'every' }] })
  const receiver = sender.connect()
  receiver.subscribe(['A'], { feed: 'trade', delivery: 'latest' })
  receiver.take()
  for (const price of [1, 2, 3]) sender.record('A', { price }, { feed: 'trade' })
  assert.deepEqual(
    receiver.takeOf('update').map(({ values }) => values['price']),
    [3],
  )
})

test('a late subscriber is not told of a gap that was before its time', () => {
  const sender = new Sender({ feeds: [{ name: 'trade', mode: 'every', history: { recordsPerSymbolMax: 2, bytesMax: 1_000_000 } }] })
  for (let price = 1; price <= 9; price++) sender.record('A', { price }, { feed: 'trade' })
  const receiver = sender.connect()
  receiver.subscribe(['A'], { feed: 'trade', history: 5 })
  const frames = receiver.take()
  assert.deepEqual(
    frames.filter(({ t }) => t === 'gap'),
    [],
  )
  assert.deepEqual(
    frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['price']] : [])),
    [8, 9],
  )
})

for (const isRepair of [false, true]) {
  test(`symbols and their pattern in two frames: the pattern does not undo what is resumed (${isRepair ? 'repair' : 'at first'})`, () => {
    const sender = new Sender({ feeds: [{ name: 'trade', mode: 'every' }] })
    for (let price = 0; price < 5; price++) sender.record('A', { price }, { feed: 'trade' })
    const receiver = sender.connect()
    const name = () => {
      receiver.subscribe(['A'], { feed: 'trade', from: { A: '1:0:1' } })
      receiver.subscribe(['B'], { feed: 'trade', patterns: ['*'], from: { B: '1:0:0' } })
    }
    name()
    if (isRepair) {
      receiver.take()
      receiver.digest.remove(1, 'A')
      while (receiver.takeOf('resubscribe').length === 0) sender.pulse({ feed: 'trade' })
      name()
    }
    const frames = receiver.take()
    assert.deepEqual(
      frames.flatMap((frame) => (frame.t === 'subscribed' ? (frame.ok ?? []) : [])).map(([symbol, , state]) => [symbol, state]),
      [
        ['A', 'recovered'],
        ['B', 'empty'],
      ],
    )
    assert.deepEqual(
      frames.flatMap((frame) => (frame.t === 'update' ? [frame.values['price']] : [])),
      [2, 3, 4],
    )
  })
}
