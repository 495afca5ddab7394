import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PulsewireError } from '../errors.ts'
import { balancerUrl, readHandOut } from './hand-out.ts'

describe("a balancer's answer", () => {
  const gateway = (address: unknown) => ({ node: 'gw', address, zone: '' })

  test('is read', () => {
    assert.equal(balancerUrl('https://b/prefix/', { zone: 'a', track: undefined }), 'https://b/prefix/v1/gateways?zone=a')
    assert.deepEqual(readHandOut(JSON.stringify({ gateways: [gateway('wss://gw-1'), gateway('wss://gw-1')], ttlMs: 5000, new: 1 }), true), {
      addresses: ['wss://gw-1/v1/stream'],
      zones: new Map([['wss://gw-1/v1/stream', '']]),
      ttlMs: 5000,
      connectAfterMs: 0,
      degraded: false,
    })
  })

  test('no number in it makes a client wait for ever, nor trust it for ever', () => {
    const { ttlMs, connectAfterMs } = readHandOut(JSON.stringify({ gateways: [], ttlMs: 1e300, connectAfterMs: 1e300 }), true)
    assert.deepEqual([ttlMs, connectAfterMs], [3_600_000, 60_000])
  })

  for (const [name, answer] of [
    ['is no JSON', '<html>'],
    ['is no object', '7'],
    ['is null', 'null'],
    ['has no list', '{"ttlMs":1}'],
    ['has no time to live', '{"gateways":[]}'],
    ['has a negative time', '{"gateways":[],"ttlMs":-1}'],
    ['has a time that is no number', '{"gateways":[],"ttlMs":1,"connectAfterMs":"1"}'],
    [
      'has more gateways than there are',
      JSON.stringify({ gateways: Array.from({ length: 101 }, (_, i) => gateway(`wss://g${i}`)), ttlMs: 1 }),
    ],
    [
      'has only addresses that are none',
      JSON.stringify({ gateways: [gateway(7), null, gateway('javascript:alert(1)'), gateway('http://x')], ttlMs: 1 }),
    ],
    ['leads to a plain connection', JSON.stringify({ gateways: [gateway('ws://gw-1')], ttlMs: 1 })],
    ['carries credentials', JSON.stringify({ gateways: [gateway('wss://a:b@gw-1')], ttlMs: 1 })],
    ['has an endless address', JSON.stringify({ gateways: [gateway(`wss://gw/${'x'.repeat(1000)}`)], ttlMs: 1 })],
  ] as const) {
    test(`that ${name} is refused`, () => {
      assert.throws(() => readHandOut(answer, true), { code: 'balancer_invalid', retryable: true })
    })
  }

  test('one bad address among good ones is left out', () => {
    const text = JSON.stringify({ gateways: [gateway('ws://plain'), gateway('wss://gw-1'), {}], ttlMs: 1 })
    assert.deepEqual(readHandOut(text, true).addresses, ['wss://gw-1/v1/stream'])
  })

  test('whatever it is, it is read or refused by name', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({ gateways: fc.array(fc.oneof(fc.jsonValue(), fc.record({ address: fc.webUrl() }))), ttlMs: fc.jsonValue() }),
    )
    fc.assert(
      fc.property(value, fc.boolean(), (answer, secure) => {
        try {
          for (const address of readHandOut(JSON.stringify(answer), secure).addresses) assert.match(address, secure ? /^wss:/ : /^wss?:/)
        } catch (error) {
          assert.ok(error instanceof PulsewireError && error.code === 'balancer_invalid', String(error))
        }
      }),
    )
  })
})
