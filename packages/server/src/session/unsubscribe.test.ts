import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sender, everything } from '../../../../test/support/sender.ts'

function setUp(symbols: readonly string[] = ['A', 'B'], patterns: readonly string[] = []) {
  const sender = new Sender()
  for (const name of ['A', 'B', 'A.HK', 'B.HK']) sender.record(name, { last: 1 })
  const receiver = sender.connect()
  receiver.subscribe(symbols, patterns.length > 0 ? { patterns } : {})
  receiver.take()
  return { sender, receiver }
}

test('a symbol ends, and no update of it follows', () => {
  const { sender, receiver } = setUp()
  sender.record('A', { last: 2 })
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['A', 'X'] })
  assert.deepEqual(receiver.take(), [{ t: 'unsubscribed', id: 1, ok: ['A'], unknown: ['X'], closed: false }])
  sender.record('A', { last: 3 })
  sender.clock.advance(100)
  assert.deepEqual(receiver.takeOf('update'), [])
})

test('the whole subscription ends, and its id can be used for something else', () => {
  const { receiver } = setUp(['A'], ['*.HK'])
  receiver.send({ t: 'unsubscribe', id: 1 })
  assert.deepEqual(receiver.take(), [{ t: 'unsubscribed', id: 1, ok: ['*.HK', 'A.HK', 'B.HK', 'A'], unknown: [], closed: true }])
  receiver.subscribe(['A'], { fields: ['bid'] })
  assert.equal(receiver.takeOf('subscribed')[0]?.ok?.length, 1)
})

test('the last symbol closes the subscription', () => {
  const { receiver } = setUp()
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['A', 'B'] })
  assert.equal(receiver.takeOf('unsubscribed')[0]?.closed, true)
})

test('a pattern ends with the symbols that only it brought', () => {
  const { sender, receiver } = setUp(['A.HK'], ['*.HK', 'B*'])
  receiver.send({ t: 'unsubscribe', id: 1, patterns: ['*.HK', '*.XX'] })
  assert.deepEqual(receiver.take(), [{ t: 'unsubscribed', id: 1, ok: ['*.HK'], unknown: ['*.XX'], closed: false }])
  receiver.send({ t: 'unsubscribe', id: 1, patterns: ['B*'] })
  assert.deepEqual(receiver.take(), [{ t: 'unsubscribed', id: 1, ok: ['B*', 'B.HK', 'B'], unknown: [], closed: false }])
  sender.record('C.HK', { last: 1 })
  assert.deepEqual(receiver.takeOf('subscribed'), [])
})

test('an id that is not open is answered as closed', () => {
  const { receiver } = setUp()
  receiver.send({ t: 'unsubscribe', id: 9, symbols: ['A'] })
  assert.deepEqual(receiver.take(), [{ t: 'unsubscribed', id: 9, ok: [], unknown: ['A'], closed: true }])
})

test('subscribed and ended again before the answer went out: the row comes first, so that both ends agree', () => {
  const { receiver } = setUp()
  receiver.subscribe(['A.HK'])
  receiver.send({ t: 'unsubscribe', id: 1, symbols: ['A.HK'] })
  receiver.subscribe(['B.HK'])
  const frames = receiver.take().filter(({ t }) => t !== 'update' && t !== 'pulse')
  assert.deepEqual(
    frames.map((frame) =>
      frame.t === 'subscribed'
        ? `+ ${frame.ok?.map(([name]) => name).join()}`
        : frame.t === 'unsubscribed'
          ? `- ${frame.ok.join()}`
          : frame.t,
    ),
    ['+ A.HK', '- A.HK', '+ B.HK'],
  )
  assert.equal(receiver.digest.count, 3)
  assert.ok(receiver.ref('B.HK') > 0)
})

test('what ends while its answer is still owed is answered, and then ended', () => {
  const sender = new Sender({ source: { ...everything, want: () => false, wantPattern: () => false } })
  const receiver = sender.connect()
  receiver.subscribe(['A'], { patterns: ['*.HK'] })
  assert.deepEqual(receiver.takeOf('subscribed'), [])
  receiver.send({ t: 'unsubscribe', id: 1 })
  assert.deepEqual(receiver.take().slice(0, 2), [
    { t: 'subscribed', id: 1, done: true },
    { t: 'unsubscribed', id: 1, ok: ['*.HK', 'A'], unknown: [], closed: true },
  ])
  assert.equal(sender.feed().patterns.size, 0)
})
