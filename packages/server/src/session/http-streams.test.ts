import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { rowHash, type DownstreamFrame } from '@pulsewire/protocol'
import { everything, feedOptions, sessionOptions } from '../../../../test/support/sender.ts'
import { Hub } from '../hub/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'
import type { NumberMetric } from '../metrics/metric.ts'
import { OF_RECEIVERS } from '../metrics/of-receivers.ts'
import { type ArrivalOptions, Arrivals } from './arrivals.ts'
import { Sessions } from './sessions.ts'
import { StreamServer } from './web-socket-server.ts'

const HELLO = '{"t":"hello","client":"test"}'
const open: { close(): Promise<void> }[] = []
after(() => Promise.all(open.map((each) => each.close())))

interface Options {
  readonly session?: Partial<typeof sessionOptions>
  readonly from?: Partial<ArrivalOptions>
  readonly keepAliveMs?: number
}

async function start({ session: given, from, keepAliveMs = 60_000 }: Options = {}) {
  const hub = new Hub({ nodeId: 'gw-1', clock: systemClock, feeds: [feedOptions] })
  const session = { ...sessionOptions, ...given }
  const sessions = new Sessions({ hub, session, role: 'gateway', version: '0', log: silentLogger })
  hub.connect(everything, sessions)
  hub.setShape(hub.feeds[0]!, 1, 1)
  const state = { ready: true }
  const arrivals = new Arrivals({ origins: ['*'], trustedProxies: [], connectionsMax: 0, connectionsPerSecondMax: 0, ...from }, systemClock)
  const server = new StreamServer({
    ...{ host: '127.0.0.1', port: 0, messageBytesMax: session.messageBytesMax, sessions, log: silentLogger, arrivals },
    ...{ ready: () => state.ready, httpStream: { keepAliveMs, paddingBytes: 2048 } },
  })
  open.push({
    async close() {
      sessions.close()
      await server.close()
    },
  })
  await server.listen()
  return { hub, sessions, state, url: `http://127.0.0.1:${server.port}/v1/stream` }
}

/** A receiver that reads events one by one. */
class Reader {
  readonly response: Response
  readonly #abort: AbortController
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  readonly #url: string
  readonly #frames: DownstreamFrame[] = []
  #text = ''
  key = ''
  comments = ''

  private constructor(url: string, response: Response, abort: AbortController) {
    this.#url = url
    this.response = response
    this.#abort = abort
    this.#reader = response.body!.getReader()
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Reader> {
    const abort = new AbortController()
    const response = await fetch(url, { headers, signal: abort.signal })
    assert.equal(response.status, 200)
    const reader = new Reader(url, response, abort)
    const [name, { key }] = (await reader.event()) as [string, { key: string }]
    assert.equal(name, 'open')
    reader.key = key
    return reader
  }

  /** The next event; undefined at the end. */
  async event(): Promise<[name: string, data: unknown] | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split('\n')
        this.#text = this.#text.slice(end + 2)
        const of = (field: string) => lines.find((line) => line.startsWith(`${field}: `))?.slice(field.length + 2)
        const data = of('data')
        if (data !== undefined) return [of('event') ?? 'message', JSON.parse(data)]
        this.comments += lines.join('\n')
        if (this.key !== '') return ['comment', '']
        continue
      }
      const { done, value } = await this.#reader.read()
      if (done) return undefined
      this.#text += this.#decoder.decode(value, { stream: true })
    }
  }

  /** Reads until a frame of this kind. */
  async frame<T extends DownstreamFrame['t']>(t: T): Promise<DownstreamFrame & { t: T }> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame?.t === t) return frame as DownstreamFrame & { t: T }
      if (frame !== undefined) continue
      const event = await this.event()
      assert.ok(event !== undefined, `the stream ended without ${t}`)
      if (event[0] === 'message') this.#frames.push(...(event[1] as DownstreamFrame[]))
    }
  }

  async say(number: number, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<number> {
    const response = await fetch(`${this.#url}/${this.key}/${number}`, { method: 'POST', body, headers })
    await response.text()
    return response.status
  }

  leave(): void {
    this.#abort.abort()
  }
}

/** The server hears of an end a little later than the peer. A session that stays makes the test time out. */
async function allGone(sessions: Sessions): Promise<void> {
  while (sessions.size > 0) await new Promise((resolve) => setImmediate(resolve))
}

