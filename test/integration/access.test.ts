/** Who is let in, and to what: real gateways before a real Kafka, tokens of a real issuer, operators' real commands. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { PulsewireClient, type PulsewireError } from '@pulsewire/client'
import { type GatewaysAnswer, type Log, openKafkaLog } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { Fleet } from '../support/fleet.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { steadyMs } from '../support/steady.ts'
import { AUDIENCE, ISSUER, Issuer } from '../support/tokens.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [QUOTES, CONTROL] = [`quotes-${run}`, `control-${run}`]
const OPERATOR_SECRET = 'a secret of the access test'
const PROBE_SECRET = 'a secret of the probes of the test'
const ADMIN_SECRET = 'a secret of those who look after it'
const env = { PULSEWIRE_OPERATOR_SECRET: OPERATOR_SECRET }
const REVOKED_WITHIN_MS = 5_000

describe('tokens', { timeout: 200_000 }, () => {
  const stack = new AsyncDisposableStack()
  const tokens: string[] = []
  let issuer: Issuer
  let kafka: KafkaForTests
  let log: Log
  let fleet: Fleet

  const token = async (options: Parameters<Issuer['token']>[0]): Promise<string> => {
    const text = await issuer.token(options)
    tokens.push(text)
    return text
  }

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pulsewire-access-'))
    stack.defer(() => rmSync(directory, { recursive: true, force: true }))
    issuer = await Issuer.make({ alg: 'ES256' })
    const [keys, probes] = [join(directory, 'keys.pem'), join(directory, 'probes')]
    writeFileSync(keys, await issuer.pem())
    writeFileSync(probes, PROBE_SECRET)
    kafka = await startKafka()
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(QUOTES, { partitions: 2 })
    await log.append(QUOTES, [
      { key: 'AAPL.US', value: '{"last":1}' },
      { key: '0700.HK', value: '{"last":2}' },
    ])
    const roles = { us: { feeds: { quote: ['*.US'] } } }
    const access = {
      mode: 'token',
      keyFiles: [keys],
      issuer: ISSUER,
      audience: AUDIENCE,
      roles,
      probeSecretFile: probes,
      refreshAheadMs: 60_000,
    }
    fleet = stack.use(
      await Fleet.start({
        brokers: kafka.brokers,
        feeds: [{ name: 'quote', topic: QUOTES }],
        directory: CONTROL,
        env,
        gateway: { access },
      }),
    )
  })

  after(() => stack.disposeAsync())

  /** The first error of that code; rejects never: a client that is let in after all makes the test time out. */
  function errorOf(client: PulsewireClient, code: string): Promise<PulsewireError> {
    return new Promise((resolve) => {
      client.on('error', (error) => {
        if (error.code === code) resolve(error)
      })
    })
  }

  test('without a token, with a forged one and with one in the URL nobody is let in, and the client does not try again', async () => {
    for (const [given, code] of [
      [undefined, 'token_missing'],
      [await (await Issuer.make()).token(), 'token_signature'],
    ] as const) {
      await using client = new PulsewireClient({ url: fleet.urls, ...(given === undefined ? {} : { token: given }) })
      const failed = new Promise<void>((resolve) => client.on('state', ({ state }) => state === 'failed' && resolve()))
      assert.match((await errorOf(client, 'token_refused')).message, new RegExp(code))
      await failed
    }
    const answer = await fetch(`${fleet.urls[0]!.replace('ws', 'http')}/v1/stream?access_token=x`, {
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    }).catch((error: unknown) => error)
    assert.ok(!(answer instanceof Response) || answer.status >= 400)
  })

  test('a token gives what its role says, symbol by symbol', async () => {
    await using recorder = new ViewRecorder(
      { url: fleet.urls, token: await token({ rights: { roles: ['us'] } }) },
      { feed: 'quote', symbols: ['AAPL.US', '0700.HK'] },
    )
    await recorder.until(() => recorder.subscription.get('AAPL.US')?.values?.['last'] === 1, 'what the role gives')
    await recorder.until(() => recorder.subscription.get('0700.HK')?.state.state === 'ended', 'what it does not give is refused')
  })

  test('a token is renewed in time without a break, and what the new one does not give is ended', async () => {
    let given = 0
    let isNarrow = false
    const source = () => token({ expiresInS: 8, rights: given++ >= 0 && isNarrow ? { roles: ['us'] } : { feeds: { quote: ['*'] } } })
    await using recorder = new ViewRecorder({ url: fleet.urls, token: source }, { feed: 'quote', symbols: ['AAPL.US', '0700.HK'] })
    await recorder.until(() => recorder.subscription.get('0700.HK')?.values?.['last'] === 2, 'all that was asked for')
    const session = recorder.client.session?.session
    isNarrow = true
    await recorder.until(() => recorder.subscription.get('0700.HK')?.state.state === 'ended', 'ended by a later token')
    assert.equal(recorder.subscription.get('AAPL.US')?.state.state, 'live')
    await recorder.until(() => given >= 4, 'renewed again and again')
    assert.equal(recorder.client.session?.session, session)
    assert.equal(recorder.subscription.get('AAPL.US')?.state.state, 'live')
  })

  test('a token that is not renewed ends the session', async () => {
    const given = await token({ expiresInS: 2 })
    await using recorder = new ViewRecorder({ url: fleet.urls, token: given }, { feed: 'quote', symbols: ['AAPL.US'] })
    await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
    const lost = await errorOf(recorder.client, 'connection_lost')
    assert.equal(lost.closeCode, 4105)
    await recorder.until(() => recorder.client.state === 'failed', 'the same token again is refused for good')
  })

  test('a revoked user is cut within 5 s on every gateway, and let in again only with a token of later', async () => {
    const clients = await Promise.all(
      fleet.urls.map(
        async (url) => new ViewRecorder({ url, token: await token({ user: 'eve' }) }, { feed: 'quote', symbols: ['AAPL.US'] }),
      ),
    )
    await using other = new ViewRecorder({ url: fleet.urls, token: await token({ user: 'ann' }) }, { feed: 'quote', symbols: ['AAPL.US'] })
    for (const each of [...clients, other]) await each.until(() => each.subscription.state.state === 'live', 'live')
    const cut = clients.map(async ({ client }) => ({ error: await errorOf(client, 'connection_lost'), atMs: steadyMs() }))
    const { code, stderr } = await runCommand(
      ['token', 'revoke', '--user', 'eve', '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`],
      { env: {} },
    )
    assert.deepEqual([code, stderr], [0, ''])
    const ends = await Promise.all(cut)
    // From when the word was there for anybody to read: how long a command takes to start is another matter.
    const readers = [...fleet.gateways, ...fleet.pushNodes, ...fleet.pulses]
    const heard = await Promise.all(readers.map((node) => node.line((line) => line.code === 'token_revoked')))
    const saidAtMs = Math.min(...heard.map(({ receivedAtMs }) => receivedAtMs))
    for (const { error, atMs } of ends) {
      assert.equal(error.closeCode, 4003)
      assert.ok(atMs - saidAtMs < REVOKED_WITHIN_MS, `${atMs - saidAtMs} ms`)
    }
    await clients[0]!.until(() => clients[0]!.client.state === 'failed', 'not let in again with the same token')
    assert.equal(other.subscription.state.state, 'live')
    const later = await token({ user: 'eve', issuedInS: -1 })
    await using again = new PulsewireClient({ url: fleet.urls, token: later })
    assert.match((await errorOf(again, 'token_refused')).message, /token_revoked/)
    // A gateway that starts only now knows it, too.
    const gateway = await fleet.startGateway('gw-3')
    try {
      await using late = new PulsewireClient({ url: gateway.url, token: later })
      assert.match((await errorOf(late, 'token_refused')).message, /token_revoked/)
    } finally {
      await gateway.stop()
    }
    for (const each of clients) await each[Symbol.asyncDispose]()
    const listed = await runCommand(['token', 'revoked', '--brokers', kafka.brokers.join(','), '--set', `directory.topic=${CONTROL}`], {
      env: {},
    })
    assert.match(listed.stdout, /^user eve {2}revoked \S+ by \S+@\S+, kept until /)
    await fleet.gateways[0]!.line(({ code, by }) => code === 'token_revoked' && typeof by === 'string')
  })

  test('balancers prove gateways by a secret of their own, and name them', async () => {
    const config = {
      node: { id: 'lb-1' },
      log: { kind: 'kafka', brokers: kafka.brokers },
      directory: { enabled: true, topic: CONTROL },
      balancer: { listen: { host: '127.0.0.1', port: 0 }, admin: { listen: { host: '127.0.0.1', port: 0 } } },
    }
    const secrets = { PULSEWIRE_BALANCER_PROBE_SECRET: PROBE_SECRET, PULSEWIRE_BALANCER_ADMIN_SECRET: ADMIN_SECRET }
    await using balancer = await NodeProcess.start('balancer', config, secrets)
    const usable = ['gw-1', 'gw-2'].map((id) => balancer.line(({ code, msg }) => code === 'node_usable' && msg.includes(id)))
    await Promise.all(usable)
    const response = await fetch(`http://127.0.0.1:${balancer.port}/v1/gateways`)
    assert.equal(((await response.json()) as GatewaysAnswer).gateways.length, 2)
    // What is for operators is on a port of its own, for who has the secret.
    assert.equal((await fetch(`http://127.0.0.1:${balancer.port}/v1/verdicts`)).status, 404)
    const admin = (await balancer.line(({ code }) => code === 'admin_listening'))['port']
    const verdicts = (env: Readonly<Record<string, string>>) => runCommand(['verdicts', '--url', `http://127.0.0.1:${admin}`], { env })
    assert.match((await verdicts({})).stderr, /show their secret/)
    const { code, stdout } = await verdicts({ PULSEWIRE_BALANCER_ADMIN_SECRET: ADMIN_SECRET })
    assert.equal(code, 0)
    assert.match(stdout, /gw-1/)
    const asked = await balancer.line(({ code }) => code === 'admin_asked')
    assert.equal(asked['path'], '/v1/verdicts')
    assert.ok(!balancer.lines.some((line) => JSON.stringify(line).includes(ADMIN_SECRET)))
  })

  test('a balancer without that secret says what is wrong', async () => {
    const config = {
      node: { id: 'lb-2' },
      log: { kind: 'kafka', brokers: kafka.brokers },
      directory: { enabled: true, topic: CONTROL },
      balancer: { listen: { host: '127.0.0.1', port: 0 } },
    }
    await using balancer = await NodeProcess.start('balancer', config)
    await balancer.line(({ code, msg }) => code === 'probe_failed' && msg.includes('token_missing'))
  })

  test('operators ask by their secret, and users are found by the name in their token', async () => {
    await using recorder = new ViewRecorder(
      { url: fleet.urls[0]!, user: 'root', token: await token({ user: 'joe' }) },
      { feed: 'quote', symbols: ['AAPL.US'] },
    )
    await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
    const via = fleet.urls.flatMap((url) => ['--via', url])
    const { code, stdout, stderr } = await runCommand(['sessions', ...via, '--user', 'joe'], { env })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^user joe is at gw-1/)
  })

  test('no token and no secret is in any log', () => {
    const all = [...fleet.gateways, ...fleet.pushNodes, ...fleet.pulses].flatMap((node) => [
      ...node.lines.map((line) => JSON.stringify(line)),
      ...node.noise,
    ])
    for (const secret of [...tokens, OPERATOR_SECRET, PROBE_SECRET]) {
      assert.ok(secret.length > 10)
      for (const line of all) assert.ok(!line.includes(secret), line)
    }
  })
})
