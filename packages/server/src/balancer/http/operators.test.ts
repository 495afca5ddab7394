import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { closed, dial, slowPeersCut } from '../../../../../test/support/slow-peers.ts'
import { ManualClock } from '../../../../../test/support/manual-clock.ts'
import { Secret } from '../../runtime/config/index.ts'
import { createMemoryLogger } from '../../runtime/logger.ts'
import { startBalancer } from '../test-support/balancer-world.ts'
import { Operators } from './operators.ts'
import { type Api, ApiServer, type Audience } from './server.ts'

const SECRETS = ['b3e0-new-5c1f-77aa', '90dd-old-1e2b-c4c4']
const FOR_OPERATORS = ['/v1/verdicts', '/v1/topology', '/v1/events', '/v1/openapi.json']
const open: ApiServer[] = []

after(() => Promise.all(open.map((server) => server.close())))

const view = { state: 'current', sinceMs: 0 } as const
const api: Api = {
  gateways: () => null,
  verdicts: () => ({ balancer: 'lb-1', atMs: 0, view, degraded: [], verdicts: [] }),
  topology: () => ({ balancer: 'lb-1', atMs: 0, view, degraded: [], tracks: [], grey: null, feeds: [], nodes: [] }),
  events: () => ({ balancer: 'lb-1', startedAtMs: 0, atMs: 0, events: [], last: 0 }),
  ready: () => true,
}

async function serve(of: 'clients' | 'operators') {
  const clock = new ManualClock()
  const logger = createMemoryLogger()
  const operators = new Operators(
    SECRETS.map((secret) => new Secret(secret)),
    clock,
    logger,
  )
  const audience: Audience = of === 'clients' ? 'clients' : { operators }
  const server = await ApiServer.make({ host: '127.0.0.1', port: 0, origins: [], requestsPerSecondMax: 1000, logger, api, audience })
  open.push(server)
  const ask = async (url: string, authorization?: string) =>
    server.inject({ url, headers: { 'x-pulsewire-operator': 'jo@desk', ...(authorization === undefined ? {} : { authorization }) } })
  return { ask, openStream: server.inject, clock, logger }
}

test('on the port of clients there is nothing for operators', async () => {
  const { ask } = await serve('clients')
  for (const path of [...FOR_OPERATORS, '/metrics', '/debug', '/admin', '/api/trace', '/v1/stream']) {
    for (const secret of [undefined, `Bearer ${SECRETS[0]}`]) assert.equal((await ask(path, secret)).statusCode, 404, path)
  }
  // There are none, but the question is taken.
  assert.equal((await ask('/v1/gateways')).statusCode, 503)
  assert.equal((await ask('/live')).statusCode, 200)
})

test('operators are told everything for either secret, and nobody anything without', async () => {
  const { ask, openStream } = await serve('operators')
  for (const secret of SECRETS) {
    for (const path of FOR_OPERATORS) assert.equal((await ask(path, `Bearer ${secret}`)).statusCode, 200, path)
  }
  const stream = await openStream({ url: '/v1/stream', method: 'HEAD', headers: { authorization: `Bearer ${SECRETS[0]}` } })
  assert.deepEqual([stream.statusCode, stream.headers['content-type']], [200, 'text/event-stream'])
  for (const wrong of [
    undefined,
    '',
    'Bearer',
    'Bearer x',
    `Basic ${SECRETS[0]}`,
    `Bearer ${SECRETS[0]!.slice(0, -1)}`,
    `Bearer ${'x'.repeat(4000)}`,
  ]) {
    for (const path of [...FOR_OPERATORS, '/v1/stream', '/v1/gateways', '/unknown']) {
      const answer = await ask(path, wrong)
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [401, 'unauthorized'], `${path} ${wrong}`)
    }
  }
  assert.equal((await ask('/ready')).statusCode, 200)
})

test('who looks at what is written down, again and again once a minute, and the secret never', async () => {
  const { ask, clock, logger } = await serve('operators')
  for (let n = 0; n < 5; n++) await ask('/v1/topology?x=1', `Bearer ${SECRETS[0]}`).catch(() => {})
  await ask('/v1/verdicts', `Bearer ${SECRETS[0]}`)
  for (const path of FOR_OPERATORS) await ask(path, 'Bearer a wrong secret')
  clock.advance(60_000)
  await ask('/v1/topology', `Bearer ${SECRETS[0]}`)
  const audit = logger.lines.filter(({ code }) => code.startsWith('admin_'))
  assert.deepEqual(
    audit.map(({ code, fields }) => [code, fields['who'], fields['path'], fields['again']]),
    [
      ['admin_asked', 'jo@desk', '/v1/topology', 0],
      ['admin_asked', 'jo@desk', '/v1/verdicts', 0],
      ['admin_refused', 'jo@desk', '/v1/verdicts', 0],
      ['admin_asked', 'jo@desk', '/v1/topology', 4],
    ],
  )
  assert.doesNotMatch(JSON.stringify(logger.lines), /b3e0-new|a wrong secret/)
})

test('without a secret of operators the port of clients shows everything in development, and nothing of it in production', async () => {
  for (const production of [false, true]) {
    await using world = await startBalancer(['gw-1'], [], { production })
    const status = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${world.balancer.port}${path}`)
      await answer.body?.cancel()
      return answer.status
    }
    for (const path of [...FOR_OPERATORS, '/v1/stream']) assert.equal(await status(path), production ? 404 : 200, path)
    assert.equal(await status('/live'), 200)
    // It has just started: the question is taken.
    assert.equal(await status('/v1/gateways'), 503)
    assert.equal(world.logger.lines.filter(({ code }) => code === 'operators_shut_out').length, production ? 1 : 0)
  }
})

test('both ports cut who does not come to the end of a request, and who has too many connections', { timeout: 40_000 }, async () => {
  await using files = await mkdtempDisposable(join(tmpdir(), 'pulsewire-operators-'))
  const secretFile = join(files.path, 'secret')
  await writeFile(secretFile, SECRETS[0]!)
  const set = [`balancer.admin.secretFile=${secretFile}`, 'balancer.admin.listen.port=0', 'balancer.connectionsPerAddressMax=4']
  await using world = await startBalancer(['gw-1'], set)
  const cuts = async (port: number): Promise<void> => {
    const dialled = await Promise.all(Array.from({ length: 6 }, () => dial(port)))
    const served = dialled.filter(({ isServed }) => isServed)
    assert.equal(served.length, 4)
    await Promise.all(served.map(({ socket }) => closed(socket)))
    await slowPeersCut(port)
  }
  await Promise.all([cuts(world.balancer.port), cuts(world.balancer.adminPort)])
})
