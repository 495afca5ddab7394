import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventStream } from './event-stream.ts'

function read(chunks: readonly string[], lengthMax = 1000): [string, string][] {
  const events: [string, string][] = []
  const stream = new EventStream((name, data) => events.push([name, data]), lengthMax)
  for (const chunk of chunks) stream.push(chunk)
  return events
}

const TEXT =
  ':   padding\n\nevent: open\ndata: {"key":"k"}\n\ndata: [1]\r\n\r\n:\n\nid: 7\ndata:two\ndata: lines\n\nevent: close\ndata\n\ndata: cut o'
const EVENTS = [
  ['open', '{"key":"k"}'],
  ['message', '[1]'],
  ['message', 'two\nlines'],
  ['close', ''],
]

test('events, comments, both kinds of line ends; what is cut off is no event', () => {
  assert.deepEqual(read([TEXT]), EVENTS)
})

test('however it is cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(TEXT.length)), (cuts) => {
      const ends = [...new Set([...cuts, TEXT.length])].sort((a, b) => a - b)
      assert.deepEqual(read(ends.map((end, i) => TEXT.slice(ends[i - 1] ?? 0, end))), EVENTS)
    }),
  )
})

test('an event that has no end is not collected for ever, in one line or in many', () => {
  assert.throws(() => read(['data: ', ...Array.from({ length: 200 }, () => 'x'.repeat(10))]), RangeError)
  assert.throws(() => read(Array.from({ length: 200 }, () => `data: ${'x'.repeat(10)}\n`)), RangeError)
})
