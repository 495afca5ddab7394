/** Secrets and keys by reference are read anew: real processes, real files, a client that is live all the time. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PulsewireClient } from '@pulsewire/client'
import { type Log, openKafkaLog } from '@pulsewire/server'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { steadyMs } from '../support/steady.ts'
import { AUDIENCE, ISSUER, Issuer } from '../support/tokens.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [QUOTES, CONTROL] = [`quotes-${run}`, `control-${run}`]
const FEEDS = [{ name: 'quote', topic: QUOTES }]
const secret = (what: string) => [`the old ${what} secret of the test`, `the new ${what} secret of the test`] as const
const [INNER, PROBE, ADMIN] = [secret('inner'), secret('probe'), secret('admin')]
const RIGHTS = { feeds: { quote: ['*'] } }

describe('secrets that change while everything runs', { timeout: 240_000 }, () => {
  const stack = new AsyncDisposableStack()
  let directory: string
  let kafka: KafkaForTests
  let log: Log
  let issuers: Issuer[]
  let pushNodes: NodeProcess[]
  let gateway: NodeProcess
  let balancer: NodeProcess
  let live: ViewRecorder
  const nodes: NodeProcess[] = []

  /** As those who mount secrets do: the whole file at once. */
  function write(name: string, text: string): string {
    const file = join(directory, name)
    writeFileSync(`${file}.next`, text)
    renameSync(`${file}.next`, file)
    return file
  }

  async function start(role: string, config: object): Promise<NodeProcess> {
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    const node = stack.use(await NodeProcess.start(role, { ...shared, ...config }))
    nodes.push(node)
    return node
  }

  const listen = { host: '127.0.0.1', port: 0 }
  const startPush = (id: string, line: string, port = 0) =>
    start('push', {
      node: { id, line },
      feeds: FEEDS,
      push: { listen: { ...listen, port } },
      inner: { secretFile: join(directory, 'inner') },
    })
  const access = () => ({
    mode: 'token',
    issuer: ISSUER,
    audience: AUDIENCE,
    keyFiles: [join(directory, 'keys.pem')],
    probeSecretFile: join(directory, 'probes'),
  })
  const startGateway = (id: string, inner: string) =>
    start('gateway', { node: { id }, gateway: { listen, access: access() }, inner: { secretFile: join(directory, inner) } })
  const reread = (node: NodeProcess, what: string, after = 0) =>
    node.line((line) => line.receivedAtMs > after && line.code === 'secrets_reread' && line.msg.includes(what))

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pulsewire-secrets-'))
    stack.defer(() => rmSync(directory, { recursive: true, force: true }))
    issuers = [await Issuer.make(), await Issuer.make()]
    write('inner', INNER[0])
    write('inner-of-the-slow-one', INNER[0])
    write('probes', PROBE[0])
    write('admin', ADMIN[0])
    write('keys.pem', await issuers[0]!.pem())
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(QUOTES, { partitions: 1 })
    await log.append(QUOTES, [{ key: 'AAPL.US', value: '{"last":1}' }])
    await start('pulse', { node: { id: 'pulse-1' }, feeds: FEEDS })
    pushNodes = await Promise.all([startPush('push-a1', 'A'), startPush('push-b1', 'B')])
    gateway = await startGateway('gw-1', 'inner')
    const admin = { listen, secretFile: join(directory, 'admin') }
    balancer = await start('balancer', { node: { id: 'lb-1' }, balancer: { listen, admin, probeSecretFile: join(directory, 'probes') } })
    const token = await issuers[0]!.token({ rights: RIGHTS })
    live = stack.use(new ViewRecorder({ url: gateway.url, token }, { feed: 'quote', symbols: ['AAPL.US'] }))
    await live.until(() => live.subscription.state.state === 'live', 'live')
  })

  after(() => stack.disposeAsync())

  test('the inner secret: read on SIGHUP, both count during the change-over, links go on, and the next one shows the new one', async () => {
    write('inner', INNER[1])
    for (const node of [...pushNodes, gateway]) {
      node.signal('SIGHUP')
      await reread(node, 'inner.secretFile')
    }
    // It was given no new file yet.
    await using slow = await startGateway('gw-slow', 'inner-of-the-slow-one')
    await slow.line(({ code }) => code === 'link_open')
    const { port } = pushNodes[0]!
    await pushNodes[0]!.stop()
    const backAtMs = steadyMs()
    pushNodes[0] = await startPush('push-a1', 'A', port)
    await gateway.line((line) => line.receivedAtMs >= backAtMs && line.code === 'link_open' && line.msg.includes('push-a1'))
    // It knows the new one alone.
    await slow.line((line) => line.code === 'link_waiting' && line.msg.includes('token_secret'))
  })

  test('keys of tokens: by themselves within seconds; a token of the old key counts no more, who is in stays in', async () => {
    const atMs = steadyMs()
    write('keys.pem', await issuers[1]!.pem())
    await gateway.line((line) => line.code === 'keys_reread' && line.receivedAtMs > atMs)
    await using fresh = new ViewRecorder(
      { url: gateway.url, token: await issuers[1]!.token({ user: 'bo', rights: RIGHTS }) },
      { feed: 'quote', symbols: ['AAPL.US'] },
    )
    await fresh.until(() => fresh.subscription.state.state === 'live', 'the new key lets in')
    await using client = new PulsewireClient({ url: gateway.url, token: await issuers[0]!.token({ user: 'cy', rights: RIGHTS }) })
    const refused = await new Promise<string>((resolve) =>
      client.on('error', ({ code, message }) => code === 'token_refused' && resolve(message)),
    )
    assert.match(refused, /token_signature/)
    write('keys.pem', 'no key at all')
    const bad = await gateway.line(({ code }) => code === 'secrets_unusable')
    assert.match(bad.msg, /keys\.pem cannot be used: .*; the keys before stay in use$/)
    await using still = new ViewRecorder(
      { url: gateway.url, token: await issuers[1]!.token({ user: 'di', rights: RIGHTS }) },
      { feed: 'quote', symbols: ['AAPL.US'] },
    )
    await still.until(() => still.subscription.state.state === 'live', 'what can be used stays in use')
  })

  test('the secret of probes: the balancer goes on handing the gateway out', async () => {
    write('probes', PROBE[1])
    await Promise.all([reread(gateway, 'gateway.access.probeSecretFile'), reread(balancer, 'balancer.probeSecretFile')])
    const answer = await (await fetch(`http://127.0.0.1:${balancer.port}/v1/gateways`)).json()
    assert.deepEqual(
      (answer as { gateways: { node: string }[] }).gateways.map(({ node }) => node),
      ['gw-1'],
    )
  })

  test('what operators show: the new one from then on, and not the old one', async () => {
    const port = Number(balancer.lines.find(({ code }) => code === 'admin_listening')?.['port'])
    const ask = async (shown: string) =>
      (await fetch(`http://127.0.0.1:${port}/v1/verdicts`, { headers: { authorization: `Bearer ${shown}` } })).status
    assert.deepEqual([await ask(ADMIN[0]), await ask(ADMIN[1])], [200, 401])
    write('admin', ADMIN[1])
    balancer.signal('SIGHUP')
    await reread(balancer, 'balancer.admin.secretFile')
    assert.deepEqual([await ask(ADMIN[0]), await ask(ADMIN[1])], [401, 200])
    write('admin', '')
    balancer.signal('SIGHUP')
    await balancer.line(({ code }) => code === 'secrets_unusable')
    assert.equal(await ask(ADMIN[1]), 200)
  })

  test('nobody was cut and nobody doubted anything, and no secret is in any log', () => {
    assert.deepEqual(live.states, ['pending', 'live'])
    assert.equal(live.client.session?.node, 'gw-1')
    const all = nodes.flatMap(({ lines, noise }) => [...lines.map((line) => JSON.stringify(line)), ...noise])
    for (const text of [...INNER, ...PROBE, ...ADMIN]) for (const line of all) assert.ok(!line.includes(text), line)
  })
})