test('a session as over WebSocket: welcome, snapshot, pulse, acknowledgement, bye', async () => {
  const { hub, sessions, url } = await start()
  const reader = await Reader.open(url)
  const { headers } = reader.response
  assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8')
  assert.match(headers.get('cache-control')!, /no-transform/)
  assert.equal(headers.get('x-accel-buffering'), 'no')
  assert.ok(reader.comments.length >= 2048, 'padding for who collects before passing on')
  assert.match(reader.key, /^[\w-]{22}$/)

  assert.equal(await reader.say(1, `${HELLO}\n{"t":"subscribe","id":1,"feed":"quote","symbols":["A"]}\n`), 204)
  assert.equal((await reader.frame('welcome')).node, 'gw-1')
  const { ok } = await reader.frame('subscribed')
  assert.equal(ok![0]![0], 'A')
  const feed = hub.feeds[0]!
  const symbol = feed.obtain('A')!
  symbol.applyRecord({ generation: 1, partition: 0, offset: 0, ts: 1, n: 1, prev: -1 }, { last: 1.5 }, false)
  hub.updated(symbol, true)
  const nowMs = systemClock.nowMs()
  hub.pulse(feed, { generation: 1, partition: 0, offset: 1, writtenAtMs: nowMs, path: ['gw-1'], arrivedAtMs: [nowMs] })
  assert.deepEqual((await reader.frame('update')).values, { last: 1.5 })
  const { pulse } = await reader.frame('pulse')
  const [session] = sessions
  const [http] = OF_RECEIVERS.filter(({ name }) => name === 'pulsewire_sessions_http')
  const source = { role: 'gateway', sessions, leaseContent: () => assert.fail('it is not asked for') } as const
  assert.deepEqual([...(http as NumberMetric).read([source], null)], [{ labels: { role: 'gateway' }, value: 1 }])
  assert.match(session!.transport.remote, /^127\.0\.0\.1:\d+ \(HTTP stream\)$/)
  assert.equal(await reader.say(2, JSON.stringify({ t: 'ack', pulse, count: 1, digest: rowHash(1, 'A') })), 204)
  assert.equal(session!.account(nowMs).acknowledgedPulse, pulse)
  assert.equal(await reader.say(3, '{"t":"bye"}'), 204)
  assert.deepEqual(await reader.event(), ['close', { code: 1000, reason: 'bye' }])
  assert.equal(await reader.event(), undefined)
  await allGone(sessions)
  assert.equal(await reader.say(4, HELLO), 404, 'the key is worth nothing any more')
})

test('requests out of order wait for their turn, repeated ones count once', async () => {
  const { url } = await start()
  const reader = await Reader.open(url)
  const subscribe = (id: number) => JSON.stringify({ t: 'subscribe', id, feed: 'quote', symbols: ['A'] })
  assert.deepEqual(await Promise.all([reader.say(3, subscribe(2)), reader.say(2, subscribe(1))]), [204, 204])
  assert.equal(await reader.say(1, HELLO), 204)
  assert.deepEqual([await reader.say(1, HELLO), await reader.say(2, subscribe(1))], [204, 204])
  await reader.frame('welcome')
  assert.deepEqual([(await reader.frame('subscribed')).id, (await reader.frame('subscribed')).id], [1, 2])
  assert.equal(await reader.say(4, HELLO), 204)
  assert.match((await reader.frame('error')).message, /hello was said already/, 'only the one that was new')
  assert.equal(await reader.say(30, HELLO), 429)
  reader.leave()
})

test('who may not come in is told so by status, and read by pages of allowed origins', async () => {
  const app = 'https://app.example.com'
  const { url, state, sessions } = await start({ session: { sessionsMax: 1 }, from: { origins: [app] } })
  const ask = async (to: string, init: RequestInit = {}) => {
    const response = await fetch(to, init)
    await response.body?.cancel()
    return response
  }
  const foreign = await ask(url, { headers: { origin: 'https://evil.example' } })
  assert.deepEqual([foreign.status, foreign.headers.get('access-control-allow-origin')], [403, null])
  assert.equal(sessions.turnedAway.origin, 1)
  const post = `${url}/${'k'.repeat(22)}/1`
  assert.equal((await ask(post, { method: 'POST', body: HELLO, headers: { origin: 'https://evil.example' } })).status, 403)
  assert.equal((await ask(post, { method: 'POST', body: HELLO })).status, 404)
  assert.equal((await ask(`${url}?token=x`)).status, 401)
  assert.deepEqual([(await ask(url, { method: 'POST' })).status, (await ask(post)).status], [405, 405])
  assert.equal((await ask(url, { headers: { 'sec-websocket-key': 'x' } })).status, 426)
  const preflight = await ask(url, { method: 'OPTIONS', headers: { origin: app } })
  assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-methods')], [204, 'GET'])
  state.ready = false
  assert.equal((await ask(url)).status, 503)
  state.ready = true
  const reader = await Reader.open(url, { origin: app })
  assert.equal(reader.response.headers.get('access-control-allow-origin'), app)
  assert.equal((await ask(url)).status, 503, 'it is full')
  reader.leave()
  await allGone(sessions)
})

test('streams count among the connections of an address, and the place is free when one ends', async () => {
  const { url, sessions } = await start({ from: { connectionsMax: 1 } })
  const reader = await Reader.open(url)
  assert.equal((await fetch(url)).status, 429)
  assert.equal(sessions.turnedAway.address_connections, 1)
  reader.leave()
  await allGone(sessions)
  ;(await Reader.open(url)).leave()
})

