import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeAgain } from '../../../../test/support/control-records.ts'
import { testLease } from '../../../../test/support/leases.ts'
import type { LogAppend } from '../log/index.ts'
import { FEEDS_MAX } from '../runtime/config/sections/feeds.ts'
import { decodeControl, encodeGrey, encodeLease, encodeWord } from './control-record.ts'
import vectors from './control-records.vectors.json' with { type: 'json' }

const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
const decode = ({ key, value }: LogAppend) => decodeControl(bytes(key as string), bytes(value as string | null))

test('what was ever written is read as it was meant', () => {
  for (const { key, value, read } of vectors.records) assert.deepEqual(decodeControl(bytes(key), bytes(value)), read, key)
})

test('what is read and written again is the same record', () => {
  for (const { key, value } of vectors.records) {
    const again = encodeAgain(decodeControl(bytes(key), bytes(value)))
    assert.equal(again.key, key)
    assert.deepEqual(JSON.parse(String(again.value)), JSON.parse(String(value)), key)
  }
})

test('members that a newer node of the same version adds are passed over', () => {
  const { key, value } = encodeLease(testLease('gw-1'))
  const grown = { ...(JSON.parse(value as string) as object), colour: 'blue' }
  assert.deepEqual(decodeControl(bytes(key as string), bytes(JSON.stringify(grown))), decode({ key, value }))
})

test('a newer version, an unknown key and a malformed value are told apart, and say what is wrong', () => {
  const why = (key: string | null, value: string | null) => {
    const read = decodeControl(bytes(key), bytes(value))
    return read.kind === 'ignored' ? read.why : read.kind
  }
  assert.equal(why('lease/gw-1', '{"v":2}'), 'newer_version')
  for (const key of [null, '', 'lease', 'lease/', 'leases/gw-1', 'plan/x', 'lease/a b', '/x'])
    assert.equal(why(key, '{"v":1}'), 'unknown_key')
  for (const value of ['', '{', 'null', '7', '[]', '{}', '{"v":"1"}', '{"v":0}', '{"v":1}', '{"v":1,"word":"away","atMs":1}']) {
    assert.equal(why('word/gw-1', value), 'malformed', value)
  }
  const lease = JSON.parse(encodeLease(testLease('gw-1')).value as string) as Record<string, unknown>
  for (const member of ['role', 'incarnation', 'beat', 'lifeMs', 'addresses', 'feeds', 'load', 'ready', 'draining']) {
    const { [member]: _, ...rest } = lease
    const read = decodeControl(bytes('lease/gw-1'), bytes(JSON.stringify(rest)))
    assert.ok(read.kind === 'ignored' && read.why === 'malformed' && read.problem.includes(member), JSON.stringify(read))
  }
})

test('a push node with as many feeds and delayed feeds as can be configured, all of which move, has a lease', () => {
  const two = (feed: string, delayOf?: string) =>
    [1, 2].map((generation) => ({
      feed,
      generation,
      topic: `${feed}-${generation}`,
      pulseAgeMs: 1,
      ...(delayOf === undefined ? {} : { delayOf, delayMs: 1000 }),
    }))
  const feeds = Array.from({ length: FEEDS_MAX }, (_, n) => two(`feed-${n}`))
  const delayed = Array.from({ length: FEEDS_MAX }, (_, n) => two(`late-${n}`, `feed-${n}`))
  const lease = testLease('push-a1', { feeds: [...feeds, ...delayed].flat() })
  assert.deepEqual(decode(encodeLease(lease)), { kind: 'lease', name: 'push-a1', lease, left: false })
})

test('what nobody could read is not written', () => {
  const refused = (write: () => unknown, why: RegExp) => assert.throws(write, { code: 'control_record_invalid', message: why })
  const feeds = Array.from({ length: 2000 }, (_, n) => ({ feed: `feed-${n}`, generation: 1, pulseAgeMs: null }))
  refused(() => encodeLease(testLease('gw-1', { feeds })), /lease\/gw-1 cannot be written: feeds: /)
  refused(() => encodeLease(testLease('gw-1', { feeds: [{ feed: 'quote', generation: 1, pulseAgeMs: Number.NaN }] })), /pulseAgeMs/)
  refused(() => encodeWord('gw 1', { word: 'offline', atMs: 1 }), /word\/gw 1 cannot be written: name/)
  refused(() => encodeGrey({ percent: 101, users: [], atMs: 1 }), /percent/)
})

test('no bytes make it throw', () => {
  const valid = vectors.records.filter(({ value }) => value !== null)
  const mangled = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255)).map(([{ key, value }, at, byte]) => {
    const changed = Buffer.from(value!)
    changed[at % changed.length] = byte
    return [Buffer.from(key), changed] as const
  })
  const anything = fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 200 }))
  fc.assert(
    fc.property(fc.oneof(mangled, anything), ([key, value]) => {
      assert.equal(typeof decodeControl(key, value).kind, 'string')
    }),
    { seed: 4, numRuns: 2000 },
  )
})
