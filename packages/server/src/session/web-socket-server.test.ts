import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { ENCODINGS, encodeUpstreamFor, rowHash, type DownstreamFrame } from '@pulsewire/protocol'
import { WebSocket } from 'ws'
import { dial as askWhetherLive } from '../../../../test/support/slow-peers.ts'
import { everything, feedOptions, sessionOptions } from '../../../../test/support/sender.ts'
import { Hub } from '../hub/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'
import { type ArrivalOptions, Arrivals } from './arrivals.ts'
import { Sessions } from './sessions.ts'
import { StreamServer } from './web-socket-server.ts'

const JSON_V1 = 'pulsewire.json.v1'
const open: { close(): Promise<void> }[] = []
after(() => Promise.all(open.map((each) => each.close())))

async function start(options: Partial<typeof sessionOptions> = {}, port = 0, from: Partial<ArrivalOptions> = {}) {
  const hub = new Hub({ nodeId: 'gw-1', clock: systemClock, feeds: [feedOptions] })
  const session = { ...sessionOptions, ...options }
  const sessions = new Sessions({ hub, session, role: 'gateway', version: '0', log: silentLogger })
  hub.connect(everything, sessions)
  const state = { ready: true }
  const { messageBytesMax } = session
  const arrivals = new Arrivals({ origins: ['*'], trustedProxies: [], connectionsMax: 0, connectionsPerSecondMax: 0, ...from }, systemClock)
  const ready = () => state.ready
  const server = new StreamServer({ host: '127.0.0.1', port, messageBytesMax, sessions, ready, log: silentLogger, arrivals })
  open.push({
    async close() {
      sessions.close()
      await server.close()
    },
  })
  await server.listen()
  return { hub, sessions, server, state, address: `127.0.0.1:${server.port}` }
}

function dial(address: string, protocols: string[] = [JSON_V1], path = '/v1/stream', headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`ws://${address}${path}`, protocols, { perMessageDeflate: true, headers })
}

/** The status with which an upgrade was refused, and what it said. */
async function refusal(webSocket: WebSocket): Promise<[status: number, text: string]> {
  webSocket.on('error', () => {})
  const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, AsyncIterable<Buffer> & { statusCode: number }]
  let text = ''
  for await (const chunk of response) text += chunk.toString()
  return [response.statusCode, text]
}

async function closeCode(webSocket: WebSocket): Promise<number> {
  const [code] = (await once(webSocket, 'close')) as [number]
  return code
}

