import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { splitSubscribe, type Item } from '../subscription/split.ts'
import { createSystemClock } from '../clock.ts'
import { AddressBook, toAddresses } from './addresses.ts'
import { backoffMs } from './backoff.ts'

describe('addresses', () => {
  test('gain the path of the stream where they have none', () => {
    assert.deepEqual(toAddresses('ws://gw-1:8080'), ['ws://gw-1:8080/v1/stream'])
    assert.deepEqual(toAddresses(['wss://gw/', 'wss://gw/other?x=1#y']), ['wss://gw/v1/stream', 'wss://gw/other?x=1'])
    for (const bad of ['', 'gw-1', 'http://gw-1', []]) assert.throws(() => toAddresses(bad), { code: 'address_invalid' })
  })

  test('every address gets its turn before one is tried twice, the current one last', () => {
    const book = new AddressBook()
    book.setList(['a', 'b', 'c'])
    assert.equal(book.next(), 'a')
    book.failed('a')
    assert.equal(book.next(), 'b')
    book.failed('b')
    assert.equal(book.next('c'), 'a', 'the one to avoid only when there is no other')
    assert.equal(book.next(), 'c')
    book.failed('c')
    assert.equal(book.next(), 'a', 'the one that failed longest ago')
    book.succeeded('b')
    assert.equal(book.next(), 'b')
    book.setList(['b'])
    assert.equal(book.next('b'), 'b')
    book.suggest(['ws://x', 'http://no'], 'ws://b')
    assert.equal(book.next(), 'ws://x/v1/stream')
    book.failed('ws://x/v1/stream')
    assert.equal(book.next(), 'b')
  })
})

test('backoff: full jitter below a bound that doubles, and a floor from the second attempt on', () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.double({ min: 0, max: 0.999999, noNaN: true }), (attempt, dice) => {
      const delayMs = backoffMs(attempt, { backoffBaseMs: 250, backoffMaxMs: 30_000 }, () => dice)
      assert.ok(delayMs <= Math.min(30_000, 250 * 2 ** attempt))
      assert.ok(attempt === 0 || delayMs >= 100)
    }),
  )
})

test('split: each message within the limit, every name in exactly one of them, with its position', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.integer({ min: 1000, max: 20_000 }), (names, max) => {
      const items = names.map(
        (each, index): Item =>
          index % 3 === 0
            ? { kind: 'symbols', name: each, from: `1:2:${index}` }
            : { kind: index % 3 === 1 ? 'symbols' : 'patterns', name: each },
      )
      const parts = splitSubscribe({ id: 7, feed: 'quote', fields: ['last'] }, items, max)
      for (const { frame } of parts) assert.ok(Buffer.byteLength(JSON.stringify(frame)) + 6 <= max)
      const back = parts.flatMap(({ frame }) => [...(frame.symbols ?? []), ...(frame.patterns ?? [])])
      assert.deepEqual(back.sort(), [...names].sort())
      const from = parts.flatMap(({ frame }) => Object.entries(frame.from ?? {}))
      const expected = items.flatMap((item) => (item.from === undefined ? [] : [[item.name, item.from]]))
      assert.deepEqual(from, expected)
    }),
    { numRuns: 100 },
  )
})

test('the system clock counts the time of a sleep, and never goes back', () => {
  let monotonicMs = 0
  let wallMs = 1_000_000
  const clock = createSystemClock(
    () => monotonicMs,
    () => wallMs,
  )
  const startMs = clock.nowMs()
  const pass = (monotonic: number, wall: number) => {
    monotonicMs += monotonic
    wallMs += wall
    return clock.nowMs() - startMs
  }
  assert.equal(pass(1000, 1000), 1000)
  assert.equal(pass(1000, 1300), 2000, 'a wall clock that is being adjusted does not matter')
  assert.equal(clock.steppedMs, 0)
  assert.equal(pass(10, 3_600_000), 3_602_300, 'an hour asleep')
  assert.ok(clock.steppedMs! > 3_500_000)
  assert.equal(pass(1000, -7_200_000), 3_603_300, 'a wall clock set back does not matter')
})
