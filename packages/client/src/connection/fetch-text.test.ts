import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { fetchText } from './fetch-text.ts'

describe('the answer of a balancer, over real HTTP', () => {
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/gateways`,
      [Symbol.asyncDispose]: () => {
        server.closeAllConnections()
        return new Promise<void>((resolve) => server.close(() => resolve()))
      },
    }
  }
  const ask = (url: string, bytesMax = 1000) => fetchText(url, bytesMax, new AbortController().signal)

  test('an answer is read whole', async () => {
    await using server = await serve((_request, response) => {
      response.write('{"a":"')
      response.end('€"}')
    })
    assert.deepEqual(await ask(server.url), { status: 200, text: '{"a":"€"}' })
  })

  test('one that never ends is cut at its limit', async () => {
    await using server = await serve((_request, response) => {
      const more = () => void (response.destroyed || response.write('x'.repeat(10_000), () => setImmediate(more)))
      response.on('error', () => {})
      more()
    })
    await assert.rejects(ask(server.url), { code: 'balancer_invalid' })
  })

  test('a redirect is not followed, an error is not read', async () => {
    let followed = 0
    await using server = await serve((request, response) => {
      if (request.url === '/elsewhere') followed++
      if (request.url === '/broken') response.writeHead(500).end('secret')
      else response.writeHead(302, { location: '/elsewhere' }).end()
    })
    assert.deepEqual(await ask(server.url), { status: 302, text: '' })
    assert.deepEqual(await ask(server.url.replace('/v1/gateways', '/broken')), { status: 500, text: '' })
    assert.equal(followed, 0)
  })

  test('a balancer that accepts and says nothing can be given up', async () => {
    await using server = await serve(() => {})
    const gone = new AbortController()
    const asking = fetchText(server.url, 1000, gone.signal)
    gone.abort()
    await assert.rejects(asking, { name: 'AbortError' })
  })
})
