import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { ManualClock } from '../../../../test/support/manual-clock.ts'
import { type ArrivalOptions, Arrivals } from './arrivals.ts'

const OPEN: ArrivalOptions = { origins: ['*'], trustedProxies: [], connectionsMax: 0, connectionsPerSecondMax: 0 }

function arrivals(options: Partial<ArrivalOptions> = {}, clock = new ManualClock()): Arrivals {
  return new Arrivals({ ...OPEN, ...options }, clock)
}

function request(remoteAddress: string, headers: Readonly<Record<string, string>> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

test('origins are compared as a whole; none at all is a native app', () => {
  const own = arrivals({ origins: ['https://app.example.com', 'https://*.quotes.example'] })
  const allows = (origin?: string) => own.allowsOrigin(request('192.0.2.1', origin === undefined ? {} : { origin }))
  for (const origin of [
    undefined,
    'https://app.example.com',
    'https://APP.example.com',
    'https://a.quotes.example',
    'https://a.b.quotes.example',
  ])
    assert.equal(allows(origin), true, String(origin))
  for (const origin of [
    'https://evil.example',
    'null',
    '',
    'https://evil-app.example.com',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://evilquotes.example',
    'https://.quotes.example',
    'https://evil.example/.quotes.example',
    'https://evil.example#.quotes.example',
    'https://a@.quotes.example',
  ])
    assert.equal(allows(origin), false, origin)
  assert.equal(arrivals({ origins: [] }).allowsOrigin(request('192.0.2.1', { origin: 'https://app.example.com' })), false)
  assert.equal(arrivals().allowsOrigin(request('192.0.2.1', { origin: 'null' })), true)
})

test('an address is whom a trusted proxy names, and nobody else is believed', () => {
  const behind = arrivals({ trustedProxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] })
  const from = (peer: string, forwarded?: string) =>
    behind.addressOf(request(peer, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }))
  assert.equal(from('203.0.113.5'), '203.0.113.5')
  assert.equal(from('::ffff:203.0.113.5'), '203.0.113.5')
  // A client that names somebody else.
  assert.equal(from('203.0.113.5', '198.51.100.1'), '203.0.113.5')
  assert.equal(from('10.1.2.3', '198.51.100.1'), '198.51.100.1')
  assert.equal(from('::ffff:10.1.2.3', '198.51.100.1'), '198.51.100.1')
  // A client that names somebody else to a trusted proxy: what it said stands further left.
  assert.equal(from('10.1.2.3', '198.51.100.9, 198.51.100.1'), '198.51.100.1')
  assert.equal(from('10.1.2.3', '198.51.100.1, 192.0.2.7, 2001:db8::5'), '198.51.100.1')
  assert.equal(from('10.1.2.3', '198.51.100.1:4711'), '198.51.100.1')
  assert.equal(from('10.1.2.3', '[2001:dead::1]:4711'), '2001:dead::1')
  assert.equal(from('10.1.2.3', 'rubbish'), '10.1.2.3')
  assert.equal(from('10.1.2.3', ''), '10.1.2.3')
  assert.equal(from('10.1.2.3', '10.9.9.9'), '10.1.2.3')
  assert.equal(arrivals().addressOf(request('10.1.2.3', { 'x-forwarded-for': '198.51.100.1' })), '10.1.2.3')
})

test('connections of an address are counted, of IPv6 those of a /64 together', () => {
  const few = arrivals({ connectionsMax: 2 })
  const enter = (address: string) => few.enter(address)
  assert.deepEqual(
    [enter('192.0.2.1'), enter('192.0.2.1'), enter('192.0.2.1'), enter('192.0.2.2')],
    [null, null, 'address_connections', null],
  )
  few.leave('192.0.2.1')
  assert.equal(enter('192.0.2.1'), null)
  assert.deepEqual(
    [enter('2001:db8:1:2::1'), enter('2001:db8:1:2:ffff::9'), enter('2001:db8:1:2::3'), enter('2001:db8:1:3::1')],
    [null, null, 'address_connections', null],
  )
  few.leave('198.51.100.1')
})

test('new connections of an address are let in at a pace', () => {
  const clock = new ManualClock()
  const paced = arrivals({ connectionsPerSecondMax: 2 }, clock)
  const enter = () => paced.enter('192.0.2.1')
  assert.deepEqual([enter(), enter(), enter()], [null, null, 'address_rate'])
  assert.equal(paced.enter('192.0.2.2'), null)
  clock.advance(500)
  assert.deepEqual([enter(), enter()], [null, 'address_rate'])
  clock.advance(60_000)
  assert.deepEqual([enter(), enter(), enter()], [null, null, 'address_rate'])
})

test('what is remembered of addresses is bounded, and those who are here are not forgotten', () => {
  const few = arrivals({ connectionsMax: 1 })
  few.enter('192.0.2.1')
  for (let n = 0; n < 60_000; n++) {
    const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
    assert.equal(few.enter(address), null)
    few.leave(address)
  }
  assert.ok(few.size <= 50_000, `${few.size}`)
  assert.equal(few.enter('192.0.2.1'), 'address_connections')
})
