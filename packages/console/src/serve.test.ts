import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { slowPeersCut } from '../../../test/support/slow-peers.ts'
import { serveConsole, type ConsoleServer } from './serve.ts'

describe('serveConsole', () => {
  let directory: string
  let server: ConsoleServer
  const gateways = ['ws://127.0.0.1:8080', 'wss://gw.example:8443/v1/stream', 'ws://127.0.0.1:8080']

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pulsewire-console-'))
    await mkdir(join(directory, 'assets'))
    await writeFile(join(directory, 'index.html'), '<!doctype html>')
    await writeFile(join(directory, 'assets', 'page-abc.js'), '1')
    server = await serveConsole({ host: '127.0.0.1', port: 0, gateways, directory })
  })
  after(async () => {
    await server.close()
    await server.close()
    await rm(directory, { recursive: true })
  })

  it('tells the page its gateways and feed', async () => {
    const response = await fetch(`${server.url}api/config`)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.deepEqual(await response.json(), { gateways, feed: 'quote', installation: false, breaks: false, asks: false })
  })

  it('keeps hashed files for good and asks for the page each time', async () => {
    const page = await fetch(server.url)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    const asset = await fetch(`${server.url}assets/page-abc.js`)
    assert.match(asset.headers.get('cache-control') ?? '', /immutable/)
    await page.body?.cancel()
    await asset.body?.cancel()
  })

  it('lets the page connect to its gateways only', async () => {
    const response = await fetch(server.url, { method: 'HEAD' })
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(
      policy,
      /connect-src 'self' ws:\/\/127\.0\.0\.1:8080 http:\/\/127\.0\.0\.1:8080 wss:\/\/gw\.example:8443 https:\/\/gw\.example:8443;/,
    )
    assert.match(policy, /default-src 'none'; script-src 'self';/)
  })

  it('refuses what is no file and no reading', async () => {
    assert.equal((await fetch(`${server.url}nothing`)).status, 404)
    assert.equal((await fetch(`${server.url}%2e%2e/package.json`)).status, 404)
    assert.equal((await fetch(server.url, { method: 'POST' })).status, 405)
  })

  it('answers nothing under a name that leads here: neither the page, nor what the balancer or nodes are asked', async () => {
    let asked = 0
    const beside = createServer((request, response) => {
      assert.equal(request.headers.authorization, 'Bearer of operators')
      asked++
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await once(beside, 'listening')
    const balancer = `http://127.0.0.1:${(beside.address() as AddressInfo).port}`
    const asks = (_: IncomingMessage, response: ServerResponse) => void response.end('{}')
    const own = await serveConsole({
      ...{ host: '127.0.0.1', port: 0, gateways, directory, hosts: ['console.example.com'] },
      ...{ balancer, balancerSecret: 'of operators', asks },
    })
    const ask = (path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(new URL(path, own.url), { headers, agent: false }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode!))
        })
        sent.once('error', reject).end()
      })
    try {
      const forOperators = ['/v1/topology', '/v1/verdicts', '/v1/events', '/v1/stream', '/api/trace', '/api/config']
      const evil = ['evil.example', 'evil.example:8090', 'console.example.com.evil.example', '127.0.0.1.evil.example']
      for (const host of evil)
        for (const path of [...forOperators, '/', '/assets/page-abc.js']) assert.equal(await ask(path, { host }), 403, `${host} ${path}`)
      for (const path of forOperators) assert.equal(await ask(path, { 'sec-fetch-site': 'cross-site' }), 403, path)
      assert.equal(await ask('/', { 'sec-fetch-site': 'cross-site' }), 200, 'a link may lead to the page')
      assert.equal(asked, 0)
      for (const host of ['console.example.com', 'Console.example.com:443', 'localhost:1', '[::1]:1', '192.0.2.7'])
        for (const path of [...forOperators, '/']) assert.equal(await ask(path, { host, 'sec-fetch-site': 'same-origin' }), 200, host)
      assert.ok(asked > 0)
    } finally {
      await own.close()
      beside.close()
    }
  })

  it('cuts who does not come to the end of a request', { timeout: 20_000 }, async () => {
    await slowPeersCut(Number(new URL(server.url).port))
  })

  it('says how to build the page when it is not there', async () => {
    const options = { host: '127.0.0.1', port: 0, gateways, directory: join(directory, 'assets') }
    await assert.rejects(serveConsole(options), { code: 'console_not_built', message: /npm run build -w @pulsewire\/console/ })
  })

  it('refuses an address that is no gateway', async () => {
    for (const bad of ['http://127.0.0.1:1', 'gw-1:8080', "ws://a; script-src 'unsafe-inline'"]) {
      await assert.rejects(serveConsole({ host: '127.0.0.1', port: 0, gateways: [bad], directory }), { code: 'gateway_invalid' })
    }
  })
})
