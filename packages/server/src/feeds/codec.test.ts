import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import protobuf from 'protobufjs'
import { ConfigError } from '../runtime/errors.ts'
import { decodeJson, protobufDecoder } from './codec.ts'

const directory = mkdtempSync(join(tmpdir(), 'pulsewire-codec-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const PROTO3 = `syntax = "proto3";
package acme.quotes;
enum Status { UNKNOWN = 0; OPEN = 1; HALTED = 2; }
message Level { double price = 1; int64 size = 2; }
message Quote {
  double last_price = 1;
  optional double bid = 2;
  Status status = 3;
  int64 volume = 4;
  bytes digest = 5;
  repeated Level levels = 6;
  Level best = 7;
  bool halted = 8;
  string name = 9;
}`

function schema(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

const quote3 = schema('quote3.proto', PROTO3)
const quote2 = schema(
  'quote2.proto',
  'syntax = "proto2"; message Quote { optional double last = 1; required int32 id = 2; optional double bid = 3 [default = 7]; }',
)

function encode(file: string, message: string, value: object): Uint8Array {
  const { root } = protobuf.parse(
    file === quote3 ? PROTO3 : 'syntax = "proto2"; message Quote { optional double last = 1; optional int32 id = 2; }',
    { keepCase: true },
  )
  const type = root.lookupType(message)
  return type.encode(type.fromObject(value)).finish()
}

test('json: a number too large for a double is null, for which JSON has a word', () => {
  const decode = (text: string) => decodeJson(Buffer.from(text))
  assert.deepEqual(decode('{"last":1e999,"low":-1e999,"high":1e308,"name":"1e999"}'), { last: null, low: null, high: 1e308, name: '1e999' })
})

test('json: a flat object, nested values as they are', () => {
  const decode = (text: string) => decodeJson(new TextEncoder().encode(text))
  assert.deepEqual(decode('{"last":187.23,"book":{"bids":[[1,2]]},"note":null}'), { last: 187.23, book: { bids: [[1, 2]] }, note: null })
  for (const bad of ['', '[]', 'null', '7', '"text"', '{"a":1', '{a:1}']) assert.throws(() => decode(bad), bad)
  assert.throws(() => decodeJson(Uint8Array.of(0x7b, 0xff, 0x7d)), 'what is not UTF-8')
})

test('protobuf: every kind of field, by its name in the schema', () => {
  const decode = protobufDecoder({ schemaFile: quote3, message: 'acme.quotes.Quote' })
  const value = {
    last_price: 187.23,
    bid: 187.2,
    status: 'HALTED',
    volume: 9_007_199_254_740_991,
    digest: Buffer.from([0, 255]),
    levels: [{ price: 1, size: 2 }],
    best: { price: 3, size: 4 },
    halted: true,
    name: '腾讯',
  }
  assert.deepEqual(decode(encode(quote3, 'acme.quotes.Quote', value)), { ...value, digest: 'AP8=' })
})

test('protobuf: proto3 fields that are not on the wire have their default; those with presence are absent', () => {
  const decode = protobufDecoder({ schemaFile: quote3, message: 'acme.quotes.Quote' })
  const expected = { last_price: 0, status: 'UNKNOWN', volume: 0, digest: '', halted: false, name: '' }
  assert.deepEqual(decode(new Uint8Array()), expected)
  assert.deepEqual(decode(encode(quote3, 'acme.quotes.Quote', { bid: 0, last_price: 0 })), { ...expected, bid: 0 })
})

test('protobuf: partial records say nothing of what is not on the wire', () => {
  const decode = protobufDecoder({ schemaFile: quote3, message: 'acme.quotes.Quote', merge: true })
  assert.deepEqual(decode(encode(quote3, 'acme.quotes.Quote', { bid: 5 })), { bid: 5 })
})

test('protobuf: proto2 fields have presence, so nothing is made up; a required one that is missing is an error', () => {
  const decode = protobufDecoder({ schemaFile: quote2, message: 'Quote' })
  assert.deepEqual(decode(encode(quote2, 'Quote', { id: 3 })), { id: 3 })
  assert.throws(() => decode(encode(quote2, 'Quote', { last: 1 })), /required/)
})

test('protobuf: numbers that JSON has no word for are null', () => {
  const decode = protobufDecoder({ schemaFile: quote3, message: 'acme.quotes.Quote', merge: true })
  for (const bid of [NaN, Infinity, -Infinity]) assert.deepEqual(decode(encode(quote3, 'acme.quotes.Quote', { bid })), { bid: null })
})

test('protobuf: bytes that are no message throw', () => {
  const decode = protobufDecoder({ schemaFile: quote3, message: 'acme.quotes.Quote' })
  for (const bad of [Uint8Array.of(0x09, 1), Uint8Array.of(0xff), Buffer.from('{"last":1}')]) assert.throws(() => decode(bad))
})

test('protobuf: a schema that cannot be used is a problem of the configuration, with its file and why', () => {
  const cases: readonly (readonly [file: string, message: string, says: RegExp])[] = [
    [join(directory, 'missing.proto'), 'Quote', /missing\.proto.*ENOENT/],
    [schema('broken.proto', 'message {'), 'Quote', /broken\.proto/],
    [quote3, 'acme.quotes.Nothing', /acme\.quotes\.Nothing/],
    [schema('import.proto', 'syntax = "proto3"; import "other.proto"; message Quote { Other other = 1; }'), 'Quote', /Other/],
  ]
  for (const [schemaFile, message, says] of cases) {
    assert.throws(
      () => protobufDecoder({ schemaFile, message }),
      (error) => error instanceof ConfigError && says.test(error.problems.join()),
      schemaFile,
    )
  }
})
