import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { MemoryDirectory } from '../../../../../test/support/memory-directory.ts'
import { loadConfig } from '../../runtime/config/index.ts'
import { createMemoryLogger, silentLogger } from '../../runtime/logger.ts'
import { createBalancer } from '../index.ts'
import { MemoryGateways } from '../test-support/memory-gateways.ts'
import { ApiServer, type Api } from './server.ts'

const servers: ApiServer[] = []

after(async () => {
  for (const server of servers) await server.close()
})

async function serve(api: Api, options: { readonly origins?: readonly string[]; readonly requestsPerSecondMax?: number } = {}) {
  const logger = createMemoryLogger()
  const server = await ApiServer.make({
    host: '127.0.0.1',
    port: 0,
    origins: ['*'],
    requestsPerSecondMax: 1000,
    logger,
    api,
    audience: 'everybody',
    ...options,
  })
  servers.push(server)
  return Object.assign(server, { logger })
}

/** A balancer that has seen something of everything: proven, failed, retired, of every role. */
function seasonedApi(): Api {
  const clock = new ManualClock()
  const directory = new MemoryDirectory(clock)
  const gateways = new MemoryGateways(clock)
  const config = loadConfig('balancer', { assignments: ['node.id=lb-1', 'log.kind=embedded', 'directory.enabled=true'] })
  const balancer = createBalancer(config, { directory, logger: silentLogger, clock, connect: gateways.connect, random: () => 0.3 })
  directory.catalogue('quote', { generation: 1, topic: 'quotes' })
  for (const node of ['gw-1', 'gw-2']) {
    gateways.add(node)
    directory.beat(node)
  }
  directory.beat('gw-3', { addresses: [] })
  directory.beat('push-a1', { role: 'push', line: 'A', feeds: [{ feed: 'quote', generation: 9, topic: 'x', pulseAgeMs: null }] })
  directory.beat('lb-1', { role: 'balancer', addresses: ['http://lb-1:8070'] })
  balancer.judgeNow()
  clock.advance(2100)
  gateways.kill('gw-2')
  directory.see('degraded')
  clock.advance(500)
  balancer.judgeNow()
  return balancer.api
}

const nothing: Api = {
  gateways: () => null,
  verdicts: () => ({ balancer: 'lb-1', atMs: 0, view: { state: 'loading', sinceMs: 0 }, degraded: [], verdicts: [] }),
  topology: () => ({
    balancer: 'lb-1',
    atMs: 0,
    view: { state: 'loading', sinceMs: 0 },
    degraded: [],
    tracks: [],
    grey: null,
    feeds: [],
    nodes: [],
  }),
  events: () => ({ balancer: 'lb-1', startedAtMs: 0, atMs: 0, events: [], last: 0 }),
  ready: () => false,
}

interface Description {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get: {
          readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>
          readonly parameters?: readonly { readonly name: string }[]
        }
      }
    >
  >
}

