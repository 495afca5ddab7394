/** The questions of the console's page where a balancer serves it: real processes, asked as a browser's page asks. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { Finding, Log } from '@pulsewire/server'
import { openKafkaLog } from '@pulsewire/server'
import { PortChoice } from '../../packages/cli/src/demo/ports.ts'
import type { FindTold, HoldersTold } from '../../packages/cli/src/ask/page-finds.ts'
import type { StagesTold } from '../../packages/cli/src/ask/page-stages.ts'
import { buildConsoleInPlace } from '../support/console-build.ts'
import { type KafkaForTests, startKafka } from '../support/kafka.ts'
import { NodeProcess } from '../support/node-process.ts'
import { steadyMs } from '../support/steady.ts'
import { ViewRecorder } from '../support/view-recorder.ts'

const run = Date.now().toString(36)
const [CONTROL, TOPIC] = [`control-${run}`, `quotes-${run}`]
const FEEDS = [{ name: 'quote', topic: TOPIC }]
const env = { PULSEWIRE_OPERATOR_SECRET: 'a secret of the console test' }
const otherEnv = { PULSEWIRE_OPERATOR_SECRET: 'another secret, as long as that' }
/** A name under which the page is served. */
const NAME = 'console.example.com'
const SYMBOL = 'AAPL.US'
const KNOWN_MS_MAX = 30_000
const AGAIN_AFTER_MS = 100

interface Told {
  readonly status: number
  readonly body: { readonly findings?: readonly Finding[]; readonly head?: readonly string[]; readonly message?: string } & Partial<
    FindTold & HoldersTold & StagesTold
  >
}

