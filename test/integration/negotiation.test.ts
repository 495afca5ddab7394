/** Which version of the hop protocol two ends speak when one of them knows a later one, over real sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { ENCODINGS } from '@pulsewire/protocol'
import { WebSocket, WebSocketServer } from 'ws'
import { openWebSocket } from '../../packages/client/src/connection/socket.ts'
import { PulsewireClient, type PulsewireError } from '../../packages/client/src/index.ts'
import { connectBy } from '../../packages/server/src/gateway/link-transport.ts'
import { HubGateway } from '../support/hub-gateway.ts'

const LATER = ['pulsewire.bin.v2', 'pulsewire.json.v2'] as const
const gateway = new HubGateway()
await gateway.start()
after(() => gateway[Symbol.asyncDispose]())

const streamOf = (url: string) => `${url}/v1/stream`

test('a client that would rather speak version 2 is answered in version 1, with the best of what both know', async () => {
  for (const [offered, taken] of [
    [[...LATER, ...ENCODINGS], 'pulsewire.bin.v1'],
    [[LATER[1], 'pulsewire.json.v1'], 'pulsewire.json.v1'],
  ] as const) {
    const socket = new WebSocket(streamOf(gateway.url), [...offered])
    await once(socket, 'open')
    assert.equal(socket.protocol, taken)
    socket.terminate()
  }
})

test('a client that speaks version 2 alone is told by 400 what is spoken here', async () => {
  const socket = new WebSocket(streamOf(gateway.url), [...LATER])
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, NodeJS.ReadableStream & { statusCode: number }]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  assert.equal(response.statusCode, 400)
  for (const encoding of ENCODINGS) assert.ok(body.includes(encoding), body)
})

test('the client of a later version, which offers both, is served quotes by a gateway of this one', async () => {
  await using client = new PulsewireClient({
    url: gateway.url,
    environment: { openSocket: (url, protocols, events) => openWebSocket(url, [...LATER, ...protocols], events) },
  })
  const quotes = client.subscribe({ feed: 'quote', symbols: ['A'] })
  gateway.quote('A', 187.5)
  for await (const update of quotes) {
    assert.equal(update.values['last'], 187.5)
    break
  }
})

/** A later node: prefers version 2, and speaks version 1 too unless it has forgotten it. */
async function laterNode(
  known: readonly string[],
): Promise<{ server: Server; url: string; offers: string[][]; close: () => Promise<void> }> {
  const offers: string[][] = []
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => known.find((name) => offered.has(name)) ?? false })
  server.on('upgrade', (request, socket, head) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    offers.push(offered)
    if (offered.some((name) => known.includes(name))) sockets.handleUpgrade(request, socket, head, () => {})
    else socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, offers, close }
}

test('a node of a later version takes version 1 from whoever offers nothing else: client, and gateway to push node', async () => {
  const node = await laterNode([...LATER, ...ENCODINGS])
  const opened = Promise.withResolvers<string>()
  const socket = openWebSocket(streamOf(node.url), ENCODINGS, { onOpen: opened.resolve, onMessage() {}, onClose() {} })
  assert.equal(await opened.promise, 'pulsewire.bin.v1')
  socket.close(1000, '')
  const linked = Promise.withResolvers<void>()
  const link = connectBy({})(node.url, { opened: linked.resolve, message() {}, closed: (reason) => linked.reject(new Error(reason)) })
  await linked.promise
  link.drop()
  assert.deepEqual(node.offers, [[...ENCODINGS], [ENCODINGS[0]]])
  await node.close()
})

test('one that has forgotten version 1 is left with a typed error and tried again; nothing of version 2 is ever guessed at', async () => {
  const node = await laterNode(LATER)
  const failed = Promise.withResolvers<PulsewireError>()
  const client = new PulsewireClient({ url: node.url, transport: 'webSocket' })
  client.on('error', failed.resolve)
  client.subscribe({ feed: 'quote', symbols: ['A'] })
  const { code, retryable } = await failed.promise
  assert.deepEqual([code, retryable], ['connect_failed', true])
  assert.equal(client.session, undefined)
  await client.close()
  const refused = Promise.withResolvers<string>()
  connectBy({})(node.url, { opened: () => refused.reject(new Error('opened')), message() {}, closed: refused.resolve })
  assert.match(await refused.promise, /400/)
  await node.close()
})
