/** Each thing that the proxy can do to a line, shown on real sockets. Waits are for events; times are only bounded from below. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { FetchSwallower, MessageTrap, TcpProxy, WebSocketFilter } from './index.ts'

let server: Server
let proxy: TcpProxy
/** The server's side of the newest connection. */
let accepted: Promise<Socket>

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true })
  accepted = once(server, 'connection').then(([socket]) => (socket as Socket).on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await TcpProxy.listen({ port: (server.address() as AddressInfo).port })
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  await new Promise((resolve) => server.close(resolve))
})

async function open(): Promise<{ client: Socket; far: Socket }> {
  const client = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
  await once(client, 'connect')
  return { client, far: await accepted }
}

/** However it closes: `once` would reject by the error that a reset is. */
function closedOf(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Reads until so many bytes came. @returns the chunks as they came. */
async function read(socket: Socket, count: number): Promise<string[]> {
  const chunks: string[] = []
  let bytes = 0
  while (bytes < count) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    chunks.push(chunk.toString())
    bytes += chunk.length
  }
  return chunks
}

test('without conditions bytes pass both ways, and an end is passed on', async () => {
  const { client, far } = await open()
  client.write('up')
  assert.deepEqual(await read(far, 2), ['up'])
  far.end('down')
  assert.deepEqual(await read(client, 4), ['down'])
  await once(client, 'end')
  client.end()
  await once(far, 'close')
})

test('latency, of one direction only', async () => {
  proxy.down.set({ latencyMs: 150, jitterMs: 20 })
  const { client, far } = await open()
  const startedMs = performance.now()
  far.write('a')
  await read(client, 1)
  assert.ok(performance.now() - startedMs >= 129)
})

test('a thin line takes its time, and closes its window to who sends more', async () => {
  proxy.down.set({ bytesPerSecond: 2_000 })
  const { client, far } = await open()
  const startedMs = performance.now()
  far.write('x'.repeat(1_000))
  await read(client, 1_000)
  assert.ok(performance.now() - startedMs >= 400)
})

test('a black hole one way holds what is sent; it comes when the hole closes', async () => {
  const { client, far } = await open()
  proxy.up.set({ held: true })
  client.write('lost?')
  far.write('heard')
  assert.deepEqual(await read(client, 5), ['heard'])
  const arrived = read(far, 5)
  assert.equal(await Promise.race([arrived, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))]), 'nothing')
  proxy.clear()
  assert.deepEqual(await arrived, ['lost?'])
})

test('sliced: each byte comes alone', async () => {
  proxy.up.set({ sliced: true })
  const { client, far } = await open()
  client.write('abcdefgh')
  const chunks = await read(far, 8)
  assert.equal(chunks.join(''), 'abcdefgh')
  assert.ok(chunks.length >= 4, String(chunks))
})

test('reset: both ends hear of it at once, and a refusing proxy takes nobody', async () => {
  const { client, far } = await open()
  const closed = Promise.all([closedOf(client), closedOf(far)])
  assert.equal(proxy.reset(), 1)
  await closed
  assert.equal(proxy.connections, 0)
  proxy.refusing = true
  await closedOf(connect({ port: proxy.port, host: '127.0.0.1' }))
})

test('when the proxy stops reading, the sender gets stuck, and goes on when it reads again', async () => {
  const { client, far } = await open()
  proxy.down.set({ stopped: true })
  let sentBytes = 0
  const chunk = Buffer.alloc(64 * 1024)
  const sent = () => far.writableLength < 1024 * 1024
  // More than the kernel holds between the two.
  while (sent() && sentBytes < 64 * 1024 * 1024) {
    far.write(chunk)
    sentBytes += chunk.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(far.writableLength >= 1024 * 1024, `${sentBytes} bytes were swallowed`)
  proxy.clear()
  let gotBytes = 0
  for await (const bytes of client) if ((gotBytes += (bytes as Buffer).length) >= sentBytes) break
  assert.equal(gotBytes, sentBytes)
})

test('one WebSocket message disappears, the stream stays valid', async () => {
  const webSockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(webSockets, 'listening')
  const trap = new MessageTrap()
  const target = { port: (webSockets.address() as AddressInfo).port }
  await using webSocketProxy = await TcpProxy.listen(target, { filters: () => ({ up: new WebSocketFilter(trap) }) })
  const got: string[] = []
  const ended = Promise.withResolvers<void>()
  webSockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      got.push(String(data).slice(0, 20))
      if (String(data) === 'end') ended.resolve()
    })
  })
  const client = new WebSocket(webSocketProxy.url)
  await once(client, 'open')
  const caught = trap.catchNext((payload) => payload.includes('drop me'))
  for (const text of ['one', `drop me ${'x'.repeat(70_000)}`, `two ${'y'.repeat(300)}`, 'drop me not', 'end']) client.send(text)
  await Promise.all([caught, ended.promise])
  assert.deepEqual(got, ['one', `two ${'y'.repeat(16)}`, 'drop me not', 'end'])
  client.terminate()
  await new Promise((resolve) => webSockets.close(resolve))
})

test('answers to Kafka fetches are swallowed while told so, those to other requests are not', () => {
  const swallower = new FetchSwallower()
  const { up, down } = swallower.filters()
  const frame = (...words: number[]) => Buffer.concat([Buffer.from([0, 0, 0, words.length]), Buffer.from(words)])
  const request = (api: number, id: number) => frame(0, api, 0, 7, 0, 0, 0, id)
  const response = (id: number) => frame(0, 0, 0, id, 99)
  const requests = Buffer.concat([request(1, 5), request(3, 6), request(1, 7)])
  assert.deepEqual(Buffer.concat([up.push(requests.subarray(0, 14)), up.push(requests.subarray(14))]), requests)
  assert.deepEqual(down.push(response(5)), response(5))
  swallower.swallowing = true
  const answers = Buffer.concat([response(7), response(6)])
  assert.deepEqual(Buffer.concat([down.push(answers.subarray(0, 3)), down.push(answers.subarray(3))]), response(6))
  assert.equal(swallower.swallowed, 1)
})
