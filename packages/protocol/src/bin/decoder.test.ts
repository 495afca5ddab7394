import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ProtocolError } from '../decoder.ts'
import type { FieldValue } from '../frames.ts'
import { Recorder } from '../test-support/recorder.ts'
import { type ModelRecord, ReferenceSender } from '../test-support/reference-sender.ts'
import { EPOCH, FEEDS, subscribed, WELCOME } from '../test-support/session.ts'
import { ByteWriter } from './byte-writer.ts'
import { writeDictionary } from './dictionary.ts'
import { KIND } from './kinds.ts'

function open(): { sender: ReferenceSender; receiver: Recorder } {
  const sender = new ReferenceSender(EPOCH, FEEDS)
  const receiver = new Recorder('pulsewire.bin.v1')
  sender.control(WELCOME)
  sender.control(subscribed(1, ['AAPL.US', 1, 'snapshot'], ['MSFT.US', 200, 'empty']))
  sender.open(1, 0, 'AAPL.US')
  sender.open(200, 0, 'MSFT.US')
  receiver.receive(sender.flush().bin)
  return { sender, receiver }
}

function record(offset: number, fields: Record<string, FieldValue>, more: Partial<ModelRecord> = {}): ModelRecord {
  return { generation: 1, partition: 2, offset, ts: EPOCH + offset, fields: new Map(Object.entries(fields)), ...more }
}

/** A message by hand: bytes and byte arrays in a row. */
function bytes(...parts: (number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))
}

function dictionary(first: number, ...fields: [name: string, scale: number][]): Uint8Array {
  const writer = new ByteWriter()
  writeDictionary(
    writer,
    0,
    first,
    fields.map(([name, scale]) => ({ name, scale })),
  )
  return writer.take()
}

function refused(receiver: Recorder, message: Uint8Array, because: RegExp): void {
  assert.throws(
    () => receiver.receive(message),
    (error) => error instanceof ProtocolError && because.test(error.message),
  )
}

