/** A user who asked a balancer and never came to a gateway, and one who did: asked of real processes over one gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type GatewaysAnswer, type Log, openKafkaLog } from '@pulsewire/server'
import { runCommand } from '../support/command.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { steadyMs } from '../support/steady.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [CONTROL, TOPIC] = [`control-${run}`, `quotes-${run}`]
const FEEDS = [{ name: 'quote', topic: TOPIC }]
const env = { PULSEWIRE_OPERATOR_SECRET: 'a secret of the test of answers' }
const KNOWN_MS_MAX = 30_000
const AGAIN_AFTER_MS = 50

describe('what balancers gave to a user', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let gateways: NodeProcess[]
  let balancer: NodeProcess

  const start = async (role: string, config: object, with_: Readonly<Record<string, string>> = env) => {
    const shared = { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL } }
    return stack.use(await NodeProcess.start(role, { ...shared, ...config }, with_))
  }
  const listen = { host: '127.0.0.1', port: 0 }
  const startGateway = (id: string) => start('gateway', { node: { id }, gateway: { listen } })

  before(async () => {
    kafka = await startKafka({ own: true })
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 1 })
    await Promise.all([
      start('pulse', { node: { id: 'pulse-1' }, feeds: FEEDS }),
      start('push', { node: { id: 'push-a1', line: 'A' }, feeds: FEEDS, push: { listen } }),
      start('push', { node: { id: 'push-b1', line: 'B' }, feeds: FEEDS, push: { listen } }),
    ])
    gateways = await Promise.all([startGateway('gw-1'), startGateway('gw-2')])
    balancer = await start('balancer', { node: { id: 'lb-1' }, balancer: { listen } })
    await log.append(TOPIC, [{ key: 'AAPL.US', value: '{"last":187.23}' }])
    await until(async () => (await given('warm-up'))?.gateways.length === 2, 'both gateways are handed out')
  })

  after(() => stack.disposeAsync())

  async function given(user: string, more = ''): Promise<GatewaysAnswer | null> {
    const response = await fetch(`http://127.0.0.1:${balancer.port}/v1/gateways?user=${user}${more}`)
    const body = (await response.json()) as GatewaysAnswer
    return response.ok ? body : null
  }

  const ask = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand([...args, '--via', gateways[0]!.url], { env })
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }

  test('who never arrived is said to have been given which addresses, and when', async () => {
    const answer = await given('kim', '&zone=sg-1&client=app/1.4')
    const [first, second] = answer!.gateways
    const stdout = await ask('sessions', '--user', 'kim')
    const addresses = `${first!.node}: ${first!.address}, ${second!.node}: ${second!.address}`
    assert.ok(
      stdout.startsWith(`user kim never arrived\nbalancer lb-1 gave ${addresses} `),
      `the addresses of the answer, in its order: ${stdout}`,
    )
    assert.match(stdout, / (\d+ ms|\d+\.\d s) ago \(track stable, zone sg-1, to app\/1\.4\)\nnever reached gw-/)
    const { balancers } = JSON.parse(await ask('sessions', '--user', 'kim', '--json'))
    assert.deepEqual(balancers[0].answers[0].gateways, answer!.gateways)
  })

  test('of who never asked, it says so, and since when it would know', async () => {
    const stdout = await ask('sessions', '--user', 'nobody')
    assert.match(stdout, /^user nobody has no session, and none is known\nnever asked lb-1 \(in the last .*\)\nnever reached gw-/)
  })

  test('who arrived: which answer led there', async () => {
    const url = `http://127.0.0.1:${balancer.port}`
    await using recorder = new ViewRecorder({ balancer: url, user: 'jo', name: 'app/2' }, { feed: 'quote', symbols: ['AAPL.US'] })
    await recorder.until(() => recorder.subscription.state.state === 'live', 'live')
    const stdout = await ask('sessions', '--user', 'jo')
    const session = /^user jo is at gw-\d: session (\S+), app\/2 /.exec(stdout)?.[1]
    assert.ok(session, stdout)
    assert.ok(stdout.includes(`\nbalancer lb-1 gave gw-`) && stdout.includes(`; it led to session ${session}\n`), stdout)
    assert.ok(stdout.includes(`sent here by ${url}`), stdout)
  })

  test('a user whom no gateway could be given', async () => {
    await balancer[Symbol.asyncDispose]()
    balancer = await start('balancer', { node: { id: 'lb-1' }, balancer: { listen } })
    await until(async () => (await given('warm-up'))?.gateways.length === 2, 'both gateways are handed out')
    assert.equal(await given('lee', '&track=grey'), null)
    assert.match(
      await ask('sessions', '--user', 'lee'),
      /^user lee never arrived\nbalancer lb-1 had no gateway to give .* ago \(track grey\)\n/,
    )
    assert.match(await ask('sessions', '--user', 'kim'), /^user kim has no session.*\nnever asked lb-1/, 'a restart forgets')
  })

  test('a balancer is diagnosed over its probes, without a port of its own', async () => {
    const { node, role, links } = JSON.parse(await ask('debug', 'lb-1', 'links', '--json'))
    assert.deepEqual([node, role], ['lb-1', 'balancer'])
    assert.deepEqual(links.map((link: { node: string; state: string }) => [link.node, link.state]).sort(), [
      ['gw-1', 'open'],
      ['gw-2', 'open'],
    ])
  })
})

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = steadyMs() + KNOWN_MS_MAX
  while (!(await holds().catch(() => false))) {
    if (steadyMs() > deadlineMs) assert.fail(`not within ${KNOWN_MS_MAX} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
  }
}
