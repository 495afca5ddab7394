import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { slowClient } from './slow-client.ts'
import { Story } from './story.ts'

test('a slow client subscribes to everything, reads nothing, and notices that it was cut', { timeout: 30_000 }, async () => {
  await using stack = new AsyncDisposableStack()
  const server = stack.adopt(new WebSocketServer({ host: '127.0.0.1', port: 0 }), async (open) => {
    for (const client of open.clients) client.terminate()
    await new Promise((resolve) => open.close(resolve))
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection') as Promise<[WebSocket]>
  const heard: unknown[] = []
  server.on('connection', (socket) => {
    socket.on('message', (message) => {
      heard.push(...(JSON.parse(String(message)) as { t: string }[]).map(({ t }) => t))
      if (heard.at(-1) === 'subscribe') socket.send('[]')
    })
  })
  const story = new Story(() => 1)
  const begun = await slowClient(new Map([['gw-1', `ws://127.0.0.1:${port}`]]), story).begin('gw-1')
  const [socket] = await connected
  let over = false
  stack.defer(() => begun.end())
  const healed = begun.healed!.then(() => (over = true))
  // Writing alone tells it nothing while the connection is there.
  await once(socket, 'ping')
  assert.deepEqual([heard, over], [['hello', 'subscribe'], false])
  socket.terminate()
  await healed
  assert.deepEqual(
    story.entries.map(({ message }) => message),
    ['a client of gw-1 reads nothing any more: user slow-client'],
  )
})