describe('updates of bin.v1', () => {
  test('a snapshot, then only what changed', () => {
    const { sender, receiver } = open()
    sender.update(1, record(10, { last: 187.23, name: 'Apple', open: true }), 0, true)
    receiver.receive(sender.flush().bin)
    sender.update(1, record(12, { last: 187.24, name: 'Apple', open: true }), 2)
    const message = sender.flush().bin
    receiver.receive(message)
    assert.deepEqual([...message], [0xc2, 1, 2, 4, 2, 0b1, 2 * 4], 'flags, ref, two offsets on, 2 ms on, n, bitmap, one step up')
    const [first, second] = receiver.updates
    assert.deepEqual([first!.snapshot, first!.n, [...first!.changed]], [true, 0, ['last', 'name', 'open']])
    assert.deepEqual([second!.snapshot, second!.n, [...second!.changed]], [false, 2, ['last']])
    assert.deepEqual(Object.fromEntries(second!.values), { last: 187.24, name: 'Apple', open: true })
  })

  test('a scale that grows in mid-stream', () => {
    const { sender, receiver } = open()
    for (const [i, last] of [187, 187.2, 187.23, 187.22, 187.235, 187].entries()) {
      sender.update(1, record(i, { last }), 1, i === 0)
      receiver.receive(sender.flush().bin)
      assert.equal(receiver.image(1)!.values.get('last'), last)
    }
  })

  test('a bitmap of many bytes, with bytes in between that name nothing', () => {
    const { sender, receiver } = open()
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, i]))
    sender.update(1, record(1, wide), 0, true)
    sender.update(1, record(2, { ...wide, f6: -1, f7: -1, f299: -1 }))
    receiver.receive(sender.flush().bin)
    assert.deepEqual([...receiver.updates[1]!.changed], ['f6', 'f7', 'f299'])
    assert.deepEqual(receiver.updates[1]!.values.get('f299'), -1)
    assert.equal(receiver.updates[1]!.values.size, 300)
  })

  test('an update that names no field is an update', () => {
    const { sender, receiver } = open()
    sender.update(1, record(1, { last: 1 }), 0, true)
    sender.update(1, record(2, { last: 1 }))
    receiver.receive(sender.flush().bin)
    assert.deepEqual([receiver.updates[1]!.offset, receiver.updates[1]!.changed.size], [2, 0])
  })

  test('deleted, and there again', () => {
    const { sender, receiver } = open()
    sender.update(1, record(1, { last: 1, name: 'a' }), 0, true)
    sender.update(1, record(2, {}, { deleted: true }))
    sender.update(1, record(3, { last: 2 }))
    receiver.receive(sender.flush().bin)
    const [, gone, back] = receiver.updates
    assert.deepEqual([gone!.deleted, gone!.values.size, gone!.changed.size], [true, 0, 0])
    assert.deepEqual([back!.deleted, back!.snapshot, Object.fromEntries(back!.values)], [false, false, { last: 2 }])
  })

  test('raw values replace each other and are copies; a deletion takes them away', () => {
    const { sender, receiver } = open()
    const raw = (offset: number, ...value: number[]) => record(offset, {}, { raw: Uint8Array.from(value) })
    sender.update(1, raw(1, 1, 2, 3), 0, true)
    sender.update(1, raw(2))
    const message = sender.flush().bin
    receiver.receive(message)
    message.fill(0xff)
    assert.deepEqual(
      receiver.updates.map((update) => [...update.raw!]),
      [[1, 2, 3], []],
    )
    sender.update(1, record(3, {}, { deleted: true }))
    receiver.receive(sender.flush().bin)
    assert.equal(receiver.image(1)!.raw, null)
  })

  test('place and prev: told when they change, and prev only where known', () => {
    const { sender, receiver } = open()
    sender.update(1, record(7, { a: 1 }), 0, true)
    sender.update(1, record(9, { a: 2 }, { prev: 7 }))
    sender.update(1, record(0, { a: 3 }, { generation: 300, partition: 0 }))
    sender.update(1, record(2 ** 53 - 1, { a: 4 }, { generation: 300, partition: 0, prev: 0, ts: 0 }))
    receiver.receive(sender.flush().bin)
    const seen = receiver.updates.map(({ generation, partition, offset, prev, ts }) => [generation, partition, offset, prev, ts - EPOCH])
    assert.deepEqual(seen, [
      [1, 2, 7, -1, 7],
      [1, 2, 9, 7, 9],
      [300, 0, 0, -1, 0],
      [300, 0, 2 ** 53 - 1, 0, -EPOCH],
    ])
  })

  test('what lies behind the last update of its ref is told in steps from it', () => {
    const { sender } = open()
    sender.update(1, record(70_000, { a: 1 }, { ts: EPOCH + 9_000_000 }), 0, true)
    sender.flush()
    sender.update(1, record(70_009, { a: 2 }, { prev: 70_000, ts: EPOCH + 8_999_998 }))
    const { bin } = sender.flush()
    assert.deepEqual([...bin], [0xc8, 1, 9, 3, 0b1, 1 * 8], 'flags, ref, nine offsets on, 2 ms earlier, bitmap, one step up')
    sender.update(1, record(70_010, { a: 3 }, { ts: EPOCH + 9_000_000 }))
    assert.deepEqual([...sender.flush().bin.subarray(0, 4)], [0xc0, 1, 1, 4], 'where it is not known what came before as well')
    sender.update(1, record(70_020, { a: 3 }, { prev: 70_015, ts: EPOCH + 9_000_000 }))
    assert.equal(sender.flush().bin[0], 0x88, 'one that names another record before it is not')
    sender.update(1, record(70_000, { a: 3 }))
    assert.equal(sender.flush().bin[0], 0x80, 'nor one that goes back')
    sender.update(1, record(70_001, { a: 3 }, { partition: 3 }))
    assert.equal(sender.flush().bin[0], 0x84, 'nor one that lies elsewhere')
  })

  test('an update of a ref that is not open is read over, whatever it holds', () => {
    const { sender, receiver } = open()
    const everything = { step: 2.5, text: 'ü', none: null, double: 0.1 + 0.2, nested: { a: [1] }, yes: true }
    sender.update(1, record(1, everything), 0, true)
    sender.update(200, record(1, { last: 1 }), 0, true)
    receiver.receive(sender.flush().bin)
    receiver.decoder.close(1)
    sender.update(1, record(4, { step: 2.51 }, { prev: 1 }))
    sender.update(1, record(5, {}, { raw: Uint8Array.of(1, 2) }))
    sender.update(1, record(6, {}, { deleted: true }))
    sender.update(200, record(7, { last: 2 }))
    receiver.receive(sender.flush().bin)
    assert.deepEqual(
      receiver.updates.map(({ ref, offset }) => [ref, offset]),
      [
        [1, 1],
        [200, 1],
        [200, 7],
      ],
    )
    assert.equal(receiver.image(1), undefined)
  })

  test('a ref that is opened twice keeps its image; one that is closed starts anew', () => {
    const { sender, receiver } = open()
    sender.update(1, record(1, { last: 1 }), 0, true)
    receiver.receive(sender.flush().bin)
    receiver.decoder.open(1, 0)
    assert.equal(receiver.image(1)!.values.get('last'), 1)
    receiver.decoder.close(1)
    receiver.decoder.open(1, 0)
    assert.deepEqual([receiver.image(1)!.offset, receiver.image(1)!.values.size], [-1, 0])
  })
})