/** Everything that a raw HTTP connection answers until it is closed. */
async function exchange(address: string, text: string): Promise<string> {
  const socket = rawSocket(address)
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

function rawSocket(address: string): Socket {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
  socket.on('error', () => {})
  return socket
}

/** The server hears of an end a little later than the peer. A session that stays makes the test time out. */
async function allGone(sessions: Sessions): Promise<void> {
  while (sessions.size > 0) await new Promise((resolve) => setImmediate(resolve))
}

test('a receiver is let in with the first subprotocol of its list that is known, without compression', async () => {
  const { address, sessions } = await start()
  for (const encoding of ENCODINGS) {
    const webSocket = dial(address, ['something.else', encoding, ...ENCODINGS.filter((other) => other !== encoding)])
    await once(webSocket, 'open')
    assert.deepEqual([webSocket.protocol, webSocket.extensions], [encoding, ''])
    webSocket.send(encodeUpstreamFor(encoding)({ t: 'hello', client: 'test' }))
    const [welcome, isBinary] = (await once(webSocket, 'message')) as [Buffer, boolean]
    assert.equal(isBinary, encoding === 'pulsewire.bin.v1')
    assert.match(welcome.toString(), /"t":"welcome"/)
    const { remote } = [...sessions].at(-1)!.transport
    assert.match(remote, /^127\.0\.0\.1:\d+$/)
    webSocket.close()
    await closeCode(webSocket)
  }
})

test('messages of every size arrive whole and in order, those that the library frames too', async () => {
  const { address, hub } = await start({ outboundBytesMax: 1024 * 1024 })
  const webSocket = dial(address)
  await once(webSocket, 'open')
  webSocket.send('[{"t":"hello","client":"test"},{"t":"subscribe","id":1,"feed":"quote","symbols":["A"]}]')
  const sizes = [0, 1, 100, 125, 126, 65_000, 65_500, 70_000, 300_000, 10]
  const symbol = hub.feed('quote')!.obtain('A')!
  let offset = 0
  const seen: number[] = []
  webSocket.on('message', (data: Buffer) => {
    for (const frame of JSON.parse(data.toString()) as DownstreamFrame[]) {
      if (frame.t === 'mark') webSocket.send(JSON.stringify({ t: 'ack', mark: frame.mark }))
      if (frame.t === 'pulse') webSocket.send(JSON.stringify({ t: 'ack', pulse: frame.pulse, count: 1, digest: rowHash(1, 'A') }))
      if (frame.t === 'update') seen.push(String(frame.values?.['text']).length)
      if (frame.t === 'update' || (frame.t === 'subscribed' && frame.done === true)) next()
    }
    if (seen.length === sizes.length) webSocket.close()
  })
  function next(): void {
    const size = sizes[offset]
    if (size === undefined) return
    symbol.applyRecord({ generation: 1, partition: 0, offset: offset++, ts: 0, n: 1, prev: -1 }, { text: '€'.repeat(size) }, false)
    hub.updated(symbol, false)
  }
  await closeCode(webSocket)
  assert.deepEqual(seen, sizes)
})

test('an upgrade elsewhere is refused with 404, one without a known subprotocol with 400', async () => {
  const { address } = await start()
  const [status, text] = await refusal(dial(address, [JSON_V1], '/elsewhere'))
  assert.deepEqual([status, text], [404, 'the stream is at /v1/stream\n'])
  for (const protocols of [[], ['something.else']]) {
    const [refused, why] = await refusal(dial(address, protocols))
    assert.equal(refused, 400)
    assert.match(why, /pulsewire\.bin\.v1, pulsewire\.json\.v1/)
  }
})

test('a node that is not ready, is full, or takes nobody any more refuses with 503', async () => {
  const { address, state, server, sessions } = await start({ sessionsMax: 1 })
  state.ready = false
  assert.equal((await refusal(dial(address)))[0], 503)
  state.ready = true
  const webSocket = dial(address)
  await once(webSocket, 'open')
  const [status, text] = await refusal(dial(address))
  assert.deepEqual([status, text], [503, 'this node is full\n'])
  webSocket.terminate()
  await allGone(sessions)
  server.stopAccepting()
  assert.equal((await refusal(dial(address)))[0], 503)
})

test('/live and /ready say so, anything else is not found', async () => {
  const { address, state } = await start()
  const ask = async (path: string) => {
    const response = await fetch(`http://${address}${path}`)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask('/live'), [200, 'live\n'])
  assert.deepEqual(await ask('/ready'), [200, 'ready\n'])
  assert.deepEqual(await ask('/other'), [404, 'not found\n'])
  assert.deepEqual(await ask('/v1/stream'), [404, 'not found\n'], 'HTTP streams are not offered here')
  state.ready = false
  assert.deepEqual(await ask('/ready'), [503, 'not ready\n'])
  assert.deepEqual(await ask('/live'), [200, 'live\n'])
})

test('a message over the limit closes with 1009, and the session is gone', async () => {
  const { address, sessions } = await start({ messageBytesMax: 2048 })
  const webSocket = dial(address)
  await once(webSocket, 'open')
  webSocket.send(JSON.stringify({ t: 'hello', client: 'x'.repeat(3000) }))
  assert.equal(await closeCode(webSocket), 1009)
  await allGone(sessions)
})

test('a message may come in as many fragments as it has bytes; of empty ones there is an end', async () => {
  const messageBytesMax = 20_000
  const { address, sessions } = await start({ messageBytesMax })
  const webSocket = dial(address)
  await once(webSocket, 'open')
  const hello = '{"t":"hello","client":"test"}'.padEnd(messageBytesMax - 1)
  for (const byte of hello) webSocket.send(byte, { fin: false })
  webSocket.send(' ')
  const [welcome] = (await once(webSocket, 'message')) as [Buffer]
  assert.match(welcome.toString(), /"t":"welcome"/)
  for (let i = 0; i <= messageBytesMax; i++) webSocket.send('', { fin: false })
  assert.equal(await closeCode(webSocket), 1008)
  await allGone(sessions)
})

test('HTTP that is broken is answered with 400 or cut, and the server lives', async () => {
  const { address, sessions } = await start()
  assert.match(await exchange(address, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400/)
  assert.match(await exchange(address, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`), /^HTTP\/1\.1 (400|431)|^$/)
  const upgrade =
    'GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: pulsewire.json.v1\r\n'
  assert.match(await exchange(address, `${upgrade}\r\n`), /^HTTP\/1\.1 400/)
  assert.match(await exchange(address, `${upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n`), /^HTTP\/1\.1 400/)
  assert.equal(sessions.size, 0)
})

test('bytes that are no WebSocket frames end the session', async () => {
  const { address, sessions } = await start()
  const socket = rawSocket(address)
  const key = Buffer.alloc(16).toString('base64')
  socket.write(
    `GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${JSON_V1}\r\n\r\n`,
  )
  await once(socket, 'data')
  assert.equal(sessions.size, 1)
  socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  await once(socket, 'close')
  await allGone(sessions)
})

test('a peer that is reset leaves no session', async () => {
  const { address, sessions } = await start()
  const webSocket = dial(address)
  await once(webSocket, 'open')
  webSocket.send('{"t":"hello","client":"test"}')
  await once(webSocket, 'message')
  webSocket.terminate()
  await allGone(sessions)
})

test('a close reason longer than a close frame holds is cut, not lost', async () => {
  const { address } = await start()
  const webSocket = dial(address)
  await once(webSocket, 'open')
  webSocket.send(JSON.stringify({ t: 'hello', client: 7, ['€'.repeat(200)]: 1, from: 'x'.repeat(500) }))
  const [code, reason] = (await once(webSocket, 'close')) as [number, Buffer]
  assert.equal(code, 4000)
  assert.ok(reason.length <= 123)
  assert.doesNotMatch(reason.toString(), /\uFFFD/)
})

test('a port that is taken is named in the error', async () => {
  const { server } = await start()
  await assert.rejects(start({}, server.port), new RegExp(`listen_failed|cannot listen on 127.0.0.1:${server.port}`))
})

test('closing ends sessions whose peers do not answer, too', async () => {
  const { address, sessions, server } = await start()
  const webSocket = dial(address)
  await once(webSocket, 'open')
  const idle = rawSocket(address)
  await once(idle, 'connect')
  webSocket.pause()
  sessions.close()
  await server.close()
  await allGone(sessions)
  idle.destroy()
  webSocket.terminate()
})

test('a foreign page is refused with 403 before the upgrade, and counted; an app that names no origin is let in', async () => {
  const { address, sessions } = await start({}, 0, { origins: ['https://app.example.com'] })
  for (const origin of ['https://evil-app.example.com', 'null', 'https://app.example.com.evil.example']) {
    const [status] = await refusal(dial(address, [JSON_V1], '/v1/stream', { origin }))
    assert.equal(status, 403, origin)
  }
  assert.equal(sessions.turnedAway.origin, 3)
  assert.equal(sessions.size, 0)
  for (const headers of [{}, { origin: 'https://app.example.com' }]) {
    const webSocket = dial(address, [JSON_V1], '/v1/stream', headers as Record<string, string>)
    await once(webSocket, 'open')
    webSocket.terminate()
  }
})

test('an address with too many connections is refused with 429 until one of them ends; others are let in', async () => {
  const { address, sessions } = await start({}, 0, { connectionsMax: 2, trustedProxies: ['127.0.0.1'] })
  const from = (client: string) => dial(address, [JSON_V1], '/v1/stream', { 'x-forwarded-for': client })
  const two = [from('192.0.2.1'), from('192.0.2.1')]
  await Promise.all(two.map((each) => once(each, 'open')))
  assert.equal((await refusal(from('192.0.2.1')))[0], 429)
  const other = from('192.0.2.2')
  await once(other, 'open')
  assert.match([...sessions][0]!.transport.remote, /^192\.0\.2\.1 by 127\.0\.0\.1:\d+$/)
  two[0]!.terminate()
  while (sessions.size > 2) await new Promise((resolve) => setImmediate(resolve))
  const again = from('192.0.2.1')
  await once(again, 'open')
  assert.equal(sessions.turnedAway.address_connections, 1)
  for (const each of [...two, other, again]) each.terminate()
})

test('sockets of an address that say nothing are counted where its connections are, and cut beyond; those of proxies are not', async () => {
  const limits = { connectionsMax: 2, socketsBeyondMax: 3 }
  const { server } = await start({}, 0, limits)
  const silent = Array.from({ length: 5 }, () => rawSocket(`127.0.0.1:${server.port}`))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  assert.equal((await askWhetherLive(server.port)).isServed, false)
  silent[0]!.destroy()
  // The server hears of the end a little later; one that never does makes the test time out.
  let asking = await askWhetherLive(server.port)
  while (!asking.isServed) asking = await askWhetherLive(server.port)
  for (const socket of [...silent, asking.socket]) socket.destroy()

  for (const unlimited of [
    { ...limits, trustedProxies: ['127.0.0.1'] },
    { ...limits, connectionsMax: 0 },
  ]) {
    const { port } = (await start({}, 0, unlimited)).server
    const several = await Promise.all(Array.from({ length: 6 }, () => askWhetherLive(port)))
    for (const { isServed, socket } of several) {
      assert.equal(isServed, true)
      socket.destroy()
    }
  }
})

test('a token in the URL is refused with 401', async () => {
  const { address } = await start()
  const queries = ['token=x', 'a=b&access_token=x', 'ACCESS_TOKEN=x', '%74oken=x', 'a=b;token=x', 'a=%zz%26jwt%3dx']
  for (const query of queries) assert.equal((await refusal(dial(address, [JSON_V1], `/v1/stream?${query}`)))[0], 401)
})
