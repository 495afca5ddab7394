import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENCODINGS } from '@pulsewire/protocol'
import { Sender } from '../../../../test/support/sender.ts'

for (const encoding of ENCODINGS) {
  const setUp = () => {
    const sender = new Sender()
    const receiver = sender.connect({ encoding })
    return { sender, receiver }
  }

  test(`updates that come faster than they are sent become one, which says for how many it stands (${encoding})`, () => {
    const { sender, receiver } = setUp()
    sender.record('A', { last: 0 })
    receiver.subscribe(['A'])
    const [snapshot] = receiver.takeOf('update')
    assert.deepEqual([snapshot?.n, snapshot?.snapshot], [0, true], 'the count of a snapshot is not known')
    for (const burst of [1, 3, 1, 7]) {
      for (let last = 1; last <= burst; last++) sender.record('A', { last })
      const updates = receiver.takeOf('update')
      assert.deepEqual(
        updates.map(({ n, snapshot, values }) => [n, snapshot, values]),
        [[burst, false, { last: burst }]],
      )
    }
    assert.equal(receiver.takeOf('update').length, 0, 'and nothing is sent twice')
  })

  test(`the image is right whatever changes: fields come, go, change kind, and nest (${encoding})`, () => {
    const { sender, receiver } = setUp()
    receiver.subscribe(['A'])
    receiver.take()
    const images = [
      { last: 187.23, bid: 187.2, status: 'open', halted: false },
      { last: 187.24, bid: 187.2, status: 'open', halted: false },
      { last: 'n/a', bid: 187.2, status: null },
      { last: -0.000001, bid: 1e300, book: { bids: [[1, 2]], note: '<&"\u2028>' } },
      { last: 1 / 3, book: { bids: [] } },
      {},
      { last: 0, other: '' },
    ]
    for (const image of images) {
      sender.record('A', image)
      receiver.take()
      assert.deepEqual(receiver.image('A'), image)
    }
  })

  test(`conflated changes of different fields all arrive (${encoding})`, () => {
    const { sender, receiver } = setUp()
    sender.record('A', { last: 1, bid: 1, ask: 1 })
    receiver.subscribe(['A'])
    receiver.take()
    sender.record('A', { last: 2.5 }, { merge: true })
    sender.record('A', { bid: 2.25 }, { merge: true })
    receiver.take()
    sender.record('A', { ask: 3 }, { merge: true })
    sender.record('A', { ask: 1, last: 2.75 }, { merge: true })
    receiver.take()
    assert.deepEqual(receiver.image('A'), { last: 2.75, bid: 2.25, ask: 1 })
  })

  test(`a deletion empties the image; the next record is a snapshot, and counts (${encoding})`, () => {
    const { sender, receiver } = setUp()
    sender.record('A', { last: 1 })
    receiver.subscribe(['A'])
    receiver.take()
    sender.record('A', null)
    const [deleted] = receiver.takeOf('update')
    assert.deepEqual([deleted?.deleted, deleted?.snapshot, deleted?.n, deleted?.values], [true, false, 1, {}])
    sender.record('A', { bid: 2 })
    sender.record('A', { bid: 3 })
    const [back] = receiver.takeOf('update')
    assert.deepEqual([back?.deleted, back?.snapshot, back?.n, back?.values], [false, true, 2, { bid: 3 }])
  })

  test(`raw values pass as they are, the empty one too (${encoding})`, () => {
    const sender = new Sender({ feeds: [{ codec: 'raw' }] })
    const receiver = sender.connect({ encoding })
    receiver.subscribe(['A'], { fields: ['ignored'] })
    receiver.take()
    for (const raw of [Uint8Array.of(0, 255, 128), new Uint8Array(), Uint8Array.from({ length: 1000 }, (_, i) => i)]) {
      sender.record('A', raw)
      assert.deepEqual(receiver.takeOf('update')[0]?.raw, raw)
    }
    sender.record('A', null)
    const [deleted] = receiver.takeOf('update')
    assert.deepEqual([deleted?.deleted, deleted?.raw], [true, null])
  })

  test(`a receiver of some fields hears only of changes in them; what it did not hear of counts (${encoding})`, () => {
    const { sender, receiver } = setUp()
    sender.record('A', { last: 1, bid: 1 })
    receiver.subscribe(['A'], { fields: ['last'] })
    receiver.take()
    for (const bid of [2, 3]) sender.record('A', { last: 1, bid })
    assert.deepEqual(receiver.takeOf('update'), [])
    sender.record('A', { last: 2, bid: 3 })
    assert.deepEqual(
      receiver.takeOf('update').map(({ n, values }) => [n, values]),
      [[3, { last: 2 }]],
    )
  })

  test(`receivers that hold different states each get what they lack (${encoding})`, () => {
    const { sender, receiver: early } = setUp()
    const late = sender.connect({ encoding })
    early.subscribe(['A'])
    early.take()
    sender.record('A', { last: 1.5, bid: 1 })
    early.take()
    late.subscribe(['A'])
    late.take()
    for (let i = 0; i < 20; i++) {
      sender.record('A', { last: 1.5 + i / 100, bid: i })
      if (i % 3 === 0) {
        early.take()
        late.take()
      } else sender.clock.turn()
    }
    early.take()
    late.take()
    assert.deepEqual(
      [early.image('A'), late.image('A')],
      [
        { last: 1.69, bid: 19 },
        { last: 1.69, bid: 19 },
      ],
    )
  })

  test(`a symbol that moves to another partition, and to another generation, says so (${encoding})`, () => {
    const { sender, receiver } = setUp()
    sender.record('A', { last: 1 })
    receiver.subscribe(['A'])
    receiver.take()
    sender.record('A', { last: 2 }, { partition: 3, offset: 7, ts: sender.clock.nowMs() + 1 })
    assert.equal(receiver.takeOf('update')[0]?.position, '1:3:7')
    sender.record('A', { last: 3 }, { partition: 3, offset: 8 })
    assert.equal(receiver.takeOf('update')[0]?.position, '1:3:8')
    sender.record('A', { last: 4 }, { generation: 2, partition: 3, offset: 0 })
    sender.record('A', { last: 5 }, { generation: 2, partition: 3, offset: 1 })
    assert.deepEqual(
      receiver.takeOf('update').map(({ position, n }) => [position, n]),
      [['2:3:1', 2]],
    )
  })
}

test('what changed comes once each, in the order in which it was subscribed to', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  for (const name of ['A', 'B', 'C', 'D']) sender.record(name, { last: 0 })
  receiver.subscribe(['A', 'B', 'C', 'D'])
  receiver.take()
  for (const name of ['D', 'A', 'D', 'B', 'A']) sender.record(name, { last: 1 })
  assert.deepEqual(
    receiver.takeOf('update').map(({ symbol, n }) => [symbol, n]),
    [
      ['A', 2],
      ['B', 1],
      ['D', 2],
    ],
  )
})

test('the positions that updates name are those of their records, with their times', () => {
  const sender = new Sender()
  const receiver = sender.connect()
  receiver.subscribe(['A'])
  receiver.take()
  const messages: string[] = []
  const { onSend } = receiver.transport
  receiver.transport.onSend = (message) => {
    messages.push(String(message))
    onSend(message)
  }
  sender.record('A', { last: 1 }, { partition: 2, offset: 40, ts: 1_700_000_000_123 })
  receiver.take()
  assert.deepEqual(JSON.parse(messages[0]!), [
    { t: 'update', ref: 1, n: 0, snapshot: true, symbol: 'A', position: '1:2:40', ts: 1_700_000_000_123, values: { last: 1 } },
  ])
})
