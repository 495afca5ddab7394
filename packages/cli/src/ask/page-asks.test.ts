import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Secret } from '@pulsewire/server'
import { servePageAsks } from './page-asks.ts'

test('a page is answered with GET alone, and told what is missing', async () => {
  await using stack = new AsyncDisposableStack()
  const secret = new Secret('a secret of the test')
  const server = createServer(servePageAsks({ gateways: () => [], secret, who: 'test' })).listen(0, '127.0.0.1')
  stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode!)
      })
      asked.once('error', reject).end()
    })
  const path = '/api/sessions?user='
  assert.equal(await ask(path, {}, 'POST'), 403)
  assert.equal(await ask(path), 400, 'no user')
  assert.equal(await ask('/api/trace'), 400, 'no symbol')
  assert.equal(await ask('/api/sessions?user=jo'), 200, 'nobody to ask is an answer')
  for (const text of ['', 'j', 'j'.repeat(129)]) assert.equal(await ask(`/api/find?text=${text}`), 400, `${text.length} characters`)
  assert.equal(await ask('/api/find?text=jo'), 200)
  assert.equal(await ask('/api/holders'), 400, 'no symbol')
  assert.equal(await ask('/api/holders?symbol=AAPL.US'), 200)
  for (const node of ['', 'n'.repeat(129)]) assert.equal(await ask(`/api/stages?node=${node}`), 400, `${node.length} characters`)
  assert.equal(await ask('/api/stages?node=push-a1'), 502, 'nobody leads to it')
})
