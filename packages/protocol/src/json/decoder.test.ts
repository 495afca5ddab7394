import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from '../decoder.ts'
import type { ControlFrame } from '../frames.ts'
import { Recorder } from '../test-support/recorder.ts'
import { EPOCH, subscribed, WELCOME } from '../test-support/session.ts'
import { base64ToBytes, bytesToBase64 } from './base64.ts'
import { createClientJsonDecoder, createJsonDecoder } from './decoder.ts'
import { sameValue } from './same-value.ts'

function open(): Recorder {
  const receiver = new Recorder('pulsewire.json.v1')
  receiver.receive(JSON.stringify([WELCOME, subscribed(1, ['AAPL.US', 1, 'snapshot'])]))
  return receiver
}

function update(offset: number, more: object): object {
  return { t: 'update', ref: 1, symbol: 'AAPL.US', position: `1:2:${offset}`, ts: EPOCH + offset, ...more }
}

describe('json.v1', () => {
  test('what changed is found by comparing whole images', () => {
    const receiver = open()
    const images = [
      { a: 1, b: [1, { c: 2 }], d: 'x' },
      { a: 1, b: [1, { c: 2 }], d: 'y' },
      { a: 1, b: [1, { c: 3 }] },
      { a: 1, b: [1, { c: 3 }] },
    ]
    receiver.receive(JSON.stringify(images.map((values, i) => update(i, { values, snapshot: i === 0 }))))
    assert.deepEqual(
      receiver.updates.map(({ changed }) => [...changed].sort()),
      [['a', 'b', 'd'], ['d'], ['b', 'd'], []],
    )
    assert.deepEqual(
      receiver.updates.map(({ values }) => Object.fromEntries(values)),
      images,
    )
  })

  test('absent members mean what the document says', () => {
    const receiver = open()
    receiver.receive(
      JSON.stringify([update(5, { values: {} }), update(6, { n: 0, prev: 5, snapshot: true, raw: 'AQID' }), update(7, { deleted: true })]),
    )
    const seen = receiver.updates.map(({ n, prev, snapshot, deleted, raw }) => [n, prev, snapshot, deleted, raw && [...raw]])
    assert.deepEqual(seen, [
      [1, -1, false, false, null],
      [0, 5, true, false, [1, 2, 3]],
      [1, -1, false, true, null],
    ])
  })

  test('unknown frames, unknown members and unknown refs are read over', () => {
    const receiver = open()
    const before = receiver.controls.length
    receiver.receive(JSON.stringify([{ t: 'new' }, { t: 'constructor' }, { t: 'update', ref: 9 }, { t: 'mark', mark: 3, new: 1 }]))
    assert.deepEqual([receiver.controls.slice(before), receiver.updates], [[{ t: 'mark', mark: 3, new: 1 }], []])
  })

  test('a deep value is taken, on engines that cannot compare it too', () => {
    const receiver = open()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    for (const offset of [1, 2]) receiver.receive(JSON.stringify([update(offset, { values: { a: 0 } })]).replace('"a":0', `"a":${deep}`))
    assert.deepEqual(
      receiver.updates.map(({ offset }) => offset),
      [1, 2],
    )
  })

  const BROKEN: [string, string][] = [
    ['no JSON', '}{'],
    ['no array', '{"t":"mark","mark":1}'],
    ['a frame that is null', '[null]'],
    ['a frame that is an array', '[[]]'],
    ['a frame without t', '[{}]'],
    ['a welcome without members', '[{"t":"welcome"}]'],
    ['feeds that are no list', '[{"t":"feeds","feeds":{}}]'],
    ['a row of an answer without a ref', '[{"t":"subscribed","id":1,"ok":[["A"]]}]'],
    ['a pulse of a feed that welcome does not list', '[{"t":"pulse","pulse":1,"at":1,"feed":"none"}]'],
    [
      'a pulse row with a path that is not there',
      '[{"t":"pulse","pulse":1,"at":1,"feed":"quote","generation":1,"paths":[],"partitions":[[0,1,0,1,[]]]}]',
    ],
    [
      'a pulse row with too few ages',
      '[{"t":"pulse","pulse":1,"at":1,"feed":"quote","generation":1,"paths":[["a"]],"partitions":[[0,1,0,1,[]]]}]',
    ],
    ['a pulse that is infinitely late', '[{"t":"pulse","pulse":1,"at":1e999}]'],
    ['an update without a position', JSON.stringify([update(1, { position: undefined, values: {} })])],
    ['a position that is an object', JSON.stringify([update(1, { position: { toString: 1 }, values: {} })])],
    ['a malformed position', JSON.stringify([update(1, { position: '1:2', values: {} })])],
    ['values that are null', JSON.stringify([update(1, { values: null })])],
    ['values that are text', JSON.stringify([update(1, { values: 'abc' })])],
    ['raw that is no base64', JSON.stringify([update(1, { raw: '***' })])],
    ['raw that is a number', JSON.stringify([update(1, { raw: 1234 })])],
    ['n that is text', JSON.stringify([update(1, { n: '2', values: {} })])],
  ]
  for (const [name, message] of BROKEN) test(`${name} is refused`, () => assert.throws(() => open().receive(message), ProtocolError))

  test('a binary message is refused', () => assert.throws(() => open().receive(new Uint8Array(1)), ProtocolError))
})

test('base64 there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.equal(bytesToBase64(bytes), Buffer.from(bytes).toString('base64'))
      assert.deepEqual(base64ToBytes(bytesToBase64(bytes)), bytes)
    }),
  )
})

test('the same value is the same, and none other is', () => {
  const values = [undefined, null, true, false, 0, -0, NaN, '', '0', [], {}, [0], { a: 1 }, { a: '1' }]
  for (const [i, a] of values.entries())
    for (const [j, b] of values.entries()) assert.equal(sameValue(a, structuredClone(b)), i === j, `${i} ${j}`)
})

test('a decoder for clients passes over what only nodes take, whatever its shape, and takes the rest', () => {
  const taken = (decoder: ReturnType<typeof createJsonDecoder>, ...frames: object[]) => {
    const seen: ControlFrame['t'][] = []
    decoder.decode(JSON.stringify(frames), { onUpdate() {}, onPulse() {}, onControl: ({ t }) => seen.push(t) })
    return seen
  }
  const frames = [{ t: 'ask', id: 1 }, { t: 'told', id: 1, node: 'gw-1' }, { t: 'mark', mark: 3 }, { t: 'of a later version' }]
  assert.deepEqual(taken(createJsonDecoder(), ...frames), ['ask', 'told', 'mark'])
  assert.deepEqual(taken(createClientJsonDecoder(), ...frames, { t: 'trace' }), ['mark'])
  assert.throws(() => taken(createClientJsonDecoder(), { t: 'mark' }), { code: 'protocol_error' })
})
