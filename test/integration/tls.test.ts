/** Encrypted listeners: real processes, real certificates, and what happens when their files change. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { WebSocket } from 'ws'
import { Authority, type CertificateFiles } from '../support/certificates.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'

const run = Date.now().toString(36)
const [QUOTES, CONTROL] = [`quotes-${run}`, `control-${run}`]
const INNER_SECRET = 'the inner secret of the TLS test'

describe('TLS', { timeout: 200_000 }, () => {
  const stack = new AsyncDisposableStack()
  let authority: Authority
  let stranger: Authority
  let files: CertificateFiles
  let kafka: KafkaForTests
  let log: Log
  let push: NodeProcess
  let gateway: NodeProcess
  let balancer: NodeProcess
  const nodes: NodeProcess[] = []

  async function start(role: string, config: object, env: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    const node = stack.use(await NodeProcess.start(role, { ...shared, ...config }, env))
    nodes.push(node)
    return node
  }

  const listen = { host: '127.0.0.1', port: 0 }

  /** Where operators ask the balancer. */
  const adminPort = async () => Number((await balancer.line(({ code }) => code === 'admin_listening'))['port'])

  before(async () => {
    authority = stack.use(new Authority())
    stranger = stack.use(new Authority('a stranger'))
    files = authority.issue('first')
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(QUOTES, { partitions: 1 })
    await log.append(QUOTES, [{ key: 'AAPL.US', value: '{"last":1}' }])
    const feeds = [{ name: 'quote', topic: QUOTES }]
    await start('pulse', { node: { id: 'pulse-1' }, feeds })
    const tls = { ...files, clientCaFile: authority.caFile }
    push = await start('push', { node: { id: 'push-a1' }, feeds, push: { listen, tls } }, { PULSEWIRE_INNER_SECRET: INNER_SECRET })
    await push.line(({ code }) => code === 'ready')
    // By a certificate alone: this gateway has no secret.
    const inner = { caFile: authority.caFile, ...authority.issue('gw-1') }
    gateway = await start('gateway', { node: { id: 'gw-1' }, gateway: { listen, tls: files }, inner })
    balancer = await start('balancer', {
      node: { id: 'lb-1' },
      balancer: {
        listen,
        tls: files,
        gatewayCaFile: authority.caFile,
        admin: { listen, secretFile: write('operators', 'the secret of operators in the TLS test') },
      },
      console: { enabled: true, listen },
    })
  })

  after(() => stack.disposeAsync())

  async function shake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(authority.caFile), ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  async function subjectOf(port: number): Promise<string> {
    const socket = await shake(port)
    const { subject } = socket.getPeerCertificate()
    socket.destroy()
    return String(subject.CN)
  }

  /** A client that is live, over TLS. */
  async function client(): Promise<{ webSocket: WebSocket; last: () => number }> {
    const webSocket = new WebSocket(`wss://127.0.0.1:${gateway.port}/v1/stream`, ['pulsewire.json.v1'], {
      ca: readFileSync(authority.caFile),
    })
    await once(webSocket, 'open')
    let last = 0
    webSocket.on('message', (data) => {
      for (const frame of JSON.parse(String(data)) as { t: string; pulse?: number; mark?: number; values?: { last: number } }[]) {
        if (frame.t === 'update') last = frame.values!.last
        if (frame.t === 'mark') webSocket.send(JSON.stringify({ t: 'ack', mark: frame.mark }))
      }
    })
    webSocket.send(
      JSON.stringify([
        { t: 'hello', client: 'test' },
        { t: 'subscribe', id: 1, feed: 'quote', symbols: ['AAPL.US'] },
      ]),
    )
    while (last === 0) await once(webSocket, 'message')
    return { webSocket, last: () => last }
  }

  test('the whole way is encrypted: push node to gateway by certificate, gateway to client, balancer to both', async () => {
    await gateway.line(({ code }) => code === 'link_open')
    const { webSocket } = await client()
    webSocket.terminate()
    await balancer.line(({ code, msg }) => code === 'node_usable' && msg.startsWith('gw-1'))
    const socket = await shake(balancer.port)
    socket.write('GET /v1/gateways HTTP/1.1\r\nHost: lb\r\nConnection: close\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    assert.match(answer, /^HTTP\/1\.1 200/)
    assert.match(answer, new RegExp(`wss://127\\.0\\.0\\.1:${gateway.port}`))
  })

  /** What the page beside the balancer is answered to a question that it passes on. */
  async function askPage(): Promise<number> {
    const { url } = await balancer.line(({ code }) => code === 'console_listening')
    const answer = await fetch(new URL('v1/verdicts', String(url)))
    await answer.arrayBuffer()
    return answer.status
  }

  test('the console asks the balancer beside it, under an address that its certificate need not name', async () => {
    assert.equal(await askPage(), 200)
  })

  test('what is not TLS 1.2 or newer is not spoken', async () => {
    for (const node of [gateway, push, balancer]) {
      assert.equal((await shake(node.port, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
      const old = connect({
        host: '127.0.0.1',
        port: node.port,
        ca: readFileSync(authority.caFile),
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
      })
      const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException]
      assert.match(String(error.code ?? error.message), /SSL|PROTOCOL|ECONNRESET/)
      const plain = await fetch(`http://127.0.0.1:${node.port}/live`).catch(() => null)
      assert.equal(plain, null)
    }
  })

  test('a gateway with a stranger’s certificate and no secret is refused; with the secret it is let in', async () => {
    const strange = { caFile: authority.caFile, ...stranger.issue('gw-2') }
    const without = await start('gateway', { node: { id: 'gw-2' }, gateway: { listen }, inner: strange })
    const refused = await push.line((line) => line.code === 'gateway_refused' && line.msg.startsWith('gw-2/'))
    assert.equal(refused['reason'], 'token_missing')
    await without.stop()
    const inner = { caFile: authority.caFile }
    const withSecret = await start(
      'gateway',
      { node: { id: 'gw-3' }, gateway: { listen }, inner },
      { PULSEWIRE_INNER_SECRET: INNER_SECRET },
    )
    await withSecret.line(({ code }) => code === 'link_open')
    await withSecret.stop()
  })

  test('a new certificate is taken up without cutting anybody, and a bad one is not', async () => {
    const { webSocket, last } = await client()
    let cut = false
    webSocket.on('close', () => (cut = true))
    const reloads = (node: NodeProcess) => node.lines.filter(({ code }) => code === 'tls_reloaded').length
    assert.equal(await subjectOf(gateway.port), 'first')
    // As certificate managers do it: complete files, put in place by renaming.
    put(authority.issue('second', authority.files('second')))
    for (const node of [gateway, push, balancer]) {
      await node.line(({ code }) => code === 'tls_reloaded')
      assert.equal(await subjectOf(node.port), 'second')
    }
    // Neither a certificate of another key, nor one that has ended, nor rubbish.
    const third = authority.issue('third', authority.files('third'))
    for (const [bad, why] of [
      [{ certFile: third.certFile, keyFile: files.keyFile }, /not the key of the certificate/],
      [{ certFile: write('rubbish.pem', 'rubbish'), keyFile: third.keyFile }, /cannot be used/],
    ] as const) {
      put(bad)
      await gateway.line(({ code, msg }) => code === 'tls_unusable' && why.test(msg))
      assert.equal(await subjectOf(gateway.port), 'second')
    }
    const before = reloads(gateway)
    put(third)
    await gateway.line(({ code }) => code === 'tls_reloaded' && reloads(gateway) > before)
    assert.equal(await subjectOf(gateway.port), 'third')
    // Both of its listeners have the newest.
    await balancer.line(({ code }) => code === 'tls_reloaded' && reloads(balancer) >= 2)
    for (const port of [balancer.port, await adminPort()]) assert.equal(await subjectOf(port), 'third')
    // The page knows the balancer by the certificate that it shows, whatever the files hold.
    assert.equal(await askPage(), 200)
    const unusable = () => balancer.lines.filter(({ code }) => code === 'tls_unusable').length
    const earlier = unusable()
    put({ certFile: write('rubbish.pem', 'rubbish'), keyFile: third.keyFile })
    await balancer.line(() => unusable() > earlier)
    assert.equal(await askPage(), 200)
    put(third)
    const hangups = () => gateway.lines.filter(({ code, msg }) => code === 'tls_reloaded' && msg.includes('SIGHUP')).length
    gateway.signal('SIGHUP')
    await gateway.line(() => hangups() > 0)
    // The one who was there has noticed nothing.
    await log.append(QUOTES, [{ key: 'AAPL.US', value: '{"last":2}' }])
    while (last() !== 2) await once(webSocket, 'message')
    assert.equal(cut, false)
    webSocket.terminate()
  })

  test('a gateway whose new certificate nobody trusts is not handed out, though those who are there are served', async () => {
    const { webSocket, last } = await client()
    put(stranger.issue('strange'))
    const shut = await balancer.line(({ code, msg }) => code === 'node_unusable' && /^gw-1 .*let nobody new in/.test(msg))
    assert.match(shut.msg, /certificate|signature/)
    await log.append(QUOTES, [{ key: 'AAPL.US', value: '{"last":3}' }])
    while (last() !== 3) await once(webSocket, 'message')
    webSocket.terminate()
    const usable = () => balancer.lines.filter(({ code, msg }) => code === 'node_usable' && msg.startsWith('gw-1')).length
    const before = usable()
    put(authority.files('third'))
    await balancer.line(() => usable() > before)
  })

  test('a listener whose certificate cannot be used ends the process, which says why', async () => {
    const third = authority.files('third')
    await assert.rejects(
      start('gateway', {
        node: { id: 'gw-4' },
        gateway: { listen, tls: { certFile: third.certFile, keyFile: authority.files('gw-1').keyFile } },
      }),
      /has ended with 1[\s\S]*tls_unusable: .* not the key of the certificate/,
    )
  })

  function write(name: string, content: string): string {
    const file = join(authority.directory, name)
    writeFileSync(file, content)
    return file
  }

  function put(from: CertificateFiles): void {
    for (const part of ['keyFile', 'certFile'] as const) {
      if (from[part] === files[part]) continue
      copyFileSync(from[part], `${files[part]}.new`)
      renameSync(`${files[part]}.new`, files[part])
    }
  }
})
