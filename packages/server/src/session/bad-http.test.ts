/** What comes over a socket that is no good client: each gets the answer of its own, and the server goes on. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { everything, feedOptions, sessionOptions } from '../../../../test/support/sender.ts'
import { Hub } from '../hub/index.ts'
import { systemClock } from '../runtime/clock.ts'
import { silentLogger } from '../runtime/logger.ts'
import { Sessions } from './sessions.ts'
import { StreamServer } from './web-socket-server.ts'

const UPGRADE = [
  'GET /v1/stream HTTP/1.1',
  'Host: x',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  'Sec-WebSocket-Protocol: pulsewire.json.v1',
]

let server: StreamServer
let sessions: Sessions

before(async () => {
  const hub = new Hub({ nodeId: 'gw-1', clock: systemClock, feeds: [feedOptions] })
  const session = { ...sessionOptions, sessionsMax: 100, messagesPerSecondMax: 20, helloTimeoutMs: 1000 }
  sessions = new Sessions({ hub, session, role: 'gateway', version: '0', log: silentLogger })
  hub.connect(everything, sessions)
  const { messageBytesMax } = session
  server = new StreamServer({ host: '127.0.0.1', port: 0, messageBytesMax, sessions, ready: () => true, log: silentLogger })
  await server.listen()
})

after(async () => {
  sessions.close()
  await server.close()
})

function open(text: string): Socket {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text)
  return socket
}

/** All that comes until the server closes. */
async function answerTo(lines: readonly string[], end = '\r\n\r\n'): Promise<string> {
  let answer = ''
  for await (const chunk of open(lines.join('\r\n') + end)) answer += String(chunk)
  return answer
}

/** One frame, as RFC 6455 draws it. */
function frame(opcode: number, payload: Buffer, { fin = true, rsv = 0, masked = true } = {}): Buffer {
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const length = payload.length < 126 ? Buffer.from([payload.length]) : Buffer.from([126, payload.length >> 8, payload.length & 255])
  if (!masked) return Buffer.concat([Buffer.from([first]), length, payload])
  length[0]! |= 0x80
  const mask = randomBytes(4)
  return Buffer.concat([Buffer.from([first]), length, mask, Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4]!))])
}

/** Upgrades, says something, and reads the close code; the texts that came before it, too. */
async function closedWith(...frames: readonly Buffer[]): Promise<{ code: number; text: string }> {
  const socket = open(`${UPGRADE.join('\r\n')}\r\n\r\n`)
  const [head] = (await once(socket, 'data')) as [Buffer]
  let bytes = Buffer.from(head.subarray(head.indexOf('\r\n\r\n') + 4))
  socket.on('data', (more: Buffer) => (bytes = Buffer.concat([bytes, more])))
  const closed = once(socket, 'close')
  for (const [index, each] of frames.entries()) {
    socket.write(each)
    // More pings than it has answered at once, and the library itself cuts the line.
    if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await closed
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const opcode = bytes[at]! & 15
    const short = bytes[at + 1]! & 127
    const [length, start] = short < 126 ? [short, at + 2] : [bytes.readUInt16BE(at + 2), at + 4]
    const payload = bytes.subarray(start, start + length)
    if (opcode === 8) return { code: payload.readUInt16BE(0), text: texts.join() }
    texts.push(payload.toString())
    at = start + length
  }
  return { code: 1006, text: texts.join() }
}

const HELLO = frame(1, Buffer.from('{"t":"hello","client":"test"}'))

test('too many headers, and too long ones, are answered with 431', async () => {
  const many = Array.from({ length: 2000 }, (_, n) => `X-${n}: y`)
  const some = many.slice(0, 150)
  for (const headers of [many, some, [`X: ${'y'.repeat(20_000)}`]]) {
    assert.match(await answerTo([...UPGRADE, ...headers]), /^HTTP\/1\.1 431 /)
    assert.match(await answerTo(['GET /live HTTP/1.1', 'Host: x', ...headers]), /^HTTP\/1\.1 431 /)
  }
  // What would be dropped behind them must not count as absent, such as an origin.
  assert.match(await answerTo([...UPGRADE, ...some, 'Origin: https://evil.example']), /^HTTP\/1\.1 431 /)
})

test('a handshake that does not come to its end is cut', { timeout: 15_000 }, async () => {
  const answers = await Promise.all([answerTo(UPGRADE, '\r\n'), answerTo(['GET /v1/stre'], '')])
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 408 /)
})

test('a connection that says nothing at all is cut', { timeout: 15_000 }, async () => {
  const socket = connect(server.port, '127.0.0.1')
  socket.resume()
  await once(socket, 'close')
})