describe('frames of bin.v1', () => {
  test('unknown kinds, unknown control frames, frames of the other direction and later additions to a payload are read over', () => {
    const { sender, receiver } = open()
    const before = receiver.controls.length
    for (const kind of [0x00, 0x03, 0x05, 0x07, 0x7f]) sender.binOnly(bytes(kind, 3, 0x80, 0xff, 0x01))
    sender.binOnly(bytes(KIND.json, 11, Buffer.from('{"t":"new"}')))
    sender.binOnly(bytes(KIND.json, 19, Buffer.from('{"t":"constructor"}')))
    sender.binOnly(bytes(KIND.mark, 3, 17, 0xaa, 0xbb))
    sender.pulse({ t: 'pulse', pulse: 5, at: EPOCH })
    receiver.receive(sender.flush().bin)
    assert.deepEqual(receiver.controls.slice(before), [{ t: 'mark', mark: 17 }])
    assert.deepEqual(receiver.pulses, [{ t: 'pulse', pulse: 5, at: EPOCH }])
  })

  test('an empty message is nothing', () => open().receiver.receive(new Uint8Array()))

  test('what breaks the document is refused', () => {
    const first = [0x85, 1, 1, 0, 5, 0] as const
    const BROKEN: [string, Uint8Array, RegExp][] = [
      ['a field that no dictionary named', bytes(...first, 0b10, 5), /not in the dictionary/],
      ['a step on nothing', bytes(dictionary(0, ['a', 0]), ...first, 0b1, 4), /a step on a field/],
      ['a first update without a place', bytes(0x81, 1, 5, 0, 0), /where it lies/],
      ['a first update in steps', bytes(0xc0, 1, 5, 0, 0), /where it lies/],
      ['an update in steps, and its place', bytes(...first, 0, 0xc4, 1, 1, 0, 5, 0, 0), /in steps/],
      ['a step beyond 2^53', bytes(...first, 0, 0xc0, 1, new Uint8Array(7).fill(0xff), 0x0f, 0, 0), /above 2\^53/],
      ['a previous offset below 0', bytes(0x8d, 1, 1, 0, 5, 0, 6, 0), /previous offset/],
      ['a bitmap without end', bytes(...first, new Uint8Array(1024).fill(0x80), 0), /bitmap/],
      ['a dictionary with a hole', dictionary(1, ['b', 0]), /leaves indexes out/],
      ['a scale above 9', dictionary(0, ['b', 10]), /scale/],
      ['a feed index in the millions', bytes(KIND.dictionary, 6, 0x80, 0x80, 0x80, 0x01, 0, 0), /feed index/],
      ['control text that is no JSON', bytes(KIND.json, 1, 0x7b), /not JSON/],
      ['control text that is no UTF-8', bytes(KIND.json, 1, 0xff), /UTF-8/],
      ['a control frame that is no object', bytes(KIND.json, 4, Buffer.from('null')), /no object/],
      ['a welcome without members', bytes(KIND.json, 15, Buffer.from('{"t":"welcome"}')), /wrong shape/],
      ['a frame longer than its message', bytes(KIND.mark, 9, 1), /ends inside/],
      ['a frame shorter than what it holds', bytes(KIND.mark, 0), /ends inside/],
      ['a pulse of a feed that welcome does not list', bytes(KIND.pulse, 6, 1, 0, 9, 1, 0, 0), /welcome does not list/],
      ['a pulse row with a path that is not there', bytes(KIND.pulse, 10, 1, 0, 1, 1, 0, 1, 0, 5, 0, 0), /path/],
    ]
    for (const [, message, because] of BROKEN) refused(open().receiver, message, because)
  })

  test('a text message on a binary session is refused', () => {
    assert.throws(() => open().receiver.receive('[]'), ProtocolError)
  })

  test('a bitmap of 1,024 bytes is read', () => {
    open().receiver.receive(bytes(0x85, 1, 1, 0, 5, 0, new Uint8Array(1023).fill(0x80), 0))
  })
})
