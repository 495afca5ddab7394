import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createPlainServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { Authority, type CertificateFiles } from '../../../test/support/certificates.ts'
import { BalancerBeside, type BesideOptions } from './balancer-beside.ts'

const stack = new AsyncDisposableStack()
after(() => stack.disposeAsync())
const authority = stack.use(new Authority())

/** A balancer under an address that no certificate of the authority names. */
async function balancer(listener: RequestListener, files?: CertificateFiles): Promise<string> {
  const pem = (file: string) => readFileSync(file, 'utf8')
  const server =
    files === undefined ? createPlainServer(listener) : createServer({ cert: pem(files.certFile), key: pem(files.keyFile) }, listener)
  stack.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0, '127.0.0.2'), 'listening')
  return `${files === undefined ? 'http' : 'https'}://127.0.0.2:${(server.address() as AddressInfo).port}`
}

/** What the page is told. */
async function told(options: BesideOptions, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const beside = new BalancerBeside(options)
  const server = createPlainServer((request, response) => void beside.passOn(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/verdicts?a=b`, { headers })
    return { status: answer.status, text: await answer.text() }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

test('a balancer that shows a certificate of its own is known by that very one, whatever names are in it', async () => {
  const asked: IncomingMessage[] = []
  const own = authority.issue('own')
  const address = await balancer((request, response) => {
    asked.push(request)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"nodes":[]}')
  }, own)
  const certificate = (name: string) => () => readFileSync(authority.files(name).certFile, 'utf8')
  const answer = await told({ address, secret: 'of operators', certificate: certificate('own') }, { 'last-event-id': '7' })
  assert.deepEqual(answer, { status: 200, text: '{"nodes":[]}' })
  const [{ url, headers }] = asked as [IncomingMessage]
  assert.deepEqual([url, headers.authorization, headers['last-event-id']], ['/v1/verdicts?a=b', 'Bearer of operators', '7'])

  authority.issue('another')
  const unreachable = { status: 502, text: '{"code":"balancer_unreachable","message":"the balancer does not answer"}' }
  assert.deepEqual(await told({ address, secret: 'of operators', certificate: certificate('another') }), unreachable)
  // By those that Node trusts.
  assert.deepEqual(await told({ address, secret: 'of operators' }), unreachable)
  const chain = () => certificate('another')() + readFileSync(authority.caFile, 'utf8')
  assert.deepEqual(await told({ address, secret: 'of operators', certificate: chain }), unreachable)
  assert.equal(asked.length, 1, 'the secret was shown to somebody else')
})

test('who sends the page elsewhere is no balancer', async () => {
  const address = await balancer((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end())
  assert.equal((await told({ address })).status, 502)
})

test('what it refuses is passed on as it says it', async () => {
  const address = await balancer((_, response) => response.writeHead(401, { 'content-type': 'text/plain' }).end('no'))
  assert.deepEqual(await told({ address }), { status: 401, text: 'no' })
})