describe('questions of the page beside a balancer', { timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let kafka: KafkaForTests
  let log: Log
  let gateway: NodeProcess
  /** Consoles of three balancers: one that asks, one that may not, one whose secret the nodes do not have. */
  let ports: Readonly<Record<'asks' | 'mute' | 'stranger', number>>

  const start = async (role: string, config: object, with_: Readonly<Record<string, string>> = env) =>
    stack.use(
      await NodeProcess.start(
        role,
        { log: { kind: 'kafka', brokers: kafka.brokers }, directory: { enabled: true, topic: CONTROL }, ...config },
        with_,
      ),
    )

  before(async () => {
    await buildConsoleInPlace()
    kafka = await startKafka({ own: true })
    stack.defer(() => kafka.stop())
    log = openKafkaLog({ brokers: kafka.brokers })
    stack.defer(() => log.close())
    await log.createTopic(TOPIC, { partitions: 1 })
    const listen = { host: '127.0.0.1', port: 0 }
    await Promise.all([
      start('pulse', { node: { id: 'pulse-1' }, feeds: FEEDS }),
      start('push', { node: { id: 'push-a1', line: 'A' }, feeds: FEEDS, push: { listen } }),
      start('push', { node: { id: 'push-b1', line: 'B' }, feeds: FEEDS, push: { listen } }),
    ])
    gateway = await start('gateway', { node: { id: 'gw-1' }, gateway: { listen } })
    await log.append(TOPIC, [{ key: SYMBOL, value: '{"last":187.23}' }])
    {
      await using choice = new PortChoice()
      ports = await choice.take({ asks: 0, mute: 0, stranger: 0 })
    }
    const balancer = (id: keyof typeof ports, enabled: boolean, with_ = env) => {
      const console = { enabled: true, listen: { host: '127.0.0.1', port: ports[id] }, hosts: [NAME], asks: { enabled } }
      return start('balancer', { node: { id: `lb-${id}` }, balancer: { listen }, console }, with_)
    }
    const balancers = await Promise.all([balancer('asks', true), balancer('mute', false), balancer('stranger', true, otherEnv)])
    // The console comes after what it is beside.
    for (const each of balancers) await each.line(({ code }) => code === 'process_running')
  })

  after(() => stack.disposeAsync())

  function ask(of: keyof typeof ports, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Told> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: ports[of], path, headers, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.on('end', () => resolve({ status: response.statusCode!, body: read(text) }))
      })
      asked.once('error', reject).end()
    })
  }

  /** Asks until it is told so: a balancer has to hear of the gateway first. */
  async function told(of: keyof typeof ports, path: string, holds: (told: Told) => boolean): Promise<Told> {
    const byMs = steadyMs() + KNOWN_MS_MAX
    for (;;) {
      const answer = await ask(of, path)
      if (holds(answer)) return answer
      assert.ok(steadyMs() < byMs, JSON.stringify(answer))
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
    }
  }

  test('are answered over the gateways that it knows by their leases', async () => {
    await using view = new ViewRecorder({ url: gateway.url, user: 'jo' }, { feed: 'quote', symbols: [SYMBOL] })
    await view.until(() => view.subscription.state.state === 'live', 'jo is live')
    // However long it took until everybody was there: a trace of what was not quoted for half a minute says that.
    await log.append(TOPIC, [{ key: SYMBOL, value: '{"last":187.24}' }])
    const { body } = await told('asks', `/api/trace?user=jo&symbol=${SYMBOL}`, ({ body }) => body.findings?.[0]?.code === 'all_well')
    assert.equal(body.findings![0]!.hop, 'gw-1')
    const sessions = await ask('asks', '/api/sessions?user=jo')
    assert.equal(sessions.status, 200)
    assert.match(sessions.body.head![0]!, /^user jo is at gw-1: session gw-1\./)
    const found = await ask('asks', '/api/find?text=jo')
    assert.deepEqual(found.body.users, [{ user: 'jo', sessions: 1 }])
    const { body: holding } = await ask('asks', `/api/holders?symbol=${SYMBOL}`)
    assert.deepEqual([holding.partition, holding.silent], [0, []])
    assert.deepEqual(holding.holders!.map(({ node }) => node).sort(), ['gw-1', 'push-a1', 'push-b1'])
    for (const { node, position } of holding.holders!) assert.match(position ?? '', /^1:0:\d+$/, node)
  })

  test('for the stages of a node are answered by the node, over gateways that lead to it', async () => {
    for (const [node, stage] of [
      ['push-a1', /^intake quote/],
      ['gw-1', /^flush/],
      ['lb-asks', null],
    ] as const) {
      const { body } = await told('asks', `/api/stages?node=${node}`, ({ status }) => status === 200)
      assert.deepEqual([body.node, body.blockedMs], [node, null])
      // Of a balancer the event loop alone is watched.
      if (stage === null) assert.deepEqual(body.stages, [], node)
      else
        assert.ok(
          body.stages!.some((one) => stage.test(one.stage) && one.deadlineMs > 0),
          JSON.stringify(body.stages),
        )
      assert.ok(body.heap!.usedBytes > 0 && body.heap!.usedBytes < body.heap!.limitBytes, node)
    }
    const { status, body } = await ask('asks', '/api/stages?node=push-x9')
    assert.equal(status, 502)
    assert.match(body.message!, /push-x9/)
  })

  test('are answered under the names of the page alone', async () => {
    const path = '/api/sessions?user=jo'
    assert.equal((await ask('asks', path, { host: NAME })).status, 200)
    const { status, body } = await ask('asks', path, { host: 'evil.example' })
    assert.equal(status, 403)
    assert.match(body.message!, /evil\.example/)
    assert.equal((await ask('asks', path, { host: NAME, 'sec-fetch-site': 'cross-site' })).status, 403)
  })

  test('are not there where nobody allowed them', async () => {
    for (const path of [
      `/api/trace?symbol=${SYMBOL}`,
      '/api/sessions?user=jo',
      '/api/find?text=jo',
      `/api/holders?symbol=${SYMBOL}`,
      '/api/stages?node=gw-1',
    ])
      assert.equal((await ask('mute', path)).status, 404)
  })

  test('by a secret that the nodes do not have are refused by them, and the page is told', async () => {
    const { body } = await told('stranger', `/api/trace?user=jo&symbol=${SYMBOL}`, ({ status }) => status === 502)
    assert.match(body.message!, /secret|proof|proven/)
  })
})

/** The page itself is no JSON. */
function read(text: string): Told['body'] {
  try {
    return JSON.parse(text) as Told['body']
  } catch {
    return { message: text }
  }
}