test('silence behind the upgrade is cut with the code for it', { timeout: 15_000 }, async () => {
  assert.equal((await closedWith()).code, 4103)
})

test('odd HTTP is answered with 400 and closed', async () => {
  const odd = [
    ['POST /live HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['POST /live HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Content-Length: 6'],
    ['POST /live HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked, identity'],
    ['GET /live HTTP/9.9', 'Host: x'],
    ['GET /live HTTP/1.1', 'Host : x'],
    ['GET /live HTTP/1.1', 'Host: x', 'X: a\u0000b'],
    ['GET /live HTTP/1.1'],
    ['nonsense'],
  ]
  for (const lines of odd) assert.match(await answerTo(lines), /^HTTP\/1\.1 400 /, lines.join(' | '))
})

test('an upgrade that proxies on the way could read otherwise is answered with 400', async () => {
  const [, ...headers] = UPGRADE
  const odd = [
    [UPGRADE[0]!.replace('1.1', '1.0'), ...headers],
    [...UPGRADE, 'Host: y'],
    [...UPGRADE, 'hOST: x'],
    [...UPGRADE, 'Content-Length: 5'],
    [...UPGRADE, 'Transfer-Encoding: chunked'],
  ]
  for (const lines of odd) assert.match(await answerTo(lines, '\r\n\r\nhello'), /^HTTP\/1\.1 400 /, lines.slice(-1).join())
  assert.match(await answerTo(['GET /live HTTP/1.1', 'Host: x', 'Host: y']), /^HTTP\/1\.1 400 /)
})

test('nothing but the stream and the probes is on the public port', async () => {
  for (const path of [
    '/metrics',
    '/admin',
    '/debug',
    '/v1/verdicts',
    '/v1/topology',
    '/api/trace',
    '/diagnosis',
    '/stacks',
    '/',
    '/v1/stream',
    '/live/../metrics',
  ]) {
    const answer = await answerTo([`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close'])
    assert.match(answer, /^HTTP\/1\.1 404 /, path)
  }
})

test('frames that break WebSocket are closed with its own codes', async () => {
  const hello = Buffer.from('{"t":"hello","client":"test"}')
  assert.equal((await closedWith(frame(1, hello, { masked: false }))).code, 1002, 'not masked')
  assert.equal((await closedWith(frame(3, hello))).code, 1002, 'an opcode that is none')
  assert.equal((await closedWith(frame(1, hello, { rsv: 4 }))).code, 1002, 'compressed, which nobody agreed to')
  assert.equal((await closedWith(frame(0, hello))).code, 1002, 'a continuation of nothing')
  assert.equal((await closedWith(frame(9, Buffer.alloc(10), { fin: false }))).code, 1002, 'a control frame in pieces')
  assert.equal((await closedWith(frame(1, Buffer.from([0xff, 0xfe])))).code, 1007, 'no UTF-8')
  assert.equal((await closedWith(frame(1, Buffer.alloc(20_000, 0x20)))).code, 1009, 'too large')
})

test('a flood of messages, and one of pings, is told so and closed', async () => {
  const sync = frame(1, Buffer.from('{"t":"sync","at":1}'))
  const flood = await closedWith(HELLO, ...Array.from({ length: 300 }, () => sync))
  assert.equal(flood.code, 4005)
  assert.match(flood.text, /"code":"message_flood"/)
  const pings = await closedWith(HELLO, ...Array.from({ length: 300 }, () => frame(9, Buffer.from('x'))))
  assert.equal(pings.code, 4005)
})

test('pongs that nobody asked for, and parts of a message without end, are a flood too', async () => {
  const pongs = await closedWith(HELLO, ...Array.from({ length: 300 }, () => frame(10, Buffer.from('x'))))
  assert.equal(pongs.code, 4005)
  const parts = [
    frame(1, Buffer.from('{'), { fin: false }),
    Buffer.concat(Array.from({ length: 16_000 }, () => frame(0, Buffer.alloc(0), { fin: false }))),
  ]
  const end = frame(0, Buffer.from('"t":"sync","at":1}'))
  const inParts = await closedWith(HELLO, ...Array.from({ length: 10 }, () => Buffer.concat([...parts, end])))
  assert.equal(inParts.code, 4005)
})

test('after all of it the server holds nothing of it, and serves', async () => {
  while (sessions.size > 0) await new Promise((resolve) => setImmediate(resolve))
  assert.match(await answerTo(['GET /live HTTP/1.1', 'Host: x', 'Connection: close']), /^HTTP\/1\.1 200 /)
})