describe('the HTTP API', () => {
  it('describes itself, and every answer is as described', async () => {
    const full = await serve(seasonedApi(), { requestsPerSecondMax: 1000 })
    const empty = await serve(nothing, { requestsPerSecondMax: 3 })
    const description = (await full.inject('/v1/openapi.json')).json() as Description
    assert.equal(description.openapi, '3.1.0')
    assert.deepEqual(Object.keys(description.paths).sort(), [
      '/live',
      '/ready',
      '/v1/events',
      '/v1/gateways',
      '/v1/stream',
      '/v1/topology',
      '/v1/verdicts',
    ])
    assert.deepEqual(description.paths['/v1/gateways']!.get.parameters!.map(({ name }) => name).sort(), [
      'client',
      'refused',
      'track',
      'user',
      'zone',
    ])
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    const seen: string[] = []
    const check = async (server: ApiServer, url: string): Promise<void> => {
      const { statusCode, body } = await server.inject(url)
      const path = url.split('?', 1)[0]!
      const schema = description.paths[path]!.get.responses[statusCode]?.content?.['application/json']?.schema
      assert.ok(schema !== undefined, `${url}: ${statusCode} is not described`)
      // What is not described must not be in an answer either.
      const validate = ajv.compile(closed(schema))
      assert.ok(validate(JSON.parse(body)), `${url}: ${body}: ${JSON.stringify(validate.errors)}`)
      seen.push(`${path} ${statusCode}`)
    }
    await check(full, '/v1/gateways')
    await check(full, '/v1/gateways?zone=default&track=stable&client=%E5%BC%A0%20%40pulsewire%2Fclient&refused=true')
    await check(full, '/v1/verdicts')
    await check(full, '/v1/gateways?zon=a')
    await check(full, '/v1/verdicts?a=b')
    await check(full, '/v1/topology')
    await check(full, '/v1/events')
    await check(full, '/v1/events?since=-1')
    for (let i = 0; i < 4; i++) await check(empty, '/v1/gateways')
    assert.deepEqual(
      new Set(seen),
      new Set([
        ...['/v1/gateways 200', '/v1/gateways 400', '/v1/gateways 503', '/v1/gateways 429', '/v1/verdicts 200', '/v1/verdicts 400'],
        ...['/v1/topology 200', '/v1/events 200', '/v1/events 400'],
      ]),
    )
  })

  it('answers with a list that is not to be kept by anybody in between', async () => {
    const server = await serve(seasonedApi())
    const response = await server.inject('/v1/gateways')
    assert.equal(response.headers['cache-control'], 'no-store')
    const { gateways, ttlMs, degraded, reasons } = response.json()
    assert.deepEqual(gateways, [{ node: 'gw-1', address: 'ws://gw-1:8080', zone: 'default' }])
    assert.equal(ttlMs, 10_000)
    assert.deepEqual([degraded, reasons[0].code], [true, 'directory_degraded'])
  })

  it('names every mistake in a query', async () => {
    const server = await serve(seasonedApi())
    for (const [url, ...told] of [
      ['/v1/gateways?zon=sg', 'zon'],
      ['/v1/gateways?track=blue&zone=a/b', 'track', 'zone'],
      ['/v1/gateways?zone=', 'zone'],
      ['/v1/gateways?zone=a&zone=b', 'zone'],
      [`/v1/gateways?client=${'x'.repeat(1025)}`, 'client'],
      ['/v1/gateways?client=', 'client'],
      ['/v1/verdicts?node=gw-1', 'node'],
    ] as const) {
      const response = await server.inject(url)
      assert.equal(response.statusCode, 400, url)
      const { code, message, problems } = response.json()
      assert.equal(code, 'query_invalid')
      assert.equal(problems.length, told.length, `${url}: ${problems.join('; ')}`)
      for (const name of told) assert.ok(message.includes(name), `${url}: ${message}`)
    }
  })

  it('says where there is nothing, and what is not taken', async () => {
    const server = await serve(seasonedApi())
    const missing = await server.inject('/v1/gateway')
    assert.deepEqual([missing.statusCode, missing.json().code], [404, 'not_found'])
    assert.match(missing.json().message, /\/v1\/gateways/)
    for (const method of ['POST', 'PUT', 'DELETE'] as const) {
      const refused = await server.inject({ method, url: '/v1/gateways' })
      assert.deepEqual([refused.statusCode, refused.json().code, refused.headers['allow']], [405, 'method_not_allowed', 'GET, HEAD'])
    }
    assert.equal((await server.inject('/v1/%zz')).statusCode, 400)
  })

  it('is live whatever it knows, and ready once it knows the nodes', async () => {
    const empty = await serve(nothing)
    assert.deepEqual([(await empty.inject('/live')).statusCode, (await empty.inject('/ready')).statusCode], [200, 503])
    const { statusCode, headers, body } = await empty.inject('/v1/gateways')
    assert.deepEqual([statusCode, headers['retry-after'], JSON.parse(body).code], [503, '1', 'not_ready'])
    const none = await serve({ ...nothing, ready: () => true })
    assert.deepEqual([(await none.inject('/ready')).statusCode, (await none.inject('/v1/gateways')).json().code], [200, 'no_gateways'])
  })

  it('bounds the requests of one address, but not those of probes', async () => {
    const server = await serve(seasonedApi(), { requestsPerSecondMax: 5 })
    const codes: number[] = []
    for (let i = 0; i < 12; i++) codes.push((await server.inject('/v1/gateways')).statusCode)
    assert.deepEqual([codes.filter((code) => code === 200).length, codes.filter((code) => code === 429).length], [5, 7])
    const refused = await server.inject('/v1/gateways')
    assert.deepEqual([refused.json().code, refused.json().retryAfterMs, refused.headers['retry-after']], ['too_many_requests', 1000, '1'])
    for (let i = 0; i < 20; i++) assert.equal((await server.inject('/live')).statusCode, 200)
    assert.equal((await server.inject({ url: '/v1/gateways', remoteAddress: '10.0.0.9' })).statusCode, 200)
  })

  it('lets web pages ask, of any origin, of those named, or of none', async () => {
    const asked = async (origins: readonly string[]): Promise<unknown> => {
      const server = await serve(seasonedApi(), { origins })
      const { headers } = await server.inject({ url: '/v1/gateways', headers: { origin: 'https://app.example.com' } })
      return headers['access-control-allow-origin']
    }
    assert.equal(await asked(['*']), '*')
    assert.equal(await asked(['https://app.example.com', 'https://b.example.com']), 'https://app.example.com')
    assert.equal(await asked(['https://b.example.com']), undefined)
    assert.equal(await asked([]), undefined)
  })

  it('hides its own faults from clients and tells them to the log', async () => {
    const server = await serve({
      ...nothing,
      gateways: () => {
        throw new Error('boom')
      },
    })
    const { statusCode, body } = await server.inject('/v1/gateways?client=secret-1')
    assert.deepEqual([statusCode, JSON.parse(body).code], [500, 'internal_error'])
    assert.ok(!body.includes('boom'))
    const [line] = server.logger.lines
    assert.match(line!.message, /boom/)
    assert.ok(!JSON.stringify(line).includes('secret-1'))
  })

  it('names the address that it cannot listen on', async () => {
    const first = await serve(nothing)
    await first.listen()
    const options = { host: '127.0.0.1', port: first.port, origins: [], requestsPerSecondMax: 1, logger: silentLogger, api: nothing }
    const second = await ApiServer.make({ ...options, audience: 'everybody' })
    servers.push(second)
    await assert.rejects(second.listen(), { code: 'listen_failed', message: new RegExp(`127\\.0\\.0\\.1:${first.port}`) })
  })
})

/** The schema with nothing allowed beyond what it names. */
function closed(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema), (_key, value) =>
    typeof value === 'object' && value !== null && value.properties !== undefined ? { ...value, additionalProperties: false } : value,
  ) as object
}