test('bodies are bounded, whole and UTF-8; a message that is too large closes with 1009 as over WebSocket', async () => {
  const { url, sessions } = await start({ session: { messageBytesMax: 1024 } })
  const one = await Reader.open(url)
  assert.equal(await one.say(1, `{"x":"${'y'.repeat(1100)}"}`), 204)
  assert.deepEqual(await one.event(), ['close', { code: 1009, reason: 'a message has 1024 bytes at most' }])
  const two = await Reader.open(url)
  assert.equal(await two.say(1, 'y'.repeat(5000)), 413)
  assert.equal(((await two.event()) as [string, { code: number }])[1].code, 1009)
  const three = await Reader.open(url)
  assert.equal(await three.say(1, new Uint8Array([0xff, 0xfe])), 400)
  assert.equal(await three.say(1, HELLO, { 'content-encoding': 'gzip' }), 415)
  assert.equal(await three.say(1, HELLO), 204, 'nothing of it counted')
  await three.frame('welcome')
  three.leave()
  await allGone(sessions)
})

test('a token may come in a header; a stream without hello is closed with its code', async () => {
  const { url, sessions } = await start({ session: { helloTimeoutMs: 300 } })
  const reader = await Reader.open(url, { authorization: 'Bearer abc' })
  const { transport } = [...sessions][0]!
  assert.deepEqual([transport.takeBearer!(), transport.takeBearer!()], ['abc', undefined])
  assert.equal(((await reader.event()) as [string, { code: number }])[1].code, 4103)
  await allGone(sessions)
})

test('a silent stream gets comments', async () => {
  const { url, sessions } = await start({ keepAliveMs: 20 })
  const reader = await Reader.open(url)
  assert.deepEqual(await reader.event(), ['comment', ''])
  reader.leave()
  await allGone(sessions)
})

test('a receiver that reads nothing fills its window, not our memory, and is cut as over WebSocket', { timeout: 30_000 }, async () => {
  const { hub, url, sessions } = await start({ session: { ackTimeoutMs: 1500, stallAfterMs: 300, flushIntervalMs: 1 } })
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
  socket.write(`GET /v1/stream HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  let text = ''
  while (!text.includes('"key"')) text += String((await once(socket, 'data'))[0])
  socket.pause()
  const key = /"key":"([^"]+)"/.exec(text)![1]!
  const subscribe = '{"t":"subscribe","id":1,"feed":"quote","symbols":["A"]}'
  await fetch(`${url}/${key}/1`, { method: 'POST', body: `${HELLO}\n${subscribe}` })
  const session = [...sessions][0]!
  const symbol = hub.feeds[0]!.obtain('A')!
  let bufferedBytesMax = 0
  for (let offset = 0; sessions.size > 0; offset++) {
    symbol.applyRecord({ generation: 1, partition: 0, offset, ts: 1, n: 1, prev: -1 }, { last: offset, text: 'x'.repeat(20_000) }, false)
    hub.updated(symbol, offset === 0)
    bufferedBytesMax = Math.max(bufferedBytesMax, session.transport.bufferedBytes)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.ok(bufferedBytesMax < 2 * sessionOptions.outboundBytesMax, `${bufferedBytesMax} bytes`)
  assert.equal(sessions.counts.ended.slow_consumer, 1)
  socket.destroy()
})

/** Raw requests on one connection. */
function pipeline(url: string, ...requests: readonly string[]) {
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
  socket.write(requests.map((request) => request.replace('\r\n', `\r\nHost: ${host}\r\n`)).join(''))
  return socket
}

const GET_STREAM = 'GET /v1/stream HTTP/1.1\r\n\r\n'
const UPGRADE = `GET /v1/stream HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Protocol: pulsewire.json.v1\r\n\r\n`

test('a connection carries one stream: further ones behind it take no place, and all are gone with it', async () => {
  const { url, sessions } = await start({ from: { connectionsMax: 100 } })
  const socket = pipeline(url, ...Array.from({ length: 60 }, () => GET_STREAM))
  await once(socket, 'data')
  // An answer on another connection comes behind all that stood in the one packet.
  await (await fetch(url.replace('/v1/stream', '/live'))).text()
  assert.equal(sessions.size, 1)
  socket.destroy()
  await allGone(sessions)
})

test('a stream behind another request on its connection is refused in its turn', async () => {
  const { url, sessions } = await start()
  const socket = pipeline(url, 'GET /live HTTP/1.1\r\n\r\n', GET_STREAM)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  assert.match(text, /^HTTP\/1\.1 200 .*HTTP\/1\.1 400 .*a connection of its own/s)
  assert.equal(sessions.size, 0)
})

test('an upgrade behind a stream ends both', async () => {
  const { url, sessions } = await start()
  let text = ''
  for await (const chunk of pipeline(url, GET_STREAM, UPGRADE)) text += String(chunk)
  assert.doesNotMatch(text, /101 Switching/)
  await allGone(sessions)
})
